import { sha256 } from "@noble/hashes/sha2.js";
import { hex } from "@porchlight/encoding";
import { type Curve, noble } from "./curve.ts";
import { QuorumError } from "./error.ts";
import { type G1, knownG2, labelPoint, P2, parseG1 } from "./points.ts";
import { bigEndian, transcript } from "./scalar.ts";

/** A combined key s·Q (48 bytes) and what it claims to open. */
export type LabelKeyClaim = {
  readonly mpk: Uint8Array;
  readonly label: Uint8Array;
  readonly labelKey: Uint8Array;
};

/** QUO-9: e(labelKey, P2) = e(Q, mpk). False for malformed bytes too; a malformed mpk throws "point-invalid". */
export function verifyLabelKey(claim: LabelKeyClaim, curve: Curve = noble): boolean {
  return verifyLabelKeys([claim], curve);
}

/**
 * QUO-9 for many keys at the price of about one: Σ wᵢ·keyᵢ against Σ wᵢ·Qᵢ per master key, with 128-bit weights hashed
 * from the whole batch, so that errors cannot be made to cancel. True for an empty batch; false tells nothing about
 * which one is wrong: ask {@link verifyLabelKey}.
 */
export function verifyLabelKeys(claims: readonly LabelKeyClaim[], curve: Curve = noble): boolean {
  const points: LabelKeyPoints[] = [];
  for (const claim of claims) {
    const key = parsed(claim.labelKey, curve);
    if (key === undefined) return false;
    points.push({ ...claim, key, q: labelPoint(claim.mpk, claim.label, curve.hashToG1) });
  }
  return labelKeysHold(points, curve);
}

/** A claim whose points are there already. */
export type LabelKeyPoints = LabelKeyClaim & { readonly key: G1; readonly q: G1 };

/** The equation of {@link verifyLabelKeys}; one claim alone needs no weight. */
export function labelKeysHold(claims: readonly LabelKeyPoints[], curve: Curve): boolean {
  const [only] = claims;
  if (only === undefined) return true;
  if (claims.length === 1) {
    return curve.pairingsCancel([
      [only.key, P2],
      [only.q.negate(), knownG2(only.mpk, "mpk")],
    ]);
  }
  const seed = sha256(
    transcript("label-key-batch", ...claims.flatMap(({ mpk, label, labelKey }) => [mpk, label, labelKey])),
  );
  const weights = claims.map((_, i) => batchWeight(seed, i));
  const byMaster = new Map<string, { mpk: Uint8Array; terms: (readonly [G1, bigint])[] }>();
  for (const [i, { mpk, q }] of claims.entries()) {
    const name = hex(mpk);
    const entry = byMaster.get(name) ?? { mpk, terms: [] };
    entry.terms.push([q, weights[i] as bigint]);
    byMaster.set(name, entry);
  }
  return curve.pairingsCancel([
    [curve.sumG1(claims.map(({ key }, i) => [key, weights[i] as bigint] as const)), P2],
    ...[...byMaster.values()].map(
      ({ mpk, terms }) => [curve.sumG1(terms).negate(), knownG2(mpk, "mpk")] as const,
    ),
  ]);
}

/** QUO-8: 128 bits of a hash of everything that is checked together; never zero. */
export function batchWeight(seed: Uint8Array, index: number): bigint {
  const position = Uint8Array.of(index >>> 24, index >>> 16, index >>> 8, index);
  return bigEndian(sha256(transcript("batch-weight", seed, position)).subarray(0, 16)) | 1n;
}

function parsed(labelKey: Uint8Array, curve: Curve): G1 | undefined {
  try {
    return parseG1(labelKey, "label key", curve.decodeG1);
  } catch (error) {
    if (error instanceof QuorumError) return undefined;
    throw error;
  }
}
