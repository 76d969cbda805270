/**
 * The pixels that a browser would decode of a picture, from its header: what a sender says of them is another matter, and
 * a few hundred bytes can be a gigabyte of one colour. AVIF is not here: the size in its boxes is not the size that is
 * decoded.
 */
export type PictureSize = { readonly width: number; readonly height: number };

/** Types that every browser decodes as pictures and nothing else. SVG is a document, and not among them. */
export type PictureType = "image/jpeg" | "image/png" | "image/webp" | "image/gif";

/** Bytes in which the size of an honest picture is found: colour profiles and previews of cameras stand before it. */
export const HEADER_BYTES = 1024 * 1024;

/** The type under which a received file may be drawn; `null`: only ever saved. The sender's word is not enough. */
export function pictureType(bytes: Uint8Array): PictureType | null {
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return "image/jpeg";
  if (bytes[0] === 0x89 && says(bytes, 1, "PNG\r\n\x1a\n")) return "image/png";
  if (says(bytes, 0, "GIF87a") || says(bytes, 0, "GIF89a")) return "image/gif";
  if (says(bytes, 0, "RIFF") && says(bytes, 8, "WEBP")) return "image/webp";
  return null;
}

/** `null`: these bytes, the first of a file, do not say it. */
export function pictureSize(bytes: Uint8Array): PictureSize | null {
  const type = pictureType(bytes);
  if (type === null) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    const size = SIZES[type](view, bytes);
    return size === null || size.width === 0 || size.height === 0 ? null : size;
  } catch (error) {
    // Read beyond what is there.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

const SIZES: Readonly<Record<PictureType, (view: DataView, bytes: Uint8Array) => PictureSize | null>> = {
  "image/png": (view, bytes) =>
    says(bytes, 12, "IHDR") ? { width: view.getUint32(16), height: view.getUint32(20) } : null,
  "image/jpeg": jpegSize,
  "image/webp": webpSize,
  "image/gif": gifSize,
};

/** ITU-T T.81, B.2.2: the first frame header; segments before it are passed over. */
function jpegSize(view: DataView): PictureSize | null {
  for (let at = 2; ; ) {
    if (view.getUint8(at) !== 0xff) return null;
    const marker = view.getUint8(at + 1);
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    // DHT, JPG and DAC lie among the frame headers' numbers.
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return { width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
    // A scan or the end before any frame. What has no length (B.1.1.3) stands in front of no honest frame, and decoders
    // pass it over.
    if (marker < 0xc0 || (marker >= 0xd0 && marker <= 0xda)) return null;
    const length = view.getUint16(at + 2);
    if (length < 2) return null;
    at += 2 + length;
  }
}

/** RFC 9649: lossy, lossless, or extended with a canvas. */
function webpSize(view: DataView, bytes: Uint8Array): PictureSize | null {
  if (says(bytes, 12, "VP8X")) return { width: uint24(view, 24) + 1, height: uint24(view, 27) + 1 };
  if (says(bytes, 12, "VP8L")) {
    if (view.getUint8(20) !== 0x2f) return null;
    const bits = view.getUint32(21, true);
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
  }
  if (!says(bytes, 12, "VP8 ") || !says(bytes, 23, "\x9d\x01\x2a")) return null;
  return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
}

/** GIF89a: the screen, or the first picture on it where that is larger, to which browsers widen the screen. */
function gifSize(view: DataView): PictureSize | null {
  const table = (flags: number): number => ((flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1));
  const screen = { width: view.getUint16(6, true), height: view.getUint16(8, true) };
  for (let at = 13 + table(view.getUint8(10)); ; ) {
    const kind = view.getUint8(at);
    if (kind === 0x2c) {
      const right = view.getUint16(at + 1, true) + view.getUint16(at + 5, true);
      const bottom = view.getUint16(at + 3, true) + view.getUint16(at + 7, true);
      return { width: Math.max(screen.width, right), height: Math.max(screen.height, bottom) };
    }
    if (kind !== 0x21) return null;
    at += 2;
    for (let length = view.getUint8(at); length !== 0; length = view.getUint8(at)) at += 1 + length;
    at += 1;
  }
}

function says(bytes: Uint8Array, offset: number, text: string): boolean {
  return [...text].every((letter, i) => bytes[offset + i] === letter.charCodeAt(0));
}

function uint24(view: DataView, at: number): number {
  return view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
}
