import { fromUtf8, Reader, utf8, Writer } from "@porchlight/encoding";
import type { Storage } from "../storage.ts";
import { formatThread, parseThread } from "./thread-record.ts";

/** What another device of the same person may have: conversations as they were shown, people, the own choices. No key. */
const KEPT = /^(thread-|history-|people$|profile$)/;
const MAX_RECORD = 2 ** 31;

/** One record for a transfer or a backup. */
function formatKeepsake(name: string, body: Uint8Array): Uint8Array {
  return new Writer().opaque(utf8(name), 1).opaque(body, 4).finish();
}

/** Everything of this storage, the threads' own records last: they say how much there is. */
export async function* keepsakes(storage: Storage, names?: ReadonlySet<string>): AsyncGenerator<Uint8Array> {
  const kept = (await storage.list()).filter((name) => KEPT.test(name) && (names?.has(name) ?? true));
  const ordered = [
    ...kept.filter((name) => !name.startsWith("thread-")),
    ...kept.filter((name) => name.startsWith("thread-")),
  ];
  for (const name of ordered) {
    const body = await storage.load(name);
    if (body !== null) yield formatKeepsake(name, body);
  }
}

/** Puts records of another device into this new one's storage. What is of no kind that is kept is passed over. */
export async function takeKeepsakes(storage: Storage, records: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const record of records) {
    const reader = new Reader(record);
    const name = fromUtf8(reader.opaque(1, 100, "name"));
    const body = reader.opaque(4, MAX_RECORD, "body");
    reader.end("keepsake");
    if (!KEPT.test(name)) continue;
    await storage.save(name, name.startsWith("thread-") ? asNew(body) : body);
  }
}

/** What the other device had under way is its own. */
function asNew(body: Uint8Array): Uint8Array {
  return formatThread({ ...parseThread(body), taken: 0, pending: [], waitingFor: [] });
}

/** Notes which of the records that are kept have changed since the last backup. */
export class NotedStorage implements Storage {
  readonly #inner: Storage;
  readonly changed = new Set<string>();

  constructor(inner: Storage) {
    this.#inner = inner;
  }

  /** After a start nobody knows what the backup lacks: the records that change most are taken for changed. */
  noteNewest(names: readonly string[]): void {
    const newest = new Map<string, string>();
    for (const name of names) {
      if (name.startsWith("history-")) newest.set(name.slice(0, name.lastIndexOf("-")), name);
      else if (KEPT.test(name)) this.changed.add(name);
    }
    for (const name of newest.values()) this.changed.add(name);
  }

  load(name: string): Promise<Uint8Array | null> {
    return this.#inner.load(name);
  }

  async save(name: string, record: Uint8Array): Promise<void> {
    await this.#inner.save(name, record);
    if (KEPT.test(name)) this.changed.add(name);
  }

  remove(name: string): Promise<void> {
    return this.#inner.remove(name);
  }

  list(): Promise<readonly string[]> {
    return this.#inner.list();
  }
}
