import { XWing } from "@noble/post-quantum/hybrid.js";
import { QuorumError } from "./error.ts";

export const XWING_PUBLIC_KEY_LENGTH = 1216;
export const XWING_CIPHERTEXT_LENGTH = 1120;
/** A decapsulation key is its own 32-byte seed. */
export const XWING_SECRET_KEY_LENGTH = 32;
/** Encapsulation randomness: ML-KEM-768 message 32 ‖ X25519 ephemeral key 32. */
export const XWING_SEED_LENGTH = 64;

/** X-Wing (draft-connolly-cfrg-xwing-kem-09), GenerateKeyPairDerand. The secret key is the seed. */
export function xwingKeygen(seed: Uint8Array): { publicKey: Uint8Array; secretKey: Uint8Array } {
  if (seed.length !== XWING_SECRET_KEY_LENGTH) throw new QuorumError("length", "X-Wing seed");
  const secretKey = seed.slice();
  return { publicKey: XWing.keygen(secretKey).publicKey, secretKey };
}

/** EncapsulateDerand. Throws QuorumError "key-invalid" for a public key that ML-KEM or X25519 refuses. */
export function xwingEncapsulate(
  publicKey: Uint8Array,
  seed: Uint8Array,
): { ciphertext: Uint8Array; sharedSecret: Uint8Array } {
  if (seed.length !== XWING_SEED_LENGTH) throw new QuorumError("length", "X-Wing encapsulation seed");
  if (!isXwingPublicKey(publicKey)) throw new QuorumError("key-invalid", "X-Wing public key");
  try {
    const { cipherText, sharedSecret } = XWing.encapsulate(publicKey.slice(), seed.slice());
    return { ciphertext: cipherText, sharedSecret };
  } catch (cause) {
    throw new QuorumError("key-invalid", "X-Wing public key", { cause });
  }
}

/** Decapsulate. ML-KEM rejects implicitly: a foreign ciphertext gives an unrelated secret, a low-order point throws "refused". */
export function xwingDecapsulate(ciphertext: Uint8Array, secretKey: Uint8Array): Uint8Array {
  if (secretKey.length !== XWING_SECRET_KEY_LENGTH) throw new QuorumError("length", "X-Wing secret key");
  if (ciphertext.length !== XWING_CIPHERTEXT_LENGTH) throw new QuorumError("refused", "X-Wing ciphertext");
  try {
    return XWing.decapsulate(ciphertext.slice(), secretKey.slice());
  } catch (cause) {
    throw new QuorumError("refused", "X-Wing ciphertext", { cause });
  }
}

const ML_KEM_VECTOR_LENGTH = 1152;
const ML_KEM_Q = 3329;

/**
 * Length and FIPS 203 7.2's modulus check: every 12-bit coefficient is below q. noble 0.5.2 lets unreduced ones pass,
 * because it compares them with themselves. A low-order X25519 half shows only when it is used.
 */
export function isXwingPublicKey(publicKey: Uint8Array): boolean {
  if (publicKey.length !== XWING_PUBLIC_KEY_LENGTH) return false;
  for (let i = 0; i < ML_KEM_VECTOR_LENGTH; i += 3) {
    const [a, b, c] = publicKey.subarray(i, i + 3) as unknown as [number, number, number];
    if ((a | ((b & 15) << 8)) >= ML_KEM_Q || ((b >> 4) | (c << 4)) >= ML_KEM_Q) return false;
  }
  return true;
}
