import {
  asString,
  EncodingError,
  Fields,
  formatInstant,
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
};

/** Bytes of one content: what fits into the server's limit of a message with room to spare. */
export const MAX_CONTENT = 128 * 1024;
const MAX_ID = 64;
const MAX_KIND = 100;

/** UTF-8 JSON with `id`, `at` (ISO instant), `text` and, where it is not plain speech, `kind`. */
export function formatContent(content: Content): Uint8Array {
  const { id, at, text, kind } = content;
  if (id.length === 0 || id.length > MAX_ID)
    throw new ClientError("content-malformed", "a message id has 1 to 64 characters");
  if (kind !== undefined && kind.length > MAX_KIND) {
    throw new ClientError("content-malformed", "a kind has at most 100 characters");
  }
  const bytes = utf8(
    JSON.stringify({ id, at: formatInstant(at), text, ...(kind === undefined ? {} : { kind }) }),
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
    if (id.length === 0) throw new EncodingError("out-of-range", "content.id");
    return kind === undefined
      ? { id, at, text }
      : { id, at, text, kind: asString(kind, "content.kind", MAX_KIND) };
  } catch (cause) {
    if (cause instanceof EncodingError) {
      throw new ClientError("content-malformed", "this is no message that this version can show", { cause });
    }
    throw cause;
  }
}
