// Sharing, requester's point, partials and combining (spec/quorum.md, QUO-7 and REL).
import { fromHex, hex, keyholderIndex } from "@porchlight/encoding";
import { combinePartials, partialRelease, requesterPoint } from "../../packages/quorum/src/index.ts";
import { encodeG2, P2, parseG2 } from "../../packages/quorum/src/points.ts";
import { encodeScalar, randomScalar } from "../../packages/quorum/src/scalar.ts";
import { deal, digest, flip, seeded } from "../../packages/quorum/test/dealer.ts";

export function make(): unknown {
  const random = seeded("quorum-release");
  const { master, shares } = deal(3, [1, 2, 3, 4, 5], random);
  const label = random(121);
  const context = digest("warrant");
  const requester = requesterPoint(random, context);
  const stranger = requesterPoint(random, context);
  const release = { mpk: master.mpk, label, requester: requester.point };
  const partials = shares.map((share) => {
    const a = random(48);
    const blind = random(48);
    const source = [a, blind];
    const partial = partialRelease({ share, ...release, random: () => source.shift() as Uint8Array });
    return { keyholder: share.keyholder, a: hex(encodeScalar(randomScalar(() => a))), partial: hex(partial) };
  });
  const bytesOf = (index: number) => fromHex((partials[index - 1] as (typeof partials)[number]).partial);
  const combine = (chosen: readonly (readonly [number, Uint8Array])[]) => {
    const result = combinePartials({
      master,
      label,
      requester: requester.point,
      requesterSecret: requester.secret,
      partials: new Map(chosen.map(([index, bytes]) => [keyholderIndex(index), bytes])),
    });
    return {
      partials: chosen.map(([keyholder, bytes]) => ({ keyholder, partial: hex(bytes) })),
      result: result.kind === "combined" ? { ...result, labelKey: hex(result.labelKey) } : result,
    };
  };
  const good = (...indices: number[]) => indices.map((index) => [index, bytesOf(index)] as const);
  const swapped = partialRelease({
    share: shares[0] as (typeof shares)[number],
    ...release,
    requester: stranger.point,
    random,
  });
  const formatMaster = ({ threshold, mpk, verifyingShares }: typeof master) => ({
    threshold,
    mpk: hex(mpk),
    verifyingShares: [...verifyingShares].map(([keyholder, share]) => ({ keyholder, share: hex(share) })),
  });
  const moved = new Map(master.verifyingShares);
  moved.set(keyholderIndex(4), encodeG2(parseG2(moved.get(keyholderIndex(4)) as Uint8Array).add(P2)));
  return {
    description: "Encrypted partial release (spec/quorum.md). All byte strings in hex.",
    master: formatMaster(master),
    shares: shares.map(({ keyholder, secret }) => ({ keyholder, secret: hex(secret) })),
    refusedMasters: [
      { why: "a share off the polynomial", ...formatMaster({ ...master, verifyingShares: moved }) },
      { why: "another mpk", ...formatMaster({ ...master, mpk: encodeG2(P2) }) },
      { why: "a lower threshold than dealt", ...formatMaster({ ...master, threshold: 2 }) },
      { why: "a threshold of one", ...formatMaster({ ...master, threshold: 1 }) },
    ],
    context: hex(context),
    requester: { point: hex(requester.point), secret: hex(requester.secret), proof: hex(requester.proof) },
    refusedRequesters: [
      {
        why: "another context",
        context: hex(digest("other")),
        point: requester.point,
        proof: requester.proof,
      },
      { why: "another's point", context: hex(context), point: stranger.point, proof: requester.proof },
      {
        why: "altered proof",
        context: hex(context),
        point: requester.point,
        proof: flip(requester.proof, 639),
      },
    ].map((entry) => ({ ...entry, point: hex(entry.point), proof: hex(entry.proof) })),
    label: hex(label),
    partials,
    refusedPartials: [
      { why: "another keyholder's", keyholder: 2, partial: bytesOf(1) },
      { why: "for another requester", keyholder: 1, partial: swapped },
      { why: "altered", keyholder: 1, partial: flip(bytesOf(1), 2) },
    ].map((entry) => ({ ...entry, partial: hex(entry.partial) })),
    combinations: [
      combine(good(1, 2, 3)),
      combine(good(2, 4, 5)),
      combine(good(1, 2, 3, 4, 5)),
      combine(good(1, 5)),
      combine([[1, swapped], ...good(2, 3, 4)]),
      combine([[1, new Uint8Array(192)], ...good(2, 3, 4)]),
      combine([
        [1, bytesOf(1)],
        [2, bytesOf(1)],
        [3, bytesOf(1)],
      ]),
    ],
  };
}
