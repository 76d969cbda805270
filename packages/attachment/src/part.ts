import { concat, equalBytes, Writer } from "@porchlight/encoding";
import { AttachmentError } from "./error.ts";
import type { AttachmentKey } from "./key.ts";
import { COMMITMENT, type Layout } from "./layout.ts";
import type { AttachmentSuite } from "./suite.ts";

/** ATT-4: seven zeros, the part's number, and whether it is the last: STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015). */
function nonceOf(part: number, isLast: boolean): Uint8Array {
  return new Writer()
    .fixed(new Uint8Array(7), 7)
    .uint(part, 4)
    .uint(isLast ? 1 : 0, 1)
    .finish();
}

/** Seals one part. `content` is what the layout says for it without the padding, which is added here. */
export async function sealPart(
  suite: AttachmentSuite,
  { key, commitment }: AttachmentKey,
  layout: Layout,
  part: number,
  content: Uint8Array,
): Promise<Uint8Array> {
  const { start, length } = layout.plaintext(part);
  const own = Math.max(0, Math.min(length, layout.size - start));
  if (content.length !== own) {
    throw new AttachmentError("source-changed", "the file is shorter than it was: begin again");
  }
  const padded = content.length === length ? content : concat(content, new Uint8Array(length - own));
  const sealed = await suite.seal(key, nonceOf(part, part === layout.parts - 1), padded);
  return part === 0 ? concat(commitment, sealed) : sealed;
}

/**
 * The content of one part without padding. Every part can be opened by itself, as soon as it is there. Throws
 * AttachmentError "part-length", "commitment-mismatch", "part-refused" or "padding-malformed" (ATT-6).
 */
export async function openPart(
  suite: AttachmentSuite,
  { key, commitment }: AttachmentKey,
  layout: Layout,
  part: number,
  sealed: Uint8Array,
): Promise<Uint8Array> {
  if (sealed.length !== layout.sealedLength(part)) {
    throw new AttachmentError(
      "part-length",
      "a part of the attachment is cut short or too long: fetch it again",
    );
  }
  if (part === 0 && !equalBytes(sealed.subarray(0, COMMITMENT), commitment)) {
    throw new AttachmentError("commitment-mismatch", "this is another attachment's ciphertext");
  }
  const body = part === 0 ? sealed.subarray(COMMITMENT) : sealed;
  const padded = await suite.open(key, nonceOf(part, part === layout.parts - 1), body);
  if (padded === null) {
    throw new AttachmentError("part-refused", "a part of the attachment was altered or is not in its place");
  }
  const { start, length } = layout.plaintext(part);
  const own = Math.max(0, Math.min(length, layout.size - start));
  if (padded.subarray(own).some((byte) => byte !== 0)) {
    throw new AttachmentError("padding-malformed", "the attachment holds more than its message says");
  }
  return padded.subarray(0, own);
}
