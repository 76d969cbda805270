import { gcm } from "@noble/ciphers/aes.js";
import { ed25519 } from "@noble/curves/ed25519.js";
import { expand, extract } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256, sha512 } from "@noble/hashes/sha2.js";
import { concat, equalBytes } from "@porchlight/encoding";
import type { CipherSuite } from "./cipher-suite.ts";

const { Point } = ed25519;

/** The pure implementation of {@link CipherSuite}: browsers, keyholders' checks, tests. */
export const nobleSuite: CipherSuite = {
  hash: (data) => sha256(data),
  hmac: (key, data) => hmac(sha256, key, data),
  hkdfExtract: (salt, keyMaterial) => extract(sha256, keyMaterial, salt),
  hkdfExpand: (pseudorandomKey, info, length) => expand(sha256, pseudorandomKey, info, length),
  aeadSeal: (key, nonce, aad, plaintext) => gcm(key, nonce, aad).encrypt(plaintext),
  aeadOpen: (key, nonce, aad, ciphertext) => {
    if (ciphertext.length < 16) return null;
    const cipher = gcm(key, nonce, aad);
    try {
      return cipher.decrypt(ciphertext);
    } catch {
      return null;
    }
  },
  ed25519Sign: (seed, message) => ed25519.sign(message, seed),
  ed25519Verify: (publicKey, message, signature) => {
    if (signature.length !== 64 || !isVerificationKey(publicKey)) return false;
    const s = littleEndian(signature.subarray(32));
    if (s >= Point.Fn.ORDER) return false;
    const commitment = signature.subarray(0, 32);
    const k = littleEndian(sha512(concat(commitment, publicKey, message))) % Point.Fn.ORDER;
    // ENV-15: noble's own verify multiplies by the cofactor, OpenSSL does not. A device key chosen for it could then
    // sign what browsers accept and servers refuse, so this compares R = [s]B − [k]A as OpenSSL and BoringSSL do.
    const expected = Point.BASE.multiplyUnsafe(s).subtract(
      Point.fromBytes(publicKey, false).multiplyUnsafe(k),
    );
    return equalBytes(expected.toBytes(), commitment);
  },
};

/** ENV-15: 32 bytes that canonically encode a point whose order is not small. */
export function isVerificationKey(publicKey: Uint8Array): boolean {
  if (publicKey.length !== 32) return false;
  try {
    return !Point.fromBytes(publicKey, false).isSmallOrder();
  } catch {
    return false;
  }
}

function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] as number);
  return value;
}
