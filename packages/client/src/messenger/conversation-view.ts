import type { AccountId } from "@porchlight/encoding";
import type { Seat } from "../seat.ts";
import { lastAt } from "./entry-view.ts";
import type { People } from "./people.ts";
import type { Thread } from "./thread.ts";
import { previewOf } from "./thread-intake.ts";
import { isSpeech, type Pending } from "./thread-record.ts";
import type { ConversationStatus, ConversationView, PreviewView } from "./view.ts";

const NAMES = 4;

/** A conversation as the list of conversations shows it. */
export function conversationView(parts: {
  readonly seat: Seat | null;
  readonly thread: Thread;
  readonly others: ReadonlySet<AccountId>;
  readonly people: Pick<People, "name" | "trust">;
  readonly typing: readonly AccountId[];
}): ConversationView {
  const { seat, thread, people, typing } = parts;
  const { record } = thread;
  const isOut = seat === null || seat.kind === "removed";
  // Who is out does not know any more who is in; it is still called after those whom it knew.
  const known = isOut ? (Object.keys(record.marks) as AccountId[]).filter((id) => id !== thread.me) : [];
  const others = [...new Set([...parts.others, ...record.waitingFor, ...known])];
  const titles = record.pending.filter(({ content }) => content.kind === "title");
  const newTitle = titles.findLast(({ refused }) => refused === null)?.content.text;
  const named = newTitle ?? record.title;
  const refusedTitle = titles.findLast(({ refused }) => refused !== null);
  const [peer = null] = others;
  const isDirect = named === "" && others.length <= 1;
  const waiting = record.pending.filter(isSpeech);
  const newest = waiting.at(-1);
  return {
    id: thread.id,
    title:
      named === ""
        ? others
            .slice(0, NAMES)
            .map((one) => people.name(one))
            .filter(Boolean)
            .join(", ")
        : named,
    kind: isDirect ? "direct" : "group",
    peer: isDirect ? peer : null,
    charter: seat?.charter ?? record.charter,
    status: statusOf(seat, record.left),
    people: isOut ? 0 : parts.others.size + 1,
    membersVersion: record.membersVersion,
    unread: record.unread,
    mentions: record.mentions,
    firstUnread: thread.firstUnread,
    renameWaiting: newTitle !== undefined,
    renameRefused: refusedTitle === undefined ? null : renameOf(refusedTitle),
    draft: record.draft,
    waitingFor: record.waitingFor,
    changed: [...parts.others].filter((account) => people.trust(account).kind === "changed"),
    queued: waiting.length,
    pinned: record.pinned,
    muted: record.muted,
    archived: record.archived,
    last: newest === undefined ? record.last : { ...waitingPreview(thread.me, newest), fromMe: true },
    lastAt: lastAt(record),
    typing,
  };
}

function renameOf({ content, refused }: Pending): ConversationView["renameRefused"] {
  return refused === null ? null : { id: content.id, title: content.text, code: refused };
}

/** Of what is not sent yet the files are known by their names alone. */
function waitingPreview(me: AccountId, { content, files }: Pending): Omit<PreviewView, "fromMe"> {
  const [first] = files;
  if (content.text !== "" || first === undefined) return previewOf(me, content);
  return { from: me, kind: "attachment", text: first.name === "" ? first.type : first.name };
}

function statusOf(seat: Seat | null, left: boolean): ConversationStatus {
  if (seat === null) return { kind: left ? "left" : "waiting" };
  const { conversation, proposed } = seat;
  if (conversation.kind === "removed" || left) return { kind: "left" };
  if (conversation.kind === "suspended") return { kind: "suspended", charter: conversation.next.charter };
  if (proposed !== null) {
    return { kind: "charter-proposed", by: proposed.by, charter: proposed.charter };
  }
  return { kind: "active" };
}
