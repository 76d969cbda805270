import { bls12_381 } from "@noble/curves/bls12-381.js";
import { Reader, Writer } from "@porchlight/encoding";
import { QuorumError } from "./error.ts";

/** Where randomness enters: returns `length` bytes that nobody else can predict. */
export type Random = (length: number) => Uint8Array;

export const Fr = bls12_381.fields.Fr;
export const SCALAR_LENGTH = 32;

/** QUO-2: 32 bytes big-endian, 0 < s < r. Throws QuorumError "scalar-invalid". */
export function parseScalar(bytes: Uint8Array, field = "scalar"): bigint {
  if (bytes.length !== SCALAR_LENGTH) throw new QuorumError("scalar-invalid", field);
  const value = bigEndian(bytes);
  if (value === 0n || value >= Fr.ORDER) throw new QuorumError("scalar-invalid", field);
  return value;
}

export function encodeScalar(value: bigint): Uint8Array {
  return Fr.toBytes(value);
}

/** Uniform in 1 … r − 1: 48 random bytes reduced (bias below 2^-128). */
export function randomScalar(random: Random): bigint {
  for (;;) {
    const bytes = random(48);
    if (bytes.length !== 48) throw new QuorumError("length", "randomness");
    const value = bigEndian(bytes) % Fr.ORDER;
    if (value !== 0n) return value;
  }
}

/** RFC 9380 5.2 hash_to_field with expand_message_xmd(SHA-256), m = 1, p = r, 48 bytes an element. */
export function hashToScalar(message: Uint8Array, dst: string): bigint {
  return bls12_381.G1.hashToScalar(message, { DST: dst });
}

export function bigEndian(bytes: Uint8Array): bigint {
  const reader = new Reader(bytes);
  let value = 0n;
  while (reader.remaining >= 6) value = (value << 48n) | BigInt(reader.uint(6));
  while (reader.remaining > 0) value = (value << 8n) | BigInt(reader.uint(1));
  return value;
}

/** Length-prefixed fields behind a domain, so that two different lists of fields never give the same bytes (QUO-5). */
export function transcript(domain: string, ...fields: readonly Uint8Array[]): Uint8Array {
  const writer = new Writer();
  for (const char of `porchlight-v1/${domain}\0`) writer.uint(char.charCodeAt(0), 1, "domain");
  for (const field of fields) writer.opaque(field, 4, domain);
  return writer.finish();
}
