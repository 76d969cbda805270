// Encrypted partial keys: an ElGamal encryption of f(i)·Q to the requester's point, which anyone can check against the
// verifying share and only the requester can read (the vetKD construction).
import { sha256 } from "@noble/hashes/sha2.js";
import { concat } from "@porchlight/encoding";
import { type Curve, noble } from "./curve.ts";
import { QuorumError } from "./error.ts";
import { batchWeight } from "./label-key.ts";
import {
  encodeG1,
  encodeG2,
  type G1,
  G1_LENGTH,
  type G2,
  G2_LENGTH,
  knownG2,
  labelPoint,
  P1,
  P2,
  parseG1,
  parseG2,
} from "./points.ts";
import { Fr, parseScalar, type Random, randomScalar, transcript } from "./scalar.ts";
import type { KeyShare } from "./sharing.ts";

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
  curve = noble,
}: Release & {
  readonly share: KeyShare;
  readonly random: Random;
  readonly curve?: Curve | undefined;
}): Uint8Array {
  const t = parseG1(requester, "requester point", curve.decodeG1);
  knownG2(mpk, "mpk");
  const secret = parseScalar(share.secret, "key share");
  const q = labelPoint(mpk, label, curve.hashToG1);
  const a = randomScalar(random);
  const m = randomScalar(random);
  return concat(
    encodeG1(P1.multiply(a)),
    encodeG2(P2.multiply(a)),
    encodeG1(
      curve.sumG1([
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
  curve = noble,
}: Release & {
  readonly partial: Uint8Array;
  readonly verifyingShare: Uint8Array;
  readonly curve?: Curve | undefined;
}): boolean {
  const t = parseG1(requester, "requester point", curve.decodeG1);
  const vk = knownG2(verifyingShare, "verifying share");
  knownG2(mpk, "mpk");
  const parts = parsePartial(partial, curve);
  if (parts === undefined) return false;
  let aP2: G2;
  try {
    aP2 = parseG2(parts.middle, "partial", curve.decodeG2);
  } catch (error) {
    if (error instanceof QuorumError) return false;
    throw error;
  }
  const weight = batchWeight(
    sha256(transcript("partial", partial, verifyingShare, mpk, label, requester)),
    0,
  );
  return curve.pairingsCancel([
    [parts.masked.add(curve.sumG1([[parts.aP1, weight]])), P2],
    [t.add(P1.multiply(weight)).negate(), aP2],
    [labelPoint(mpk, label, curve.hashToG1).negate(), vk],
  ]);
}

/** The parts of 192 bytes; `middle` (aP2) is parsed by {@link verifyPartial} only. */
export type Partial = { readonly aP1: G1; readonly middle: Uint8Array; readonly masked: G1 };

/** `undefined` for another length and for points that QUO-3 refuses. */
export function parsePartial(bytes: Uint8Array, curve: Curve): Partial | undefined {
  if (bytes.length !== PARTIAL_LENGTH) return undefined;
  try {
    return {
      aP1: parseG1(bytes.subarray(0, G1_LENGTH), "partial", curve.decodeG1),
      middle: bytes.subarray(G1_LENGTH, G1_LENGTH + G2_LENGTH),
      masked: parseG1(bytes.subarray(G1_LENGTH + G2_LENGTH), "partial", curve.decodeG1),
    };
  } catch (error) {
    if (error instanceof QuorumError) return undefined;
    throw error;
  }
}
