import type { Logger } from "@porchlight/runtime";
import { type Database, fromRow, isDatabaseOutage } from "./database.ts";
import type { Hints } from "./hints.ts";
import type { Waiters } from "./waiters.ts";

/** Milliseconds by which a lost hint delays a reader at most. */
const INTERVAL = 3_000;
const CONVERSATION = /^conversation ([0-9a-f]{64})$/;
const WELCOMES = /^welcomes ([0-9a-f]{64})$/;

/**
 * Looks into the database now and then, and after every gap in the hints, for what the readers of this process wait for:
 * two statements for all of them together. With it a hint is never needed, only faster.
 */
export class Sweep {
  readonly #database: Database;
  readonly #waiters: Waiters;
  readonly #log: Logger;
  readonly #timer: NodeJS.Timeout;
  /** Heads as of the last look, of the conversations that somebody waits for. */
  #heads = new Map<string, number>();
  #running: Promise<void> | null = null;

  constructor(database: Database, waiters: Waiters, hints: Hints, log: Logger, interval = INTERVAL) {
    this.#database = database;
    this.#waiters = waiters;
    this.#log = log;
    this.#timer = setInterval(() => this.#start(), interval).unref();
    hints.onGap(() => this.#start());
  }

  #start(): void {
    this.#running ??= this.#look()
      .catch((error: unknown) => {
        if (!isDatabaseOutage(error)) this.#log.failure("sweep-failed", error);
      })
      .finally(() => {
        this.#running = null;
      });
  }

  async #look(): Promise<void> {
    const { names } = this.#waiters;
    const conversations = matches(names, CONVERSATION);
    const accounts = matches(names, WELCOMES);
    if (conversations.length > 0) {
      const rows = await this.#database.query({
        name: "sweep-heads",
        text: "select conversation, head from conversations where conversation = any($1::bytea[])",
        values: [conversations],
      });
      const heads = new Map<string, number>();
      for (const row of rows) {
        const id = Buffer.from(fromRow(row["conversation"])).toString("hex");
        const head = row["head"] as number;
        heads.set(id, head);
        // Unknown from the last look: its reader came since, and may have looked before the newest item.
        if (this.#heads.get(id) !== head) this.#waiters.wake(`conversation ${id}`);
      }
      this.#heads = heads;
    }
    if (accounts.length > 0) {
      const rows = await this.#database.query({
        name: "sweep-welcomes",
        text: "select distinct account from welcome_recipients where account = any($1::bytea[])",
        values: [accounts],
      });
      for (const row of rows) {
        this.#waiters.wake(`welcomes ${Buffer.from(fromRow(row["account"])).toString("hex")}`);
      }
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }
}

function matches(names: readonly string[], pattern: RegExp): Buffer[] {
  return names.flatMap((name) => {
    const id = pattern.exec(name)?.[1];
    return id === undefined ? [] : [Buffer.from(id, "hex")];
  });
}
