import { asString, EncodingError, Fields, parseJson } from "@porchlight/encoding";
import { EvidenceError } from "./error.ts";

/** What a sender wrote (EVI-20): the time is the sender's own, in the sender's own words. */
export type Content = { readonly at: string; readonly text: string; readonly kind?: string };

/**
 * EVI-20: the content of a message is UTF-8 JSON with `at`, `text` and, where it is not plain speech, `kind`. Members
 * that a later client adds do not make a message unreadable: they stay in the wire message. Throws EvidenceError "content".
 */
export function parseContent(bytes: Uint8Array): Content {
  try {
    const fields = new Fields(parseJson(bytes, "content"), "content");
    const at = fields.string("at", 40);
    const text = fields.string("text", bytes.length);
    const kind = fields.optional("kind");
    return kind === undefined ? { at, text } : { at, text, kind: asString(kind, "content.kind", 100) };
  } catch (cause) {
    if (cause instanceof EncodingError) throw new EvidenceError("content", cause.field, { cause });
    throw cause;
  }
}

/** One line of data/messages.jsonl (EVI-21), `\n` included. */
export function formatLine(message: Content & { readonly from: string }): string {
  const { at, from, text, kind } = message;
  // U+2028, U+2029 and U+0085 are escaped, which JSON allows: many programs take them for the end of a line.
  const line = JSON.stringify({ at, from, text, ...(kind === undefined ? {} : { kind }) });
  return `${line.replace(/[\u0085\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`)}\n`;
}
