// What the retention says of itself: signed reports in a chain (RET-4, RET-7).
import { createHash } from "node:crypto";
import { formatSignedDocument, type SignedDocument, signDocument } from "@porchlight/charter";
import { type DayNumber, dayNumber, formatDay, utf8 } from "@porchlight/encoding";
import { KIND_CODES } from "./conversation-store.ts";
import type { Database } from "./database.ts";
import type { Identity } from "./identity.ts";
import type { Log } from "./log.ts";

const SIGNER = "Provider";

/** One conversation's day, without its name. */
export type Deleted = { messages: number; envelopes: number; attachments: number };

/** What one preservation kept from this run, by the index of its entry in the log. */
export type HeldBack = Readonly<Deleted> & { readonly entry: number; readonly until: string };

export class RetentionReports {
  readonly #database: Database;
  readonly #log: Log;
  readonly #identity: Identity;
  /** Days for conversations without a charter. */
  readonly #defaultDays: number;

  constructor(parts: {
    readonly database: Database;
    readonly log: Log;
    readonly identity: Identity;
    readonly defaultDays: number;
  }) {
    this.#database = parts.database;
    this.#log = parts.log;
    this.#identity = parts.identity;
    this.#defaultDays = parts.defaultDays;
  }

  /** The day of the newest, -1 where there is none. */
  async lastDay(): Promise<number> {
    const [last] = await this.#database.query<{ day: number | null }>({
      text: "select max(day) as day from retention_reports",
    });
    return last?.day ?? -1;
  }

  /** The newest reports, newest first. */
  async newest(limit: number): Promise<string[]> {
    const rows = await this.#database.query<{ document: string }>({
      text: "select document from retention_reports order by number desc limit $1",
      values: [limit],
    });
    return rows.map(({ document }) => document);
  }

  /** RET-4: counts by conversation and day without names, and what the oldest left is, in a chain of signed documents. */
  async write(
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
