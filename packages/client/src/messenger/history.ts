import { type ConversationId, fromUtf8, utf8 } from "@porchlight/encoding";
import { ClientError } from "../error.ts";
import type { Storage } from "../storage.ts";
import { historyRecord, idOf, type StoredEntry } from "./stored-entry.ts";

/** Entries of one record: small, because the newest is written again for each message. */
const CHUNK = 64;
/** Chunks whose message ids are in one record. */
const INDEX_CHUNKS = 64;
const INDEX = CHUNK * INDEX_CHUNKS;
/** Chunks kept in memory beside those that are not written yet: a screen's worth in each direction, and jumps. */
const KEPT = 24;

type Index = { readonly ids: (string | null)[]; readonly places: Map<string, number> };

/**
 * The entries of one conversation in chunks of {@link CHUNK}, read by window. Its length is kept by whoever owns it, in a
 * record that is written after {@link save}: what a crash left beyond that length is written anew. So all that was taken
 * must be taken again in the same way, and replacing an entry twice must be as good as once.
 */
export class History {
  readonly #storage: Storage;
  readonly #conversation: ConversationId;
  #count: number;
  /** By chunk number, the least recently used first. */
  readonly #chunks = new Map<number, StoredEntry[]>();
  readonly #dirty = new Set<number>();
  /** Place of each message id; `null` until it is asked for. */
  #index: Index | null = null;
  readonly #dirtyIndex = new Set<number>();

  constructor(storage: Storage, conversation: ConversationId, count: number) {
    this.#storage = storage;
    this.#conversation = conversation;
    this.#count = count;
  }

  get count(): number {
    return this.#count;
  }

  async append(entry: StoredEntry): Promise<void> {
    // Read while the count still tells which saved ids are of entries, and which a crash left behind them.
    const index = await this.#loadIndex();
    const place = this.#count;
    const number = Math.floor(place / CHUNK);
    const chunk = place % CHUNK === 0 ? [] : await this.#chunk(number);
    chunk.push(entry);
    this.#chunks.set(number, chunk);
    this.#dirty.add(number);
    this.#count++;
    const id = idOf(entry);
    index.ids.push(id);
    if (id !== null && !index.places.has(id)) index.places.set(id, place);
    if (this.#count % CHUNK === 0) this.#dirtyIndex.add(Math.floor(place / INDEX));
  }

  async replace(place: number, entry: StoredEntry): Promise<void> {
    const number = Math.floor(place / CHUNK);
    const chunk = await this.#chunk(number);
    chunk[place % CHUNK] = entry;
    this.#dirty.add(number);
  }

  async at(place: number): Promise<StoredEntry> {
    const entry = (await this.#chunk(Math.floor(place / CHUNK)))[place % CHUNK];
    if (entry === undefined) throw corrupt();
    return entry;
  }

  /** Entries `from` to `to` (exclusive), which exist. */
  async range(from: number, to: number): Promise<StoredEntry[]> {
    const entries: StoredEntry[] = [];
    for (let place = from; place < to; ) {
      const number = Math.floor(place / CHUNK);
      const end = Math.min(to, (number + 1) * CHUNK);
      entries.push(...(await this.#chunk(number)).slice(place % CHUNK, end - number * CHUNK));
      place = end;
    }
    if (entries.length !== to - from) throw corrupt();
    return entries;
  }

  /** Place of the message with this id; `null` where it is not here. */
  async find(id: string): Promise<number | null> {
    return (await this.#loadIndex()).places.get(id) ?? null;
  }

  /** Writes what changed. The caller then writes the new {@link count}. */
  async save(): Promise<void> {
    for (const number of [...this.#dirty].sort((a, b) => a - b)) {
      await this.#storage.save(this.#chunkName(number), utf8(JSON.stringify(this.#chunks.get(number))));
      this.#dirty.delete(number);
    }
    for (const number of this.#dirtyIndex) {
      const { ids } = await this.#loadIndex();
      const part = ids.slice(number * INDEX, Math.min((number + 1) * INDEX, this.#whole));
      await this.#storage.save(this.#indexName(number), utf8(JSON.stringify(part)));
    }
    this.#dirtyIndex.clear();
    this.#forget();
  }

  /** Entries in chunks that are full. */
  get #whole(): number {
    return this.#count - (this.#count % CHUNK);
  }

  async #chunk(number: number): Promise<StoredEntry[]> {
    const known = this.#chunks.get(number);
    if (known !== undefined) {
      this.#chunks.delete(number);
      this.#chunks.set(number, known);
      return known;
    }
    const length = Math.min(CHUNK, this.#count - number * CHUNK);
    const chunk = (await this.#list<StoredEntry>(this.#chunkName(number)))?.slice(0, length) ?? [];
    if (chunk.length !== length) throw corrupt();
    const meanwhile = this.#chunks.get(number);
    if (meanwhile !== undefined) return meanwhile;
    this.#chunks.set(number, chunk);
    this.#forget();
    return chunk;
  }

  #forget(): void {
    for (const number of this.#chunks.keys()) {
      if (this.#chunks.size - this.#dirty.size <= KEPT) return;
      if (!this.#dirty.has(number)) this.#chunks.delete(number);
    }
  }

  async #loadIndex(): Promise<Index> {
    if (this.#index !== null) return this.#index;
    const ids: (string | null)[] = [];
    for (let number = 0; ids.length < this.#whole; number++) {
      const wanted = Math.min(INDEX, this.#whole - ids.length);
      const part = (await this.#list<string | null>(this.#indexName(number))) ?? [];
      ids.push(...part.slice(0, wanted));
      if (part.length < wanted) break;
    }
    // The newest ids are in their chunks alone; after a crash some more.
    const from = ids.length;
    for (let place = from; place < this.#count; place += CHUNK) {
      const number = Math.floor(place / CHUNK);
      const end = Math.min(this.#count, (number + 1) * CHUNK);
      ids.push(...(await this.range(place, end)).map(idOf));
    }
    const places = new Map<string, number>();
    for (const [place, id] of ids.entries()) if (id !== null && !places.has(id)) places.set(id, place);
    this.#index ??= { ids, places };
    return this.#index;
  }

  async #list<T>(name: string): Promise<T[] | null> {
    const bytes = await this.#storage.load(name);
    return bytes === null ? null : parseList<T>(bytes);
  }

  #chunkName(number: number): string {
    return chunkName(this.#conversation, number);
  }

  #indexName(number: number): string {
    return historyRecord(this.#conversation, `ids-${number}`);
  }
}

function chunkName(conversation: ConversationId, number: number): string {
  return historyRecord(conversation, String(number).padStart(7, "0"));
}

/** How many entries from the beginning are there, with no chunk missing. `lengthOf`: of a chunk by its name, 0 for none. */
export function countIn(conversation: ConversationId, lengthOf: (chunk: string) => number): number {
  for (let number = 0; ; number++) {
    const length = lengthOf(chunkName(conversation, number));
    if (length < CHUNK) return number * CHUNK + length;
  }
}

/** Entries of one record of a history. Throws ClientError "state-corrupt". */
export function lengthOf(record: Uint8Array): number {
  return parseList(record).length;
}

function parseList<T>(record: Uint8Array): T[] {
  try {
    // JSON.parse: this program wrote it, and storage authenticates it.
    return JSON.parse(fromUtf8(record)) as T[];
  } catch (cause) {
    throw new ClientError("state-corrupt", "a part of the history is not what was saved", { cause });
  }
}

function corrupt(): ClientError {
  return new ClientError("state-corrupt", "a part of the history is missing: restore from a backup");
}
