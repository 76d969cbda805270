import { createHash } from "node:crypto";
import { formatSignedDocument, type SignedDocument, signDocument } from "@porchlight/charter";
import { type DayNumber, dayNumber, dayOf, dayStart, formatDay, idBytes, utf8 } from "@porchlight/encoding";
import type { Clock, Logger } from "@porchlight/runtime";
import type { AttachmentFiles } from "./attachment-files.ts";
import { KIND_CODES } from "./conversation-store.ts";
import { type Database, fromRow, isDatabaseOutage, type Row } from "./database.ts";
import type { Identity } from "./identity.ts";
import type { Log } from "./log.ts";
import type { Held, Preservations } from "./preservations.ts";

/** Rows of one transaction: small, so that nobody waits behind it. */
const BATCH = 500;
/** Days after which an upload that was never completed is given up. */
const UPLOAD_DAYS = 7;
/** Real milliseconds for which a file without a row is left alone: its row may be about to be written. */
const ORPHAN_AGE = 24 * 3600 * 1000;
const SIGNER = "Provider";

/** One conversation's day, without its name. */
type Deleted = { messages: number; envelopes: number; attachments: number };

/** What one preservation kept from this run, by the index of its entry in the log. */
type HeldBack = Readonly<Deleted> & { readonly entry: number; readonly until: string };

/** When what is older goes: by charter, and for conversations without one. Seconds. */
type Cutoffs = {
  readonly charters: readonly Buffer[];
  readonly byCharter: readonly number[];
  readonly withoutCharter: number;
};

/**
 * Preservations as rows, one for each conversation that one names, `null` for all. An item is held where its epoch has an
 * envelope of the account for one of the days: what could be opened of that day, and nothing else.
 */
const HELD = (first: number): string => {
  const types = ["bigint", "bytea", "bytea", "bytea", "bigint", "bigint", "bigint"];
  const arrays = types.map((type, i) => `$${first + i}::${type}[]`).join(", ");
  return `held as (select * from unnest(${arrays})
    as h (entry, charter, account, conversation, first_day, last_day, taken))`;
};
const HOLDS_ITEM = `h.account = i.submitter and (h.conversation is null or h.conversation = i.conversation)
  and i.at <= h.taken and exists (
    select from envelopes e where e.conversation = i.conversation and e.generation = i.generation
      and e.epoch = i.epoch and e.account = h.account and e.charter = h.charter
      and e.day between h.first_day and h.last_day)`;
const HOLDS_ATTACHMENT = `h.account = a.account and h.charter = a.charter
  and (h.conversation is null or h.conversation = a.conversation)
  and a.created <= h.taken and a.day between h.first_day and h.last_day`;

function heldRows(held: readonly Held[]): unknown[][] {
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

/**
 * Deletes what is older than its charter's retention (RET-1 to RET-7): messages, envelopes, Welcomes, attachments, but for
 * what a logged preservation holds back.
 * In small transactions that lock nothing delivery needs; interrupted anywhere, the next run goes on.
 */
export class Retention {
  readonly #database: Database;
  readonly #files: AttachmentFiles;
  readonly #log: Log;
  readonly #preservations: Preservations;
  readonly #identity: Identity;
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** Days for conversations without a charter. */
  readonly #defaultDays: number;
  #running: Promise<SignedDocument> | null = null;
  #closed = false;

  constructor(parts: {
    readonly database: Database;
    readonly files: AttachmentFiles;
    readonly log: Log;
    readonly preservations: Preservations;
    readonly identity: Identity;
    readonly clock: Clock;
    readonly logger: Logger;
    readonly defaultDays: number;
  }) {
    this.#database = parts.database;
    this.#files = parts.files;
    this.#log = parts.log;
    this.#preservations = parts.preservations;
    this.#identity = parts.identity;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
    this.#defaultDays = parts.defaultDays;
  }

  /** Runs where no run of this day has been reported. */
  onTime(): void {
    if (this.#running !== null || this.#closed) return;
    this.#ofToday().catch((error: unknown) => {
      if (!isDatabaseOutage(error)) this.#logger.failure("retention-failed", error);
    });
  }

  async #ofToday(): Promise<void> {
    const [last] = await this.#database.query<{ day: number | null }>({
      text: "select max(day) as day from retention_reports",
    });
    if ((last?.day ?? -1) < dayOf(this.#clock.now())) await this.run();
  }

  /** Deletes what is due and gives the signed report, which is kept. One run at a time. */
  run(): Promise<SignedDocument> {
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /** The newest reports, newest first. */
  async reports(limit: number): Promise<string[]> {
    const rows = await this.#database.query<{ document: string }>({
      text: "select document from retention_reports order by number desc limit $1",
      values: [limit],
    });
    return rows.map(({ document }) => document);
  }

  /**
   * Writes the tables anew, so that not even the freed space of PostgreSQL's files holds what was deleted (RET-5). It
   * locks them while it runs.
   */
  async rewrite(): Promise<void> {
    for (const table of ["items", "envelopes", "welcomes", "attachments"]) {
      await this.#database.query({ text: `vacuum full ${table}` });
    }
    await this.#database.query({ text: "checkpoint" });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#running?.catch(() => {});
  }

  async #run(): Promise<SignedDocument> {
    const today = dayOf(this.#clock.now());
    const days = new Map<string, Deleted>();
    const total = { items: 0, bytes: 0, welcomes: 0, unfinished: 0, files: 0 };
    const cutoffs = this.#cutoffs(today, 0);
    const held = await this.#preservations.running(today);
    const count = (rows: readonly Row[], member: keyof Deleted): void => {
      for (const row of rows) {
        const key = `${Buffer.from(fromRow(row["conversation"])).toString("hex")} ${String(row["day"])}`;
        const found = days.get(key) ?? { messages: 0, envelopes: 0, attachments: 0 };
        found[member]++;
        days.set(key, found);
        total.items++;
        total.bytes += row["length"] as number;
      }
    };
    await this.#batches(async () => {
      const rows = await this.#deleteItems(KIND_CODES.message, cutoffs, held);
      count(rows, "messages");
      return rows.length;
    });
    // A message of the first minutes of a day may still be of an epoch of the day before: its envelope stays as long.
    const envelopes = this.#cutoffs(today, 1);
    await this.#batches(async () => {
      const rows = await this.#deleteItems(KIND_CODES.envelope, envelopes, held);
      count(rows, "envelopes");
      return rows.length;
    });
    await this.#batches(async () => {
      const deleted = await this.#deleteWelcomes(cutoffs);
      total.welcomes += deleted;
      return deleted;
    });
    await this.#batches(async () => {
      const rows = await this.#deleteAttachments(cutoffs, held);
      count(
        rows.filter((row) => row["day"] !== null),
        "attachments",
      );
      total.unfinished += rows.filter((row) => row["day"] === null).length;
      total.files += rows.length;
      return rows.length;
    });
    total.files += await this.#removeOrphans();
    // Freed for what comes next; delivery goes on meanwhile.
    if (total.items > 0) {
      for (const table of ["items", "envelopes"]) await this.#database.query({ text: `vacuum ${table}` });
    }
    const heldBack = await this.#heldBack(held, cutoffs, envelopes);
    const document = await this.#report(today, days, total, heldBack);
    this.#logger.event("retention", { ...total, conversationDays: days.size });
    return document;
  }

  async #batches(step: () => Promise<number>): Promise<void> {
    while (!this.#closed && (await step()) > 0);
  }

  #cutoffs(today: DayNumber, later: number): Cutoffs {
    const start = (retentionDays: number): number =>
      dayStart(dayNumber(Math.max(0, today - retentionDays - later)));
    const charters = this.#log.catalogue.verifiedCharters;
    return {
      charters: charters.map(({ id }) => Buffer.from(idBytes(id))),
      byCharter: charters.map(({ retentionDays }) => start(retentionDays)),
      withoutCharter: start(this.#defaultDays),
    };
  }

  /** An item's charter is that of its group: an envelope says it, since under a charter nobody writes without one. */
  async #deleteItems(kind: number, cutoffs: Cutoffs, held: readonly Held[]): Promise<Row[]> {
    return await this.#database.transaction(async (transaction) => {
      const rows = await transaction.query({
        text: `with limits as (select * from unnest($2::bytea[], $3::bigint[]) as l (charter, cutoff)),
          ${HELD(6)},
          due as (
            select i.conversation, i.seq from items i
            left join lateral (
              select e.charter from envelopes e
              where e.conversation = i.conversation and e.generation = i.generation limit 1) g on true
            left join limits l on l.charter = g.charter
            where i.kind = $1 and i.at < $5
              and i.at < case when g.charter is null then $4 else coalesce(l.cutoff, 0) end
              and not exists (select from held h where ${HOLDS_ITEM})
            limit ${BATCH} for update of i skip locked)
          delete from items i using due d where i.conversation = d.conversation and i.seq = d.seq
          returning i.conversation, i.seq, i.at / 86400 as day, octet_length(i.bytes) as length`,
        values: [
          kind,
          cutoffs.charters,
          cutoffs.byCharter,
          cutoffs.withoutCharter,
          Math.max(cutoffs.withoutCharter, ...cutoffs.byCharter),
          ...heldRows(held),
        ],
      });
      if (kind === KIND_CODES.envelope) {
        await transaction.query({
          text: `delete from envelopes e using unnest($1::bytea[], $2::bigint[]) as d (conversation, seq)
            where e.conversation = d.conversation and e.seq = d.seq`,
          values: [rows.map((row) => row["conversation"]), rows.map((row) => row["seq"])],
        });
      }
      return rows;
    });
  }

  /** A Welcome that nobody took for so long: who comes now has to be added again. */
  async #deleteWelcomes(cutoffs: Cutoffs): Promise<number> {
    const rows = await this.#database.query({
      text: `with limits as (select * from unnest($1::bytea[], $2::bigint[]) as l (charter, cutoff)),
        due as (
          select w.id from welcomes w join items i on i.conversation = w.conversation and i.seq = w.seq
          left join limits l on l.charter = w.charter
          where i.at < case when w.charter is null then $3 else coalesce(l.cutoff, 0) end
          limit ${BATCH} for update of w skip locked),
        recipients as (delete from welcome_recipients r using due d where r.welcome = d.id)
        delete from welcomes w using due d where w.id = d.id returning 1`,
      values: [cutoffs.charters, cutoffs.byCharter, cutoffs.withoutCharter],
    });
    return rows.length;
  }

  /** Rows first, then files: a crash in between leaves files without a row, which {@link #removeOrphans} finds. */
  async #deleteAttachments(cutoffs: Cutoffs, held: readonly Held[]): Promise<Row[]> {
    const now = this.#clock.now();
    const rows = await this.#database.query({
      text: `with limits as (select * from unnest($1::bytea[], $2::bigint[]) as l (charter, cutoff)),
        ${HELD(5)},
        due as (
          select a.id from attachments a left join limits l on l.charter = a.charter
          where case when a.day is null then a.created < $4
            else a.day * 86400 < case when a.charter is null then $3 else coalesce(l.cutoff, 0) end end
            and not exists (select from held h where ${HOLDS_ATTACHMENT})
          limit ${BATCH} for update of a skip locked),
        parts as (delete from attachment_parts p using due d where p.id = d.id)
        delete from attachments a using due d where a.id = d.id
        returning a.id, a.conversation, a.day, a.size as length`,
      values: [
        cutoffs.charters,
        cutoffs.byCharter,
        cutoffs.withoutCharter,
        Math.max(0, now - UPLOAD_DAYS * 86_400),
        ...heldRows(held),
      ],
    });
    for (const row of rows) await this.#files.remove(Buffer.from(fromRow(row["id"])).toString("hex"));
    return rows;
  }

  /** RET-7: what is over its retention and still here, by the entry that holds it back. */
  async #heldBack(held: readonly Held[], cutoffs: Cutoffs, envelopes: Cutoffs): Promise<HeldBack[]> {
    if (held.length === 0) return [];
    const limits = "limits as (select * from unnest($1::bytea[], $2::bigint[]) as l (charter, cutoff))";
    const items = async (kind: number, { charters, byCharter }: Cutoffs) =>
      await this.#database.query<{ entry: number; count: number }>({
        text: `with ${limits}, ${HELD(4)}
          select entry, count(*)::integer as count from (
            select distinct h.entry, i.conversation, i.seq from held h join limits l using (charter) join items i
              on i.kind = $3 and i.at < l.cutoff and ${HOLDS_ITEM}) found group by entry`,
        values: [charters, byCharter, kind, ...heldRows(held)],
      });
    const files = await this.#database.query<{ entry: number; count: number }>({
      text: `with ${limits}, ${HELD(3)}
        select entry, count(*)::integer as count from (
          select distinct h.entry, a.id from held h join limits l using (charter) join attachments a
            on a.day * 86400 < l.cutoff and ${HOLDS_ATTACHMENT}) found group by entry`,
      values: [cutoffs.charters, cutoffs.byCharter, ...heldRows(held)],
    });
    const messages = await items(KIND_CODES.message, cutoffs);
    const kept = await items(KIND_CODES.envelope, envelopes);
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

  async #removeOrphans(): Promise<number> {
    let removed = 0;
    // Files are dated by the computer's clock, whatever clock the deployment runs on.
    for await (const id of this.#files.unchangedSince(Date.now() - ORPHAN_AGE)) {
      const rows = await this.#database.query({
        text: "select 1 from attachments where id = $1",
        values: [Buffer.from(id, "hex")],
      });
      if (rows.length > 0) continue;
      await this.#files.remove(id);
      removed++;
    }
    return removed;
  }

  /** RET-4: counts by conversation and day without names, and what the oldest left is, in a chain of signed documents. */
  async #report(
    today: DayNumber,
    days: ReadonlyMap<string, Deleted>,
    total: Readonly<Record<"items" | "bytes" | "welcomes" | "unfinished" | "files", number>>,
    heldBack: readonly HeldBack[],
  ): Promise<SignedDocument> {
    const conversationDays = [...days]
      .map(([key, counts]) => ({ day: Number(key.split(" ")[1]), counts }))
      .sort((a, b) => a.day - b.day || b.counts.messages - a.counts.messages)
      .map(({ day, counts }) => ({ day: formatDay(dayNumber(day)), ...counts }));
    const [oldest] = await this.#database.query<{ message: number | null; attachment: number | null }>({
      text: `select (select min(at) / 86400 from items where kind <> $1) as message,
        (select min(day) from attachments) as attachment`,
      values: [KIND_CODES.commit],
    });
    const dayText = (day: number | null | undefined): string | null =>
      day === null || day === undefined ? null : formatDay(dayNumber(day));
    return await this.#database.transaction(async (transaction) => {
      const [last] = await transaction.query<{ number: number; document: string }>({
        text: "select number, document from retention_reports order by number desc limit 1",
      });
      const report = {
        version: 1,
        number: (last?.number ?? 0) + 1,
        previous: last === undefined ? null : createHash("sha256").update(last.document).digest("hex"),
        day: formatDay(today),
        retention: [
          ...this.#log.catalogue.verifiedCharters.map(({ id, retentionDays }) => ({
            charter: id,
            days: retentionDays,
          })),
          { charter: null, days: this.#defaultDays },
        ],
        deleted: { ...total, conversationDays },
        held: heldBack,
        oldestLeft: { message: dayText(oldest?.message), attachment: dayText(oldest?.attachment) },
      };
      const signer = { name: SIGNER, seed: this.#identity.provider.seed };
      const document = await signDocument("retention", utf8(JSON.stringify(report)), [signer]);
      await transaction.query({
        text: "insert into retention_reports values ($1, $2, $3)",
        values: [report.number, today, Buffer.from(formatSignedDocument(document)).toString("utf8")],
      });
      return document;
    });
  }
}
