import { type ClientBase, type ClientConfig, Pool, type QueryConfig, types } from "pg";
import { ServerError } from "./error.ts";
import { MIGRATIONS, type Migration } from "./schema/index.ts";

// bigint columns hold seqs, epochs and times, all below 2^53.
types.setTypeParser(types.builtins.INT8, Number);

export type Row = Record<string, unknown>;

export type Queries = {
  query<R extends Row>(config: QueryConfig): Promise<R[]>;
};

/** The pool and its transactions. A lost connection rejects the query that was under way; the next one reconnects. */
export class Database implements Queries {
  readonly #pool: Pool;

  private constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Connects and brings the schema up to date. Throws ServerError "schema-newer". */
  static async open(connection: ClientConfig): Promise<Database> {
    return await Database.#open(connection, MIGRATIONS);
  }

  /**
   * Connects to an empty database and gives it the schema that these migrations made, for a backup of that version.
   * Throws ServerError "schema-newer", or "database-not-empty".
   */
  static async openEmpty(connection: ClientConfig, migrations: readonly string[]): Promise<Database> {
    const known = new Map(MIGRATIONS.map((migration) => [migration.name, migration]));
    const wanted = migrations.map((name) => known.get(name) ?? fail(newer("the backup")));
    const tables = "select 1 from pg_tables where schemaname = current_schema() limit 1";
    return await Database.#open(connection, wanted, async (transaction) => {
      if ((await transaction.query({ text: tables })).length > 0) {
        throw new ServerError(
          "database-not-empty",
          "a backup is restored into an empty database: name another one",
        );
      }
    });
  }

  static async #open(
    connection: ClientConfig,
    migrations: readonly Migration[],
    check: (transaction: Queries) => Promise<void> = () => Promise.resolve(),
  ): Promise<Database> {
    const pool = new Pool({
      ...connection,
      max: 16,
      connectionTimeoutMillis: 10_000,
      onConnect: demandDurability,
    });
    // An idle connection that breaks is replaced; without a listener it would end the process.
    pool.on("error", () => {});
    const database = new Database(pool);
    try {
      await database.#migrate(migrations, check);
    } catch (error) {
      await pool.end();
      throw error;
    }
    return database;
  }

  async #migrate(
    migrations: readonly Migration[],
    check: (transaction: Queries) => Promise<void>,
  ): Promise<void> {
    await this.transaction(async (transaction) => {
      await check(transaction);
      // Several processes may start at once: one migrates, the others wait here and then find it done.
      await transaction.query({ text: "select pg_advisory_xact_lock(7400)" });
      await transaction.query({ text: "create table if not exists migrations (name text primary key)" });
      const rows = await transaction.query<{ name: string }>({ text: "select name from migrations" });
      const known = new Set(migrations.map(({ name }) => name));
      if (rows.some(({ name }) => !known.has(name))) {
        throw newer("the database");
      }
      const applied = new Set(rows.map(({ name }) => name));
      for (const { name, sql } of migrations) {
        if (applied.has(name)) continue;
        await transaction.query({ text: sql });
        await transaction.query({ text: "insert into migrations values ($1)", values: [name] });
      }
    });
  }

  async query<R extends Row>(config: QueryConfig): Promise<R[]> {
    return (await this.#pool.query<R>(config)).rows;
  }

  /** Runs `work` in one transaction; what it throws rolls back. Resolves when the commit is durable. */
  async transaction<T>(work: (transaction: Queries) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    // A connection that breaks inside a transaction rejects the next query; nothing else is to be done.
    const ignore = (): void => {};
    client.on("error", ignore);
    let broken: Error | undefined;
    try {
      await client.query("begin");
      const result = await work({
        query: async <R extends Row>(config: QueryConfig) => (await client.query<R>(config)).rows,
      });
      await client.query("commit");
      return result;
    } catch (error) {
      try {
        await client.query("rollback");
      } catch (failure) {
        broken = failure as Error;
      }
      throw error;
    } finally {
      client.off("error", ignore);
      client.release(broken);
    }
  }

  /** Connections, and statements that wait for one. */
  get load(): { readonly open: number; readonly waiting: number } {
    return { open: this.#pool.totalCount, waiting: this.#pool.waitingCount };
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}

function newer(what: string): ServerError {
  return new ServerError(
    "schema-newer",
    `${what} was written by a newer version of this server: start that version`,
  );
}

function fail(error: Error): never {
  throw error;
}

/** Whatever the operator's defaults are: what is acknowledged has to survive. The pool waits for it. */
const demandDurability: (client: ClientBase) => unknown = (client) =>
  client.query("set synchronous_commit = on");

const CONNECTION_ERRORS: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOENT",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EAI_AGAIN",
]);
// What the driver itself says, without a code.
const CONNECTION_MESSAGES =
  /^(?:Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error)/;

/** Whether PostgreSQL or the way to it failed, rather than the statement: the same request may succeed later. */
export function isDatabaseOutage(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof code === "string") {
    // 57P0x: shutting down; 08xxx: connection; 53xxx: out of resources; 40001, 40P01: serialization, deadlock; 25006: a
    // standby that has not been promoted yet.
    return /^(?:57P0|08|53|40|25006)/.test(code) || CONNECTION_ERRORS.has(code);
  }
  return typeof message === "string" && CONNECTION_MESSAGES.test(message);
}

export function fromRow(value: unknown): Uint8Array {
  const buffer = value as Buffer;
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}

/** Rows as `($1,$2),($3,$4)`. */
export function placeholders(rows: number, columns: number): string {
  return Array.from(
    { length: rows },
    (_, row) =>
      `(${Array.from({ length: columns }, (_, column) => `$${row * columns + column + 1}`).join(",")})`,
  ).join(",");
}
