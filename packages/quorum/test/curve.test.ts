// One contract for both implementations of the group operations, on the vectors and against noble's own arithmetic.
import { readFileSync } from "node:fs";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { fromHex, hex, keyholderIndex, utf8 } from "@porchlight/encoding";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  combineOrder,
  combinePartials,
  ibeBase,
  ibeOpen,
  ibeSeal,
  noble,
  partialRelease,
  requesterPoint,
  verifyLabelKey,
  verifyPartial,
} from "../src/index.ts";
import { loadCurve } from "../src/mcl.ts";
import { encodeG1, encodeG2, G1_ZERO, G2_ZERO, labelPoint, P1, P2, parseG1, parseG2 } from "../src/points.ts";
import { Fr } from "../src/scalar.ts";
import { at, deal, digest, flip, seeded } from "./dealer.ts";

const accelerated = await loadCurve();
const scalars = fc.bigInt({ min: 1n, max: Fr.ORDER - 1n });
const read = <T>(url: string): T => JSON.parse(readFileSync(new URL(url, import.meta.url), "utf8")) as T;
const outcome = (call: () => unknown): string => {
  try {
    return JSON.stringify(call(), (_, value: unknown) =>
      typeof value === "bigint" ? value.toString() : value,
    );
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
};

test("the accelerator is installed here, loads once and agrees with noble on a known answer", async () => {
  expect(accelerated.name).toBe("mcl-wasm");
  expect(await loadCurve()).toBe(accelerated);
});

describe.each([noble, accelerated])("$name", (curve) => {
  const parse1 = (bytes: Uint8Array) => parseG1(bytes, "G1 point", curve.decodeG1);
  const parse2 = (bytes: Uint8Array) => parseG2(bytes, "G2 point", curve.decodeG2);

  test("QUO-2, QUO-3, QUO-4: vectors/quorum-points.json", () => {
    const v = read<{
      refusedG1: { why: string; bytes: string }[];
      refusedG2: { why: string; bytes: string }[];
      labelPoints: { mpk: string; label: string; point: string }[];
    }>("../../../vectors/quorum-points.json");
    for (const { why, bytes } of v.refusedG1) {
      expect(
        outcome(() => parse1(fromHex(bytes))),
        why,
      ).toBe("point-invalid");
    }
    for (const { why, bytes } of v.refusedG2) {
      expect(
        outcome(() => parse2(fromHex(bytes))),
        why,
      ).toBe("point-invalid");
    }
    for (const { mpk, label, point } of v.labelPoints) {
      expect(hex(encodeG1(labelPoint(fromHex(mpk), fromHex(label), curve.hashToG1)))).toBe(point);
    }
  });

  test("QUO-3: what noble parses parses to the same point, and every flipped bit is judged alike", () => {
    fc.assert(
      fc.property(scalars, fc.nat(383), fc.nat(767), (s, bit1, bit2) => {
        const [a, b] = [encodeG1(P1.multiply(s)), encodeG2(P2.multiply(s))];
        expect(parse1(a).equals(parseG1(a))).toBe(true);
        expect(parse2(b).equals(parseG2(b))).toBe(true);
        const [x, y] = [flip(a, bit1), flip(b, bit2)];
        expect(outcome(() => hex(encodeG1(parse1(x))))).toBe(outcome(() => hex(encodeG1(parseG1(x)))));
        expect(outcome(() => hex(encodeG2(parse2(y))))).toBe(outcome(() => hex(encodeG2(parseG2(y)))));
      }),
      { numRuns: 12, seed: 1 },
    );
  });

  test("QUO-4: RFC 9380 J.9.1, every message", () => {
    const known = read<{ dst: string; vectors: { msg: string; x: string; y: string }[] }>(
      "./known/rfc9380-g1.json",
    );
    for (const { msg, x, y } of known.vectors) {
      const point = curve.hashToG1(utf8(msg), known.dst).toAffine();
      expect([point.x, point.y].map((c) => c.toString(16).padStart(96, "0"))).toEqual([x, y]);
    }
  });

  test("QUO-2: sums agree with noble's own multiplication, edges and identities included", () => {
    const edges = [0n, 1n, 2n, 2n ** 128n - 1n, Fr.ORDER - 1n];
    for (const s of edges) {
      expect(curve.sumG1([[P1.double(), s]]).equals(P1.double().multiplyUnsafe(s)), String(s)).toBe(true);
    }
    expect(curve.sumG1([]).is0()).toBe(true);
    expect(curve.sumG1([[G1_ZERO, 5n]]).is0()).toBe(true);
    const both = [
      [P1, 5n],
      [P1.negate(), 5n],
    ] as const;
    expect(curve.sumG1(both).is0()).toBe(true);
    fc.assert(
      fc.property(fc.array(fc.tuple(scalars, scalars), { minLength: 1, maxLength: 5 }), (terms) => {
        const points = terms.map(([s, k]) => [P1.multiplyUnsafe(s), k] as const);
        const expected = points.reduce((sum, [point, k]) => sum.add(point.multiplyUnsafe(k)), G1_ZERO);
        expect(curve.sumG1(points).equals(expected)).toBe(true);
      }),
      { numRuns: 6, seed: 2 },
    );
  });

  test("QUO-10: pairings and their powers have noble's bytes", () => {
    const [u, v, w] = [0x1234_5678n, 0x9876_5432_1000n, Fr.ORDER - 3n];
    const [a, b] = [P1.multiply(u), P2.multiply(v)];
    expect(curve.pairing(a, b)).toEqual(noble.pairing(a, b));
    expect(curve.pairing(a, b)).toEqual(noble.pairingBase(P1, P2).power(Fr.mul(u, v)));
    expect(curve.pairingBase(a, b).power(w)).toEqual(noble.pairing(a.multiply(w), b));
    expect(
      curve.pairingsCancel([
        [a, b],
        [P1.negate(), P2.multiply(Fr.mul(u, v))],
        [G1_ZERO, P2],
        [P1, G2_ZERO],
      ]),
    ).toBe(true);
    expect(curve.pairingsCancel([[a, b]])).toBe(false);
    expect(curve.pairingsCancel([])).toBe(true);
  });

  test("QUO-9, QUO-10, QUO-11: vectors/quorum-ibe.json", () => {
    const v = read<{
      mpk: string;
      sealed: { label: string; message: string; seed: string; ciphertext: string; labelKey: string }[];
      refused: { why: string; label: string; labelKey: string; ciphertext: string }[];
      labelKeys: { label: string; labelKey: string; valid: boolean }[];
    }>("../../../vectors/quorum-ibe.json");
    const mpk = fromHex(v.mpk);
    for (const entry of v.sealed) {
      const [label, labelKey] = [fromHex(entry.label), fromHex(entry.labelKey)];
      const base = ibeBase(mpk, label, curve);
      const input = { mpk, label, message: fromHex(entry.message), seed: fromHex(entry.seed), base };
      const ciphertext = ibeSeal(input);
      expect(hex(ciphertext)).toBe(entry.ciphertext);
      expect(hex(ibeOpen({ mpk, label, labelKey, ciphertext, base }))).toBe(entry.message);
    }
    for (const { why, label, labelKey, ciphertext } of v.refused) {
      const base = ibeBase(mpk, fromHex(label), curve);
      const input = {
        mpk,
        label: base.label,
        labelKey: fromHex(labelKey),
        ciphertext: fromHex(ciphertext),
        base,
      };
      expect(
        outcome(() => ibeOpen(input)),
        why,
      ).toBe("refused");
    }
    for (const { label, labelKey, valid } of v.labelKeys) {
      const claim = { mpk, label: fromHex(label), labelKey: fromHex(labelKey) };
      expect(verifyLabelKey(claim, curve)).toBe(valid);
    }
  });

  test("REL-3, REL-5, REL-6: vectors/quorum-release.json", () => {
    type Share = { keyholder: number; partial: string };
    const v = read<{
      master: { threshold: number; mpk: string; verifyingShares: { keyholder: number; share: string }[] };
      requester: { point: string; secret: string };
      label: string;
      partials: Share[];
      refusedPartials: (Share & { why: string })[];
      combinations: { partials: Share[]; result: { labelKey?: string } }[];
    }>("../../../vectors/quorum-release.json");
    const { point, secret } = v.requester;
    const master = {
      threshold: v.master.threshold,
      mpk: fromHex(v.master.mpk),
      verifyingShares: new Map(
        v.master.verifyingShares.map((s) => [keyholderIndex(s.keyholder), fromHex(s.share)]),
      ),
    };
    const [label, requester] = [fromHex(v.label), fromHex(point)];
    const verify = ({ keyholder, partial }: Share) =>
      verifyPartial({
        partial: fromHex(partial),
        verifyingShare: master.verifyingShares.get(keyholderIndex(keyholder)) as Uint8Array,
        mpk: master.mpk,
        label,
        requester,
        curve,
      });
    for (const entry of v.partials) expect(verify(entry)).toBe(true);
    for (const entry of v.refusedPartials) expect(verify(entry), entry.why).toBe(false);
    for (const { partials, result } of v.combinations) {
      const combined = combinePartials({
        master,
        label,
        requester,
        requesterSecret: fromHex(secret),
        partials: new Map(partials.map((p) => [keyholderIndex(p.keyholder), fromHex(p.partial)])),
        curve,
      });
      const shown =
        combined.kind === "combined" ? { ...combined, labelKey: hex(combined.labelKey) } : combined;
      expect(shown).toEqual(result);
    }
  });

  test("REL-2, REL-4: a blinded partial made here holds on the other curve, byte for byte the same", () => {
    const { master, shares } = deal(2, [1, 2, 3], seeded("curves"));
    const [label, share] = [digest("label"), at(shares, 0)];
    const requester = requesterPoint(seeded("requester"), label);
    const input = { share, mpk: master.mpk, label, requester: requester.point };
    const partial = partialRelease({ ...input, random: seeded("a and m"), curve });
    expect(partial).toEqual(partialRelease({ ...input, random: seeded("a and m") }));
    const verifyingShare = master.verifyingShares.get(share.keyholder) as Uint8Array;
    const check = { partial, verifyingShare, mpk: master.mpk, label, requester: requester.point };
    const other = curve === noble ? accelerated : noble;
    expect(verifyPartial({ ...check, curve: other })).toBe(true);
  });
});

describe("an order of many labels", () => {
  const random = seeded("order");
  const first = deal(3, [1, 2, 3, 4, 5], random);
  const second = deal(3, [1, 2, 3, 4, 5], random);
  const requester = requesterPoint(random, digest("warrant"));
  const works = Array.from({ length: 8 }, (_, i) => {
    const { master, shares, coefficients } = i < 5 ? first : second;
    const label = random(121);
    const release = { mpk: master.mpk, label, requester: requester.point };
    const partials = new Map(
      shares.map((share) => [
        share.keyholder,
        partialRelease({ share, ...release, random, curve: accelerated }),
      ]),
    );
    const labelKey = encodeG1(labelPoint(master.mpk, label).multiply(at(coefficients, 0)));
    return { master, label, partials, labelKey };
  });
  const combine = (labels: Parameters<typeof combineOrder>[0]["labels"], curve = accelerated) => {
    const progress: number[] = [];
    const result = combineOrder({
      requester: requester.point,
      requesterSecret: requester.secret,
      labels,
      curve,
      progress: (done) => progress.push(done),
    });
    return { ...result, progress };
  };
  const labelKeys = works.map(({ labelKey }) => labelKey);
  /** The order with the partials of (label, keyholder) made wrong, and of some keyholders only. */
  const spoiled = (bad: readonly (readonly [number, number])[], only = [1, 2, 3, 4, 5]) =>
    works.map((work, i) => ({
      ...work,
      partials: new Map(
        [...work.partials]
          .filter(([index]) => only.includes(index))
          .map(([index, bytes]) => {
            const wrong = bad.some(([label, keyholder]) => label === i && keyholder === index);
            return [index, wrong ? (at(works, (i + 1) % 8).partials.get(index) as Uint8Array) : bytes];
          }),
      ),
    }));

  test.each([noble, accelerated])(
    "REL-7: all keys from one check, over two key periods, on $name",
    (curve) => {
      const labels = curve === noble ? works.slice(3, 6) : works;
      const result = combine(labels, curve);
      expect(result).toMatchObject({ kind: "combined", blamed: [] });
      expect(result).toHaveProperty(
        "labelKeys",
        labels.map(({ labelKey }) => labelKey),
      );
      expect(result.progress).toEqual(labels.map((_, i) => i + 1));
    },
  );

  test("REL-7: an order without labels has no keys", () => {
    expect(combine([])).toMatchObject({ kind: "combined", labelKeys: [] });
  });

  test("REL-7: one wrong partial among many is found, its keyholder named, and the others suffice", () => {
    for (const label of [0, 4, 7]) {
      expect(combine(spoiled([[label, 2]]))).toMatchObject({ kind: "combined", labelKeys, blamed: [2] });
    }
  });

  test("REL-7: a keyholder that is wrong everywhere costs one search, and two that take turns are outvoted", () => {
    const everywhere = works.map((_, i) => [i, 1] as const);
    expect(combine(spoiled(everywhere))).toMatchObject({ kind: "combined", labelKeys, blamed: [1] });
    const turns = works.map((_, i) => [i, 1 + (i % 2)] as const);
    // Without 5 every label needs one of the two: the one that was right about it.
    expect(combine(spoiled(turns, [1, 2, 3, 4]))).toMatchObject({
      kind: "combined",
      labelKeys,
      blamed: [1, 2],
    });
  });

  test("REL-7: a label that cannot be had is named", () => {
    expect(combine(spoiled([[5, 1]], [1, 2, 3]))).toMatchObject({
      kind: "short",
      at: 5,
      have: 2,
      need: 3,
      blamed: [1],
    });
    const missing = works.map((work, i) => (i === 6 ? { ...work, partials: new Map() } : work));
    expect(combine(missing)).toMatchObject({ kind: "short", at: 6, have: 0, need: 3, blamed: [] });
  });

  test("REL-7: errors made to cancel in an unweighted sum are refused", () => {
    // Labels 0 and 1 under one master key: what one gains the other loses.
    const labels = works.map((work, i) => {
      if (i > 1) return work;
      const bytes = work.partials.get(keyholderIndex(1)) as Uint8Array;
      const masked = parseG1(bytes.subarray(144));
      const moved = encodeG1(masked.add(i === 0 ? P1 : P1.negate()));
      const forged = new Uint8Array(192);
      forged.set(bytes.subarray(0, 144));
      forged.set(moved, 144);
      return { ...work, partials: new Map([...work.partials, [keyholderIndex(1), forged] as const]) };
    });
    expect(combine(labels)).toMatchObject({ kind: "combined", labelKeys, blamed: [1] });
  });
});

test("mcl reads noble's coordinates whatever their projective form", () => {
  const point = bls12_381.G1.Point.BASE.double().add(P1);
  expect(point.Z).not.toBe(1n);
  expect(accelerated.sumG1([[point, 1n]]).equals(point)).toBe(true);
  const other = P2.double().add(P2);
  expect(accelerated.pairing(P1, other)).toEqual(noble.pairing(P1, other));
});
