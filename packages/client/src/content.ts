import {
  AttachmentError,
  type AttachmentReference,
  formatReference,
  MAX_ATTACHMENTS,
  readReference,
} from "@porchlight/attachment";
import {
  type AccountId,
  accountId,
  asString,
  base64,
  EncodingError,
  Fields,
  formatInstant,
  fromBase64,
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
  /** What it is where it is not plain speech (CON-3): {@link KINDS}, or a kind that a later version knows. */
  readonly kind?: string;
  /** Id of the message that this one answers or quotes: never its text, which belongs to another day's key. */
  readonly replyTo?: string;
  /** Id of the message that a reaction, an edit or a deletion is about. */
  readonly target?: string;
  readonly mentions?: readonly Mention[];
  readonly attachments?: readonly AttachmentReference[];
  readonly previews?: readonly Preview[];
  /** In a receipt: id of the newest message that was shown to its sender; it stands for all before it (CON-4). */
  readonly read?: string;
  /** In a receipt: id of the newest message that its sender's device has. */
  readonly received?: string;
  /** In a receipt: where it does not stand for everything (CON-13). */
  readonly gaps?: readonly Gap[];
};

/** Between these two messages, by their ids, one was refused or did not arrive. `from`: whose it is, where that is known. */
export type Gap = { readonly after?: string; readonly before: string; readonly from?: AccountId };

/** Somebody is spoken to; the place is in UTF-16 code units of the text. */
export type Mention = { readonly account: AccountId; readonly start: number; readonly length: number };

/** A small picture of an attachment that comes inside the message (CON-10). */
export type Preview = {
  /** Index among the message's attachments. */
  readonly attachment: number;
  readonly type: (typeof PREVIEW_TYPES)[number];
  /** Pixels of the original. */
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
};

/** Kinds that this version understands; a content without one is plain speech. */
export const KINDS = [
  "action",
  "edit",
  "deletion",
  "reaction",
  "receipt",
  "profile",
  "title",
  "leaving",
] as const;
const PREVIEW_TYPES = ["image/jpeg", "image/png", "image/webp"] as const;

/** Bytes of one content: what fits into the server's limit of a message with room to spare. */
export const MAX_CONTENT = 128 * 1024;
/** Bytes of one preview. */
export const MAX_PREVIEW = 12 * 1024;
/** Previews that fit into one content beside its text. */
const MAX_PREVIEWS = 4;
/** Gaps that one receipt tells of (CON-13). */
export const MAX_GAPS = 20;
const MAX_ID = 64;
const MAX_KIND = 100;
const MAX_MENTIONS = 100;
const MAX_PIXELS = 1_000_000;
const MAX_NAME = 64;
const MAX_TITLE = 100;
const MAX_REACTION = 32;

/** UTF-8 JSON in the order of {@link Content}'s members (CON-1). Throws ClientError for what {@link parseContent} would refuse. */
export function formatContent(content: Content): Uint8Array {
  const { id, at, text, kind, replyTo, target, mentions, attachments, previews, read, received, gaps } =
    content;
  const defined = (values: Record<string, unknown>): Record<string, unknown> =>
    Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
  let json: string;
  try {
    json = JSON.stringify(
      defined({
        id,
        at: formatInstant(at),
        text,
        kind,
        replyTo,
        target,
        mentions: mentions?.map(({ account, start, length }) => ({ account, start, length })),
        attachments: attachments?.map(formatReference),
        previews: previews?.map((one) => ({
          attachment: one.attachment,
          type: one.type,
          width: one.width,
          height: one.height,
          data: base64(one.data),
        })),
        read,
        received,
        gaps: gaps?.map(({ after, before, from }) => defined({ after, before, from })),
      }),
    );
  } catch (cause) {
    if (!(cause instanceof AttachmentError)) throw cause;
    throw new ClientError("content-malformed", "an attachment is named in a way that others refuse", {
      cause,
    });
  }
  const bytes = utf8(json);
  if (bytes.length > MAX_CONTENT) {
    throw new ClientError("content-too-long", "the message is too long: send it in several parts");
  }
  parseContent(bytes);
  return bytes;
}

/** Members that a later version adds are ignored, so that its messages stay readable here. Throws ClientError "content-malformed". */
export function parseContent(bytes: Uint8Array): Content {
  try {
    const fields = new Fields(parseJson(bytes, "content"), "content");
    const optional = <T>(name: string, read: (value: Json, where: string) => T): T | undefined => {
      const value = fields.optional(name);
      return value === undefined ? undefined : read(value, `content.${name}`);
    };
    const list = <T>(name: string, read: (value: Json, where: string) => T, maximum: number) =>
      fields.optional(name) === undefined ? undefined : fields.array(name, read, maximum);
    const text = fields.string("text", MAX_CONTENT);
    const content = {
      id: readId(fields.json("id"), "content.id"),
      at: parseInstant(fields.string("at", 20), "content.at"),
      text,
      kind: optional("kind", (value, where) => asString(value, where, MAX_KIND)),
      replyTo: optional("replyTo", readId),
      target: optional("target", readId),
      mentions: list("mentions", readMention, MAX_MENTIONS),
      attachments: list("attachments", readReference, MAX_ATTACHMENTS),
      previews: list("previews", readPreview, MAX_PREVIEWS),
      read: optional("read", readId),
      received: optional("received", readId),
      gaps: list("gaps", readGap, MAX_GAPS),
    };
    checkMentions(content.mentions ?? [], text);
    checkPreviews(content.previews ?? [], content.attachments ?? []);
    checkKind(content);
    return Object.fromEntries(
      Object.entries(content).filter(([, value]) => value !== undefined),
    ) as unknown as Content;
  } catch (cause) {
    if (cause instanceof EncodingError || cause instanceof AttachmentError) {
      throw new ClientError("content-malformed", "this is no message that this version can show", { cause });
    }
    throw cause;
  }
}

/** CON-7: what may stand where a person or a conversation is named. `null`: it may not. */
export function nameIn(text: string, maximum: number = MAX_NAME): string | null {
  const name = text.normalize("NFC").trim();
  if (name.length === 0 || name.length > maximum) return null;
  // A direction override or a line break in a name would rewrite the screen around it. ZWJ and VS16 join emoji.
  return /[\p{Cc}\p{Cs}\p{Co}\p{Zl}\p{Zp}]|(?![\u200d])\p{Cf}/u.test(name) ? null : name;
}

/** A conversation's name, by the same rule. */
export function titleIn(text: string): string | null {
  return nameIn(text, MAX_TITLE);
}

function readId(value: Json, where: string): string {
  const id = asString(value, where, MAX_ID);
  if (id.length === 0) throw new EncodingError("out-of-range", where);
  return id;
}

function readGap(value: Json, where: string): Gap {
  const fields = new Fields(value, where);
  const after = fields.optional("after");
  const before = readId(fields.json("before"), `${where}.before`);
  const from = fields.optional("from") === undefined ? null : accountId(fields.string("from", 64));
  return {
    ...(after === undefined ? {} : { after: readId(after, `${where}.after`) }),
    before,
    ...(from === null ? {} : { from }),
  };
}

function readMention(value: Json, where: string): Mention {
  const fields = new Fields(value, where);
  return {
    account: accountId(fields.string("account", 64)),
    start: fields.integer("start", 0, MAX_CONTENT),
    length: fields.integer("length", 1, MAX_CONTENT),
  };
}

function readPreview(value: Json, where: string): Preview {
  const fields = new Fields(value, where);
  return {
    attachment: fields.integer("attachment", 0, MAX_ATTACHMENTS - 1),
    type: fields.literal("type", ...PREVIEW_TYPES),
    width: fields.integer("width", 1, MAX_PIXELS),
    height: fields.integer("height", 1, MAX_PIXELS),
    data: fromBase64(fields.string("data", Math.ceil(MAX_PREVIEW / 3) * 4)),
  };
}

function checkMentions(mentions: readonly Mention[], text: string): void {
  let at = 0;
  for (const { start, length } of mentions) {
    if (start < at || start + length > text.length)
      throw new EncodingError("out-of-range", "content.mentions");
    at = start + length;
  }
}

function checkPreviews(previews: readonly Preview[], attachments: readonly unknown[]): void {
  let least = 0;
  for (const { attachment, data } of previews) {
    if (attachment < least || attachment >= attachments.length || data.length > MAX_PREVIEW) {
      throw new EncodingError("out-of-range", "content.previews");
    }
    least = attachment + 1;
  }
}

/** What each kind has to have, and no more (CON-3 to CON-8). */
function checkKind({
  kind,
  text,
  target,
  read,
  received,
  gaps,
}: {
  readonly kind: string | undefined;
  readonly text: string;
  readonly target: string | undefined;
  readonly read: string | undefined;
  readonly received: string | undefined;
  readonly gaps: readonly Gap[] | undefined;
}): void {
  const demand = (holds: boolean): void => {
    if (!holds) throw new EncodingError("out-of-range", "content.kind");
  };
  if (kind !== undefined && !isKnown(kind)) return;
  demand((target !== undefined) === (kind === "edit" || kind === "deletion" || kind === "reaction"));
  demand((read !== undefined || received !== undefined) === (kind === "receipt"));
  demand(gaps === undefined || kind === "receipt");
  if (kind === "deletion" || kind === "receipt" || kind === "leaving") demand(text === "");
  if (kind === "reaction") demand(text.length <= MAX_REACTION);
  if (kind === "profile") demand(nameIn(text) === text);
  if (kind === "title") demand(titleIn(text) === text);
}

export function isKnown(kind: string): kind is (typeof KINDS)[number] {
  return (KINDS as readonly string[]).includes(kind);
}
