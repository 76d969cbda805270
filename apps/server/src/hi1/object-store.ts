import { createHash } from "node:crypto";
import {
  base64,
  type Commitment,
  equalBytes,
  fromBase64,
  fromUtf8,
  hex,
  idBytes,
  parseJson,
  type UnixSeconds,
  unixSeconds,
  utf8,
} from "@porchlight/encoding";
import {
  apart,
  associatedWith,
  CANCELLED_COUNTS,
  type Held,
  OPEN,
  statusOf,
  together,
  WAITING,
} from "@porchlight/hi1";
import { fromRow, type Queries, type Row } from "../database.ts";
import type { AtRest } from "./at-rest.ts";

/** An object with what this server knows of it beside. */
export type Kept = {
  readonly held: Held;
  readonly received: UnixSeconds;
  /** Of the order that answers a task. */
  readonly logged: Commitment | null;
  /** Of the orders to preserve that an LPTask rests upon. */
  readonly preserved: readonly Commitment[];
};

/** One line of what was done with an object, and by whom. `digest` covers it and the line before it. */
export type CustodyLine = {
  readonly at: UnixSeconds;
  readonly by: string;
  readonly act: string;
  readonly words: string;
  readonly digest: string;
};

/** What an officer's list shows. */
const LISTED = "type in ('Authorisation', 'LDTask', 'LPTask', 'Document')";
/** Rows in memory at once: each may have what HI1-28 takes. */
export const READ_AT_ONCE = 100;

/** Objects, transactions and custody lines as rows; what names a person is sealed. */
export class ObjectStore {
  readonly #atRest: AtRest;

  constructor(atRest: AtRest) {
    this.#atRest = atRest;
  }

  /** With documents' contents and deliveries' data. */
  async get(queries: Queries, ids: readonly string[]): Promise<Kept[]> {
    const rows = await queries.query({
      text: "select * from hi1_objects where object = any($1::text[])",
      values: [ids],
    });
    return rows.map((row) => this.#read(row, true));
  }

  /** Without documents' contents and deliveries' data, but for what an earlier version kept in one piece. */
  async bare(queries: Queries, ids: readonly string[]): Promise<Kept[]> {
    const rows = await queries.query({
      text: "select object, owner, received, logged, sealed from hi1_objects where object = any($1::text[])",
      values: [ids],
    });
    return rows.map((row) => this.#read(row, false));
  }

  /** Bytes of an owner's documents' contents and deliveries' data, by the objects' names. */
  async contentSizes(
    queries: Queries,
    owner: string,
    ids: readonly string[],
  ): Promise<ReadonlyMap<string, number>> {
    const rows = await queries.query<{ object: string; size: number }>({
      text: `select object, octet_length(contents) as size from hi1_objects
        where object = any($1::text[]) and owner = $2 and contents is not null`,
      values: [ids, owner],
    });
    return new Map(rows.map(({ object, size }) => [object, size]));
  }

  /** As {@link bare}, since lists show no contents; oldest first. */
  async of(queries: Queries, owner: string): Promise<Kept[]> {
    const rows = await queries.query({
      text: `select object, owner, received, logged, sealed from hi1_objects
        where owner = $1 order by received, object`,
      values: [owner],
    });
    return rows.map((row) => this.#read(row, false));
  }

  /**
   * Everybody's authorisations, tasks and documents that are not at their end, and the authorisations to which they belong; each
   * as `read` leaves it, so that few are whole at a time.
   */
  async open<T>(queries: Queries, read: (kept: Kept) => T): Promise<T[]> {
    const all: T[] = [];
    let after = "";
    for (;;) {
      const rows = await queries.query({
        text: `select object, owner, received, logged, sealed from hi1_objects
          where ${LISTED} and object > $1 and (status = any($2::text[]) or object in
            (select authorisation from hi1_objects where authorisation is not null and status = any($2::text[])))
          order by object limit $3`,
        values: [after, OPEN, READ_AT_ONCE],
      });
      const last = rows.at(-1);
      if (last === undefined) return all;
      after = last["object"] as string;
      for (const row of rows) all.push(read(this.#read(row, false)));
    }
  }

  /** Of those that are at their end `count` from the `from`th on, oldest first; each as `read` leaves it. */
  async done<T>(queries: Queries, from: number, count: number, read: (kept: Kept) => T): Promise<T[]> {
    const all: T[] = [];
    while (all.length < count) {
      const rows = await queries.query({
        text: `select object, owner, received, logged, sealed from hi1_objects
          where ${LISTED} and status <> all($1::text[]) order by received, object offset $2 limit $3`,
        values: [OPEN, from + all.length, Math.min(READ_AT_ONCE, count - all.length)],
      });
      if (rows.length === 0) break;
      for (const row of rows) all.push(read(this.#read(row, false)));
    }
    return all;
  }

  async countDone(queries: Queries): Promise<number> {
    const [row] = await queries.query<{ count: number }>({
      text: `select count(*)::integer from hi1_objects where ${LISTED} and status <> all($1::text[])`,
      values: [OPEN],
    });
    return row?.count ?? 0;
  }

  /** How many of a sender's count to what may wait for a decision (HI1-27). */
  async counted(queries: Queries, owner: string, now: UnixSeconds): Promise<number> {
    const [row] = await queries.query<{ count: number }>({
      text: `select count(*)::integer from hi1_objects where owner = $1 and (status = any($2::text[])
        or (changed > $3 and logged is null and (status = 'Cancelled' or (type = 'Document' and status = 'Expired'))))`,
      values: [owner, WAITING, now - CANCELLED_COUNTS],
    });
    return row?.count ?? 0;
  }

  /** What belongs to an authorisation, as {@link bare}; oldest first. */
  async under(queries: Queries, authorisation: string): Promise<Kept[]> {
    const rows = await queries.query({
      text: `select object, owner, received, logged, sealed from hi1_objects
        where authorisation = $1 order by received, object`,
      values: [authorisation],
    });
    return rows.map((row) => this.#read(row, false));
  }

  /** What may have moved on by itself: with its order, with what is preserved, with an authorisation that its owner cancelled. */
  async following(queries: Queries, owner: string | null): Promise<Kept[]> {
    const rows = await queries.query({
      text: `select object, owner, received, logged, sealed from hi1_objects
        where ($1::text is null or owner = $1) and (status in ('AwaitingDisclosure', 'Preserved')
          or (type = 'Document' and status = 'Approved' and logged is not null)
          or (status = 'AwaitingApproval' and authorisation in (select object from hi1_objects
              where type = 'Authorisation' and status = 'Cancelled')))`,
      values: [owner],
    });
    return rows.map((row) => this.#read(row, false));
  }

  /** Approved documents of which no order is noted: acts, and warrants of earlier versions. Without contents. */
  async unplaced(queries: Queries): Promise<Kept[]> {
    const rows = await queries.query({
      text: `select object, owner, received, logged, sealed from hi1_objects
        where type = 'Document' and status = 'Approved' and logged is null`,
      values: [],
    });
    return rows.map((row) => this.#read(row, false));
  }

  async put(queries: Queries, kept: Kept, now: UnixSeconds): Promise<void> {
    const { held, received, logged, preserved } = kept;
    const { ObjectIdentifier: id } = held.object;
    const { bare, contents } = apart(held.object);
    const value = { version: 1, object: bare, scope: held.scope, since: held.since, preserved };
    const sealed = this.#atRest.seal(`object ${id}`, utf8(JSON.stringify(value)));
    const [authorisation = null] =
      held.type === "LDTask" || held.type === "Document" ? associatedWith(held.object) : [];
    await queries.query({
      text: `insert into hi1_objects
          (object, owner, type, status, authorisation, received, changed, logged, sealed, contents)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        on conflict (object) do update set status = excluded.status, changed = excluded.changed,
          logged = excluded.logged, sealed = excluded.sealed,
          contents = coalesce(hi1_objects.contents, excluded.contents)`,
      values: [
        id,
        held.owner,
        held.type,
        statusOf(held.object) ?? "",
        authorisation,
        received,
        now,
        logged === null ? null : Buffer.from(idBytes(logged)),
        sealed,
        contents === null
          ? null
          : this.#atRest.seal(`contents ${id}`, fromBase64(contents, undefined, "contents")),
      ],
    });
  }

  #read(row: Row, withContents: boolean): Kept {
    const id = row["object"] as string;
    const plaintext = this.#atRest.open(`object ${id}`, fromRow(row["sealed"]));
    const { object, scope, since, preserved } = JSON.parse(fromUtf8(plaintext)) as {
      object: Held["object"];
      scope: Held["scope"];
      since: number;
      preserved: Commitment[];
    };
    const contents = withContents ? (row["contents"] as Buffer | null) : null;
    const whole =
      contents === null
        ? object
        : together(object, base64(this.#atRest.open(`contents ${id}`, fromRow(contents))));
    const type = (/\}(\w+)Object$/.exec(object["@xsi:type"])?.[1] ?? "") as Held["type"];
    return {
      held: { type, owner: row["owner"] as string, object: whole, scope, since: unixSeconds(since) },
      received: unixSeconds(row["received"] as number),
      logged: row["logged"] === null ? null : (hex(fromRow(row["logged"])) as Commitment),
      preserved,
    };
  }

  async transaction(
    queries: Queries,
    sender: string,
    id: string,
  ): Promise<{ readonly digest: string; readonly answer: Uint8Array } | null> {
    const [row] = await queries.query({
      text: "select digest, answer from hi1_transactions where sender = $1 and transaction = $2",
      values: [sender, id],
    });
    if (row === undefined) return null;
    const answer = this.#atRest.open(`answer ${sender} ${id}`, fromRow(row["answer"]));
    return { digest: hex(fromRow(row["digest"])), answer };
  }

  async keepTransaction(
    queries: Queries,
    sender: string,
    id: string,
    digest: Uint8Array,
    answer: Uint8Array,
    now: UnixSeconds,
  ): Promise<void> {
    await queries.query({
      text: "insert into hi1_transactions values ($1, $2, $3, $4, $5)",
      values: [sender, id, Buffer.from(digest), now, this.#atRest.seal(`answer ${sender} ${id}`, answer)],
    });
  }

  /** Adds a line; the digest runs over the line before it too, so that none before the last is changed or lost unnoticed. */
  async note(
    queries: Queries,
    object: string,
    now: UnixSeconds,
    line: { readonly by: string; readonly act: string; readonly words: string },
  ): Promise<void> {
    const [last] = await queries.query({
      text: "select digest from hi1_custody where object = $1 order by number desc limit 1",
      values: [object],
    });
    const text = utf8(JSON.stringify({ at: now, ...line }));
    const digest = createHash("sha256")
      .update(last === undefined ? Buffer.alloc(32) : (last["digest"] as Buffer))
      .update(text)
      .digest();
    await queries.query({
      text: "insert into hi1_custody (object, at, digest, sealed) values ($1, $2, $3, $4)",
      values: [object, now, digest, this.#atRest.seal(`custody ${object}`, text)],
    });
  }

  async custody(queries: Queries, object: string): Promise<CustodyLine[]> {
    const rows = await queries.query({
      text: "select digest, sealed from hi1_custody where object = $1 order by number",
      values: [object],
    });
    let before: Uint8Array = new Uint8Array(32);
    return rows.map((row) => {
      const text = this.#atRest.open(`custody ${object}`, fromRow(row["sealed"]));
      const digest = fromRow(row["digest"]);
      const expected = createHash("sha256").update(before).update(text).digest();
      if (!equalBytes(expected, digest)) throw new Error("hi1_custody: a line was changed or is missing");
      before = digest;
      const line = parseJson(text, "custody") as unknown as Omit<CustodyLine, "digest">;
      return { ...line, digest: hex(digest) };
    });
  }
}
