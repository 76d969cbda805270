import { concat } from "@porchlight/encoding";
import { EnvelopeError } from "./error.ts";

declare const brand: unique symbol;

/**
 * ENV-20, the 64 bytes that are escrowed once per sender and epoch: the sender's leaf
 * `application_ratchet_secret[0]` ‖ the epoch's `sender_data_secret`.
 */
export type EscrowSecret = Uint8Array & { readonly [brand]: "EscrowSecret" };

/** Both 32 bytes, read at the start of the epoch before the first message consumes the ratchet's root. */
export function escrowSecret(
  applicationRatchetSecret: Uint8Array,
  senderDataSecret: Uint8Array,
): EscrowSecret {
  if (applicationRatchetSecret.length !== 32 || senderDataSecret.length !== 32) {
    throw new EnvelopeError("malformed", "escrow secret");
  }
  return concat(applicationRatchetSecret, senderDataSecret) as EscrowSecret;
}

/** Exactly 64 bytes, as the inner layer holds them. */
export function parseEscrowSecret(bytes: Uint8Array): EscrowSecret {
  if (bytes.length !== 64) throw new EnvelopeError("malformed", "escrow secret");
  return bytes as EscrowSecret;
}

/** The leaf's application ratchet root. */
export function leafSecretOf(secret: EscrowSecret): Uint8Array {
  return secret.subarray(0, 32);
}

/** The epoch's sender data secret. */
export function senderDataSecretOf(secret: EscrowSecret): Uint8Array {
  return secret.subarray(32);
}
