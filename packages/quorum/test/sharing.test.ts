import { keyholderIndex } from "@porchlight/encoding";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkKeyShare, checkMasterKey, type MasterKey } from "../src/index.ts";
import { encodeG2, P2, parseG2 } from "../src/points.ts";
import { Fr } from "../src/scalar.ts";
import { evaluate, evaluateInExponent, lagrange, wholeSum } from "../src/sharing.ts";
import { at, deal, seeded } from "./dealer.ts";

const random = seeded("sharing");
const refused = (check: () => unknown, code: string) =>
  expect(check).toThrowError(expect.objectContaining({ name: "QuorumError", code }));

describe("QUO-7: the master key", () => {
  test.each([
    [2, [1, 2]],
    [2, [1, 2, 3]],
    [3, [1, 2, 3, 4, 5]],
    [5, [1, 2, 3, 4, 5]],
    [4, [2, 3, 7, 100, 255]],
  ])("QUO-7: %i of %j dealt honestly is accepted", (threshold, indices) => {
    checkMasterKey(deal(threshold, indices, random).master);
  });

  const { master } = deal(3, [1, 2, 3, 4, 5], random);
  const withShare = (index: number, share: Uint8Array): MasterKey => ({
    ...master,
    verifyingShares: new Map([...master.verifyingShares, [keyholderIndex(index), share]]),
  });

  test("QUO-7: any single share, or mpk, off the polynomial is refused", () => {
    for (const [index, share] of master.verifyingShares) {
      refused(
        () => checkMasterKey(withShare(index, encodeG2(parseG2(share).add(P2)))),
        "shares-inconsistent",
      );
    }
    const mpk = encodeG2(parseG2(master.mpk).add(P2));
    refused(() => checkMasterKey({ ...master, mpk }), "shares-inconsistent");
  });

  test("QUO-7: a polynomial of higher degree, two shares exchanged, a share repeated are refused", () => {
    refused(
      () => checkMasterKey({ ...deal(4, [1, 2, 3, 4, 5], random).master, threshold: 3 }),
      "shares-inconsistent",
    );
    const [one, two] = [
      at([...master.verifyingShares.values()], 0),
      at([...master.verifyingShares.values()], 1),
    ];
    refused(
      () =>
        checkMasterKey({
          ...withShare(1, two),
          verifyingShares: new Map([
            ...master.verifyingShares,
            [keyholderIndex(1), two],
            [keyholderIndex(2), one],
          ]),
        }),
      "shares-inconsistent",
    );
    refused(() => checkMasterKey(withShare(2, one)), "shares-inconsistent");
    refused(() => checkMasterKey(withShare(6, one)), "shares-inconsistent");
  });

  test("QUO-3: a share that is no point is refused", () => {
    refused(() => checkMasterKey(withShare(2, new Uint8Array(96))), "point-invalid");
  });

  test("QUO-6: thresholds outside 2 … n are refused", () => {
    for (const threshold of [0, 1, 6, 2.5, Number.NaN]) {
      refused(() => checkMasterKey({ ...master, threshold }), "shares-inconsistent");
    }
  });

  test("QUO-7: a keyholder recognises its own share and no other", () => {
    const { master, shares } = deal(2, [1, 2, 3], random);
    for (const share of shares) checkKeyShare(share, master);
    const [first, second] = [at(shares, 0), at(shares, 1)];
    refused(() => checkKeyShare({ ...first, secret: second.secret }, master), "shares-inconsistent");
    refused(() => checkKeyShare({ ...first, keyholder: keyholderIndex(9) }, master), "keyholder-unknown");
    refused(() => checkKeyShare({ ...first, secret: new Uint8Array(32) }, master), "scalar-invalid");
  });
});

describe("interpolation", () => {
  const polynomials = fc.integer({ min: 2, max: 6 }).chain((t) =>
    fc.record({
      coefficients: fc.array(fc.bigInt({ min: 1n, max: Fr.ORDER - 1n }), { minLength: t, maxLength: t }),
      indices: fc.uniqueArray(fc.integer({ min: 1, max: 255 }), { minLength: t, maxLength: t }),
    }),
  );

  test("QUO-6: any t values of a polynomial of degree t − 1 give its constant term, t − 1 do not", () => {
    fc.assert(
      fc.property(polynomials, ({ coefficients, indices }) => {
        const value = (chosen: readonly number[]) => {
          const { numerators, denominator } = lagrange(chosen);
          const sum = chosen.reduce(
            (total, x, i) => Fr.add(total, Fr.mul(Fr.create(at(numerators, i)), evaluate(coefficients, x))),
            0n,
          );
          return Fr.mul(sum, Fr.inv(Fr.create(denominator)));
        };
        expect(value(indices)).toBe(at(coefficients, 0));
        expect(value(indices.slice(1))).not.toBe(at(coefficients, 0));
      }),
      { numRuns: 200, seed: 1 },
    );
  });

  test("QUO-6: evaluation in the exponent agrees with evaluation", () => {
    fc.assert(
      fc.property(polynomials, fc.integer({ min: 1, max: 255 }), ({ coefficients }, x) => {
        const commitments = coefficients.map((a) => P2.multiply(a));
        const expected = encodeG2(P2.multiply(evaluate(coefficients, x)));
        expect(encodeG2(evaluateInExponent(commitments, x))).toEqual(expected);
      }),
      { numRuns: 5, seed: 1 },
    );
  });

  test("QUO-6: sums with whole factors of either sign, none and zero", () => {
    const terms = [
      [P2, 5n],
      [P2.double(), -3n],
      [P2, 0n],
    ] as const;
    expect(wholeSum(P2, terms).is0()).toBe(true);
    expect(wholeSum(P2, []).equals(P2)).toBe(true);
  });
});
