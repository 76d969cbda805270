import type { SignedDocument } from "@porchlight/charter";
import { type DayNumber, dayNumber, dayOf, dayStart, idBytes } from "@porchlight/encoding";
import type { Clock, Logger } from "@porchlight/runtime";
import type { AttachmentFiles } from "./attachment-files.ts";
import { KIND_CODES } from "./conversation-store.ts";
import { type Database, fromRow, isDatabaseOutage, type Row } from "./database.ts";
import {
  BATCH,
  HELD,
  HeldRows,
  HOLDS_ATTACHMENT,
  HOLDS_ITEM,
  heldFileOf,
  heldRows,
  nameOf,
} from "./held-rows.ts";
import type { Identity } from "./identity.ts";
import type { Log } from "./log.ts";
import type { Held, Preservations } from "./preservations.ts";
import { Refusal } from "./refusal.ts";
import { type Deleted, RetentionReports } from "./retention-reports.ts";

/** Days after which an upload that was never completed is given up. */
const UPLOAD_DAYS = 7;
/** Real milliseconds for which a file without a row is left alone: its row may be about to be written. */
const ORPHAN_AGE = 24 * 3600 * 1000;

/** When what is older goes: by charter, and for conversations without one. Seconds. */
type Cutoffs = {
  readonly charters: readonly Buffer[];
  readonly byCharter: readonly number[];
  readonly withoutCharter: number;
};

/**
 * Deletes what is older than its charter's retention (RET-1 to RET-7): messages, envelopes, Welcomes, attachments. What a
 * logged preservation holds back it puts where members do not come, until nothing holds it. In small transactions that
 * lock nothing delivery needs; interrupted anywhere, the next run goes on.
 */
export class Retention {
  readonly #database: Database;
  readonly #files: AttachmentFiles;
  readonly #log: Log;
  readonly #preservations: Preservations;
  readonly #heldRows: HeldRows;
  readonly #reports: RetentionReports;
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
    this.#heldRows = new HeldRows(parts.database, parts.files);
    this.#reports = new RetentionReports(parts);
    this.#clock = parts.clock;
    this.#logger = parts.logger;
    this.#defaultDays = parts.defaultDays;
  }

  /** Runs where no run of this day has been reported. */
  onTime(): void {
    if (this.#running !== null || this.#closed) return;
    this.#ofToday().catch((error: unknown) => {
      if (!isDatabaseOutage(error) && !this.#closed) this.#logger.failure("retention-failed", error);
    });
  }

  async #ofToday(): Promise<void> {
    if ((await this.#reports.lastDay()) < dayOf(this.#clock.now())) await this.run();
  }

  /** Deletes what is due and gives the signed report, which is kept. One run at a time. */
  run(): Promise<SignedDocument> {
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /** The newest reports, newest first. */
  reports(limit: number): Promise<string[]> {
    return this.#reports.newest(limit);
  }

  /**
   * Writes the tables anew, so that not even the freed space of PostgreSQL's files holds what was deleted (RET-5). It
   * locks them while it runs.
   */
  async rewrite(): Promise<void> {
    const ours = ["items", "envelopes", "attachments"];
    for (const table of ["welcomes", ...ours, ...ours.map((name) => `held_${name}`)]) {
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
    await this.#batches(today, async (held) => {
      const { deleted, done } = await this.#deleteItems(KIND_CODES.message, cutoffs, held);
      count(deleted, "messages");
      return done;
    });
    // A message of the first minutes of a day may still be of an epoch of the day before: its envelope stays as long.
    const envelopes = this.#cutoffs(today, 1);
    await this.#batches(today, async (held) => {
      const { deleted, done } = await this.#deleteItems(KIND_CODES.envelope, envelopes, held);
      count(deleted, "envelopes");
      return done;
    });
    await this.#batches(today, async () => {
      const deleted = await this.#deleteWelcomes(cutoffs);
      total.welcomes += deleted;
      return deleted;
    });
    await this.#batches(today, async (held) => {
      const { deleted: rows, done } = await this.#deleteAttachments(cutoffs, held);
      count(
        rows.filter((row) => row["day"] !== null),
        "attachments",
      );
      total.unfinished += rows.filter((row) => row["day"] === null).length;
      total.files += rows.length;
      return done;
    });
    // Messages first: by their envelopes is seen what is held.
    for (const [kind, member] of [
      [KIND_CODES.message, "messages"],
      [KIND_CODES.envelope, "envelopes"],
    ] as const) {
      await this.#batches(today, async (held) => {
        const rows = await this.#heldRows.deleteItems(kind, held);
        count(rows, member);
        return rows.length;
      });
    }
    await this.#batches(today, async (held) => {
      const rows = await this.#heldRows.deleteAttachments(held);
      count(rows, "attachments");
      total.files += rows.length;
      return rows.length;
    });
    total.files += await this.#removeOrphans();
    // Freed for what comes next; delivery goes on meanwhile.
    if (total.items > 0) {
      for (const table of ["items", "envelopes"]) await this.#database.query({ text: `vacuum ${table}` });
    }
    const heldBack = await this.#preservations.whileTheyStand(
      today,
      async (held) => await this.#heldRows.heldBack(held),
    );
    const document = await this.#reports.write(today, days, total, heldBack);
    this.#logger.event("retention", { ...total, conversationDays: days.size });
    return document;
  }

  /** Each batch sees the orders that hold then: one that is proven while a run is under way holds from its answer on. */
  async #batches(today: DayNumber, step: (held: readonly Held[]) => Promise<number>): Promise<void> {
    do {
      // No report speaks of a run that did not come to its end: the next start makes one that does.
      if (this.#closed)
        throw new Refusal("unavailable", "the server stops: retention goes on when it runs again");
    } while ((await this.#preservations.whileTheyStand(today, step)) > 0);
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

  /**
   * An item's charter is that of its group: an envelope says it, since under a charter nobody writes without one. `done`
   * counts what was put apart as well.
   */
  async #deleteItems(
    kind: number,
    cutoffs: Cutoffs,
    held: readonly Held[],
  ): Promise<{ readonly deleted: Row[]; readonly done: number }> {
    return await this.#database.transaction(async (transaction) => {
      const rows = await transaction.query({
        text: `with limits as (select * from unnest($2::bytea[], $3::bigint[]) as l (charter, cutoff)),
          ${HELD(6)},
          due as (
            select i.conversation, i.seq, exists (select from held h where ${HOLDS_ITEM}) as held from items i
            left join lateral (
              select e.charter from envelopes e
              where e.conversation = i.conversation and e.generation = i.generation limit 1) g on true
            left join limits l on l.charter = g.charter
            where i.kind = $1 and i.at < $5
              and i.at < case when g.charter is null then $4 else coalesce(l.cutoff, 0) end
            limit ${BATCH} for update of i skip locked),
          apart as (
            insert into held_items
            select i.conversation, i.seq, i.generation, i.epoch, i.kind, i.submitter, i.at, i.bytes
            from items i join due d using (conversation, seq) where d.held)
          delete from items i using due d where i.conversation = d.conversation and i.seq = d.seq
          returning i.conversation, i.seq, i.at / 86400 as day, octet_length(i.bytes) as length, d.held`,
        values: [
          kind,
          cutoffs.charters,
          cutoffs.byCharter,
          cutoffs.withoutCharter,
          Math.max(cutoffs.withoutCharter, ...cutoffs.byCharter),
          ...heldRows(held),
        ],
      });
      const deleted = rows.filter((row) => row["held"] === false);
      if (kind === KIND_CODES.envelope) {
        const keys = (some: readonly Row[]) => [
          some.map((row) => row["conversation"]),
          some.map((row) => row["seq"]),
        ];
        await transaction.query({
          text: `with gone as (
              delete from envelopes e using unnest($1::bytea[], $2::bigint[], $3::boolean[]) as d (conversation, seq, held)
              where e.conversation = d.conversation and e.seq = d.seq
              returning e.conversation, e.generation, e.epoch, e.device_key, e.account, e.day, e.charter, e.seq, d.held)
            insert into held_envelopes
            select conversation, generation, epoch, device_key, account, day, charter, seq from gone where held`,
          values: [...keys(rows), rows.map((row) => row["held"])],
        });
      }
      return { deleted, done: rows.length };
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
  async #deleteAttachments(
    cutoffs: Cutoffs,
    held: readonly Held[],
  ): Promise<{ readonly deleted: Row[]; readonly done: number }> {
    const now = this.#clock.now();
    const due = await this.#database.query<{
      id: Buffer;
      created: number;
      day: number | null;
      held: boolean;
    }>({
      text: `with limits as (select * from unnest($1::bytea[], $2::bigint[]) as l (charter, cutoff)),
        ${HELD(5)}
        select a.id, a.created, a.day, exists (select from held h where ${HOLDS_ATTACHMENT}) as held
        from attachments a left join limits l on l.charter = a.charter
        where case when a.day is null then a.created < $4
          else a.day * 86400 < case when a.charter is null then $3 else coalesce(l.cutoff, 0) end end
        limit ${BATCH}`,
      values: [
        cutoffs.charters,
        cutoffs.byCharter,
        cutoffs.withoutCharter,
        Math.max(0, now - UPLOAD_DAYS * 86_400),
        ...heldRows(held),
      ],
    });
    // The file before its row: a row whose file is nowhere would be a broken promise.
    await this.#files.hold(due.filter((one) => one.held).map(heldFileOf));
    const rows = await this.#database.query({
      // What was completed meanwhile, or given up and begun anew, is not what was due.
      text: `with due as (
          select * from unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::boolean[]) as d (id, created, day, held)),
        gone as (
          delete from attachments a using due d
          where a.id = d.id and a.created = d.created and a.day is not distinct from d.day
          returning a.id, a.conversation, a.account, a.size, a.created, a.seq, a.day, a.charter, a.digest, d.held),
        parts as (delete from attachment_parts p using gone g where p.id = g.id),
        apart as (
          insert into held_attachments
          select id, conversation, account, size, created, seq, day, charter, digest from gone where held
          on conflict do nothing)
        select id, conversation, day, size as length, held from gone`,
      values: [
        due.map(({ id }) => Buffer.from(fromRow(id))),
        due.map(({ created }) => created),
        due.map(({ day }) => day),
        due.map((one) => one.held),
      ],
    });
    for (const row of rows) await this.#files.remove(nameOf(row["id"]));
    return { deleted: rows.filter((row) => row["held"] === false), done: due.length };
  }

  async #removeOrphans(): Promise<number> {
    let removed = 0;
    const rows = await this.#database.query<{ id: unknown; created: number }>({
      text: "select id, created from held_attachments",
    });
    const held = new Map(rows.map(heldFileOf).map((file) => [`${file.id}-${file.created}`, file]));
    const heldIds = new Set([...held.values()].map(({ id }) => id));
    // Files are dated by the computer's clock, whatever clock the deployment runs on.
    for await (const id of this.#files.unchangedSince(Date.now() - ORPHAN_AGE)) {
      const rows = await this.#database.query({
        text: "select 1 from attachments where id = $1",
        values: [Buffer.from(id, "hex")],
      });
      if (rows.length > 0) continue;
      // One that was away when it was to be held, as with a disk that was not there, is held now.
      if (heldIds.has(id)) await this.#files.hold([...held.values()].filter((file) => file.id === id));
      await this.#files.remove(id);
      removed++;
    }
    // What was held and whose row never came: the file itself is still where it was.
    for (const file of await this.#files.held()) {
      if (!held.has(`${file.id}-${file.created}`)) await this.#files.removeHeld(file);
    }
    return removed;
  }
}
