import { type KeyholderIndex, keyholderIndex, utf8 } from "@porchlight/encoding";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { randomFrom, sharedKey, THRESHOLD } from "../../../vectors/fixture/deployment.ts";
import {
  combineLabelShares,
  labelShare,
  type MasterKey,
  verifyLabelKey,
  verifyLabelShare,
} from "../src/index.ts";

const { mpk, verifyingShares, shares } = sharedKey("label shares");
const master: MasterKey = {
  threshold: THRESHOLD,
  mpk,
  verifyingShares: new Map(verifyingShares.map((share, i) => [keyholderIndex(i + 1), share])),
};
const label = utf8("a label that everybody may have the key of");
const made = new Map(
  shares.map((share, i) => [
    share.keyholder,
    labelShare({ share, mpk, label, random: randomFrom(`blinding ${i}`) }),
  ]),
);
const of = (...indices: number[]) =>
  new Map(indices.map((i) => [i as KeyholderIndex, made.get(i as KeyholderIndex) as Uint8Array]));
const first = combineLabelShares({ master, label, shares: of(1, 2, 3) });

describe("label shares", () => {
  test("REL-10: the same bytes whatever the blinding, valid for their keyholder and label alone", () => {
    const [share] = shares as [(typeof shares)[number]];
    const again = labelShare({ share, mpk, label, random: randomFrom("another blinding") });
    expect(again).toEqual(made.get(share.keyholder));
    const valid = (index: number, bytes: Uint8Array, at = label) =>
      verifyLabelShare({
        share: bytes,
        verifyingShare: verifyingShares[index - 1] as Uint8Array,
        mpk,
        label: at,
      });
    expect([valid(1, again), valid(2, again), valid(1, again, utf8("another label"))]).toEqual([
      true,
      false,
      false,
    ]);
    expect(valid(1, new Uint8Array(48))).toBe(false);
    expect(valid(1, again.slice(1))).toBe(false);
  });

  test("REL-11: any t give one key, which is the label's; fewer give none", () => {
    if (first.kind !== "combined") throw new Error("short");
    expect(verifyLabelKey({ mpk, label, labelKey: first.labelKey })).toBe(true);
    fc.assert(
      fc.property(fc.subarray([1, 2, 3, 4, 5]), (indices) => {
        const result = combineLabelShares({ master, label, shares: of(...indices) });
        if (indices.length < THRESHOLD) expect(result).toMatchObject({ kind: "short", have: indices.length });
        else expect(result).toEqual({ kind: "combined", labelKey: first.labelKey, blamed: [] });
      }),
      { numRuns: 10 },
    );
  });

  test("REL-11: a bad share is blamed and the good ones combine; an unknown keyholder is refused", () => {
    const wrong = of(1, 2, 3, 4).set(2 as KeyholderIndex, made.get(3 as KeyholderIndex) as Uint8Array);
    expect(combineLabelShares({ master, label, shares: wrong })).toEqual({ ...first, blamed: [2] });
    expect(combineLabelShares({ master, label, shares: new Map([...wrong].slice(0, 3)) })).toMatchObject({
      kind: "short",
      have: 2,
      blamed: [2],
    });
    expect(() =>
      combineLabelShares({ master, label, shares: of(1, 2).set(6 as KeyholderIndex, new Uint8Array(48)) }),
    ).toThrow(expect.objectContaining({ code: "keyholder-unknown" }));
  });
});
