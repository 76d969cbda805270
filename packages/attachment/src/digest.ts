import { sha256 } from "@noble/hashes/sha2.js";
import { concat } from "@porchlight/encoding";

/**
 * ATT-1, ATT-5: the digest of a content or ciphertext from the SHA-256 of each of its parts, in their order. So parts are
 * hashed beside each other, and by what hashes only whole ones, as browsers do.
 */
export function digestOf(parts: readonly Uint8Array[]): Uint8Array {
  return sha256(concat(...parts));
}
