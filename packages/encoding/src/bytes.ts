import { EncodingError } from "./error.ts";

/** Joins byte strings. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Equality in time that depends on the lengths only. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number);
  return difference === 0;
}

/** Lexicographic order of unsigned bytes; a prefix comes first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Big-endian writer of the fixed binary formats (ENC-2). */
export class Writer {
  readonly #parts: Uint8Array[] = [];

  /** Unsigned integer of `size` bytes, 1 to 6 (safe integers only). */
  uint(value: number, size: 1 | 2 | 4 | 6, field = "uint"): this {
    if (!Number.isSafeInteger(value) || value < 0 || value >= 2 ** (8 * size)) {
      throw new EncodingError("out-of-range", field);
    }
    const bytes = new Uint8Array(size);
    let rest = value;
    for (let i = size - 1; i >= 0; i--) {
      bytes[i] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    this.#parts.push(bytes);
    return this;
  }

  /** u64; `value` is a safe integer. */
  u64(value: number, field = "u64"): this {
    if (!Number.isSafeInteger(value)) throw new EncodingError("out-of-range", field);
    return this.uint(Math.floor(value / 2 ** 48), 2, field).uint(value % 2 ** 48, 6, field);
  }

  /** Bytes of a length that the format fixes. */
  fixed(bytes: Uint8Array, length: number, field = "fixed"): this {
    if (bytes.length !== length) throw new EncodingError("out-of-range", field);
    this.#parts.push(bytes);
    return this;
  }

  /** Bytes behind their length in `lengthSize` bytes. */
  opaque(bytes: Uint8Array, lengthSize: 1 | 2 | 4, field = "opaque"): this {
    this.uint(bytes.length, lengthSize, field);
    this.#parts.push(bytes);
    return this;
  }

  /** The bytes written so far. */
  finish(): Uint8Array {
    return concat(...this.#parts);
  }
}

/** Strict reader of the fixed binary formats (ENC-2): throws when bytes are missing, and at `end` when any are left. */
export class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  uint(size: 1 | 2 | 4 | 6, field = "uint"): number {
    let value = 0;
    for (const byte of this.fixed(size, field)) value = value * 256 + byte;
    return value;
  }

  /** u64 that must be a safe integer. */
  u64(field = "u64"): number {
    const value = this.uint(2, field) * 2 ** 48 + this.uint(6, field);
    if (!Number.isSafeInteger(value)) throw new EncodingError("out-of-range", field);
    return value;
  }

  /** A copy of the next `length` bytes. */
  fixed(length: number, field = "fixed"): Uint8Array {
    if (this.remaining < length) throw new EncodingError("truncated", field);
    const bytes = this.#bytes.slice(this.#at, this.#at + length);
    this.#at += length;
    return bytes;
  }

  opaque(lengthSize: 1 | 2 | 4, maximum: number, field = "opaque"): Uint8Array {
    const length = this.uint(lengthSize, field);
    if (length > maximum) throw new EncodingError("too-long", field);
    return this.fixed(length, field);
  }

  /** Refuses trailing bytes. */
  end(field = "message"): void {
    if (this.remaining !== 0) throw new EncodingError("trailing-bytes", field);
  }
}
