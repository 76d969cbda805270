import { sha256 } from "@noble/hashes/sha2.js";
import { concat, hex, Reader, utf8, Writer } from "@porchlight/encoding";
import { type AccountClient, type BackupStream, WireError } from "@porchlight/wire";
import { ClientError } from "./error.ts";
import {
  after,
  contentsOf,
  openChunk,
  recordsOf,
  STREAM_START,
  type StreamKey,
  type StreamPlace,
  sealChunk,
} from "./sealed-stream.ts";
import type { Storage } from "./storage.ts";

/** Where this device's backup stands. `key`: of the account, 32 bytes. */
export type BackupState = {
  readonly key: Uint8Array;
  readonly generation: number;
  readonly place: StreamPlace;
};

const MAX_CHUNK = 2 ** 31;
/** Bytes of records that are handed in together: once some of them are at the server, so will be the rest. */
const BATCH = 1024 * 1024;

/** The chunks of a batch, sealed: they are the same ones again after a crash. */
function batchRecord(generation: number): string {
  return `backup-batch-${generation}`;
}

export type BackupParts = {
  readonly server: AccountClient;
  readonly storage: Storage;
  readonly random: (length: number) => Uint8Array;
  readonly deviceKey: Uint8Array;
};

/** ACC-54: one stream for each device and generation. */
function streamOf(key: Uint8Array, generation: number, deviceKey: Uint8Array): StreamKey {
  return { key, purpose: concat(utf8("backup"), new Writer().u64(generation).finish(), deviceKey) };
}

/** The account's encrypted backup, as this device adds to it. One call at a time. */
export class Backup {
  readonly #parts: BackupParts;
  readonly #save: (state: BackupState | null) => Promise<void>;
  #state: BackupState;
  #isOver = false;
  #busy: Promise<unknown> = Promise.resolve();

  /** `save`: keeps the state; `null` once another device has begun a new backup, with a new key. */
  constructor(parts: BackupParts, state: BackupState, save: (state: BackupState | null) => Promise<void>) {
    this.#parts = parts;
    this.#state = state;
    this.#save = save;
  }

  /** Which one it is among all that this device ever adds to: a generation can come again, under another key. */
  get id(): string {
    const { key, generation } = this.#state;
    return hex(sha256(new Writer().fixed(key, 32).u64(generation).finish())).slice(0, 32);
  }

  /**
   * Adds records, whatever the caller wrote, and resolves when the server has them durably. After an error the same
   * records may be appended again: who reads takes the last of what it finds twice. Throws WireError, with refusal
   * "conflict" where the backup was begun anew elsewhere: this one is over then.
   */
  append(records: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void> {
    const result = this.#busy.then(async () => {
      await this.#finishBatch();
      let batch: Uint8Array[] = [];
      let size = 0;
      for await (const record of records) {
        batch.push(record);
        size += record.length;
        if (size < BATCH) continue;
        await this.#put(batch);
        batch = [];
        size = 0;
      }
      if (batch.length > 0) await this.#put(batch);
    });
    this.#busy = result.catch(() => {});
    return result;
  }

  /** A new backup takes its place: nothing more is added to this one. Resolves when nothing is under way. */
  async end(): Promise<void> {
    this.#isOver = true;
    await this.#busy;
    await this.#parts.storage.remove(batchRecord(this.#state.generation));
  }

  /** Sealed and saved as one before the first of it leaves: half a record at the server would spoil all after it. */
  async #put(records: readonly Uint8Array[]): Promise<void> {
    const { storage, random, deviceKey } = this.#parts;
    const { key, generation } = this.#state;
    let { place } = this.#state;
    const stream = streamOf(key, generation, deviceKey);
    const chunks: Uint8Array[] = [];
    for await (const content of contentsOf(records)) {
      if (content.length === 0) continue;
      const chunk = await sealChunk(stream, place, content, { last: false, salt: random(32) });
      chunks.push(chunk);
      place = after(place, chunk);
    }
    const batch = new Writer().u64(this.#state.place.number).u64(chunks.length);
    for (const chunk of chunks) batch.opaque(chunk, 4);
    await storage.save(batchRecord(generation), batch.finish());
    await this.#finishBatch();
  }

  async #finishBatch(): Promise<void> {
    const { storage } = this.#parts;
    const name = batchRecord(this.#state.generation);
    const saved = await storage.load(name);
    if (saved === null) return;
    const reader = new Reader(saved);
    const first = reader.u64("number");
    const end = first + reader.u64("count");
    for (let number = first; number < end; number++) {
      const chunk = reader.opaque(4, MAX_CHUNK, "chunk");
      // Handed in before a crash.
      if (number < this.#state.place.number) continue;
      if (this.#isOver) throw new ClientError("gave-up", "another backup was begun: this one is over");
      await this.#handIn(number, chunk);
    }
    await storage.remove(name);
  }

  async #handIn(number: number, chunk: Uint8Array): Promise<void> {
    const { storage, server } = this.#parts;
    const { generation, place } = this.#state;
    try {
      await server.putBackup(generation, number, chunk);
    } catch (error) {
      if (error instanceof WireError && error.refusal === "conflict") {
        this.#isOver = true;
        await storage.remove(batchRecord(generation));
        await this.#save(null);
      }
      throw error;
    }
    const state = { ...this.#state, place: after(place, chunk) };
    await this.#save(state);
    this.#state = state;
  }
}

/**
 * The records of each of the account's devices under this key, one device after the other, each's oldest first: of each
 * record the last one counts. A stream of another key is left out, and so is half a record at the end of one: that
 * device was lost before it sent the rest. One that was altered throws ClientError "stream-corrupt".
 */
export async function* readBackups(
  server: AccountClient,
  key: Uint8Array,
): AsyncGenerator<AsyncIterable<Uint8Array>> {
  const devices = new Map<string, BackupStream[]>();
  for (const stream of await server.backups()) {
    const device = hex(stream.deviceKey);
    devices.set(device, [...(devices.get(device) ?? []), stream]);
  }
  for (const streams of devices.values()) {
    yield recordsIn(
      server,
      key,
      streams.sort((one, other) => one.generation - other.generation),
    );
  }
}

/** A generation that a crash cut short stands on the one before it. */
async function* recordsIn(
  server: AccountClient,
  key: Uint8Array,
  streams: readonly BackupStream[],
): AsyncGenerator<Uint8Array> {
  for (const stream of streams) {
    yield* recordsOf(contentsIn(server, key, stream), { end: "anywhere" });
  }
}

async function* contentsIn(
  server: AccountClient,
  key: Uint8Array,
  { deviceKey, generation, chunks }: BackupStream,
): AsyncGenerator<Uint8Array> {
  const stream = streamOf(key, generation, deviceKey);
  let place = STREAM_START;
  for (let number = 0; number < chunks; number++) {
    const chunk = await server.backup(hex(deviceKey), generation, number);
    let content: Uint8Array;
    try {
      ({ content } = await openChunk(stream, place, chunk));
    } catch (error) {
      const isForeign = number === 0 && error instanceof ClientError && error.code === "stream-corrupt";
      if (isForeign) return;
      throw error;
    }
    place = after(place, chunk);
    yield content;
  }
}
