import { DerivedPublicKey, EncryptedVetKey, IbeCiphertext, TransportSecretKey } from "@dfinity/vetkeys";
import { concat, hex, type KeyholderIndex, keyholderIndex } from "@porchlight/encoding";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type CombineInput,
  combinePartials,
  ibeOpen,
  ibeSeal,
  PARTIAL_LENGTH,
  partialRelease,
  requesterPoint,
  requesterWord,
  verifyLabelKey,
  verifyLabelKeys,
  verifyPartial,
  verifyRequesterPoint,
  verifyRequesterWord,
} from "../src/index.ts";
import { encodeG1, encodeG2, G1_ZERO, G2_ZERO, labelPoint, P1, P2, parseG1, parseG2 } from "../src/points.ts";
import { encodeScalar, Fr, hashToScalar, parseScalar, transcript } from "../src/scalar.ts";
import { lagrange } from "../src/sharing.ts";
import { at, deal, digest, flip, seeded } from "./dealer.ts";

const random = seeded("release");
const { master, shares, coefficients } = deal(3, [1, 2, 3, 4, 5], random);
const { mpk } = master;
const label = random(121);
const warrant = digest("warrant");
const requester = requesterPoint(random, warrant);
const release = { mpk, label, requester: requester.point };
const partials = new Map(
  shares.map((share) => [share.keyholder, partialRelease({ share, ...release, random })]),
);
const labelKey = encodeG1(labelPoint(mpk, label).multiply(at(coefficients, 0)));
const combine = (changes: Partial<CombineInput> = {}) =>
  combinePartials({
    master,
    label,
    requester: requester.point,
    requesterSecret: requester.secret,
    partials,
    ...changes,
  });
const only = (...indices: number[]) => new Map([...partials].filter(([index]) => indices.includes(index)));
const verify = (partial: Uint8Array, index: number, changes: Partial<typeof release> = {}) =>
  verifyPartial({
    partial,
    verifyingShare: master.verifyingShares.get(keyholderIndex(index)) as Uint8Array,
    ...release,
    ...changes,
  });
const partialOf = (index: number) => partials.get(keyholderIndex(index)) as Uint8Array;
const refused = (call: () => unknown, code: string) =>
  expect(call).toThrowError(expect.objectContaining({ name: "QuorumError", code }));

test("REL-12: a word holds for its point and context, and no proof of possession is one", () => {
  const context = digest("said");
  const word = requesterWord(random, requester.secret, context);
  expect(verifyRequesterWord(requester.point, word, context)).toBe(true);
  expect(verifyRequesterWord(requester.point, word, digest("other"))).toBe(false);
  expect(verifyRequesterWord(requesterPoint(random, warrant).point, word, context)).toBe(false);
  expect(verifyRequesterWord(requester.point, requester.proof, warrant)).toBe(false);
  expect(() => requesterWord(random, new Uint8Array(32), context)).toThrow("scalar-invalid");
});

describe("requester's point", () => {
  test("REL-1: the proof holds for its point and context", () => {
    expect(verifyRequesterPoint(requester.point, requester.proof, warrant)).toBe(true);
    expect(encodeG1(P1.multiply(parseScalar(requester.secret)))).toEqual(requester.point);
  });

  test("REL-1: replayed to another warrant, or for another point, it is refused", () => {
    expect(verifyRequesterPoint(requester.point, requester.proof, digest("another warrant"))).toBe(false);
    expect(verifyRequesterPoint(requester.point, requester.proof, new Uint8Array())).toBe(false);
    const other = requesterPoint(random, warrant);
    expect(verifyRequesterPoint(other.point, requester.proof, warrant)).toBe(false);
    // A multiple of somebody's point: nobody can prove it without the secret.
    const derived = encodeG1(parseG1(requester.point).add(P1));
    expect(verifyRequesterPoint(derived, requester.proof, warrant)).toBe(false);
  });

  test("REL-1: every flipped bit, truncated and prolonged proofs and malformed points are refused", () => {
    for (let bit = 0; bit < 640; bit += 17) {
      expect(verifyRequesterPoint(requester.point, flip(requester.proof, bit), warrant)).toBe(false);
    }
    for (let bit = 0; bit < 384; bit += 17) {
      expect(verifyRequesterPoint(flip(requester.point, bit), requester.proof, warrant)).toBe(false);
    }
    for (const proof of [
      requester.proof.subarray(1),
      concat(requester.proof, new Uint8Array(1)),
      new Uint8Array(80),
    ]) {
      expect(verifyRequesterPoint(requester.point, proof, warrant)).toBe(false);
    }
    const identity = new Uint8Array(48);
    identity[0] = 0xc0;
    expect(verifyRequesterPoint(identity, requester.proof, warrant)).toBe(false);
  });

  test("QUO-12: a point cannot be computed from a proof chosen before it", () => {
    // Works against a challenge that leaves the point out: X = (zB − R)/c for freely chosen R and z.
    const r = P1.multiply(5n);
    const z = 7n;
    for (const fields of [[warrant, encodeG1(r)], [warrant]]) {
      const c = hashToScalar(transcript("requester-proof", ...fields), "porchlight-v1 schnorr");
      const point = P1.multiply(z).subtract(r).multiply(Fr.inv(c));
      const proof = concat(encodeG1(r), encodeScalar(z));
      expect(verifyRequesterPoint(encodeG1(point), proof, warrant)).toBe(false);
    }
  });

  test("REL-1: z + r is not another form of the same proof", () => {
    const z = parseScalar(requester.proof.subarray(48)) + Fr.ORDER;
    const bytes = Uint8Array.from({ length: 32 }, (_, i) => Number((z >> BigInt(8 * (31 - i))) & 255n));
    const proof = concat(requester.proof.subarray(0, 48), bytes);
    expect(verifyRequesterPoint(requester.point, proof, warrant)).toBe(false);
  });
});

describe("partials", () => {
  test("REL-2: 192 bytes, different each time, accepted against the keyholder's verifying share", () => {
    for (const [index, partial] of partials) {
      expect(partial.length).toBe(PARTIAL_LENGTH);
      expect(verify(partial, index)).toBe(true);
    }
    const again = partialRelease({ share: at(shares, 0), ...release, random });
    expect(hex(again)).not.toBe(hex(partialOf(1)));
  });

  test("REL-4: blinding does not show: the same a with another m gives the same bytes", () => {
    const make = (m: Uint8Array) => {
      const source = [random48, m];
      return partialRelease({ share: at(shares, 0), ...release, random: () => source.shift() as Uint8Array });
    };
    const random48 = random(48);
    expect(hex(make(random(48)))).toBe(hex(make(random(48))));
  });

  test("REL-3: another keyholder's share, label, requester or master key is refused", () => {
    expect(verify(partialOf(1), 2)).toBe(false);
    expect(verify(partialOf(1), 1, { label: random(121) })).toBe(false);
    const stranger = requesterPoint(random, warrant);
    expect(verify(partialOf(1), 1, { requester: stranger.point })).toBe(false);
    expect(verify(partialOf(1), 1, { mpk: deal(3, [1, 2, 3], random).master.mpk })).toBe(false);
  });

  test("REL-3: the label of another account, conversation, charter or day is refused, whichever byte differs", () => {
    for (const place of [20, 21, 53, 85, 117, 120]) {
      expect(verify(partialOf(2), 2, { label: flip(label, 8 * place + 7) }), `byte ${place}`).toBe(false);
    }
  });

  test("REL-3: a flipped bit in every byte, and the three signs, are refused", () => {
    const bits = Array.from({ length: PARTIAL_LENGTH }, (_, byte) => 8 * byte + (byte % 8));
    for (const bit of [...bits, 2, 8 * 48 + 2, 8 * 144 + 2]) {
      expect(verify(flip(partialOf(3), bit), 3), `bit ${bit}`).toBe(false);
    }
  });

  test("REL-3: parts of two good partials do not make a third", () => {
    const [a, b] = [partialOf(4), partialRelease({ share: at(shares, 3), ...release, random })];
    expect(verify(b, 4)).toBe(true);
    for (const [x, y, z] of [
      [a, a, b],
      [a, b, a],
      [b, a, a],
    ] as const) {
      expect(verify(concat(x.subarray(0, 48), y.subarray(48, 144), z.subarray(144)), 4)).toBe(false);
    }
    for (const bytes of [a.subarray(1), concat(a, new Uint8Array(1)), new Uint8Array(192)]) {
      expect(verify(bytes, 4)).toBe(false);
    }
  });

  test("REL-2: an invalid requester point, share or master key is refused before anything is computed", () => {
    const share = at(shares, 0);
    for (const point of [
      new Uint8Array(48),
      Uint8Array.of(0xc0, ...new Uint8Array(47)),
      requester.point.subarray(1),
    ]) {
      refused(() => partialRelease({ share, ...release, requester: point, random }), "point-invalid");
    }
    refused(() => partialRelease({ share, ...release, mpk: new Uint8Array(96), random }), "point-invalid");
    const zero = { ...share, secret: new Uint8Array(32) };
    refused(() => partialRelease({ share: zero, ...release, random }), "scalar-invalid");
  });
});

describe("combining", () => {
  test("REL-5: any t of n give the same label key", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([1, 2, 3, 4, 5], { minLength: 3 }), (indices) => {
        expect(combine({ partials: only(...indices) })).toEqual({ kind: "combined", labelKey, blamed: [] });
      }),
      { numRuns: 4, seed: 1 },
    );
  });

  test("REL-5: t − 1 are short, and together with a made-up partial still are", () => {
    expect(combine({ partials: only(2, 5) })).toEqual({ kind: "short", have: 2, need: 3, blamed: [] });
    expect(combine({ partials: new Map() })).toEqual({ kind: "short", have: 0, need: 3, blamed: [] });
    const a = at(coefficients, 1);
    const forged = concat(encodeG1(P1.multiply(a)), encodeG2(P2.multiply(a)), encodeG1(P1.multiply(9n)));
    const partials = new Map([...only(2, 5), [keyholderIndex(1), forged]]);
    expect(combine({ partials })).toEqual({ kind: "short", have: 2, need: 3, blamed: [1] });
  });

  test("REL-6: one keyholder's partial under other names never counts twice", () => {
    const first = partialOf(1);
    const again = partialRelease({ share: at(shares, 0), ...release, random });
    const partials = new Map<KeyholderIndex, Uint8Array>(
      [1, 2, 3, 4, 5].map((index) => [keyholderIndex(index), index % 2 === 0 ? first : again]),
    );
    expect(combine({ partials })).toEqual({ kind: "short", have: 1, need: 3, blamed: [2, 3, 4, 5] });
  });

  test("REL-5: bad partials are blamed, and the good ones suffice", () => {
    const wrongLabel = partialRelease({ share: at(shares, 0), ...release, label: random(121), random });
    const mixed = new Map([
      ...partials,
      [keyholderIndex(1), wrongLabel],
      [keyholderIndex(2), flip(partialOf(2), 500)],
    ] as const);
    expect(combine({ partials: mixed })).toEqual({ kind: "combined", labelKey, blamed: [1, 2] });
    const malformed = new Map([...partials, [keyholderIndex(1), new Uint8Array(192)]] as const);
    expect(combine({ partials: malformed })).toEqual({ kind: "combined", labelKey, blamed: [1] });
  });

  test("REL-5: a partial made for another requester is useless and blamed", () => {
    const stranger = requesterPoint(random, warrant);
    const swapped = partialRelease({ share: at(shares, 0), ...release, requester: stranger.point, random });
    const partials = new Map([...only(2, 3), [keyholderIndex(1), swapped]]);
    expect(combine({ partials })).toEqual({ kind: "short", have: 2, need: 3, blamed: [1] });
    // Nor do this release's partials open for the stranger.
    const result = combine({ requester: stranger.point, requesterSecret: stranger.secret });
    expect(result).toEqual({ kind: "short", have: 0, need: 3, blamed: [1, 2, 3, 4, 5] });
    refused(() => combine({ requesterSecret: stranger.secret }), "requester-mismatch");
  });

  test("REL-5: for the label of another account or day nothing combines", () => {
    const result = combine({ label: flip(label, 8 * 120) });
    expect(result).toEqual({ kind: "short", have: 0, need: 3, blamed: [1, 2, 3, 4, 5] });
  });

  test("REL-6: a keyholder outside the master key is refused", () => {
    refused(
      () => combine({ partials: new Map([...partials, [keyholderIndex(6), partialOf(1)]]) }),
      "keyholder-unknown",
    );
  });

  test("REL-5: a master key whose shares do not belong together is found out", () => {
    const other = deal(3, [1, 2, 3, 4, 5], random);
    const mixed = {
      ...master,
      verifyingShares: new Map([...master.verifyingShares, ...[...other.master.verifyingShares].slice(0, 1)]),
    };
    const partial = partialRelease({ share: at(other.shares, 0), ...release, random });
    const partials = new Map([...only(2, 3), [keyholderIndex(1), partial]]);
    refused(() => combine({ master: mixed, partials }), "shares-inconsistent");
  });
});

describe("label keys", () => {
  const claim = { mpk, label, labelKey };

  test("QUO-9: the label's own key is accepted and no other", () => {
    expect(verifyLabelKey(claim)).toBe(true);
    expect(verifyLabelKey({ ...claim, label: flip(label, 960) })).toBe(false);
    expect(verifyLabelKey({ ...claim, labelKey: encodeG1(parseG1(labelKey).negate()) })).toBe(false);
    expect(verifyLabelKey({ ...claim, mpk: encodeG2(P2) })).toBe(false);
    expect(verifyLabelKey({ ...claim, labelKey: new Uint8Array(48) })).toBe(false);
  });

  test("QUO-9: a batch over two master keys is accepted, with any one wrong it is refused", () => {
    const other = deal(2, [1, 2], random);
    const claims = [0, 1, 2, 3, 4].map((i) => {
      const { master, coefficients } = i % 2 === 0 ? other : deal(2, [1, 2], random);
      const label = random(121);
      const key = labelPoint(master.mpk, label).multiply(at(coefficients, 0));
      return { mpk: master.mpk, label, labelKey: encodeG1(key) };
    });
    expect(verifyLabelKeys(claims)).toBe(true);
    expect(verifyLabelKeys([])).toBe(true);
    for (let i = 0; i < claims.length; i++) {
      const wrong = claims.map((claim, j) =>
        i === j ? { ...claim, labelKey: encodeG1(parseG1(claim.labelKey).add(P1)) } : claim,
      );
      expect(verifyLabelKeys(wrong)).toBe(false);
    }
    expect(verifyLabelKeys([...claims, { ...claim, labelKey: new Uint8Array(48) }])).toBe(false);
  });

  test("QUO-8: errors that cancel in a plain sum do not cancel under the weights", () => {
    const labels = [random(121), random(121)];
    const claims = labels.map((label, i) => ({
      mpk,
      label,
      labelKey: encodeG1(
        labelPoint(mpk, label)
          .multiply(at(coefficients, 0))
          .add(i === 0 ? P1 : P1.negate()),
      ),
    }));
    expect(verifyLabelKeys(claims)).toBe(false);
  });
});

test("REL-2: @dfinity/vetkeys decrypts, verifies and uses the combined key of a 3-of-5 encrypted release", () => {
  const chosen = [1, 3, 5];
  const { numerators, denominator } = lagrange(chosen);
  const weight = (i: number) => Fr.div(Fr.create(at(numerators, i)), Fr.create(denominator));
  const sum1 = (from: number) =>
    chosen.reduce(
      (sum, index, i) => sum.add(parseG1(partialOf(index).subarray(from, from + 48)).multiply(weight(i))),
      G1_ZERO,
    );
  const sum2 = chosen.reduce(
    (sum, index, i) => sum.add(parseG2(partialOf(index).subarray(48, 144)).multiply(weight(i))),
    G2_ZERO,
  );
  const encrypted = concat(encodeG1(sum1(0)), encodeG2(sum2), encodeG1(sum1(144)));
  const theirs = EncryptedVetKey.deserialize(encrypted).decryptAndVerify(
    TransportSecretKey.deserialize(requester.secret),
    DerivedPublicKey.deserialize(mpk),
    label,
  );
  expect(hex(theirs.signatureBytes())).toBe(hex(labelKey));
  const message = random(64);
  const ciphertext = ibeSeal({ mpk, label, message, seed: random(32) });
  expect(hex(IbeCiphertext.deserialize(ciphertext).decrypt(theirs))).toBe(hex(message));
  const combined = combine({ partials: only(...chosen) });
  if (combined.kind !== "combined") throw new Error("three partials are a quorum");
  expect(hex(ibeOpen({ mpk, label, labelKey: combined.labelKey, ciphertext }))).toBe(hex(message));
});
