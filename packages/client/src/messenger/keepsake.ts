import { fromUtf8, Reader, utf8, Writer } from "@porchlight/encoding";
import type { Storage } from "../storage.ts";
import { countIn, lengthOf } from "./history.ts";
import { conversationOfThread } from "./stored-entry.ts";
import { formatThread, moved, parseThread, type ThreadRecord } from "./thread-record.ts";

/** What another device of the same person may have: conversations as they were shown, people, the own choices. No key. */
const KEPT = /^(thread-|history-|people$|profile$)/;

export function isKept(name: string): boolean {
  return KEPT.test(name);
}

const THREAD = "thread-";
const MAX_RECORD = 2 ** 31;

/** One record for a transfer or a backup. */
function formatKeepsake(name: string, body: Uint8Array): Uint8Array {
  return new Writer().opaque(utf8(name), 1).opaque(body, 4).finish();
}

/**
 * Everything of this storage that `isWanted`, each thread's own record after its history. That record is read before
 * the history is: with what comes in meanwhile the history is longer than its record says, never shorter.
 */
export async function* keepsakes(
  storage: Storage,
  isWanted: (name: string) => boolean = () => true,
): AsyncGenerator<Uint8Array> {
  const threads = new Map<string, Uint8Array>();
  for (const name of await storage.list()) {
    const body = name.startsWith(THREAD) && isWanted(name) ? await storage.load(name) : null;
    if (body !== null) threads.set(name, body);
  }
  for (const name of await storage.list()) {
    if (name.startsWith(THREAD) || !isKept(name) || !isWanted(name)) continue;
    const body = await storage.load(name);
    if (body !== null) yield formatKeepsake(name, body);
  }
  for (const [name, body] of threads) yield formatKeepsake(name, body);
}

/**
 * Puts records of another device into this new one's storage. What is of no kind that is kept is passed over, and a
 * thread is as long as its history is there.
 */
export async function takeKeepsakes(storage: Storage, records: AsyncIterable<Uint8Array>): Promise<void> {
  const threads = new Map<string, Uint8Array>();
  const lengths = new Map<string, number>();
  for await (const record of records) {
    const reader = new Reader(record);
    const name = fromUtf8(reader.opaque(1, 100, "name"));
    const body = reader.opaque(4, MAX_RECORD, "body");
    reader.end("keepsake");
    if (!isKept(name)) continue;
    if (name.startsWith(THREAD)) {
      threads.set(name, body);
      continue;
    }
    if (name.startsWith("history-")) lengths.set(name, lengthOf(body));
    await storage.save(name, body);
  }
  for (const [name, body] of threads) {
    const id = conversationOfThread(name);
    if (id === null) continue;
    const there = countIn(id, (chunk) => lengths.get(chunk) ?? 0);
    await storage.save(name, formatThread(asNew(parseThread(body), there)));
  }
}

/** What the other device had under way is its own. */
function asNew(record: ThreadRecord, there: number): ThreadRecord {
  const own = { ...record, taken: 0, pending: [], waitingFor: [] };
  const count = Math.min(own.count, there);
  const owed = own.owed?.filter(({ from }) => from <= count);
  return moved(
    { ...own, ...(owed === undefined ? {} : { owed }) },
    { count, place: (before) => Math.min(before, count) },
  );
}
