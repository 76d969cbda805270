import { asString, EncodingError, Fields, fromBase64, fromHex, type Json } from "@porchlight/encoding";
import { AttachmentError } from "./error.ts";
import { MAX_ATTACHMENT } from "./layout.ts";

/** ATT-1: what a message says about an attachment, as plain JSON. Whoever has it can read the attachment. */
export type AttachmentReference = {
  /** 64 lower-case hex digits, random: known to the message's readers and to the server. */
  readonly id: string;
  /** The file key (ATT-4), base64 of 32 bytes. */
  readonly key: string;
  /** The ciphertext's (see digestOf), 64 hex digits. */
  readonly digest: string;
  /** Bytes of the content. */
  readonly size: number;
  /** Media type as the sender names it: for display, never to be trusted. */
  readonly type: string;
  readonly name?: string;
};

/** Attachments of one message. */
export const MAX_ATTACHMENTS = 16;
const MAX_TYPE = 100;
const MAX_NAME = 255;

/** Throws AttachmentError "reference-malformed". */
export function attachmentId(text: string): string {
  if (!/^[0-9a-f]{64}$/.test(text)) throw malformed();
  return text;
}

/** In the order of members that messages have. Throws AttachmentError "reference-malformed". */
export function formatReference({ id, key, digest, size, type, name }: AttachmentReference): Json {
  const json: Json = { id, key, digest, size, type, ...(name === undefined ? {} : { name }) };
  readReference(json, "attachment");
  return json;
}

/** Members that a later version adds are ignored. Throws AttachmentError "reference-malformed". */
export function readReference(value: Json, where: string): AttachmentReference {
  try {
    const fields = new Fields(value, where);
    const type = fields.string("type", MAX_TYPE);
    if (!/^[a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+$/.test(type)) throw malformed();
    const name = fields.optional("name");
    return {
      id: attachmentId(fields.string("id", 64)),
      key: checked(fields.string("key", 44), (text) => fromBase64(text, 32, where)),
      digest: checked(fields.string("digest", 64), (text) => fromHex(text, 32, where)),
      size: fields.integer("size", 0, MAX_ATTACHMENT),
      type,
      ...(name === undefined ? {} : { name: asString(name, where, MAX_NAME) }),
    };
  } catch (cause) {
    if (cause instanceof EncodingError) throw malformed(cause);
    throw cause;
  }
}

function checked(text: string, parse: (text: string) => unknown): string {
  parse(text);
  return text;
}

function malformed(cause?: unknown): AttachmentError {
  return new AttachmentError(
    "reference-malformed",
    "the message names its attachment in a form unknown here",
    {
      cause,
    },
  );
}
