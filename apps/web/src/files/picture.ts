import type { NewAttachment, PreviewImage } from "@porchlight/client/page";
import { HEADER_BYTES, pictureSize, pictureType } from "./picture-size.ts";

const MAX_PIXELS_SIDE = 320;
const MAX_PREVIEW = 12 * 1024;
const QUALITIES = [0.7, 0.5, 0.35, 0.2];
/** A picture beyond either is a file: decoding it would take the page's memory. */
const MAX_FILE = 40 * 1024 * 1024;
const MAX_PIXELS = 50_000_000;
/** CON-10: pixels a side of a preview, which nobody asked to see. */
const MAX_PREVIEW_SIDE = 2048;

export type Drawable =
  | { readonly kind: "picture"; readonly blob: Blob }
  /** Not by the page: "large-picture", or no picture of a kind that every browser draws. */
  | { readonly kind: "large-picture" }
  | { readonly kind: "no-picture" };

/** A blob of exactly that type, whatever its own says, that is safe to be decoded. */
export async function asPicture(file: Blob): Promise<Drawable> {
  const header = new Uint8Array(await file.slice(0, HEADER_BYTES).arrayBuffer());
  const type = pictureType(header);
  const size = pictureSize(header);
  if (type === null || size === null) return { kind: "no-picture" };
  if (file.size > MAX_FILE || size.width * size.height > MAX_PIXELS) return { kind: "large-picture" };
  return { kind: "picture", blob: new Blob([file], { type }) };
}

/** The picture inside a message, by its own bytes; `null`: it is not drawn, whatever the message says of it. */
export function drawablePreview({ bytes }: Pick<PreviewImage, "bytes">): Blob | null {
  const type = pictureType(bytes);
  const size = pictureSize(bytes);
  if (type === null || type === "image/gif" || size === null) return null;
  if (size.width > MAX_PREVIEW_SIDE || size.height > MAX_PREVIEW_SIDE) return null;
  return new Blob([bytes as Uint8Array<ArrayBuffer>], { type });
}

/** Not a folder, not deleted or changed since it was chosen: a browser says so only where it is read. */
export async function isReadable(file: Blob): Promise<boolean> {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

/** A file as an attachment; a picture with a small one of it that travels inside the message. */
export async function newAttachment(file: File): Promise<NewAttachment> {
  return { file, name: file.name, preview: await previewOf(file).catch(() => null) };
}

async function previewOf(file: File): Promise<NewAttachment["preview"]> {
  const picture = await asPicture(file);
  if (picture.kind !== "picture") return null;
  const decoded = await createImageBitmap(picture.blob);
  try {
    const { width, height } = decoded;
    const scale = Math.min(1, MAX_PIXELS_SIDE / Math.max(width, height));
    const canvas = new OffscreenCanvas(
      Math.max(1, Math.round(width * scale)),
      Math.max(1, Math.round(height * scale)),
    );
    canvas.getContext("2d")?.drawImage(decoded, 0, 0, canvas.width, canvas.height);
    for (const quality of QUALITIES) {
      const blob = await canvas.convertToBlob({ type: "image/webp", quality });
      if (blob.size <= MAX_PREVIEW && blob.type === "image/webp") {
        return { type: "image/webp", width, height, bytes: new Uint8Array(await blob.arrayBuffer()) };
      }
    }
    return null;
  } finally {
    decoded.close();
  }
}

/** Characters that no file name has, and names that some systems treat as devices or hide. */
export function safeFileName(shown: string): string {
  const name = shown
    .replace(/[\\/:*?"<>|]/g, "_")
    .replace(/^\.+/, "_")
    .slice(-120);
  return name === "" ? "file" : name;
}

/** Hands a file to the person as a download, never to the browser as a page. */
export function save(file: Blob, shown: string): void {
  const address = URL.createObjectURL(new Blob([file], { type: "application/octet-stream" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = safeFileName(shown);
  link.rel = "noopener";
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
