import { type ClientConfig, Pool, type QueryConfig, types } from "pg";
import { ServerError } from "./error.ts";

// bigint columns hold seqs, epochs and times, all below 2^53.
types.setTypeParser(types.builtins.INT8, Number);

export type Row = Record<string, unknown>;

export type Queries = {
  query<R extends Row>(config: QueryConfig): Promise<R[]>;
};

/** Ids are 32-byte bytea; `key` texts are the clients' idempotency keys. Times are UnixSeconds of the server's clock. */
const MIGRATIONS: readonly string[] = [
  `
  create table accounts (account bytea primary key, identity_key bytea not null, created bigint not null);
  create table persons (account bytea primary key, sealed bytea not null);
  create table sessions (
    token_hash bytea primary key, account bytea not null, device_key bytea not null, expires bigint not null);
  create table key_packages (
    id bigint generated always as identity primary key,
    account bytea not null, device_key bytea not null, bytes bytea not null);
  create index on key_packages (account, device_key, id);

  create table conversations (
    conversation bytea primary key,
    creator bytea not null,
    charter bytea,
    group_id bytea not null,
    generation integer not null,
    epoch bigint not null,
    day bigint not null,
    head bigint not null,
    next_group bytea,
    next_charter bytea);
  create table leaves (
    conversation bytea not null, leaf bigint not null, account bytea not null, device_key bytea not null,
    primary key (conversation, leaf));
  create table memberships (
    conversation bytea not null, account bytea not null, from_seq bigint not null, until_seq bigint,
    primary key (conversation, account, from_seq));
  create index on memberships (account) where until_seq is null;
  create table items (
    conversation bytea not null, seq bigint not null, generation integer not null, epoch bigint not null,
    kind smallint not null, submitter bytea not null, key text not null, digest bytea not null, at bigint not null,
    bytes bytea not null,
    primary key (conversation, seq),
    unique (conversation, submitter, key));
  alter table items alter column bytes set storage external;
  create table envelopes (
    conversation bytea not null, generation integer not null, epoch bigint not null, device_key bytea not null,
    account bytea not null, day bigint not null, charter bytea not null, seq bigint not null,
    primary key (conversation, generation, epoch, device_key));
  create index on envelopes (account, day);
  create table welcomes (
    id bytea primary key, conversation bytea not null, charter bytea, seq bigint not null, epoch bigint not null,
    sender bytea not null, bytes bytea not null, tree bytea);
  alter table welcomes alter column bytes set storage external;
  alter table welcomes alter column tree set storage external;
  create table welcome_recipients (
    account bytea not null, welcome bytea not null, primary key (account, welcome));
  create index on welcome_recipients (welcome);

  create table orders (
    id_hash bytea primary key, commitment bytea not null unique, index bigint not null, charter bytea not null,
    sealed bytea not null);
  create table board (
    session bytea not null, position integer not null, round smallint not null, sender smallint not null,
    digest bytea not null, document text not null,
    primary key (session, position), unique (session, digest));

  `,
];

/** The pool and its transactions. A lost connection rejects the query that was under way; the next one reconnects. */
export class Database implements Queries {
  readonly #pool: Pool;

  private constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Connects and brings the schema up to date. Throws ServerError "schema-newer". */
  static async open(connection: ClientConfig): Promise<Database> {
    const pool = new Pool({ ...connection, max: 16, connectionTimeoutMillis: 10_000 });
    // An idle connection that breaks is replaced; without a listener it would end the process.
    pool.on("error", () => {});
    const database = new Database(pool);
    try {
      await database.#migrate();
    } catch (error) {
      await pool.end();
      throw error;
    }
    return database;
  }

  async #migrate(): Promise<void> {
    await this.#pool.query("create table if not exists schema_version (version integer not null)");
    await this.transaction(async (transaction) => {
      await transaction.query({ text: "lock table schema_version" });
      const rows = await transaction.query<{ version: number }>({
        text: "select version from schema_version",
      });
      const version = rows[0]?.version ?? 0;
      if (version > MIGRATIONS.length) {
        throw new ServerError(
          "schema-newer",
          "the database was written by a newer version of this server: start that version",
        );
      }
      for (const migration of MIGRATIONS.slice(version)) await transaction.query({ text: migration });
      const text =
        rows.length === 0
          ? "insert into schema_version values ($1)"
          : "update schema_version set version = $1";
      await transaction.query({ text, values: [MIGRATIONS.length] });
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

  async close(): Promise<void> {
    await this.#pool.end();
  }
}

/** Whether PostgreSQL or the way to it failed, rather than the statement: the same request may succeed later. */
export function isDatabaseOutage(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof code === "string") {
    // 57P0x: shutting down; 08xxx: connection; 53xxx: out of resources; 40001, 40P01: serialization, deadlock.
    return (
      /^(?:57P0|08|53|40)/.test(code) || ["ECONNREFUSED", "ECONNRESET", "ENOENT", "EPIPE"].includes(code)
    );
  }
  return (
    typeof message === "string" &&
    /^(?:Connection terminated|timeout exceeded when trying to connect)/.test(message)
  );
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
