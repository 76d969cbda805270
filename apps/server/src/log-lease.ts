import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readFileOrNull, writeFileDurable } from "@porchlight/durable";
import { fromUtf8 } from "@porchlight/encoding";
import type { Logger } from "@porchlight/runtime";
import { treeSize } from "@porchlight/tlog";
import { type Database, fromRow } from "./database.ts";
import { ServerError } from "./error.ts";
import { checkExtends } from "./log-publisher.ts";
import type { LogTree } from "./log-store.ts";

/** Milliseconds between two signs of life, and for how long none has to be seen before another may take over. */
const PACE = { beat: 2_000, silence: 10_000 } as const;
/** In the log's directory: which holder this directory is. */
const HOLDER_FILE = "holder";

type Head = {
  readonly term: number;
  readonly holder: string | null;
  readonly beat: number;
  readonly size: number;
  readonly root: Uint8Array;
};

/**
 * The right to write a deployment's log, kept in the database so that two processes can never both use it (DEL-45).
 * The log's files are one directory's; what is acknowledged or signed of them is first written down here, under the
 * term in which this process took the right. Who takes it later begins a new term, and from then on nothing of the
 * earlier term's holder is written down any more, however late it notices. No clock is compared with another's.
 */
export class LogLease {
  readonly #database: Database;
  readonly #origin: string;
  readonly #term: number;
  #timer: NodeJS.Timeout | undefined;
  #beating: Promise<void> = Promise.resolve();

  private constructor(database: Database, origin: string, term: number) {
    this.#database = database;
    this.#origin = origin;
    this.#term = term;
  }

  /**
   * Takes the right for the log in `directory`, whose lock the caller holds. The same directory gets it back at once,
   * another one only when the earlier holder gave it back or shows no life. Throws ServerError "log-elsewhere" where
   * it lives, "log-behind" where this tree is older or other than what was acknowledged, "database-foreign" where the
   * database is another deployment's.
   */
  static async take(options: {
    readonly database: Database;
    readonly origin: string;
    readonly directory: string;
    readonly tree: LogTree;
    readonly log: Logger;
    readonly onLost: (error: unknown) => void;
    readonly pace?: { readonly beat: number; readonly silence: number };
  }): Promise<LogLease> {
    const { database, origin, tree, log, onLost, pace = PACE } = options;
    const holder = await holderOf(options.directory);
    let seen = await readHead(database, origin);
    if (seen !== null && seen.holder !== null && seen.holder !== holder) {
      log.event("lease-awaited", { seconds: pace.silence / 1000 });
      await sleep(pace.silence);
      const now = await readHead(database, origin);
      if (now?.holder !== null && now?.beat !== seen.beat) throw elsewhere();
      seen = now;
    }
    if (seen !== null) await checkExtends(tree, treeSize(seen.size), seen.root);
    const term = (seen?.term ?? 0) + 1;
    const values = [origin, term, holder, tree.size, Buffer.from(tree.root)];
    const taken = await database.query(
      seen === null
        ? {
            text: `insert into log_heads values ($1, $2, $3, 0, $4, $5) on conflict do nothing returning 1`,
            values,
          }
        : {
            text: `update log_heads set term = $2, holder = $3, beat = beat + 1, size = $4, root = $5
              where origin = $1 and term = $6 and beat = $7 returning 1`,
            values: [...values, seen.term, seen.beat],
          },
    );
    if (taken.length === 0) throw elsewhere();
    log.event("lease-taken", { term });
    const lease = new LogLease(database, origin, term);
    lease.#timer = setInterval(() => {
      lease.#beating = lease.#beat().catch((error: unknown) => {
        if (error instanceof ServerError) onLost(error);
        else log.failure("lease-failed", error);
      });
    }, pace.beat).unref();
    return lease;
  }

  /** Resolves when the tree may be acknowledged and signed. Throws ServerError "log-taken-over". */
  async seal(size: number, root: Uint8Array): Promise<void> {
    const sealed = await this.#database.query({
      name: "seal-log",
      text: "update log_heads set size = $3, root = $4 where origin = $1 and term = $2 and size <= $3 returning 1",
      values: [this.#origin, this.#term, size, Buffer.from(root)],
    });
    if (sealed.length === 0) throw takenOver();
  }

  async #beat(): Promise<void> {
    const alive = await this.#database.query({
      name: "beat",
      text: "update log_heads set beat = beat + 1 where origin = $1 and term = $2 returning 1",
      values: [this.#origin, this.#term],
    });
    if (alive.length === 0) throw takenOver();
  }

  /** Gives the right back, so that the next holder need not wait. */
  async release(): Promise<void> {
    clearInterval(this.#timer);
    await this.#beating;
    await this.#database.query({
      text: "update log_heads set holder = null where origin = $1 and term = $2",
      values: [this.#origin, this.#term],
    });
  }
}

async function readHead(database: Database, origin: string): Promise<Head | null> {
  const rows = await database.query({ text: "select * from log_heads" });
  if (rows.some((row) => row["origin"] !== origin)) {
    throw new ServerError(
      "database-foreign",
      "this database belongs to another deployment: check DATABASE_URL and the configuration's deployment",
    );
  }
  const row = rows[0];
  if (row === undefined) return null;
  return {
    term: row["term"] as number,
    holder: row["holder"] as string | null,
    beat: row["beat"] as number,
    size: row["size"] as number,
    root: fromRow(row["root"]),
  };
}

/** Made once a directory: a copy of the log elsewhere must leave this file out. */
async function holderOf(directory: string): Promise<string> {
  const path = join(directory, HOLDER_FILE);
  const known = await readFileOrNull(path);
  if (known !== null) return fromUtf8(known).trim();
  const holder = randomBytes(16).toString("hex");
  await writeFileDurable(path, `${holder}\n`);
  return holder;
}

function elsewhere(): ServerError {
  return new ServerError(
    "log-elsewhere",
    'another process writes the log of this deployment: stop it first, or give this one the role "front"',
  );
}

function takenOver(): ServerError {
  return new ServerError(
    "log-taken-over",
    "another process has taken the log over: this one stops, so that there is only one log",
  );
}
