import { sha256 } from "@noble/hashes/sha2.js";
import { hex } from "@porchlight/encoding";
import { QuorumError } from "./error.ts";
import { sumG1 } from "./multiply.ts";
import { type G1, type G2, knownG2, labelPoint, P2, pairingsCancel, parseG1 } from "./points.ts";
import { bigEndian, transcript } from "./scalar.ts";

/** A combined key s·Q (48 bytes) and what it claims to open. */
export type LabelKeyClaim = {
  readonly mpk: Uint8Array;
  readonly label: Uint8Array;
  readonly labelKey: Uint8Array;
};

/** QUO-9: e(labelKey, P2) = e(Q, mpk). False for malformed bytes too; a malformed mpk throws "point-invalid". */
export function verifyLabelKey({ mpk, label, labelKey }: LabelKeyClaim): boolean {
  const key = parsed(labelKey);
  return key !== undefined && isLabelKey(key, knownG2(mpk, "mpk"), labelPoint(mpk, label));
}

/** The one pairing equation, on points that are parsed already. */
export function isLabelKey(key: G1, master: G2, q: G1): boolean {
  return pairingsCancel([
    [key, P2],
    [q.negate(), master],
  ]);
}

/**
 * QUO-9 for many keys at the price of about one: Σ wᵢ·keyᵢ against Σ wᵢ·Qᵢ per master key, with 128-bit weights hashed
 * from the whole batch, so that errors cannot be made to cancel. True for an empty batch; false tells nothing about
 * which one is wrong: ask {@link verifyLabelKey}.
 */
export function verifyLabelKeys(claims: readonly LabelKeyClaim[]): boolean {
  const seed = sha256(
    transcript("label-key-batch", ...claims.flatMap(({ mpk, label, labelKey }) => [mpk, label, labelKey])),
  );
  const keys: (readonly [G1, bigint])[] = [];
  const byMaster = new Map<string, { master: G2; terms: (readonly [G1, bigint])[] }>();
  for (const [i, { mpk, label, labelKey }] of claims.entries()) {
    const key = parsed(labelKey);
    if (key === undefined) return false;
    const weight = batchWeight(seed, i);
    keys.push([key, weight]);
    const name = hex(mpk);
    const entry = byMaster.get(name) ?? { master: knownG2(mpk, "mpk"), terms: [] };
    entry.terms.push([labelPoint(mpk, label).negate(), weight]);
    byMaster.set(name, entry);
  }
  return pairingsCancel([
    [sumG1(keys), P2],
    ...[...byMaster.values()].map(({ master, terms }) => [sumG1(terms), master] as const),
  ]);
}

/** QUO-8: 128 bits of a hash of everything that is checked together; never zero. */
export function batchWeight(seed: Uint8Array, index: number): bigint {
  const position = Uint8Array.of(index >>> 24, index >>> 16, index >>> 8, index);
  return bigEndian(sha256(transcript("batch-weight", seed, position)).subarray(0, 16)) | 1n;
}

function parsed(labelKey: Uint8Array): G1 | undefined {
  try {
    return parseG1(labelKey, "label key");
  } catch (error) {
    if (error instanceof QuorumError) return undefined;
    throw error;
  }
}
