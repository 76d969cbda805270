import { ed25519 } from "@noble/curves/ed25519.js";
import { sha256, sha512 } from "@noble/hashes/sha2.js";
import { concat, equalBytes } from "@porchlight/encoding";

/**
 * The primitives under the log. {@link nobleSuite} runs everywhere; `@porchlight/tlog/node` has one over
 * node:crypto that verifies some ten times faster. Both give the same answer to every input (TLOG-3).
 */
export type TlogSuite = {
  /** SHA-256, 32 bytes of its own. Does not keep its argument, which the caller fills anew. */
  readonly sha256: (bytes: Uint8Array) => Uint8Array;
  /**
   * RFC 8032 §5.1.7 without the cofactor: R is compared byte for byte and is not of small order, S is below the group
   * order. `publicKey` comes from a parsed vkey, hence is canonical and not of small order.
   */
  readonly verifyEd25519: (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;
  /** RFC 8032 §5.1.6; 32-byte seed, 64-byte signature. */
  readonly signEd25519: (seed: Uint8Array, message: Uint8Array) => Uint8Array;
  /** The 32-byte public key of a seed. */
  readonly publicKeyOf: (seed: Uint8Array) => Uint8Array;
};

const { Point } = ed25519;

function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] as number);
  return value;
}

function verifyCofactorless(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  const r = signature.subarray(0, 32);
  const s = littleEndian(signature.subarray(32));
  if (s >= Point.Fn.ORDER) return false;
  const k = Point.Fn.create(littleEndian(sha512(concat(r, publicKey, message))));
  try {
    const a = Point.fromBytes(publicKey, false);
    const expected = Point.BASE.multiplyUnsafe(s).subtract(a.multiplyUnsafe(k));
    return !expected.isSmallOrder() && equalBytes(expected.toBytes(), r);
  } catch {
    return false;
  }
}

export const nobleSuite: TlogSuite = {
  sha256,
  // noble's own verification multiplies by the cofactor, node:crypto's does not: a signer could make a note that one
  // accepts and the other refuses, and two honest verifiers of one evidence package would disagree.
  verifyEd25519: verifyCofactorless,
  signEd25519: (seed, message) => ed25519.sign(message, seed),
  publicKeyOf: (seed) => ed25519.getPublicKey(seed),
};

/** Whether 32 bytes are the one encoding of a curve point that is not of small order. */
export function isUsablePublicKey(publicKey: Uint8Array): boolean {
  try {
    return publicKey.length === 32 && !Point.fromBytes(publicKey, false).isSmallOrder();
  } catch {
    return false;
  }
}
