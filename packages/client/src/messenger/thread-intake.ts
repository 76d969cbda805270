import type { AccountId, UnixSeconds } from "@porchlight/encoding";
import { base64 } from "@porchlight/encoding";
import { type Content, isKnown, type Preview } from "../content.ts";
import type { ConversationEvent, KnownDevice } from "../events.ts";
import { type Lost, type Owed, withLost, withOwed } from "./gaps.ts";
import type { History } from "./history.ts";
import type { People } from "./people.ts";
import { skippedOf } from "./receipt.ts";
import {
  deviceTag,
  type StoredBody,
  type StoredEvent,
  type StoredMessage,
  type StoredRefusal,
} from "./stored-entry.ts";
import type { Mark, ThreadRecord } from "./thread-record.ts";
import type { EventView, PreviewView } from "./view.ts";

const PREVIEW_LENGTH = 200;

/** A conversation's history and record while events are taken into them. */
export type Desk = {
  readonly me: AccountId;
  readonly people: People;
  readonly history: History;
  record: ThreadRecord;
  /** Entries `from` to `to` are different. */
  readonly touch: (from: number, to: number) => void;
};

/**
 * Takes one event of a seat into a conversation's history. Taking the same events again after a crash, in the same order
 * from the same record, gives the same history.
 */
export async function takeEvent(desk: Desk, event: ConversationEvent): Promise<void> {
  const { seq, received: at } = event;
  switch (event.kind) {
    case "message":
      return await takeContent(desk, {
        seq,
        at,
        from: event.sender,
        device: deviceTag(event.deviceKey),
        content: event.content,
      });
    case "delivered": {
      await takeContent(desk, { seq, at, from: desk.me, content: event.content });
      const pending = desk.record.pending.filter(({ content }) => content.id !== event.content.id);
      desk.record = { ...desk.record, pending };
      return;
    }
    case "joined": {
      const { charter, inviter } = event;
      const goesOn = desk.history.count > 0 && !desk.record.left && charter !== desk.record.charter;
      desk.record = { ...desk.record, charter, left: false, nameDue: true };
      await appendEvent(desk, {
        seq,
        at,
        by: inviter,
        event: { kind: goesOn ? "charter-changed" : "you-joined", charter },
      });
      return await meet(desk, { seq, at, by: inviter, devices: event.members });
    }
    case "members":
      return await takeMembers(desk, event);
    case "removed":
      desk.record = { ...desk.record, left: true };
      return await appendEvent(desk, { seq, at, by: event.by, event: { kind: "you-left" } });
    case "charter-proposed":
      return await appendEvent(desk, {
        seq,
        at,
        by: event.by,
        event: { kind: "charter-proposed", charter: event.charter },
      });
    case "charter-accepted":
      return await appendEvent(desk, {
        seq,
        at,
        by: desk.me,
        event: { kind: "charter-accepted", charter: event.charter },
      });
    case "missing":
      return await refuse(desk, { seq, at, from: event.sender, item: "message", code: "missing" });
    case "skipped":
      // What is missing of the own messages no receipt to others is about.
      if (event.sender !== desk.me) oweOf(desk, await skippedOf(desk.history, event));
      return;
    case "refused": {
      const { item, code, submitter } = event;
      await refuse(desk, { seq, at, from: submitter, item, code });
      return;
    }
    case "new-day":
      return;
  }
}

type Said = {
  readonly seq: number;
  readonly at: UnixSeconds;
  readonly from: AccountId;
  readonly device?: string;
  readonly content: Content;
};

async function takeContent(desk: Desk, said: Said): Promise<void> {
  const { kind } = said.content;
  if (kind !== undefined && !isKnown(kind)) {
    const { seq, at, from } = said;
    return await append(
      desk,
      { kind: "not-understood", seq, at, from },
      { from, kind: "not-understood", text: "" },
    );
  }
  switch (kind) {
    case undefined:
    case "action":
      return await takeSpeech(desk, said);
    case "edit":
    case "deletion":
      return await takeChange(desk, said, kind);
    case "reaction":
      return await takeReaction(desk, said);
    case "receipt":
      return await takeReceipt(desk, said);
    case "profile":
      return await takeName(desk, said);
    case "title":
      return await takeTitle(desk, said);
    case "leaving":
      return setLeaving(desk, said.from);
  }
}

async function takeSpeech(desk: Desk, { seq, at, from, device, content }: Said): Promise<void> {
  const { me } = desk;
  if ((await desk.history.find(content.id)) !== null) {
    return await refuse(desk, { seq, at, from, item: "message", code: "id-used" });
  }
  const { id, at: written } = content;
  const place = desk.history.count;
  // Whoever speaks has stayed.
  if (desk.record.leaving?.includes(from) === true)
    desk.record = { ...desk.record, leaving: leavingWithout(desk, from) };
  await append(
    desk,
    {
      kind: "message",
      seq,
      at,
      id,
      from,
      ...(device === undefined || from === me ? {} : { device }),
      written,
      body: bodyOf(content),
    },
    previewOf(from, content),
  );
  if (from === me) {
    // Who writes has seen what stands before it.
    if (desk.record.unread === 0) desk.record = { ...desk.record, seen: place + 1 };
    return;
  }
  const isMentioned = content.mentions?.some(({ account }) => account === me) === true;
  desk.record = {
    ...desk.record,
    unread: desk.record.unread + 1,
    mentions: desk.record.mentions + (isMentioned ? 1 : 0),
    archived: desk.record.archived && desk.record.muted,
  };
}

async function takeChange(desk: Desk, said: Said, kind: "edit" | "deletion"): Promise<void> {
  const { seq, at, from, content } = said;
  const found = await target(desk, content);
  if (found === null) return;
  const { place, message } = found;
  if (message.from !== from) {
    return await refuse(desk, { seq, at, from, item: "message", code: "not-the-author" });
  }
  if (message.body === null) return;
  const { edited: _, reactions: __, ...rest } = message;
  const next: StoredMessage =
    kind === "deletion"
      ? { ...rest, body: null }
      : { ...message, body: edited(message.body, content), edited: at };
  await replace(desk, place, next);
  if (place === desk.history.count - 1) {
    desk.record = {
      ...desk.record,
      last:
        kind === "deletion"
          ? { from, fromMe: from === desk.me, kind: "deleted", text: "" }
          : { ...previewOf(from, content), fromMe: from === desk.me },
    };
  }
}

/** What an edit changes of a body. Its attachments stay. */
export function edited(body: StoredBody, { text, mentions }: Pick<Content, "text" | "mentions">): StoredBody {
  const { mentions: _, ...rest } = body;
  return { ...rest, text, ...(mentions === undefined ? {} : { mentions }) };
}

async function takeReaction(desk: Desk, { from, content }: Said): Promise<void> {
  const found = await target(desk, content);
  if (found === null || found.message.body === null) return;
  await replace(desk, found.place, {
    ...found.message,
    reactions: reacted(found.message.reactions ?? [], from, content.text),
  });
}

/** An account's newest reaction in place of the one before; none for an empty one. */
export function reacted(
  reactions: NonNullable<StoredMessage["reactions"]>,
  from: AccountId,
  emoji: string,
): NonNullable<StoredMessage["reactions"]> {
  const others = reactions.filter(([account]) => account !== from);
  return emoji === "" ? others : [...others, [from, emoji]];
}

async function takeReceipt(desk: Desk, { from, content }: Said): Promise<void> {
  const behind = async (id: string | undefined): Promise<number> =>
    id === undefined ? 0 : ((await desk.history.find(id)) ?? -1) + 1;
  const before: Mark = desk.record.marks[from] ?? { received: 0, read: 0 };
  const read = Math.max(before.read, await behind(content.read));
  const received = Math.max(before.received, read, await behind(content.received));
  if (from === desk.me) return await see(desk, read);
  const told: Lost[] = [];
  for (const { after, before: end, from: whose } of content.gaps ?? []) {
    if (whose !== undefined && whose !== desk.me) continue;
    const gap = { from: await behind(after), to: (await behind(end)) - 1 };
    if (gap.to > gap.from && (after === undefined || gap.from > 0)) told.push(gap);
  }
  const gaps = withLost(before.gaps ?? [], told);
  const mark: Mark = { ...before, received, read, ...(gaps.length === 0 ? {} : { gaps }) };
  desk.record = { ...desk.record, marks: { ...desk.record.marks, [from]: mark } };
  const first = Math.min(before.read, before.received, ...told.map((gap) => gap.from));
  desk.touch(first, Math.max(received, ...told.map((gap) => gap.to)));
}

/** Entries before `seen` were seen, here or on another own device. */
export async function see(desk: Desk, seen: number): Promise<void> {
  const { record, history, me } = desk;
  if (seen <= record.seen) return;
  let { unread, mentions } = record;
  for (const entry of seen >= history.count ? [] : await history.range(record.seen, seen)) {
    if (entry.kind !== "message" || entry.from === me) continue;
    unread--;
    if (entry.body?.mentions?.some(({ account }) => account === me) === true) mentions--;
  }
  // To the end there is nothing to count; a message that was taken back after it was counted must not leave one over.
  desk.record =
    seen >= history.count
      ? { ...record, seen: history.count, unread: 0, mentions: 0 }
      : { ...record, seen, unread: Math.max(0, unread), mentions: Math.max(0, mentions) };
}

async function takeName(desk: Desk, { seq, at, from, content }: Said): Promise<void> {
  const before = desk.people.named(from, content.text);
  if (before === null) return;
  desk.record = { ...desk.record, membersVersion: desk.record.membersVersion + 1 };
  if (before === "") return;
  await appendEvent(desk, { seq, at, by: from, event: { kind: "named", name: content.text, before } });
}

async function takeTitle(desk: Desk, { seq, at, from, content }: Said): Promise<void> {
  if (desk.record.title === content.text) return;
  desk.record = { ...desk.record, title: content.text };
  await appendEvent(desk, { seq, at, by: from, event: { kind: "titled", title: content.text } });
}

export function setLeaving(desk: Desk, account: AccountId): void {
  desk.record = { ...desk.record, leaving: [...leavingWithout(desk, account), account] };
}

function leavingWithout({ record }: Desk, account: AccountId): readonly AccountId[] {
  return (record.leaving ?? []).filter((one) => one !== account);
}

async function takeMembers(
  desk: Desk,
  event: Extract<ConversationEvent, { kind: "members" }>,
): Promise<void> {
  const { seq, received: at, by, added, removed, newDevices, left } = event;
  const say = (what: EventView["event"]): Promise<void> => appendEvent(desk, { seq, at, by, event: what });
  const isNewDevice = new Set(newDevices.map(({ deviceKey }) => deviceKey));
  const joined = [
    ...new Set(added.filter((one) => !isNewDevice.has(one.deviceKey)).map((one) => one.account)),
  ];
  const since = desk.history.count;
  desk.record = {
    ...desk.record,
    marks: {
      ...desk.record.marks,
      ...Object.fromEntries(joined.map((account) => [account, comeIn(desk.record.marks[account], since)])),
    },
    membersVersion: desk.record.membersVersion + 1,
    nameDue: desk.record.nameDue || joined.length > 0,
    waitingFor: desk.record.waitingFor.filter((account) => !joined.includes(account)),
  };
  if (joined.length > 0) await say({ kind: "joined", accounts: joined });
  const asked = left.filter((account) => desk.record.leaving?.includes(account) === true);
  for (const account of asked) {
    desk.record = { ...desk.record, leaving: leavingWithout(desk, account) };
    await appendEvent(desk, { seq, at, by: account, event: { kind: "left", accounts: [account] } });
  }
  const removedAccounts = left.filter((account) => !asked.includes(account));
  if (removedAccounts.length > 0) await say({ kind: "left", accounts: removedAccounts });
  for (const { account, deviceKey } of newDevices) {
    await say({ kind: "device-added", account, device: deviceKey });
  }
  for (const { account, deviceKey } of removed) {
    if (!left.includes(account)) await say({ kind: "device-removed", account, device: deviceKey });
  }
  await meet(desk, { seq, at, by, devices: added });
}

/** CON-22. Who is met in a conversation, and loudly what is new of somebody who was compared. */
async function meet(
  desk: Desk,
  met: {
    readonly seq: number;
    readonly at: UnixSeconds;
    readonly by: AccountId;
    readonly devices: readonly KnownDevice[];
  },
): Promise<void> {
  const { devices, ...told } = met;
  for (const account of new Set(devices.map((one) => one.account))) {
    if (account === desk.me) continue;
    desk.people.meet(account);
    const keys = devices.filter((one) => one.account === account).map(({ deviceKey }) => deviceKey);
    if (!desk.people.saw(account, keys)) continue;
    await appendEvent(desk, { ...told, event: { kind: "safety-number-changed", account } });
  }
}

/** What somebody had before they went is no less theirs when they are back. */
function comeIn(before: Mark | undefined, since: number): Mark {
  const now = { received: since, read: since, since };
  if (before === undefined) return now;
  const { earlier = [], ...last } = before;
  const stays = last.received > (last.since ?? 0) ? [...earlier, last] : earlier;
  return stays.length === 0 ? now : { ...now, earlier: stays };
}

/** What is told in place of something that is not shown. */
export async function refuse(desk: Desk, refused: Omit<StoredRefusal, "kind" | "more">): Promise<void> {
  const place = desk.history.count;
  const before = place === 0 ? null : await desk.history.at(place - 1);
  if (before?.kind === "refused" && isSame(before, refused)) {
    const { count, seq } = before.more ?? { count: 0, seq: before.seq };
    // Taken again after a crash, it is counted already.
    if (refused.seq <= seq) return;
    await replace(desk, place - 1, {
      ...before,
      more: { count: count + 1, seq: refused.seq, at: refused.at },
    });
    desk.record = { ...desk.record, lastAt: refused.at };
    return;
  }
  await append(desk, { ...refused, kind: "refused" }, { from: refused.from, kind: "refused", text: "" });
  // Of what is missing the message after it tells more exactly. Whose a refused one is, only the server says.
  if (refused.item !== "message" || refused.code === "missing") return;
  oweOf(desk, { from: place, to: place });
}

function oweOf(desk: Desk, owed: Owed): void {
  desk.record = { ...desk.record, owed: withOwed(desk.record.owed ?? [], owed) };
}

/** Many of one kind in a row are one entry: who floods a conversation with them fills neither screen nor storage. */
function isSame(one: StoredRefusal, other: Omit<StoredRefusal, "kind" | "more">): boolean {
  // Seq 0: this device's own finding, which has no place in the order.
  return (
    one.seq > 0 &&
    other.seq > 0 &&
    one.item === other.item &&
    one.code === other.code &&
    one.from === other.from
  );
}

export async function appendEvent(desk: Desk, entry: Omit<StoredEvent, "kind">): Promise<void> {
  await append(desk, { ...entry, kind: "event" }, null);
}

async function append(
  desk: Desk,
  entry: Parameters<History["append"]>[0],
  preview: Omit<PreviewView, "fromMe"> | null,
): Promise<void> {
  const place = desk.history.count;
  await desk.history.append(entry);
  desk.touch(place, place + 1);
  desk.record = {
    ...desk.record,
    lastAt: entry.at,
    last: preview === null ? desk.record.last : { ...preview, fromMe: preview.from === desk.me },
    // An entry that is no message is nothing to read, where there was nothing to read before it.
    seen: entry.kind !== "message" && desk.record.seen === place ? place + 1 : desk.record.seen,
  };
}

async function replace(desk: Desk, place: number, entry: StoredMessage | StoredRefusal): Promise<void> {
  await desk.history.replace(place, entry);
  desk.touch(place, place + 1);
}

async function target(
  desk: Desk,
  content: Content,
): Promise<{ readonly place: number; readonly message: StoredMessage } | null> {
  const place = content.target === undefined ? null : await desk.history.find(content.target);
  if (place === null) return null;
  const message = await desk.history.at(place);
  return message.kind === "message" ? { place, message } : null;
}

/** What the storage keeps of a plain content. */
function bodyOf(content: Content): StoredBody {
  const { text, kind, replyTo, mentions, attachments, previews } = content;
  return {
    text,
    ...(kind === "action" ? { action: true as const } : {}),
    ...(replyTo === undefined ? {} : { replyTo }),
    ...(mentions === undefined ? {} : { mentions }),
    ...(attachments === undefined ? {} : { attachments }),
    ...(previews === undefined ? {} : { previews: previews.map(storedPreview) }),
  };
}

function storedPreview(preview: Preview): Omit<Preview, "data"> & { readonly data: string } {
  return { ...preview, data: base64(preview.data) };
}

/** One line of what somebody said. */
export function previewOf(
  from: AccountId,
  { text, attachments }: Pick<Content, "text" | "attachments">,
): Omit<PreviewView, "fromMe"> {
  const [first] = attachments ?? [];
  if (text === "" && first !== undefined) {
    return { from, kind: "attachment", text: first.name ?? first.type };
  }
  return {
    from,
    kind: "text",
    text: [...text.slice(0, 2 * PREVIEW_LENGTH)].slice(0, PREVIEW_LENGTH).join(""),
  };
}
