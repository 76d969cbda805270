import { EncodingError } from "./error.ts";

// The pure floor is compiled without DOM or Node types; these two are in every JavaScript engine since 2018.
declare const TextEncoder: new () => { encode(text: string): Uint8Array };
declare const TextDecoder: new (
  label: "utf-8",
  options: { fatal: true; ignoreBOM: true },
) => { decode(bytes: Uint8Array): string };

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** UTF-8 bytes. A lone surrogate is refused rather than silently replaced, so that text and bytes stay one to one. */
export function utf8(text: string): Uint8Array {
  if (!text.isWellFormed()) throw new EncodingError("not-utf8", "text");
  return encoder.encode(text);
}

/** Strict inverse of {@link utf8}: invalid UTF-8 throws, a byte order mark is kept as a character. */
export function fromUtf8(bytes: Uint8Array, field = "text"): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new EncodingError("not-utf8", field);
  }
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Lower-case hexadecimal, the only form {@link fromHex} accepts back. */
export function hex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += HEX[byte];
  return text;
}

/** Lower-case hexadecimal of exactly `length` bytes (any length where it is left out). */
export function fromHex(text: string, length?: number, field = "hex"): Uint8Array {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text)) throw new EncodingError("not-hex", field);
  if (length !== undefined && text.length !== 2 * length) throw new EncodingError("out-of-range", field);
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

const STANDARD = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

const PADDING = "=".charCodeAt(0);

function encode64(bytes: Uint8Array, alphabet: string, padded: boolean): string {
  const digits = encoder.encode(alphabet);
  const text = new Uint8Array(4 * Math.ceil(bytes.length / 3)).fill(PADDING);
  const length = Math.ceil((bytes.length * 4) / 3);
  for (let i = 0, at = 0; at < length; i += 3) {
    const word = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    for (let shift = 18; shift >= 0 && at < length; shift -= 6) {
      text[at++] = digits[(word >> shift) & 63] as number;
    }
  }
  return decoder.decode(padded ? text : text.subarray(0, length));
}

function valuesOf(alphabet: string): Int8Array {
  const values = new Int8Array(128).fill(-1);
  for (let value = 0; value < 64; value++) values[alphabet.charCodeAt(value)] = value;
  return values;
}

const STANDARD_VALUES = valuesOf(STANDARD);
const URL_VALUES = valuesOf(URL_SAFE);

function decode64(text: string, values: Int8Array, padded: boolean, field: string): Uint8Array {
  let length = text.length;
  if (padded) {
    if (length % 4 !== 0) throw new EncodingError("not-base64", field);
    if (text.endsWith("==")) length -= 2;
    else if (text.endsWith("=")) length -= 1;
  }
  if (length % 4 === 1) throw new EncodingError("not-base64", field);
  const bytes = new Uint8Array(Math.floor((length * 3) / 4));
  let word = 0;
  let bits = 0;
  let at = 0;
  for (let i = 0; i < length; i++) {
    const value = values[text.charCodeAt(i)] ?? -1;
    if (value < 0) throw new EncodingError("not-base64", field);
    word = ((word << 6) | value) & 0xffffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = (word >> bits) & 0xff;
    }
  }
  // Unused bits must be zero, or two texts would decode to the same bytes.
  if ((word & ((1 << bits) - 1)) !== 0) throw new EncodingError("not-canonical", field);
  return bytes;
}

/** RFC 4648 §4 with padding. */
export function base64(bytes: Uint8Array): string {
  return encode64(bytes, STANDARD, true);
}

/** RFC 4648 §4, padding required, unused bits zero. */
export function fromBase64(text: string, length?: number, field = "base64"): Uint8Array {
  const bytes = decode64(text, STANDARD_VALUES, true, field);
  if (length !== undefined && bytes.length !== length) throw new EncodingError("out-of-range", field);
  return bytes;
}

/** RFC 4648 §5 without padding (JOSE). */
export function base64url(bytes: Uint8Array): string {
  return encode64(bytes, URL_SAFE, false);
}

/** RFC 4648 §5 without padding, unused bits zero. */
export function fromBase64url(text: string, length?: number, field = "base64url"): Uint8Array {
  const bytes = decode64(text, URL_VALUES, false, field);
  if (length !== undefined && bytes.length !== length) throw new EncodingError("out-of-range", field);
  return bytes;
}

/** The decimal number that C2SP formats use: ASCII digits, no sign, no leading zero, at most 2^53 − 1. */
export function parseDecimal(text: string, field: string): number {
  if (!/^(?:0|[1-9][0-9]{0,15})$/.test(text)) throw new EncodingError("not-canonical", field);
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new EncodingError("out-of-range", field);
  return value;
}
