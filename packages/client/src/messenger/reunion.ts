// What several devices of one person kept of the same conversations becomes one history.
import type { AccountId, ConversationId } from "@porchlight/encoding";
import type { Storage } from "../storage.ts";
import { withLost } from "./gaps.ts";
import { History } from "./history.ts";
import { takeKeepsakes } from "./keepsake.ts";
import { mergedPeople } from "./people.ts";
import {
  conversationOfThread,
  historyRecord,
  type StoredEntry,
  type StoredMessage,
  threadRecord,
} from "./stored-entry.ts";
import { previewOf } from "./thread-intake.ts";
import { formatThread, type Mark, moved, parseThread, type ThreadRecord } from "./thread-record.ts";

/** What another device had, and what this one had where the other's takes its place. */
const STAGE = "reunion-";
const ASIDE = "aside-";
/** Entries that are looked at in one go. */
const BATCH = 500;

/** Puts the backups of an account's devices, one after the other, into a new device's storage. */
export async function takeBackups(
  storage: Storage,
  backups: AsyncIterable<AsyncIterable<Uint8Array>>,
): Promise<void> {
  let isFirst = true;
  for await (const records of backups) {
    if (isFirst) await takeKeepsakes(storage, records);
    else {
      const other = staged(storage, STAGE);
      await takeKeepsakes(other, records);
      await reunite(storage, other);
      await clear(other);
    }
    isFirst = false;
  }
}

/** Records beside those of the storage, under names of which no program knows. */
function staged(storage: Storage, prefix: string): Storage {
  return {
    load: (name) => storage.load(prefix + name),
    save: (name, record) => storage.save(prefix + name, record),
    remove: (name) => storage.remove(prefix + name),
    list: async () =>
      (await storage.list()).flatMap((name) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : [])),
  };
}

async function clear(stage: Storage): Promise<void> {
  for (const name of await stage.list()) await stage.remove(name);
}

async function reunite(storage: Storage, other: Storage): Promise<void> {
  const before = await newestIn(storage);
  for (const name of await other.list()) {
    const theirs = await other.load(name);
    const id = conversationOfThread(name);
    if (theirs === null) continue;
    if (id !== null) await reuniteThread(storage, other, id, parseThread(theirs));
    else if (name === "people") await storage.save(name, mergedPeople(await storage.load(name), theirs));
    else if (name === "profile" && (await newestIn(other)) > before) await storage.save(name, theirs);
  }
}

/** When the newest entry of all threads came. */
async function newestIn(storage: Storage): Promise<number> {
  let newest = 0;
  for (const name of await storage.list()) {
    const record = conversationOfThread(name) === null ? null : await storage.load(name);
    if (record !== null) newest = Math.max(newest, parseThread(record).lastAt);
  }
  return newest;
}

/** One device's part of a conversation: entries in the server's order from `first` to `last`. */
type Part = {
  readonly storage: Storage;
  readonly record: ThreadRecord;
  readonly history: History;
  readonly first: number;
  readonly last: number;
};

/**
 * The part that goes back further, or is the longer one, stays; what the other one has after its end follows. What a
 * person did and did not see is then as the part knows it that ends later.
 */
async function reuniteThread(
  storage: Storage,
  other: Storage,
  id: ConversationId,
  record: ThreadRecord,
): Promise<void> {
  const theirs = await partOf(other, id, record);
  const saved = await storage.load(threadRecord(id));
  const ours = saved === null ? null : await partOf(storage, id, parseThread(saved));
  const base = ours === null || goesBackFurther(theirs, ours) ? theirs : ours;
  const aside = staged(storage, ASIDE);
  let rest = base === theirs ? ours : theirs;
  if (base === theirs) {
    if (ours !== null) {
      await copyHistory(storage, aside, id);
      rest = { ...ours, history: new History(aside, id, ours.record.count) };
    }
    await copyHistory(other, storage, id);
  }
  const history = new History(storage, id, base.record.count);
  const known = rest === null ? base.record : await taken(history, base, rest);
  await history.save();
  const last = await lastOf(history, known);
  await storage.save(threadRecord(id), formatThread({ ...known, last }));
  await clear(aside);
}

/** Takes into the base's history what the other part knows, and puts together what the two records say. */
async function taken(history: History, base: Part, rest: Part): Promise<ThreadRecord> {
  const isLater = rest.last > base.last;
  const tail = isLater ? await after(rest, base.last) : [];
  /** Of each place in the rest, behind which entry of the base it is. */
  const places = [0];
  await forEach(rest, async (there, i) => {
    const place = there.kind === "message" ? await history.find(there.id) : null;
    const here = place === null ? null : await history.at(place);
    if (place !== null && there.kind === "message" && here?.kind === "message" && here.from === there.from) {
      const next = newest(here, there, isLater);
      if (JSON.stringify(next) !== JSON.stringify(here)) await history.replace(place, next);
    }
    places.push(place === null ? (places[i] ?? 0) : place + 1);
  });
  const begin = rest.record.count - tail.length;
  for (const [i, entry] of tail.entries()) {
    await history.append(entry);
    places[begin + i + 1] = history.count;
  }
  const { count } = history;
  const theirs = moved(rest.record, { count, place: (before) => places[before] ?? count });
  const ours = moved(base.record, { count, place: (before) => before });
  return isLater ? { ...theirs, ...knownOf(theirs, ours) } : { ...ours, ...knownOf(ours, theirs) };
}

async function forEach(
  { history, record: { count } }: Part,
  look: (entry: StoredEntry, place: number) => Promise<void>,
): Promise<void> {
  for (let from = 0; from < count; from += BATCH) {
    const entries = await history.range(from, Math.min(count, from + BATCH));
    for (const [i, entry] of entries.entries()) await look(entry, from + i);
  }
}

/** Of a message that both have: taken back it stays so, and of what was written anew the newest counts. */
function newest(here: StoredMessage, there: StoredMessage, isLater: boolean): StoredMessage {
  const { edited: _, reactions: __, ...rest } = here;
  if (here.body === null || there.body === null) return { ...rest, body: null };
  const { body, edited } = (there.edited ?? 0) > (here.edited ?? 0) ? there : here;
  const { reactions } = isLater ? there : here;
  return {
    ...rest,
    body,
    ...(edited === undefined ? {} : { edited }),
    ...(reactions === undefined ? {} : { reactions }),
  };
}

/** The list's line of a thread whose newest message another device knew better. */
async function lastOf(history: History, { last }: ThreadRecord): Promise<ThreadRecord["last"]> {
  const entry = history.count === 0 ? null : await history.at(history.count - 1);
  if (entry?.kind !== "message" || last === null) return last;
  const { from, body } = entry;
  if (body === null) return { from, fromMe: last.fromMe, kind: "deleted", text: "" };
  return entry.edited === undefined ? last : { ...previewOf(from, body), fromMe: last.fromMe };
}

/** What receipts have told either device, and what neither has told of yet. */
function knownOf(record: ThreadRecord, other: ThreadRecord): Pick<ThreadRecord, "marks" | "owed"> {
  const accounts = new Set([...Object.keys(record.marks), ...Object.keys(other.marks)]) as Set<AccountId>;
  const marks = [...accounts].map((account) => [
    account,
    mergedMark(record.marks[account], other.marks[account]),
  ]);
  const owed = [...(record.owed ?? []), ...(other.owed ?? [])];
  return { marks: Object.fromEntries(marks), ...(owed.length === 0 ? {} : { owed }) };
}

function mergedMark(one: Mark | undefined, other: Mark | undefined): Mark {
  const gaps = withLost(one?.gaps ?? [], other?.gaps ?? []);
  const since = one?.since ?? other?.since;
  const [ours, theirs] = [one?.earlier ?? [], other?.earlier ?? []];
  const earlier = ours.length < theirs.length ? theirs : ours;
  return {
    received: Math.max(one?.received ?? 0, other?.received ?? 0),
    read: Math.max(one?.read ?? 0, other?.read ?? 0),
    ...(since === undefined ? {} : { since }),
    ...(gaps.length === 0 ? {} : { gaps }),
    ...(earlier.length === 0 ? {} : { earlier }),
  };
}

async function partOf(storage: Storage, id: ConversationId, record: ThreadRecord): Promise<Part> {
  const history = new History(storage, id, record.count);
  let first = Number.POSITIVE_INFINITY;
  let last = 0;
  for (let place = 0; place < record.count && first === Number.POSITIVE_INFINITY; place++) {
    first = seqOf(await history.at(place)) ?? first;
  }
  for (let place = record.count - 1; place >= 0 && last === 0; place--) {
    last = seqOf(await history.at(place)) ?? last;
  }
  return { storage, record, history, first, last };
}

/** `null`: noted by the device itself. */
function seqOf({ seq }: StoredEntry): number | null {
  return seq > 0 ? seq : null;
}

function goesBackFurther(one: Part, other: Part): boolean {
  if (one.first !== other.first) return one.first < other.first;
  if (one.record.count !== other.record.count) return one.record.count > other.record.count;
  return one.record.lastAt > other.record.lastAt;
}

async function after({ history, record: { count } }: Part, seq: number): Promise<readonly StoredEntry[]> {
  let from = count;
  while (from > 0) {
    const before = seqOf(await history.at(from - 1));
    if (before !== null && before <= seq) break;
    from--;
  }
  return await history.range(from, count);
}

async function copyHistory(from: Storage, to: Storage, id: ConversationId): Promise<void> {
  const prefix = historyRecord(id, "");
  for (const name of await to.list()) if (name.startsWith(prefix)) await to.remove(name);
  for (const name of await from.list()) {
    const record = name.startsWith(prefix) ? await from.load(name) : null;
    if (record !== null) await to.save(name, record);
  }
}
