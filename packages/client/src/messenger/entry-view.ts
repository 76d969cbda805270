import { type AccountId, fromBase64, type UnixSeconds } from "@porchlight/encoding";
import { CLOCK_TOLERANCE } from "@porchlight/mls";
import type { History } from "./history.ts";
import type { StoredBody, StoredEntry, StoredMessage } from "./stored-entry.ts";
import { edited, reacted } from "./thread-intake.ts";
import { isSpeech, type Mark, type Pending, type Stay, type ThreadRecord } from "./thread-record.ts";
import type {
  AttachmentView,
  ChangeView,
  DeliveryView,
  EntryView,
  MessageView,
  PreviewImage,
  ReactionView,
  ReplyView,
} from "./view.ts";

/**
 * What views are made from. `others`: accounts in the conversation now, beside the own. `showsRead`: who does not say what
 * they have read is not shown what others have (CON-4).
 */
export type Scene = {
  readonly me: AccountId;
  readonly others: ReadonlySet<AccountId>;
  readonly showsRead: boolean;
  readonly history: History;
  readonly record: ThreadRecord;
};

const REPLY_LENGTH = 200;

/** Entries `from` to `to` of the thread, waiting messages behind those of the history. */
export async function viewsOf(scene: Scene, from: number, to: number): Promise<readonly EntryView[]> {
  const { history, record } = scene;
  const [first, last] = [Math.min(from, history.count), Math.min(to, history.count)];
  const views: EntryView[] = [];
  for (const [i, entry] of (await history.range(first, last)).entries()) {
    views.push(await viewOf(scene, first + i, entry));
  }
  const waiting = record.pending.filter(isSpeech);
  for (const pending of waiting.slice(Math.max(0, from - history.count), Math.max(0, to - history.count))) {
    views.push(await waitingView(scene, pending));
  }
  return views;
}

async function viewOf(scene: Scene, place: number, entry: StoredEntry): Promise<EntryView> {
  const { me } = scene;
  const { seq, at } = entry;
  // Several events may share one seq; the place never changes.
  const key = entry.kind === "message" ? entry.id : `at-${place}`;
  switch (entry.kind) {
    case "message":
      return await messageView(scene, overlaid(scene, entry), {
        key,
        delivery: entry.from === me ? deliveryOf(scene, place) : null,
      });
    case "event":
      return {
        kind: "event",
        key,
        seq,
        at,
        isFirst: place === 0,
        by: entry.by,
        byMe: entry.by === me,
        event: entry.event,
      };
    case "refused":
      return {
        kind: "refused",
        key,
        seq,
        at,
        item: entry.item,
        code: entry.code,
        from: entry.from,
        times: 1 + (entry.more?.count ?? 0),
        lastAt: entry.more?.at ?? at,
      };
    case "not-understood":
      return { kind: "not-understood", key, seq, at, from: entry.from };
  }
}

/** With what this person changed of it and is not sent yet. What was refused changed nothing. */
function overlaid({ me, record }: Scene, message: StoredMessage): StoredMessage {
  let next = message;
  for (const { content, refused } of record.pending) {
    if (refused !== null || content.target !== message.id || next.body === null) continue;
    if (content.kind === "reaction")
      next = { ...next, reactions: reacted(next.reactions ?? [], me, content.text) };
    else if (content.kind === "edit")
      next = { ...next, body: edited(next.body, content), edited: content.at };
    else if (content.kind === "deletion") next = { ...next, body: null };
  }
  return next;
}

async function messageView(
  scene: Scene,
  message: StoredMessage,
  facts: { readonly key: string; readonly delivery: DeliveryView | null },
): Promise<MessageView> {
  const { seq, at, id, from, written, body } = message;
  return {
    kind: "message",
    key: facts.key,
    seq,
    at,
    id,
    from,
    fromMe: from === scene.me,
    writtenAt: Math.abs(written - at) > CLOCK_TOLERANCE ? written : null,
    body:
      body === null
        ? { kind: "deleted" }
        : {
            kind: "text",
            text: body.text,
            isAction: body.action === true,
            mentions: body.mentions ?? [],
            attachments: attachmentsOf(body),
          },
    editedAt: body === null ? null : (message.edited ?? null),
    replyTo: body?.replyTo === undefined ? null : await replyOf(scene, body.replyTo),
    reactions: body === null ? [] : reactionsOf(scene.me, message.reactions ?? []),
    delivery: facts.delivery,
    changes: changesOf(scene.record, id),
  };
}

function changesOf({ pending }: ThreadRecord, target: string): readonly ChangeView[] {
  return pending.flatMap(({ content, refused }): readonly ChangeView[] => {
    const { id, kind } = content;
    if (content.target !== target) return [];
    return kind === "edit" || kind === "deletion" || kind === "reaction" ? [{ id, kind, refused }] : [];
  });
}

async function waitingView(scene: Scene, pending: Pending): Promise<MessageView> {
  const { content, files, refused } = pending;
  const { id, at, text, kind, replyTo, mentions } = content;
  const message: StoredMessage = {
    kind: "message",
    seq: 0,
    at,
    id,
    from: scene.me,
    written: at,
    body: {
      text,
      ...(kind === "action" ? { action: true as const } : {}),
      ...(replyTo === undefined ? {} : { replyTo }),
      ...(mentions === undefined ? {} : { mentions }),
    },
  };
  const view = await messageView(scene, overlaid(scene, message), {
    key: id,
    delivery: refused === null ? { kind: "queued" } : { kind: "refused", code: refused },
  });
  if (view.body.kind !== "text") return view;
  const attachments = files.map(({ name, type, size, preview }) => ({
    name,
    type,
    size,
    preview: preview === null ? null : image(preview),
  }));
  return { ...view, body: { ...view.body, attachments } };
}

function deliveryOf({ record, others, showsRead }: Scene, place: number): DeliveryView {
  const lost: AccountId[] = [];
  const stays: Stay[] = [];
  // Who is gone counts with what they had of it, so that what was read stays read.
  for (const account of new Set([...others, ...(Object.keys(record.marks) as AccountId[])])) {
    const { earlier = [], ...last } = record.marks[account] ?? NOTHING_YET;
    // Who came later never had it, whatever they have read since.
    if (others.has(account) && (last.since ?? 0) <= place) {
      if (isLost(last, place)) lost.push(account);
      else stays.push(last);
      continue;
    }
    const had = [last, ...earlier].find((stay) => isThere(stay, place));
    if (had !== undefined) stays.push(had);
  }
  const received = stays.filter((stay) => stay.received > place).length;
  const read = showsRead ? stays.filter((stay) => stay.read > place).length : 0;
  const of = stays.length + lost.length;
  const kind =
    lost.length > 0
      ? "lost"
      : of > 0 && read === of
        ? "read"
        : of > 0 && received === of
          ? "delivered"
          : "sent";
  return { kind, received, read, of, lost };
}

const NOTHING_YET: Mark = { received: 0, read: 0 };

function isLost({ gaps = [] }: Stay, place: number): boolean {
  return gaps.some(({ from, to }) => from <= place && place < to);
}

function isThere(stay: Stay, place: number): boolean {
  return (stay.since ?? 0) <= place && place < stay.received && !isLost(stay, place);
}

async function replyOf(scene: Scene, id: string): Promise<ReplyView> {
  const index = await scene.history.find(id);
  const message = index === null ? null : await scene.history.at(index);
  if (index === null || message?.kind !== "message") return { id, found: null };
  const { from, body } = overlaid(scene, message);
  const [first] = body?.attachments ?? [];
  const text = body === null ? "" : body.text === "" ? (first?.name ?? first?.type ?? "") : body.text;
  return {
    id,
    found: { index, from, text: text.slice(0, REPLY_LENGTH).toWellFormed(), isDeleted: body === null },
  };
}

function reactionsOf(
  me: AccountId,
  reactions: NonNullable<StoredMessage["reactions"]>,
): readonly ReactionView[] {
  const by = new Map<string, AccountId[]>();
  for (const [account, emoji] of reactions) by.set(emoji, [...(by.get(emoji) ?? []), account]);
  return [...by].map(([emoji, accounts]) => ({ emoji, by: accounts, byMe: accounts.includes(me) }));
}

function attachmentsOf({ attachments = [], previews = [] }: StoredBody): readonly AttachmentView[] {
  return attachments.map(({ name, type, size }, i) => {
    const preview = previews.find(({ attachment }) => attachment === i);
    return { name: name ?? "", type, size, preview: preview === undefined ? null : image(preview) };
  });
}

function image({
  type,
  width,
  height,
  data,
}: Omit<NonNullable<StoredBody["previews"]>[number], "attachment">): PreviewImage {
  return { type, width, height, bytes: fromBase64(data) };
}

/** The time that a list sorts by. */
export function lastAt(record: ThreadRecord): UnixSeconds {
  const newest = record.pending.filter(isSpeech).at(-1)?.content.at;
  return newest !== undefined && newest > record.lastAt ? newest : record.lastAt;
}
