// What only an order to preserve keeps from deletion (PRES-10), and how much of it each order holds (RET-7).
import { formatDay, idBytes } from "@porchlight/encoding";
import type { AttachmentFiles, HeldFile } from "./attachment-files.ts";
import { KIND_CODES } from "./conversation-store.ts";
import { type Database, fromRow, type Row } from "./database.ts";
import type { Held } from "./preservations.ts";
import type { HeldBack } from "./retention-reports.ts";

/** Rows of one transaction: small, so that nobody waits behind it. */
export const BATCH = 500;

/**
 * Preservations as rows, one for each conversation that one names, `null` for all. An item is held where its epoch has an
 * envelope of the account for one of the days: what could be opened of that day, and nothing else.
 */
export const HELD = (first: number): string => {
  const types = ["bigint", "bytea", "bytea", "bytea", "bigint", "bigint", "bigint"];
  const arrays = types.map((type, i) => `$${first + i}::${type}[]`).join(", ");
  return `held as (select * from unnest(${arrays})
    as h (entry, charter, account, conversation, first_day, last_day, taken))`;
};
export const HOLDS_ITEM = `h.account = i.submitter and (h.conversation is null or h.conversation = i.conversation)
  and i.at <= h.taken and exists (
    select from kept_envelopes e where e.conversation = i.conversation and e.generation = i.generation
      and e.epoch = i.epoch and e.account = h.account and e.charter = h.charter
      and e.day between h.first_day and h.last_day)`;
export const HOLDS_ATTACHMENT = `h.account = a.account and h.charter = a.charter
  and (h.conversation is null or h.conversation = a.conversation)
  and a.created <= h.taken and a.day between h.first_day and h.last_day`;

export function heldRows(held: readonly Held[]): unknown[][] {
  const rows = held.flatMap((one) =>
    (one.conversations === "all" ? [null] : one.conversations).map((conversation) => [
      one.entry,
      Buffer.from(idBytes(one.charter)),
      Buffer.from(idBytes(one.account)),
      conversation === null ? null : Buffer.from(idBytes(conversation)),
      one.firstDay,
      one.lastDay,
      one.taken,
    ]),
  );
  return Array.from({ length: 7 }, (_, column) => rows.map((row) => row[column]));
}

/** The rows and files that lie apart. `held`: the orders that hold now. */
export class HeldRows {
  readonly #database: Database;
  readonly #files: AttachmentFiles;

  constructor(database: Database, files: AttachmentFiles) {
    this.#database = database;
    this.#files = files;
  }

  /** What was put apart and is held by nothing any more, of this kind: one batch. */
  async deleteItems(kind: number, held: readonly Held[]): Promise<Row[]> {
    return await this.#database.transaction(async (transaction) => {
      const rows = await transaction.query({
        text: `with ${HELD(2)},
          due as (
            select i.conversation, i.seq from held_items i
            where i.kind = $1 and not exists (select from held h where ${HOLDS_ITEM}) limit ${BATCH})
          delete from held_items i using due d where i.conversation = d.conversation and i.seq = d.seq
          returning i.conversation, i.seq, i.at / 86400 as day, octet_length(i.bytes) as length`,
        values: [kind, ...heldRows(held)],
      });
      if (kind === KIND_CODES.envelope) {
        await transaction.query({
          text: `delete from held_envelopes e using unnest($1::bytea[], $2::bigint[]) as d (conversation, seq)
            where e.conversation = d.conversation and e.seq = d.seq`,
          values: [rows.map((row) => row["conversation"]), rows.map((row) => row["seq"])],
        });
      }
      return rows;
    });
  }

  /** The same for files. */
  async deleteAttachments(held: readonly Held[]): Promise<Row[]> {
    const rows = await this.#database.query({
      text: `with ${HELD(1)},
        due as (
          select a.id, a.created from held_attachments a
          where not exists (select from held h where ${HOLDS_ATTACHMENT}) limit ${BATCH})
        delete from held_attachments a using due d where a.id = d.id and a.created = d.created
        returning a.id, a.created, a.conversation, a.day, a.size as length`,
      values: heldRows(held),
    });
    for (const row of rows) await this.#files.removeHeld(heldFileOf(row));
    return rows;
  }

  /** RET-7: what was put apart and is held, by the entry that holds it back. */
  async heldBack(held: readonly Held[]): Promise<HeldBack[]> {
    if (held.length === 0) return [];
    const items = async (kind: number) =>
      await this.#database.query<{ entry: number; count: number }>({
        text: `with ${HELD(2)}
          select entry, count(*)::integer as count from (
            select distinct h.entry, i.conversation, i.seq from held h join held_items i
              on i.kind = $1 and ${HOLDS_ITEM}) found group by entry`,
        values: [kind, ...heldRows(held)],
      });
    const files = await this.#database.query<{ entry: number; count: number }>({
      text: `with ${HELD(1)}
        select entry, count(*)::integer as count from (
          select distinct h.entry, a.id, a.created from held h join held_attachments a on ${HOLDS_ATTACHMENT}) found group by entry`,
      values: heldRows(held),
    });
    const messages = await items(KIND_CODES.message);
    const kept = await items(KIND_CODES.envelope);
    const of = (rows: readonly { entry: number; count: number }[], entry: number): number =>
      rows.find((row) => row.entry === entry)?.count ?? 0;
    return held.map(({ entry, until }) => ({
      entry,
      until: formatDay(until),
      messages: of(messages, entry),
      envelopes: of(kept, entry),
      attachments: of(files, entry),
    }));
  }
}

export function heldFileOf(row: Row): HeldFile {
  return { id: nameOf(row["id"]), created: row["created"] as number };
}

/** An attachment's id as its file is named. */
export function nameOf(id: unknown): string {
  return Buffer.from(fromRow(id)).toString("hex");
}
