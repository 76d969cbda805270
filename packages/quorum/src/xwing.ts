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
  if (publicKey.length !== XWING_PUBLIC_KEY_LENGTH) throw new QuorumError("key-invalid", "X-Wing public key");
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
