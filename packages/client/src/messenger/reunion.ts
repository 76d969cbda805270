// What several devices of one person kept of the same conversations becomes one history.
import type { ConversationId } from "@porchlight/encoding";
import type { Storage } from "../storage.ts";
import { History } from "./history.ts";
import { takeKeepsakes } from "./keepsake.ts";
import { mergedPeople } from "./people.ts";
import { conversationOfThread, historyRecord, type StoredEntry, threadRecord } from "./stored-entry.ts";
import { formatThread, moved, parseThread, type ThreadRecord } from "./thread-record.ts";

const STAGE = "reunion-";

/** Puts the backups of an account's devices, one after the other, into a new device's storage. */
export async function takeBackups(
  storage: Storage,
  backups: AsyncIterable<AsyncIterable<Uint8Array>>,
): Promise<void> {
  let isFirst = true;
  for await (const records of backups) {
    if (isFirst) await takeKeepsakes(storage, records);
    else {
      const other = staged(storage);
      await takeKeepsakes(other, records);
      await reunite(storage, other);
      for (const name of await other.list()) await other.remove(name);
    }
    isFirst = false;
  }
}

/** Records beside those of the storage, under names of which no program knows. */
function staged(storage: Storage): Storage {
  return {
    load: (name) => storage.load(STAGE + name),
    save: (name, record) => storage.save(STAGE + name, record),
    remove: (name) => storage.remove(STAGE + name),
    list: async () =>
      (await storage.list()).flatMap((name) => (name.startsWith(STAGE) ? [name.slice(STAGE.length)] : [])),
  };
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
 * The part that goes back further, or is the longer one, stays; what the other one has after its end follows. Places are
 * then those of the part that ends later.
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
  const rest = base === theirs ? ours : theirs;
  const tail = rest === null || rest.last <= base.last ? [] : await after(rest, base.last);
  if (base === theirs) await copyHistory(other, storage, id);
  const history = new History(storage, id, base.record.count);
  for (const entry of tail) await history.append(entry);
  await history.save();
  const { count } = history;
  const newer = tail.length > 0 && rest !== null ? rest.record : base.record;
  const merged = moved(newer, { by: count - newer.count, count });
  await storage.save(threadRecord(id), formatThread(merged));
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
