import { fromUtf8, Reader, utf8, Writer } from "@porchlight/encoding";
import type { Storage } from "../storage.ts";
import { countIn, lengthOf } from "./history.ts";
import { conversationOfThread } from "./stored-entry.ts";
import { formatThread, moved, parseThread, type ThreadRecord } from "./thread-record.ts";

/** What another device of the same person may have: conversations as they were shown, people, the own choices. No key. */
const KEPT = /^(thread-|history-|people$|profile$)/;
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
    if (name.startsWith(THREAD) || !KEPT.test(name) || !isWanted(name)) continue;
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
    if (!KEPT.test(name)) continue;
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
  return moved(own, { by: 0, count: Math.min(own.count, there) });
}

/** A chunk of a history. */
const PART = /^history-([0-9a-f]{64})-(\d+)$/;
const BACKED_UP = "backed-up";

/** Of a generation of this device's backup: by conversation the newest chunk that it has, and with it all before. */
type BackedUp = { readonly generation: number; readonly newest: { readonly [conversation: string]: number } };

/** Notes which of the records that are kept have changed since the last backup. */
export class NotedStorage implements Storage {
  readonly #inner: Storage;
  #changed = new Set<string>();
  #backedUp: BackedUp | null = null;

  constructor(inner: Storage) {
    this.#inner = inner;
  }

  get changed(): ReadonlySet<string> {
    return this.#changed;
  }

  /** What has changed so far; from now on changes are noted anew. */
  takeChanged(): ReadonlySet<string> {
    const changed = this.#changed;
    this.#changed = new Set();
    return changed;
  }

  /** They were not backed up after all. */
  putBack(names: ReadonlySet<string>): void {
    for (const name of names) this.#changed.add(name);
  }

  /**
   * At a start: what the backup may lack. Of histories that is what came after the chunks that it is known to have, of
   * this `generation`; of another one everything.
   */
  async noteDue(names: readonly string[], generation: number | null): Promise<void> {
    const saved = await this.#inner.load(BACKED_UP);
    // JSON.parse: this program wrote it, and storage authenticates it.
    const known = saved === null ? null : (JSON.parse(fromUtf8(saved)) as BackedUp);
    if (known !== null && known.generation === generation) this.#backedUp = known;
    for (const name of names) {
      const part = PART.exec(name);
      if (!KEPT.test(name)) continue;
      const newest = part === null ? undefined : this.#backedUp?.newest[part[1] as string];
      if (part === null || newest === undefined || Number(part[2]) >= newest) this.#changed.add(name);
    }
  }

  /** The backup of this generation has these records. */
  async noteBackedUp(names: ReadonlySet<string>, generation: number): Promise<void> {
    const before = this.#backedUp?.generation === generation ? this.#backedUp.newest : {};
    const newest = { ...before };
    for (const name of names) {
      const [, conversation, number] = PART.exec(name) ?? [];
      if (conversation === undefined) continue;
      newest[conversation] = Math.max(newest[conversation] ?? 0, Number(number));
    }
    if (JSON.stringify(newest) === JSON.stringify(before) && this.#backedUp?.generation === generation)
      return;
    this.#backedUp = { generation, newest };
    await this.#inner.save(BACKED_UP, utf8(JSON.stringify(this.#backedUp)));
  }

  load(name: string): Promise<Uint8Array | null> {
    return this.#inner.load(name);
  }

  async save(name: string, record: Uint8Array): Promise<void> {
    await this.#inner.save(name, record);
    if (KEPT.test(name)) this.#changed.add(name);
  }

  remove(name: string): Promise<void> {
    return this.#inner.remove(name);
  }

  list(): Promise<readonly string[]> {
    return this.#inner.list();
  }
}
