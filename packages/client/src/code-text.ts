import { ClientError } from "./error.ts";

/** Crockford's base32: no I, L, O, U, so that what is read aloud or copied by hand has one meaning. */
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** The lowest `5 × characters` bits of a number, in groups of four characters (ACC-31, ACC-50). */
export function formatCode(value: bigint, characters: number): string {
  let text = "";
  for (let i = characters - 1; i >= 0; i--) text += ALPHABET.charAt(Number((value >> BigInt(5 * i)) & 31n));
  return (text.match(/.{1,4}/g) ?? []).join("-");
}

/** Forgiving of case, spaces and hyphens, O for 0, I and L for 1. Throws ClientError "code-malformed". */
export function parseCode(text: string, characters: number): bigint {
  const letters = text.toUpperCase().replace(/[\s-]/g, "").replaceAll("O", "0").replace(/[IL]/g, "1");
  let value = 0n;
  for (const letter of letters) {
    const digit = ALPHABET.indexOf(letter);
    if (digit < 0) throw malformed();
    value = (value << 5n) | BigInt(digit);
  }
  if (letters.length !== characters) throw malformed();
  return value;
}

export function bigintOf(bytes: Uint8Array): bigint {
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** Big-endian. */
export function bytesOf(value: bigint, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => Number((value >> BigInt(8 * (length - 1 - i))) & 255n));
}

export function malformed(): ClientError {
  return new ClientError("code-malformed", "this is no such code: look for typing errors");
}
