import type { NewAttachment } from "@porchlight/client/page";

/** Types that every browser decodes as pictures and nothing else. SVG is a document, and not among them. */
const SHOWN = ["image/jpeg", "image/png", "image/webp", "image/gif", "image/avif"] as const;
const MAX_PIXELS_SIDE = 320;
const MAX_PREVIEW = 12 * 1024;
const QUALITIES = [0.7, 0.5, 0.35, 0.2];
/** A picture beyond this is a file: decoding it would take the page's memory. */
const MAX_DECODED = 40 * 1024 * 1024;

/** The type under which a received file may be drawn; `null`: only ever saved. The sender's word is not enough. */
export function pictureType(bytes: Uint8Array): (typeof SHOWN)[number] | null {
  const at = (offset: number, text: string): boolean =>
    [...text].every((letter, i) => bytes[offset + i] === letter.charCodeAt(0));
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return "image/jpeg";
  if (bytes[0] === 0x89 && at(1, "PNG\r\n\x1a\n")) return "image/png";
  if (at(0, "GIF87a") || at(0, "GIF89a")) return "image/gif";
  if (at(0, "RIFF") && at(8, "WEBP")) return "image/webp";
  if (at(4, "ftypavif")) return "image/avif";
  return null;
}

/** A blob of exactly that type, whatever its own says, or `null` where the bytes are no picture. */
export async function asPicture(file: Blob): Promise<Blob | null> {
  if (file.size > MAX_DECODED) return null;
  const type = pictureType(new Uint8Array(await file.slice(0, 16).arrayBuffer()));
  return type === null ? null : new Blob([file], { type });
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
  if (picture === null) return null;
  const decoded = await createImageBitmap(picture);
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
