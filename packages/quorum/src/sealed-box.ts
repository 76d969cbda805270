import { gcm } from "@noble/ciphers/aes.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, equalBytes } from "@porchlight/encoding";
import { QuorumError } from "./error.ts";
import { transcript } from "./scalar.ts";
import { XWING_CIPHERTEXT_LENGTH, xwingDecapsulate, xwingEncapsulate } from "./xwing.ts";

const COMMITMENT_LENGTH = 32;
const TAG_LENGTH = 16;
/** What a sealed box is longer than its plaintext by. */
export const SEALED_OVERHEAD = XWING_CIPHERTEXT_LENGTH + COMMITMENT_LENGTH + TAG_LENGTH;

/**
 * QUO-14: enc 1120 ‖ commitment 32 ‖ AES-256-GCM ciphertext and tag, to an X-Wing public key (1216 B). Deterministic in
 * the 64-byte seed: whoever knows plaintext and seed can recompute and compare. One seed serves one box.
 * `info` separates uses (it enters the key), `aad` binds context. Throws QuorumError "key-invalid".
 */
export function sealTo(
  publicKey: Uint8Array,
  plaintext: Uint8Array,
  info: Uint8Array,
  aad: Uint8Array,
  seed: Uint8Array,
): Uint8Array {
  const { ciphertext: enc, sharedSecret } = xwingEncapsulate(publicKey, seed);
  const { key, nonce, commitment } = schedule(sharedSecret, enc, info);
  return concat(enc, commitment, gcm(key, nonce, aad).encrypt(plaintext));
}

/** Inverse of {@link sealTo}. Throws QuorumError "refused" for a wrong key, info or aad and for altered bytes alike. */
export function openFrom(
  secretKey: Uint8Array,
  sealed: Uint8Array,
  info: Uint8Array,
  aad: Uint8Array,
): Uint8Array {
  if (sealed.length < SEALED_OVERHEAD) throw new QuorumError("refused", "sealed box");
  const enc = sealed.subarray(0, XWING_CIPHERTEXT_LENGTH);
  const { key, nonce, commitment } = schedule(xwingDecapsulate(enc, secretKey), enc, info);
  const body = XWING_CIPHERTEXT_LENGTH + COMMITMENT_LENGTH;
  // AES-GCM alone would let one ciphertext open under two keys to two plaintexts; the commitment prevents it.
  if (!equalBytes(commitment, sealed.subarray(XWING_CIPHERTEXT_LENGTH, body))) {
    throw new QuorumError("refused", "sealed box");
  }
  try {
    return gcm(key, nonce, aad).decrypt(sealed.subarray(body));
  } catch (cause) {
    throw new QuorumError("refused", "sealed box", { cause });
  }
}

function schedule(sharedSecret: Uint8Array, enc: Uint8Array, info: Uint8Array) {
  const okm = hkdf(sha256, sharedSecret, undefined, transcript("sealed-box", enc, info), 76);
  return { key: okm.subarray(0, 32), nonce: okm.subarray(32, 44), commitment: okm.subarray(44, 76) };
}
