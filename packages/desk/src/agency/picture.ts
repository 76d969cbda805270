/** Types that every browser decodes as pictures and as nothing else. SVG is a document, and not among them. */
const TYPES = ["image/jpeg", "image/png", "image/gif", "image/webp"] as const;
export type PictureType = (typeof TYPES)[number];

/** Decoding more would take the browser's memory: a larger picture is a file. */
const MAX_BYTES = 40 * 2 ** 20;

/** Whether a file may be looked at here, as far as its sender's words go; its bytes decide ({@link pictureType}). */
export function isSaidPicture({ type, size }: { readonly type: string; readonly size: number }): boolean {
  return size <= MAX_BYTES && (TYPES as readonly string[]).includes(type.toLowerCase());
}

/** As what a file may be drawn, by its first bytes alone; `null`: it is only ever saved. */
export function pictureType(bytes: Uint8Array): PictureType | null {
  const at = (offset: number, text: string): boolean =>
    [...text].every((letter, i) => bytes[offset + i] === letter.charCodeAt(0));
  if (bytes.length > MAX_BYTES) return null;
  if (at(0, "\xff\xd8\xff")) return "image/jpeg";
  if (at(0, "\x89PNG\r\n\x1a\n")) return "image/png";
  if (at(0, "GIF87a") || at(0, "GIF89a")) return "image/gif";
  if (at(0, "RIFF") && at(8, "WEBP")) return "image/webp";
  return null;
}
