import { AttachmentError, type AttachmentReference, readReference } from "@porchlight/attachment";
import { asString, EncodingError, Fields, type Json, parseJson } from "@porchlight/encoding";
import { referenceName } from "./attachments.ts";
import { EvidenceError } from "./error.ts";

/** What a sender wrote (EVI-20): the time is the sender's own, in the sender's own words. */
export type Content = {
  readonly at: string;
  readonly text: string;
  readonly kind?: string;
  /** The sender's name for the message (CON-1). */
  readonly id?: string;
  /** Id of the message that it answers, or that an edit, a deletion or a reaction is about. */
  readonly about?: string;
  readonly attachments?: readonly Attached[];
};

/** An attachment as its message describes it; its key stays in the wire message. `ref` names it in the package (EVI-29). */
export type Attached = Pick<AttachmentReference, "id" | "digest" | "size" | "type" | "name"> & {
  readonly ref: string;
};

const MAX_ID = 64;
const MAX_ATTACHMENTS = 100;

/**
 * EVI-20: the content of a message is UTF-8 JSON with `at`, `text` and, where it is not plain speech, `kind`. Members
 * that a later client adds, and such as are not in the form of content.md, do not make a message unreadable: they stay
 * in the wire message. Throws EvidenceError "content".
 */
export function parseContent(bytes: Uint8Array): Content {
  return readContent(bytes).content;
}

/** {@link parseContent}, with what opens the attachments. */
export function readContent(bytes: Uint8Array): {
  readonly content: Content;
  readonly references: readonly AttachmentReference[];
} {
  try {
    const fields = new Fields(parseJson(bytes, "content"), "content");
    const at = fields.string("at", 40);
    const text = fields.string("text", bytes.length);
    const kind = fields.optional("kind");
    const references = referencesIn(fields.optional("attachments"));
    const attachments = references.map((reference): Attached => {
      const { id, digest, size, type, name } = reference;
      const ref = referenceName(reference);
      return { id, digest, size, type, ...(name === undefined ? {} : { name }), ref };
    });
    const content = {
      at,
      text,
      ...(kind === undefined ? {} : { kind: asString(kind, "content.kind", 100) }),
      ...named("id", fields.optional("id")),
      ...named("about", fields.optional("target") ?? fields.optional("replyTo")),
      ...(attachments.length === 0 ? {} : { attachments }),
    };
    return { content, references };
  } catch (cause) {
    if (cause instanceof EncodingError) throw new EvidenceError("content", cause.field, { cause });
    throw cause;
  }
}

function named<const N extends string>(name: N, value: Json | undefined): { readonly [name in N]?: string } {
  const isId = typeof value === "string" && value.length > 0 && value.length <= MAX_ID;
  return isId ? ({ [name]: value } as { readonly [name in N]?: string }) : {};
}

function referencesIn(value: Json | undefined): AttachmentReference[] {
  if (!Array.isArray(value)) return [];
  return value.slice(0, MAX_ATTACHMENTS).flatMap((one: Json) => {
    try {
      return [readReference(one, "attachment")];
    } catch (error) {
      if (error instanceof AttachmentError) return [];
      throw error;
    }
  });
}

/** One line of data/messages.jsonl (EVI-21), `\n` included. */
export function formatLine(message: Content & { readonly from: string }): string {
  const { at, from, text, kind } = message;
  // U+2028, U+2029 and U+0085 are escaped, which JSON allows: many programs take them for the end of a line.
  const line = JSON.stringify({ at, from, text, ...(kind === undefined ? {} : { kind }) });
  return `${line.replace(/[\u0085\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`)}\n`;
}
