import { join } from "node:path";
import { Journal } from "@porchlight/durable";
import { base64, type DayNumber, dayNumber, Fields, fromBase64, parseJson, utf8 } from "@porchlight/encoding";
import type { Kept } from "./entry-ledger.ts";

/** Base64 of 65,535 bytes. */
const LONGEST_ENTRY = 87_400;
const REASONS = [
  "unreadable",
  "charter-unknown",
  "charter-refused",
  "keys-refused",
  "succession-refused",
  "unsigned",
] as const;

/**
 * What a monitor remembers of the entries it has seen, fsynced before the follower forgets that they were new. After a
 * crash the last entries come again: what is here already is not taken twice.
 */
export class MonitorJournal {
  readonly #journal: Journal;
  #last: number;

  private constructor(journal: Journal, last: number) {
    this.#journal = journal;
    this.#last = last;
  }

  /** Hands every record to `restore`. Throws DurableError for a damaged journal, EncodingError for a foreign one. */
  static async open(directory: string, restore: (kept: Kept) => Promise<void>): Promise<MonitorJournal> {
    const journal = await Journal.open(join(directory, "entries.journal"));
    let last = -1;
    for await (const record of journal) {
      const kept = parseKept(record);
      await restore(kept);
      last = Math.max(last, kept.index);
    }
    return new MonitorJournal(journal, last);
  }

  /** Index of the last entry that is remembered; -1 for none. */
  get last(): number {
    return this.#last;
  }

  async append(kept: readonly Kept[]): Promise<void> {
    await this.#journal.appendAll(kept.map(formatKept));
    for (const { index } of kept) this.#last = Math.max(this.#last, index);
  }

  async close(): Promise<void> {
    await this.#journal.close();
  }
}

function formatKept(kept: Kept): Uint8Array {
  return utf8(
    JSON.stringify(
      kept.kind === "entry"
        ? { kind: kept.kind, index: kept.index, bytes: base64(kept.bytes), day: kept.day }
        : { kind: kept.kind, index: kept.index, reason: kept.reason, count: kept.count },
    ),
  );
}

function parseKept(record: Uint8Array): Kept {
  const fields = new Fields(parseJson(record, "record"), "record");
  const kind = fields.literal("kind", "entry", "unknown");
  const index = fields.integer("index");
  let kept: Kept;
  if (kind === "entry") {
    const bytes = fromBase64(fields.string("bytes", LONGEST_ENTRY));
    const day = fields.json("day");
    const known: DayNumber | null = day === null ? null : dayNumber(Number(day));
    kept = { kind, index, bytes, day: known };
  } else {
    kept = { kind, index, reason: fields.literal("reason", ...REASONS), count: fields.integer("count") };
  }
  fields.end();
  return kept;
}
