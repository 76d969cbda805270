import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Charter } from "@porchlight/charter";
import { removeFileDurable } from "@porchlight/durable";
import type { CharterId, UnixSeconds } from "@porchlight/encoding";
import type { LogView } from "@porchlight/gate";
import type { LogIndex, WitnessedCheckpoint } from "@porchlight/tlog";
import { isDatabaseOutage } from "./database.ts";
import { LogCatalogue } from "./log-catalogue.ts";
import type { LogLease } from "./log-lease.ts";
import type { LogPublisher } from "./log-publisher.ts";
import { LogSequencer } from "./log-sequencer.ts";
import { LogStore, type LogTree } from "./log-store.ts";
import { Refusal } from "./refusal.ts";
import type { Waiters } from "./waiters.ts";

/** In the log's directory after it came from a backup, until its cosigners have confirmed that they know no newer one. */
export const RESTORED_FILE = "restored";

/** Milliseconds until the database is asked again to note what the log holds. */
const SEAL_RETRY = 100;

/** The transparency log: its tree on disk, what is in it, and the checkpoint that the world sees. */
export class Log {
  readonly store: LogStore;
  readonly catalogue: LogCatalogue;
  readonly #sequencer: LogSequencer;
  readonly #waiters: Waiters;
  readonly #appending = new Map<string, Promise<LogIndex>>();
  readonly #lease: LogLease;
  #publisher: LogPublisher | null = null;
  #policy: string | null = null;
  readonly #restored: string;
  #isRestored: boolean;
  #sealed: { readonly size: LogTree["size"]; readonly root: Uint8Array; readonly end: number };
  #closed = false;
  #catalogued: number;
  #cataloguing: Promise<void> = Promise.resolve();

  private constructor(
    directory: string,
    store: LogStore,
    catalogue: LogCatalogue,
    lease: LogLease,
    waiters: Waiters,
    onFailure: (error: unknown) => void,
  ) {
    this.store = store;
    this.#lease = lease;
    this.#restored = join(directory, RESTORED_FILE);
    this.#isRestored = existsSync(this.#restored);
    this.#sealed = { size: store.size, root: store.root, end: store.end };
    this.catalogue = catalogue;
    this.#waiters = waiters;
    this.#catalogued = store.size;
    this.#sequencer = new LogSequencer(store, () => this.#seal(), onFailure);
  }

  /**
   * `take` gets the right to write the log whose tree this is (DEL-45). `onFailure`: the disk failed under the log, or
   * another process took it over; nothing more is taken and the program has to start again.
   */
  static async open(
    directory: string,
    take: (tree: LogTree) => Promise<LogLease>,
    waiters: Waiters,
    onFailure: (error: unknown) => void,
  ): Promise<Log> {
    const store = await LogStore.open(directory);
    try {
      const catalogue = new LogCatalogue();
      for (let at = 0; at < store.size; ) {
        for (const entry of await store.entriesFrom(at)) await catalogue.add(at++, entry);
      }
      return new Log(directory, store, catalogue, await take(store), waiters, onFailure);
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** Whether this log came from a backup and nothing of it has been published since. */
  get isRestored(): boolean {
    return this.#isRestored;
  }

  /** Bytes of the file `entries` that hold what was acknowledged. */
  get sealedEnd(): number {
    return this.#sealed.end;
  }

  /** DEL-49: why the log takes nothing, for the operator; `null` where it does. */
  get hold(): string | null {
    const ahead = this.#publisher?.ahead ?? null;
    if (ahead !== null) {
      return `the log here has ${this.store.size} entries, the cosigner ${ahead.cosigner} has seen ${ahead.size}: restore the newest copy of the log; this one must not grow, it would become a second log`;
    }
    if (this.#isRestored && this.published === null) {
      return "the log was restored from a backup and waits until its cosigners confirm that they have seen no newer one: see that the witnesses are reached";
    }
    return null;
  }

  async #checkHold(): Promise<void> {
    if (this.hold !== null) {
      throw new Refusal(
        "unavailable",
        "the log was restored and is not confirmed to be the newest: try again later",
      );
    }
    if (!this.#isRestored) return;
    await removeFileDurable(this.#restored);
    this.#isRestored = false;
  }

  /** The tree as far as it may be signed: what the database has noted of it. */
  get tree(): LogTree {
    const size = (): LogTree["size"] => this.#sealed.size;
    const root = (): Uint8Array => this.#sealed.root;
    const { tiles } = this.store;
    return {
      get size() {
        return size();
      },
      get root() {
        return root();
      },
      tiles,
    };
  }

  /** Notes in the database what is on the disk; a database that is away is waited for. Throws "log-taken-over". */
  async #seal(): Promise<void> {
    const sealed = { size: this.store.size, root: this.store.root, end: this.store.end };
    for (;;) {
      try {
        await this.#lease.seal(sealed.size, sealed.root);
        break;
      } catch (error) {
        if (!isDatabaseOutage(error)) throw error;
        if (this.#closed) throw new Refusal("unavailable", "the server stops: try again in a moment");
        await sleep(SEAL_RETRY);
      }
    }
    this.#sealed = sealed;
    this.#publisher?.grown();
  }

  /** From now on checkpoints are published. */
  publishWith(publisher: LogPublisher, policy: string): void {
    this.#publisher = publisher;
    this.#policy = policy;
    publisher.grown();
  }

  get publisher(): LogPublisher | null {
    return this.#publisher;
  }

  /** The tlog-policy text under which checkpoints are published; `null` until there is one. */
  get policy(): string | null {
    return this.#policy;
  }

  get published(): WitnessedCheckpoint | null {
    return this.#publisher?.published ?? null;
  }

  /**
   * Appends a verified entry and resolves with its index when it is durable, in the tree and in the catalogue. The same
   * bytes again have the index that they have.
   */
  async append(entry: Uint8Array): Promise<LogIndex> {
    const known = this.catalogue.find(entry);
    if (known !== undefined) return known;
    const name = Buffer.from(entry).toString("latin1");
    let pending = this.#appending.get(name);
    if (pending === undefined) {
      pending = this.#appendNew(entry).finally(() => this.#appending.delete(name));
      this.#appending.set(name, pending);
    }
    return await pending;
  }

  async #appendNew(entry: Uint8Array): Promise<LogIndex> {
    await this.#checkHold();
    const index = await this.#sequencer.append([entry]);
    const catalogued = this.#cataloguing.then(() => this.#catalogueUpTo(index + 1));
    this.#cataloguing = catalogued.catch(() => {});
    await catalogued;
    return index;
  }

  async #catalogueUpTo(size: number): Promise<void> {
    while (this.#catalogued < size) {
      for (const entry of await this.store.entriesFrom(this.#catalogued)) {
        await this.catalogue.add(this.#catalogued, entry);
        this.#catalogued++;
      }
    }
  }

  /** The newest published checkpoint that covers `size` and is as fresh as `since`; `null` when that takes too long. */
  async waitFor(
    size: number,
    since: UnixSeconds | undefined,
    seconds: number,
    signal: AbortSignal,
  ): Promise<WitnessedCheckpoint | null> {
    if (since !== undefined && since > (this.published?.time ?? -1)) this.#publisher?.refresh(since);
    return await this.#waiters.until("log", seconds, signal, () => {
      const checkpoint = this.published;
      const covers = checkpoint !== null && checkpoint.size >= size && checkpoint.time >= (since ?? 0);
      return Promise.resolve(covers ? checkpoint : null);
    });
  }

  charter(id: CharterId): Charter | undefined {
    return this.catalogue.charter(id);
  }

  /** What the gate may read of a charter under the published checkpoint; `null` before the first. */
  view(charter: CharterId): LogView | null {
    const checkpoint = this.published;
    if (checkpoint === null) return null;
    return { checkpoint, entries: this.catalogue.dated(charter, checkpoint.size) };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#sequencer.close();
    await this.#publisher?.close();
    await this.#cataloguing;
    // A database that is away keeps the right until somebody has waited for it.
    await this.#lease.release().catch(() => {});
    await this.store.close();
  }
}
