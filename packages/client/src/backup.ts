import { concat, fromHex, hex, utf8, Writer } from "@porchlight/encoding";
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

/** The chunk that is being handed in: it is the same one again after a crash. */
const PENDING = "backup-chunk";

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
  #busy: Promise<unknown> = Promise.resolve();

  /** `save`: keeps the state; `null` once another device has begun a new backup, with a new key. */
  constructor(parts: BackupParts, state: BackupState, save: (state: BackupState | null) => Promise<void>) {
    this.#parts = parts;
    this.#state = state;
    this.#save = save;
  }

  /**
   * Adds records, whatever the caller wrote, and resolves when the server has them durably. After an error the same
   * records may be appended again: who reads takes the last of what it finds twice. Throws WireError, with refusal
   * "conflict" where the backup was begun anew elsewhere: this one is over then.
   */
  append(records: readonly Uint8Array[]): Promise<void> {
    const result = this.#busy.then(async () => {
      await this.#finishPending();
      for await (const content of contentsOf(records)) await this.#put(content);
    });
    this.#busy = result.catch(() => {});
    return result;
  }

  /** Everything from the beginning, for instance because much of it is out of date; then the old one is deleted. */
  async rewrite(records: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void> {
    const result = this.#busy.then(async () => {
      const { server, deviceKey } = this.#parts;
      await this.#finishPending();
      await this.#keep({ ...this.#state, generation: this.#state.generation + 1, place: STREAM_START });
      for await (const content of contentsOf(records)) await this.#put(content);
      await server.pruneBackups(deviceKey, this.#state.generation);
    });
    this.#busy = result.catch(() => {});
    await result;
  }

  async #put(content: Uint8Array): Promise<void> {
    const { storage, random, deviceKey } = this.#parts;
    const { key, generation, place } = this.#state;
    const stream = streamOf(key, generation, deviceKey);
    const chunk = await sealChunk(stream, place, content, { last: false, salt: random(32) });
    await storage.save(PENDING, concat(new Writer().u64(generation).u64(place.number).finish(), chunk));
    await this.#finishPending();
  }

  async #finishPending(): Promise<void> {
    const { storage, server } = this.#parts;
    const pending = await storage.load(PENDING);
    if (pending === null) return;
    const { generation, place } = this.#state;
    const head = new Writer().u64(generation).u64(place.number).finish();
    const chunk = pending.slice(head.length);
    // Of a place that was passed already, the crash came between the two last steps.
    if (hex(pending.subarray(0, head.length)) === hex(head)) {
      try {
        await server.putBackup(generation, place.number, chunk);
      } catch (error) {
        if (error instanceof WireError && error.refusal === "conflict") {
          await storage.remove(PENDING);
          await this.#save(null);
        }
        throw error;
      }
      await this.#keep({ ...this.#state, place: after(place, chunk) });
    }
    await storage.remove(PENDING);
  }

  async #keep(state: BackupState): Promise<void> {
    await this.#save(state);
    this.#state = state;
  }
}

/**
 * The records of each of the account's devices under this key, one device after the other, each's oldest first: of each
 * record the last one counts. A stream of another key is left out; one that was altered throws ClientError
 * "stream-corrupt".
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
  for (const stream of streams) yield* recordsOf(contentsIn(server, key, stream));
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

/** Deletes every stream that there is: a new key begins with none. */
export async function dropBackups(server: AccountClient): Promise<void> {
  const keys = new Set((await server.backups()).map(({ deviceKey }) => hex(deviceKey)));
  for (const deviceKey of keys) await server.pruneBackups(fromHex(deviceKey, 32), 2 ** 31);
}
