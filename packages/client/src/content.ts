import {
  AttachmentError,
  type AttachmentReference,
  formatReference,
  MAX_ATTACHMENTS,
  readReference,
} from "@porchlight/attachment";
import {
  asString,
  EncodingError,
  Fields,
  formatInstant,
  type Json,
  parseInstant,
  parseJson,
  type UnixSeconds,
  utf8,
} from "@porchlight/encoding";
import { ClientError } from "./error.ts";

/** What a person writes, as the sender's device encrypts it. */
export type Content = {
  /** The sender's name for the message, which replies and edits refer to. */
  readonly id: string;
  /** The sender's own clock. */
  readonly at: UnixSeconds;
  readonly text: string;
  /** What it is where it is not plain speech, "action" for instance. */
  readonly kind?: string;
  /** Id of the message that this one answers or quotes: never its text, which belongs to another day's key. */
  readonly replyTo?: string;
  readonly attachments?: readonly AttachmentReference[];
  /** In a receipt ({@link RECEIPT}): ids of messages that were shown to the sender of the receipt. */
  readonly read?: readonly string[];
};

/** Kind of the contents that say what was read; they have no text. */
export const RECEIPT = "receipt";

/** Bytes of one content: what fits into the server's limit of a message with room to spare. */
export const MAX_CONTENT = 128 * 1024;
const MAX_ID = 64;
const MAX_KIND = 100;
/** Messages that one receipt names. */
export const MAX_RECEIPT = 256;

/** UTF-8 JSON with `id`, `at` (ISO instant), `text` and, where they apply, `kind`, `replyTo`, `attachments`, `read` (CON-1). */
export function formatContent(content: Content): Uint8Array {
  const { id, at, text, kind, replyTo, attachments, read } = content;
  if (!isId(id) || (replyTo !== undefined && !isId(replyTo)) || read?.every(isId) === false) {
    throw new ClientError("content-malformed", "a message id has 1 to 64 characters");
  }
  if (kind !== undefined && kind.length > MAX_KIND) {
    throw new ClientError("content-malformed", "a kind has at most 100 characters");
  }
  if ((attachments?.length ?? 0) > MAX_ATTACHMENTS || (read?.length ?? 0) > MAX_RECEIPT) {
    throw new ClientError("content-malformed", "too much for one message: send it in several parts");
  }
  const bytes = utf8(
    JSON.stringify({
      id,
      at: formatInstant(at),
      text,
      ...(kind === undefined ? {} : { kind }),
      ...(replyTo === undefined ? {} : { replyTo }),
      ...(attachments === undefined ? {} : { attachments: attachments.map(formatReference) }),
      ...(read === undefined ? {} : { read }),
    }),
  );
  if (bytes.length > MAX_CONTENT) {
    throw new ClientError("content-too-long", "the message is too long: send it in several parts");
  }
  return bytes;
}

/** Members that a later client adds are ignored, so that its messages stay readable here. Throws ClientError. */
export function parseContent(bytes: Uint8Array): Content {
  try {
    const fields = new Fields(parseJson(bytes, "content"), "content");
    const id = fields.string("id", MAX_ID);
    const at = parseInstant(fields.string("at", 20), "content.at");
    const text = fields.string("text", MAX_CONTENT);
    const kind = fields.optional("kind");
    const replyTo = fields.optional("replyTo");
    if (id.length === 0) throw new EncodingError("out-of-range", "content.id");
    const messageId = (value: Json, where: string): string => asString(value, where, MAX_ID);
    return {
      id,
      at,
      text,
      ...(kind === undefined ? {} : { kind: asString(kind, "content.kind", MAX_KIND) }),
      ...(replyTo === undefined ? {} : { replyTo: messageId(replyTo, "content.replyTo") }),
      ...(fields.optional("attachments") === undefined
        ? {}
        : { attachments: fields.array("attachments", readReference, MAX_ATTACHMENTS) }),
      ...(fields.optional("read") === undefined
        ? {}
        : { read: fields.array("read", messageId, MAX_RECEIPT) }),
    };
  } catch (cause) {
    if (cause instanceof EncodingError || cause instanceof AttachmentError) {
      throw new ClientError("content-malformed", "this is no message that this version can show", { cause });
    }
    throw cause;
  }
}

function isId(text: string): boolean {
  return text.length > 0 && text.length <= MAX_ID;
}
