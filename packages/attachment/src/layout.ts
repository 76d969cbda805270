import { AttachmentError } from "./error.ts";

/** ATT-2: bytes of every part of the ciphertext but the last. */
export const PART = 1024 * 1024;
/** Largest content: 1 GiB. */
export const MAX_ATTACHMENT = 1024 * 1024 * 1024;
const SMALLEST = 4096;
/** AES-256-GCM's tag. */
const TAG = 16;
/** The key commitment in front of the first part (ATT-4). */
export const COMMITMENT = 32;

/** Where the content of an attachment lies in its ciphertext (ATT-2, ATT-3). All in bytes. */
export type Layout = {
  /** Of the content. */
  readonly size: number;
  /** Of content and padding. */
  readonly padded: number;
  /** Of the ciphertext. */
  readonly sealed: number;
  readonly parts: number;
  /** Bytes of this part of the ciphertext. */
  readonly sealedLength: (part: number) => number;
  /** Where this part's plaintext begins and how long it is, padding included. */
  readonly plaintext: (part: number) => { readonly start: number; readonly length: number };
};

/**
 * ATT-3: the size that is shown for one of `size` bytes: at least 4 KiB, and then of so few significant bits (Padmé,
 * PURBs §4) that at most an eighth is added and everything of nearly one size looks alike.
 */
export function paddedSize(size: number): number {
  if (size <= SMALLEST) return SMALLEST;
  const exponent = Math.floor(Math.log2(size));
  const significant = Math.floor(Math.log2(exponent)) + 1;
  const step = 2 ** (exponent - significant);
  return Math.ceil(size / step) * step;
}

/** The layout of a content of `size` bytes. Throws AttachmentError "size-refused" beyond {@link MAX_ATTACHMENT}. */
export function layoutOf(size: number): Layout {
  if (!Number.isSafeInteger(size) || size < 0 || size > MAX_ATTACHMENT) {
    throw new AttachmentError("size-refused", "an attachment has at most 1 GiB: send it in several");
  }
  const padded = paddedSize(size);
  const first = PART - COMMITMENT - TAG;
  const other = PART - TAG;
  const parts = padded <= first ? 1 : 1 + Math.ceil((padded - first) / other);
  const plaintext = (part: number): { start: number; length: number } => {
    if (!Number.isSafeInteger(part) || part < 0 || part >= parts) {
      throw new AttachmentError("part-length", "the attachment has no such part");
    }
    const start = part === 0 ? 0 : first + (part - 1) * other;
    return { start, length: Math.min(part === 0 ? first : other, padded - start) };
  };
  const sealedLength = (part: number): number => plaintext(part).length + TAG + (part === 0 ? COMMITMENT : 0);
  return {
    size,
    padded,
    sealed: padded + parts * TAG + COMMITMENT,
    parts,
    sealedLength,
    plaintext,
  };
}
