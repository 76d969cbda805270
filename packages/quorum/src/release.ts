// Encrypted partial keys: an ElGamal encryption of f(i)·Q to the requester's point, which anyone can check against the
// verifying share and only the requester can read (the vetKD construction).
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, equalBytes, type KeyholderIndex } from "@porchlight/encoding";
import { QuorumError } from "./error.ts";
import { batchWeight, isLabelKey } from "./label-key.ts";
import { sumG1 } from "./multiply.ts";
import {
  encodeG1,
  encodeG2,
  type G1,
  G1_LENGTH,
  G1_ZERO,
  type G2,
  G2_LENGTH,
  knownG2,
  labelPoint,
  P1,
  P2,
  pairingsCancel,
  parseG1,
  parseG2,
} from "./points.ts";
import { Fr, parseScalar, type Random, randomScalar, transcript } from "./scalar.ts";
import { checkThreshold, type KeyShare, lagrange, type MasterKey, wholeSum } from "./sharing.ts";

/** aP1 48 ‖ aP2 96 ‖ aT + f(i)Q 48. */
export const PARTIAL_LENGTH = G1_LENGTH + G2_LENGTH + G1_LENGTH;

/** What is released, and to whom: the public context of a partial. */
export type Release = {
  readonly mpk: Uint8Array;
  readonly label: Uint8Array;
  /** The requester's point T, 48 bytes, proven (REL-1) by whoever verified the warrant. */
  readonly requester: Uint8Array;
};

/**
 * REL-2: 192 bytes, fresh randomness each time. The share is multiplied as (f(i) − m)·Q + m·Q with a random m (REL-4),
 * so that no two runs process the same secret scalar. The caller answers for label and requester: nothing here knows warrants.
 */
export function partialRelease({
  share,
  mpk,
  label,
  requester,
  random,
}: Release & { readonly share: KeyShare; readonly random: Random }): Uint8Array {
  const t = parseG1(requester, "requester point");
  knownG2(mpk, "mpk");
  const secret = parseScalar(share.secret, "key share");
  const q = labelPoint(mpk, label);
  const a = randomScalar(random);
  const m = randomScalar(random);
  return concat(
    encodeG1(P1.multiply(a)),
    encodeG2(P2.multiply(a)),
    encodeG1(
      sumG1([
        [t, a],
        [q, Fr.sub(secret, m)],
        [q, m],
      ]),
    ),
  );
}

/**
 * REL-3: e(aP1, P2) = e(P1, aP2) and e(aT + f(i)Q, P2) = e(T, aP2)·e(Q, vk), both in one product under a hashed weight.
 * False for malformed partials; malformed keys, labels' master key or requester throw "point-invalid".
 */
export function verifyPartial({
  partial,
  verifyingShare,
  mpk,
  label,
  requester,
}: Release & { readonly partial: Uint8Array; readonly verifyingShare: Uint8Array }): boolean {
  const t = parseG1(requester, "requester point");
  const vk = knownG2(verifyingShare, "verifying share");
  knownG2(mpk, "mpk");
  const parts = parsePartial(partial);
  if (parts === undefined) return false;
  let aP2: G2;
  try {
    aP2 = parseG2(parts.middle, "partial");
  } catch (error) {
    if (error instanceof QuorumError) return false;
    throw error;
  }
  const weight = batchWeight(
    sha256(transcript("partial", partial, verifyingShare, mpk, label, requester)),
    0,
  );
  return pairingsCancel([
    [parts.masked.add(sumG1([[parts.aP1, weight]])), P2],
    [t.add(P1.multiply(weight)).negate(), aP2],
    [labelPoint(mpk, label).negate(), vk],
  ]);
}

type Partial = { readonly aP1: G1; readonly middle: Uint8Array; readonly masked: G1 };

function parsePartial(bytes: Uint8Array): Partial | undefined {
  if (bytes.length !== PARTIAL_LENGTH) return undefined;
  try {
    return {
      aP1: parseG1(bytes.subarray(0, G1_LENGTH), "partial"),
      middle: bytes.subarray(G1_LENGTH, G1_LENGTH + G2_LENGTH),
      masked: parseG1(bytes.subarray(G1_LENGTH + G2_LENGTH), "partial"),
    };
  } catch (error) {
    if (error instanceof QuorumError) return undefined;
    throw error;
  }
}

export type CombineInput = {
  readonly master: MasterKey;
  readonly label: Uint8Array;
  readonly requester: Uint8Array;
  readonly requesterSecret: Uint8Array;
  /** By keyholder: a map, so that no number of messages makes one keyholder count twice. */
  readonly partials: ReadonlyMap<KeyholderIndex, Uint8Array>;
};

/** `blamed` names keyholders whose partial is certainly wrong, in ascending order. */
export type CombineResult =
  | { readonly kind: "combined"; readonly labelKey: Uint8Array; readonly blamed: readonly KeyholderIndex[] }
  | {
      readonly kind: "short";
      readonly have: number;
      readonly need: number;
      readonly blamed: readonly KeyholderIndex[];
    };

/**
 * REL-5: combines the first t partials and checks the result in one pairing equation; only when that fails are all
 * partials verified singly, the bad ones blamed and the good ones combined. `short` is not an error: wait for more.
 * `have` counts partials not known to be bad; partials
 * that were not needed stay unread and are never blamed. Throws QuorumError "requester-mismatch" when the secret is not T's,
 * "keyholder-unknown" for an index outside the master key, "shares-inconsistent" when verified partials do not combine
 * (a master key that {@link checkMasterKey} would have refused).
 */
export function combinePartials({
  master,
  label,
  requester,
  requesterSecret,
  partials,
}: CombineInput): CombineResult {
  const need = master.threshold;
  checkThreshold(need, master.verifyingShares.size);
  const t = parseScalar(requesterSecret, "requester secret");
  if (!equalBytes(encodeG1(P1.multiply(t)), requester)) {
    throw new QuorumError("requester-mismatch", "requester secret");
  }
  const mpk = knownG2(master.mpk, "mpk");

  const offered = [...partials].sort(([a], [b]) => a - b);
  for (const [index] of offered) {
    if (!master.verifyingShares.has(index)) throw new QuorumError("keyholder-unknown", "partials");
  }
  const q = labelPoint(master.mpk, label);
  const combined = (chosen: readonly Chosen[]): Uint8Array | undefined => {
    const key = interpolate(chosen, t);
    return !key.is0() && isLabelKey(key, mpk, q) ? encodeG1(key) : undefined;
  };

  // Usually all are good: parse no more than t, check the outcome, and leave the rest unread.
  const blamed: KeyholderIndex[] = [];
  const chosen: Chosen[] = [];
  for (const [index, bytes] of offered) {
    if (chosen.length === need) break;
    const partial = parsePartial(bytes);
    if (partial === undefined) blamed.push(index);
    else chosen.push({ index, partial });
  }
  if (chosen.length < need) return { kind: "short", have: chosen.length, need, blamed };
  const first = combined(chosen);
  if (first !== undefined) return { kind: "combined", labelKey: first, blamed };

  const good: Chosen[] = [];
  const bad: KeyholderIndex[] = [];
  for (const [index, bytes] of offered) {
    const verifyingShare = master.verifyingShares.get(index) as Uint8Array;
    const partial = parsePartial(bytes);
    const sound = verifyPartial({ partial: bytes, verifyingShare, mpk: master.mpk, label, requester });
    if (partial !== undefined && sound) good.push({ index, partial });
    else bad.push(index);
  }
  if (good.length < need) return { kind: "short", have: good.length, need, blamed: bad };
  const second = combined(good.slice(0, need));
  if (second === undefined) throw new QuorumError("shares-inconsistent", "verifying shares");
  return { kind: "combined", labelKey: second, blamed: bad };
}

type Chosen = { readonly index: KeyholderIndex; readonly partial: Partial };

/** Σ λᵢ·(maskedᵢ − t·aP1ᵢ), with whole numerators first and the common denominator folded into the last two factors. */
function interpolate(chosen: readonly Chosen[], t: bigint): G1 {
  const { numerators, denominator } = lagrange(chosen.map(({ index }) => index));
  const weighted = (point: (partial: Partial) => G1): G1 =>
    wholeSum(
      G1_ZERO,
      chosen.map(({ partial }, i) => [point(partial), numerators[i] as bigint] as const),
    );
  const inverse = Fr.inv(Fr.create(denominator));
  return sumG1([
    [weighted((partial) => partial.masked), inverse],
    [weighted((partial) => partial.aP1), Fr.neg(Fr.mul(t, inverse))],
  ]);
}
