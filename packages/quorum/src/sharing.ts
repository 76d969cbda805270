// Shamir sharing over Fr with verifying shares in G2. Interpolation is done with whole numbers and one common
// denominator: keyholder indices are small, so most of it is a handful of additions instead of full multiplications.

import type { WeierstrassPoint } from "@noble/curves/abstract/weierstrass.js";
import { hex, type KeyholderIndex, keyholderIndex } from "@porchlight/encoding";
import { QuorumError } from "./error.ts";
import { encodeG2, type G2, G2_ZERO, knownG2, P2 } from "./points.ts";
import { Fr, parseScalar } from "./scalar.ts";

/** The public half of a threshold key: what a `keys` entry of the log carries for one DKG. */
export type MasterKey = {
  /** t: so many distinct keyholders open, t − 1 do not. */
  readonly threshold: number;
  /** s·P2, 96 bytes. */
  readonly mpk: Uint8Array;
  /** f(i)·P2, 96 bytes each. */
  readonly verifyingShares: ReadonlyMap<KeyholderIndex, Uint8Array>;
};

/** One keyholder's secret: f(i), 32 bytes big-endian. Never in a log line, an error or a backup. */
export type KeyShare = { readonly keyholder: KeyholderIndex; readonly secret: Uint8Array };

/** QUO-6: 2 ≤ t ≤ n ≤ 255. A "quorum" of one would be a key, not a quorum. */
export function checkThreshold(threshold: number, participants: number): void {
  if (!Number.isInteger(threshold) || threshold < 2 || threshold > participants || participants > 255) {
    throw new QuorumError("shares-inconsistent", "threshold");
  }
}

/**
 * QUO-7: every point parses, and mpk at 0 together with all verifying shares lies on one polynomial of degree t − 1.
 * Exact, without randomness: the t-th divided difference of every t + 1 neighbours is zero. Throws QuorumError
 * "point-invalid" or "shares-inconsistent".
 */
export function checkMasterKey(master: MasterKey): void {
  checkThreshold(master.threshold, master.verifyingShares.size);
  const points: [bigint, G2][] = [[0n, knownG2(master.mpk, "mpk")]];
  for (const [index, share] of [...master.verifyingShares].sort(([a], [b]) => a - b)) {
    points.push([BigInt(keyholderIndex(index)), knownG2(share, "verifying share")]);
  }
  for (let at = 0; at + master.threshold < points.length; at++) {
    const window = points.slice(at, at + master.threshold + 1);
    const { numerators } = divided(window.map(([x]) => x));
    const difference = wholeSum(
      G2_ZERO,
      window.map(([, point], i) => [point, numerators[i] as bigint] as const),
    );
    if (!difference.is0()) throw new QuorumError("shares-inconsistent", "verifying shares");
  }
}

/** A keyholder's check of its own share before it serves: secret·P2 is its verifying share. Throws QuorumError. */
export function checkKeyShare(share: KeyShare, master: MasterKey): void {
  const expected = master.verifyingShares.get(share.keyholder);
  if (expected === undefined) throw new QuorumError("keyholder-unknown", "key share");
  if (hex(encodeG2(P2.multiply(parseScalar(share.secret, "key share")))) !== hex(expected)) {
    throw new QuorumError("shares-inconsistent", "key share");
  }
}

/** f(x) for coefficients a₀ … a₍t₋₁₎. */
export function evaluate(coefficients: readonly bigint[], x: number): bigint {
  return coefficients.reduceRight((sum, a) => Fr.add(Fr.mul(sum, BigInt(x)), a), 0n);
}

/** Σ xᵏ·Aₖ by Horner with a small x: at most 8 doublings a coefficient. */
export function evaluateInExponent(commitments: readonly G2[], x: number): G2 {
  return commitments.reduceRight((sum, a) => wholeSum(a, [[sum, BigInt(x)]]), G2_ZERO);
}

/** Lagrange coefficients at 0 for distinct indices: λᵢ = numeratorᵢ / denominator, whole numbers of least size. */
export function lagrange(indices: readonly number[]): { numerators: bigint[]; denominator: bigint } {
  const xs = indices.map(BigInt);
  return common(
    xs.map((xi) => ({
      numerator: product(xs.filter((xj) => xj !== xi)),
      denominator: product(xs.filter((xj) => xj !== xi).map((xj) => xj - xi)),
    })),
  );
}

function divided(xs: readonly bigint[]) {
  return common(
    xs.map((xi) => ({
      numerator: 1n,
      denominator: product(xs.filter((xj) => xj !== xi).map((xj) => xi - xj)),
    })),
  );
}

function common(fractions: readonly { numerator: bigint; denominator: bigint }[]) {
  const multiple = fractions.reduce((lcm, { denominator: d }) => (lcm / gcd(lcm, d)) * d, 1n);
  const whole = fractions.map(({ numerator, denominator }) => numerator * (multiple / denominator));
  const shared = whole.reduce(gcd, multiple);
  return { numerators: whole.map((n) => n / shared), denominator: multiple / shared };
}

function product(factors: readonly bigint[]): bigint {
  return factors.reduce((a, b) => a * b, 1n);
}

function gcd(a: bigint, b: bigint): bigint {
  let [x, y] = [a < 0n ? -a : a, b < 0n ? -b : b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}

/** start + Σ factorᵢ·pointᵢ for small whole factors of either sign; public factors only (its time depends on them). */
export function wholeSum<T>(
  start: WeierstrassPoint<T>,
  terms: readonly (readonly [WeierstrassPoint<T>, bigint])[],
): WeierstrassPoint<T> {
  const magnitudes = terms.map(([, factor]) => (factor < 0n ? -factor : factor));
  const signed = terms.map(([point, factor]) => (factor < 0n ? point.negate() : point));
  const bits = magnitudes.reduce((most, m) => Math.max(most, m.toString(2).length), 0);
  let sum: WeierstrassPoint<T> | undefined;
  for (let bit = BigInt(bits - 1); bit >= 0n; bit--) {
    sum = sum?.double();
    for (const [i, magnitude] of magnitudes.entries()) {
      if (((magnitude >> bit) & 1n) === 0n) continue;
      const point = signed[i] as WeierstrassPoint<T>;
      sum = sum === undefined ? point : sum.add(point);
    }
  }
  return sum === undefined ? start : start.add(sum);
}
