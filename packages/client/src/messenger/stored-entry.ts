import type { AttachmentReference } from "@porchlight/attachment";
import { type AccountId, type ConversationId, conversationId, type UnixSeconds } from "@porchlight/encoding";
import type { Mention, Preview } from "../content.ts";
import type { EventView, RefusedView } from "./view.ts";

/** An entry of a conversation's history, as the storage keeps it: plain JSON. Its index is its place. */
export type StoredEntry = StoredMessage | StoredEvent | StoredRefusal | StoredUnknown;

export type StoredMessage = {
  readonly kind: "message";
  readonly seq: number;
  readonly at: UnixSeconds;
  readonly id: string;
  readonly from: AccountId;
  /** Beginning of the sending device's key, as {@link deviceTag} cuts it. Absent in own messages. */
  readonly device?: string;
  /** The sender's clock. */
  readonly written: UnixSeconds;
  /** `null`: its author took it back. */
  readonly body: StoredBody | null;
  readonly edited?: UnixSeconds;
  /** Of each account its newest, in the order in which they came. */
  readonly reactions?: readonly (readonly [account: AccountId, emoji: string])[];
};

export type StoredBody = {
  readonly text: string;
  readonly action?: true;
  readonly replyTo?: string;
  readonly mentions?: readonly Mention[];
  readonly attachments?: readonly AttachmentReference[];
  readonly previews?: readonly StoredPreview[];
};

/** base64, because a JSON of bytes would be four times as long. */
export type StoredPreview = Omit<Preview, "data"> & { readonly data: string };

export type StoredEvent = {
  readonly kind: "event";
  readonly seq: number;
  readonly at: UnixSeconds;
  readonly by: AccountId;
  readonly event: EventView["event"];
};

export type StoredRefusal = {
  readonly kind: "refused";
  readonly seq: number;
  readonly at: UnixSeconds;
  readonly item: RefusedView["item"];
  readonly code: string;
  readonly from: AccountId;
  /** Further ones of the same kind, directly after it. */
  readonly more?: { readonly count: number; readonly seq: number; readonly at: UnixSeconds };
};

type StoredUnknown = {
  readonly kind: "not-understood";
  readonly seq: number;
  readonly at: UnixSeconds;
  readonly from: AccountId;
};

/** Enough of a key to tell an account's devices apart. */
export function deviceTag(deviceKey: string): string {
  return deviceKey.slice(0, 16);
}

/** The message's id, of entries that have one. */
export function idOf(entry: StoredEntry): string | null {
  return entry.kind === "message" ? entry.id : null;
}

/** Beginning of the names of a conversation's records but the first one, which is {@link threadRecord}'s. */
export function historyRecord(conversation: ConversationId, part: string): string {
  return `history-${conversation}-${part}`;
}

export function threadRecord(conversation: ConversationId): string {
  return `thread-${conversation}`;
}

/** `null` for a record that is no thread's. */
export function conversationOfThread(name: string): ConversationId | null {
  const prefix = "thread-";
  return name.startsWith(prefix) ? conversationId(name.slice(prefix.length)) : null;
}
