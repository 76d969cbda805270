import type { LogIndex } from "@porchlight/tlog";
import { logIndex } from "@porchlight/tlog";
import type { LogStore } from "./log-store.ts";
import { Refusal } from "./refusal.ts";

type Waiting = {
  readonly entries: readonly Uint8Array[];
  readonly resolve: (first: LogIndex) => void;
  readonly reject: (error: unknown) => void;
};

/** Entries that share one fsync. */
const BATCH = 256;
/** Milliseconds for which a batch that is not full waits for company. */
const WAIT = 2;
/** Entries that may wait: beyond it the log says that it is busy. */
const MAX_WAITING = 64 * BATCH;

/**
 * Group commit for the log (DEL-41): gives indices in the order of arrival, one batch on its way to the disk at a
 * time. Nothing is acknowledged before `onGrown` has resolved as well. When a write fails nothing more is accepted:
 * `onFailure` is told, and the program has to start again.
 */
export class LogSequencer {
  readonly #store: LogStore;
  readonly #onFailure: (error: unknown) => void;
  readonly #onGrown: () => void | Promise<void>;
  #waiting: Waiting[] = [];
  #count = 0;
  #running: Promise<void> | null = null;
  #state: "open" | "failed" | "closed" = "open";

  constructor(store: LogStore, onGrown: () => void | Promise<void>, onFailure: (error: unknown) => void) {
    this.#store = store;
    this.#onGrown = onGrown;
    this.#onFailure = onFailure;
  }

  /** Resolves with the first entry's index when all are durable and in the tree; they get consecutive indices. */
  append(entries: readonly Uint8Array[]): Promise<LogIndex> {
    if (this.#state !== "open" || this.#count + entries.length > MAX_WAITING) {
      return Promise.reject(
        new Refusal("unavailable", "the log takes nothing at the moment: try again later"),
      );
    }
    this.#count += entries.length;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entries, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  async #run(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        if (this.#count < BATCH) await new Promise((resolve) => setTimeout(resolve, WAIT));
        await this.#commit(this.#takeBatch());
      }
    } finally {
      this.#running = null;
    }
  }

  #takeBatch(): Waiting[] {
    let size = 0;
    let taken = 0;
    while (taken < this.#waiting.length) {
      const next = (this.#waiting[taken] as Waiting).entries.length;
      if (taken > 0 && size + next > BATCH) break;
      size += next;
      taken++;
    }
    this.#count -= size;
    return this.#waiting.splice(0, taken);
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    try {
      let first: number = await this.#store.append(batch.flatMap(({ entries }) => entries));
      await this.#onGrown();
      for (const { entries, resolve } of batch) {
        resolve(logIndex(first));
        first += entries.length;
      }
    } catch (error) {
      const closing = this.#state === "closed";
      this.#state = "failed";
      this.#count = 0;
      for (const { reject } of [...batch, ...this.#waiting.splice(0)]) reject(error);
      if (!closing) this.#onFailure(error);
    }
  }

  /** Takes nothing more, and waits for what is under way. */
  async close(): Promise<void> {
    if (this.#state === "open") this.#state = "closed";
    await this.#running;
  }
}
