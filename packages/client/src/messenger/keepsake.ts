import { fromUtf8, Reader, utf8, Writer } from "@porchlight/encoding";
import type { Storage } from "../storage.ts";
import { countIn, lengthOf } from "./history.ts";
import { conversationOfThread, historyRecord } from "./stored-entry.ts";
import { formatThread, moved, parseThread, type ThreadRecord } from "./thread-record.ts";
import type { HandoverView } from "./view.ts";

/** What another device of the same person may have: conversations as they were shown, people, the own choices. No key. */
const KEPT = /^(thread-|history-|people$|profile$)/;

export function isKept(name: string): boolean {
  return KEPT.test(name);
}

const THREAD = "thread-";
const HISTORY = "history-";
/** ACC-45. */
const TOTAL = "total";
const MAX_RECORD = 2 ** 31;

/** One record for a transfer or a backup. */
function formatKeepsake(name: string, body: Uint8Array): Uint8Array {
  return new Writer().opaque(utf8(name), 1).opaque(body, 4).finish();
}

/**
 * Everything of this storage that `isWanted`: who the person is and whom they know, then one conversation after the
 * other, the newest first, each thread's own record after its history. That record is read before the history is: with
 * what comes in meanwhile the history is longer than its record says, never shorter. Stopped by `signal`, it ends behind
 * the last conversation that is whole.
 */
export async function* keepsakes(
  storage: Storage,
  isWanted: (name: string) => boolean = () => true,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const threads: { readonly name: string; readonly body: Uint8Array }[] = [];
  for (const name of await storage.list()) {
    const body = name.startsWith(THREAD) && isWanted(name) ? await storage.load(name) : null;
    if (body !== null) threads.push({ name, body });
  }
  const others = (await storage.list()).filter(
    (name) => !name.startsWith(THREAD) && isKept(name) && isWanted(name),
  );
  const record = async (name: string): Promise<readonly Uint8Array[]> => {
    const body = await storage.load(name);
    return body === null ? [] : [formatKeepsake(name, body)];
  };
  for (const name of others) if (!name.startsWith(HISTORY)) yield* await record(name);
  const when = new Map(threads.map(({ name, body }) => [name, parseThread(body).lastAt]));
  threads.sort((a, b) => (when.get(b.name) ?? 0) - (when.get(a.name) ?? 0));
  for (const { name, body } of threads) {
    const id = conversationOfThread(name);
    const history = id === null ? [] : others.filter((one) => one.startsWith(historyRecord(id, "")));
    for (const one of history) {
      if (signal?.aborted === true) return;
      yield* await record(one);
    }
    yield formatKeepsake(name, body);
  }
}

/** ACC-45: as {@link keepsakes}, for a device that waits; it is told first how many records there are. */
export async function* handover(
  storage: Storage,
  options: {
    readonly isWanted: (name: string) => boolean;
    readonly signal: AbortSignal;
    readonly onProgress: (progress: HandoverView) => void;
  },
): AsyncGenerator<Uint8Array> {
  const { isWanted, signal, onProgress } = options;
  const total = (await storage.list()).filter((name) => isKept(name) && isWanted(name)).length;
  yield formatKeepsake(TOTAL, new Writer().uint(total, 4).finish());
  let done = 0;
  onProgress({ done, total });
  for await (const record of keepsakes(storage, isWanted, signal)) {
    yield record;
    // With what came in meanwhile there may be more than there were.
    onProgress({ done: Math.min(++done, total), total });
  }
}

/**
 * Puts records of another device into this new one's storage. What is of no kind that is kept is passed over, and a
 * thread is as long as its history is there; of a history whose thread did not come nothing stays.
 */
export async function takeKeepsakes(
  storage: Storage,
  records: AsyncIterable<Uint8Array>,
  onProgress: (progress: HandoverView) => void = () => {},
): Promise<void> {
  const threads = new Map<string, Uint8Array>();
  const lengths = new Map<string, number>();
  let total: number | null = null;
  let done = 0;
  for await (const record of records) {
    const reader = new Reader(record);
    const name = fromUtf8(reader.opaque(1, 100, "name"));
    const body = reader.opaque(4, MAX_RECORD, "body");
    reader.end("keepsake");
    if (name === TOTAL && body.length === 4) total = new Reader(body).uint(4);
    if (!isKept(name)) continue;
    onProgress({ done: total === null ? ++done : Math.min(++done, total), total });
    if (name.startsWith(THREAD)) {
      threads.set(name, body);
      continue;
    }
    if (name.startsWith(HISTORY)) lengths.set(name, lengthOf(body));
    await storage.save(name, body);
  }
  const whole: string[] = [];
  for (const [name, body] of threads) {
    const id = conversationOfThread(name);
    if (id === null) continue;
    whole.push(historyRecord(id, ""));
    const there = countIn(id, (chunk) => lengths.get(chunk) ?? 0);
    await storage.save(name, formatThread(asNew(parseThread(body), there)));
  }
  for (const name of lengths.keys()) {
    if (!whole.some((prefix) => name.startsWith(prefix))) await storage.remove(name);
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
