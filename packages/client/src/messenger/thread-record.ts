import type { AttachmentReference } from "@porchlight/attachment";
import {
  type AccountId,
  type CharterId,
  Fields,
  fromBase64,
  fromUtf8,
  type Json,
  type UnixSeconds,
  utf8,
} from "@porchlight/encoding";
import type { Content } from "../content.ts";
import { ClientError, type ClientErrorCode } from "../error.ts";
import { type Lost, movedLost, movedOwed, type Owed } from "./gaps.ts";
import type { StoredPreview } from "./stored-entry.ts";
import type { PreviewView } from "./view.ts";

/** A file of a message that is not sent yet. */
export type PendingFile = {
  /** Id of the upload, and of the attachment. */
  readonly upload: string;
  readonly name: string;
  readonly type: string;
  readonly size: number;
  readonly preview: Omit<StoredPreview, "attachment"> | null;
  /** `null` until every byte is at the server. */
  readonly reference: AttachmentReference | null;
};

/** A content that this device made and that is not in the conversation's order yet. */
export type Pending = {
  readonly content: Omit<Content, "attachments" | "previews">;
  readonly files: readonly PendingFile[];
  /** Why it will not be sent as things are. */
  readonly refused: ClientErrorCode | null;
};

/** How far somebody has come: places before these. `since`: where they were taken in, if it was later than at the start. */
export type Stay = {
  readonly received: number;
  readonly read: number;
  readonly since?: number;
  readonly gaps?: readonly Lost[];
};

/** Kept of those who are gone: what was read stays read. `earlier`: of who came back, how far they were when they went. */
export type Mark = Stay & { readonly earlier?: readonly Stay[] };

/** What a conversation is to its person, beside its entries. One record, written after every change. */
export type ThreadRecord = {
  /** Entries of the history. */
  readonly count: number;
  /** Events of the seat that they were made of, counted from its beginning. */
  readonly taken: number;
  /** Entries before this place were seen. */
  readonly seen: number;
  readonly unread: number;
  readonly mentions: number;
  /** "" where it was never given one. */
  readonly title: string;
  readonly charter: CharterId | null;
  /** How many of a charter's replaced keyholders the history tells of, or had come before its people chose that charter. */
  readonly replaced?: { readonly charter: CharterId; readonly told: number };
  /** This device has asked to be removed, or was. */
  readonly left: boolean;
  readonly draft: string;
  readonly pinned: boolean;
  readonly muted: boolean;
  readonly archived: boolean;
  readonly last: PreviewView | null;
  readonly lastAt: UnixSeconds;
  readonly membersVersion: number;
  readonly marks: { readonly [account: AccountId]: Mark };
  /** What the own receipts have said. */
  readonly told: Pick<Stay, "received" | "read">;
  readonly owed?: readonly Owed[];
  /** Others may not know the own name. */
  readonly nameDue: boolean;
  readonly waitingFor: readonly AccountId[];
  /** They said that they leave (CON-14). */
  readonly leaving?: readonly AccountId[];
  readonly pending: readonly Pending[];
};

const VERSION = 1;

export function newThread(charter: CharterId | null, now: UnixSeconds): ThreadRecord {
  return {
    count: 0,
    taken: 0,
    seen: 0,
    unread: 0,
    mentions: 0,
    title: "",
    charter,
    left: false,
    draft: "",
    pinned: false,
    muted: false,
    archived: false,
    last: null,
    lastAt: now,
    membersVersion: 0,
    marks: {},
    told: { received: 0, read: 0 },
    nameDue: false,
    waitingFor: [],
    pending: [],
  };
}

/** Plaintext, to be encrypted at rest by the storage. */
export function formatThread(record: ThreadRecord): Uint8Array {
  return utf8(JSON.stringify({ version: VERSION, ...record }));
}

/** Throws ClientError "state-corrupt". */
export function parseThread(bytes: Uint8Array): ThreadRecord {
  try {
    // JSON.parse: this program wrote it, and storage authenticates it.
    const { version, ...record } = JSON.parse(fromUtf8(bytes)) as ThreadRecord & { version: number };
    if (version !== VERSION) throw new SyntaxError("version");
    new Fields(record as unknown as Json, "thread").integer("count");
    return record;
  } catch (cause) {
    throw new ClientError("state-corrupt", "what was saved of a conversation is not what was saved", {
      cause,
    });
  }
}

/** The record with a history of `count` entries, in which what it knows of stands at other places. */
export function moved(
  record: ThreadRecord,
  { count, place }: { readonly count: number; readonly place: (before: number) => number },
): ThreadRecord {
  const stay = ({ received, read, since, gaps }: Stay): Stay => ({
    received: place(received),
    read: place(read),
    ...(since === undefined ? {} : { since: place(since) }),
    ...(gaps === undefined ? {} : { gaps: movedLost(gaps, place) }),
  });
  const mark = (one: Mark): Mark => ({
    ...stay(one),
    ...(one.earlier === undefined ? {} : { earlier: one.earlier.map(stay) }),
  });
  const seen = place(record.seen);
  const unread = Math.min(record.unread, count - seen);
  return {
    ...record,
    count,
    seen,
    unread,
    mentions: Math.min(record.mentions, unread),
    marks: Object.fromEntries(Object.entries(record.marks).map(([account, one]) => [account, mark(one)])),
    told: stay(record.told),
    ...(record.owed === undefined ? {} : { owed: movedOwed(record.owed, place) }),
  };
}

/** The content as it is sent; every file has its reference by then. */
export function contentOf({ content, files }: Pending): Content {
  if (files.length === 0) return content;
  const attachments = files.flatMap(({ reference }) => (reference === null ? [] : [reference]));
  const previews = files.flatMap(({ preview }, attachment) =>
    preview === null ? [] : [{ ...preview, attachment, data: fromBase64(preview.data) }],
  );
  return { ...content, attachments, ...(previews.length === 0 ? {} : { previews }) };
}

/** Whether a person is shown it as a message of its own. */
export function isSpeech({ content: { kind } }: Pending): boolean {
  return kind === undefined || kind === "action";
}
