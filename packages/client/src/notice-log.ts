// What a log shows of notices, kept so that a restart need not read the log again (NOT-40), and what one person's
// notice key reads of it.
import { type Charter, type LogEntry, type PeriodKeys, parseEntry } from "@porchlight/charter";
import {
  type CharterId,
  type Commitment,
  type DayNumber,
  fromUtf8,
  hex,
  type UnixSeconds,
  utf8,
} from "@porchlight/encoding";
import { allClear, type NoticeContent, NoticeLedger, type Stopped } from "@porchlight/notice";
import { ClientError } from "./error.ts";
import type { Storage } from "./storage.ts";

const RECORD = "notices";
const VERSION = 1;
const TYPES: readonly LogEntry["type"][] = [
  "notice",
  "warrant",
  "hold-order",
  "extension",
  "notice-share",
  "revocation",
  "suspension",
  "resumption",
];

/** What can be said of every charter of a log together (NOT-42). */
export type Clearance = {
  /** Witnessed time that it is said for. */
  readonly asOf: UnixSeconds;
  /** No order about the reader, but those read, whose secrecy ended by this day; `null`: nothing can be said yet. */
  readonly endedBy: DayNumber | null;
  /** No order signed before this day can still be secret. */
  readonly signedBefore: DayNumber;
  /** Orders whose notices should have come and have not. */
  readonly overdue: number;
};

/** An order that nobody can read the notices of yet. `earliest`: the first day on which they may be released. */
export type PendingNotice = {
  readonly charter: Charter;
  readonly commitment: Commitment;
  readonly earliest: DayNumber;
};

type Saved = {
  readonly next: number;
  readonly entries: readonly (readonly [index: number, entry: string])[];
};

export class NoticeLog {
  readonly #storage: Storage;
  readonly #ledgers = new Map<CharterId, { readonly charter: Charter; readonly ledger: NoticeLedger }>();
  /** Entries of charters that are not known yet do not come: a charter stands before what is logged under it. */
  readonly #entries: [number, string][] = [];
  #next = 0;
  #unsaved = false;
  #read: { readonly seed: string; readonly notices: readonly NoticeContent[] } | null = null;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  static async isSaved(storage: Storage): Promise<boolean> {
    return (await storage.load(RECORD)) !== null;
  }

  /** Takes up what was saved; charters and keys are known by then. Throws ClientError "state-corrupt". */
  async restore(): Promise<void> {
    const bytes = await this.#storage.load(RECORD);
    if (bytes === null) return;
    try {
      // JSON.parse: this program wrote it, and storage authenticates it.
      const { version, next, entries } = JSON.parse(fromUtf8(bytes)) as Saved & { version: number };
      if (version !== VERSION) throw new SyntaxError("version");
      for (const [index, text] of entries) this.#keep(index, parseEntry(utf8(text)), text);
      this.#next = next;
    } catch (cause) {
      throw new ClientError("state-corrupt", "what was saved of notices is not what was saved", { cause });
    }
    this.#unsaved = false;
  }

  charter(charter: Charter): void {
    this.#ledgers.set(charter.id, { charter, ledger: new NoticeLedger(charter) });
  }

  /** The charter after a keyholder was replaced, verified. */
  succeed(present: Charter): void {
    this.#ledgers.get(present.id)?.ledger.succeed(present);
  }

  /** Keys of a period, of each share generation, verified. */
  keys(keys: PeriodKeys): void {
    this.#ledgers.get(keys.charter)?.ledger.keys(keys);
  }

  /** Takes verified entries in the order of the log; those that come again after a crash change nothing. */
  take(index: number, bytes: Uint8Array, entry: LogEntry | null): void {
    if (index < this.#next) return;
    this.#next = index + 1;
    this.#unsaved = true;
    if (entry !== null && TYPES.includes(entry.type)) this.#keep(index, entry, fromUtf8(bytes));
  }

  #keep(index: number, entry: LogEntry, text: string): void {
    const known = "charter" in entry ? this.#ledgers.get(entry.charter) : undefined;
    if (known === undefined) return;
    known.ledger.take(index, entry);
    this.#entries.push([index, text]);
    this.#read = null;
    this.#unsaved = true;
  }

  /** Orders of which no notice can be read yet. */
  get pending(): readonly PendingNotice[] {
    return [...this.#ledgers.values()].flatMap(({ charter, ledger }) =>
      ledger.orders
        .filter(({ state }) => state === "pending")
        .map(({ commitment, earliest }) => ({ charter, commitment, earliest })),
    );
  }

  /** Those of them whose secrecy may be over by this day, as far as the log shows it. */
  due(today: DayNumber): readonly PendingNotice[] {
    return this.pending.filter(({ earliest }) => earliest <= today);
  }

  /** NOT-33: a share that a keyholder gave by its own door. It is checked like one in the log, and not saved. */
  offer(bytes: Uint8Array): void {
    const entry = parseEntry(bytes);
    if (entry.type !== "notice-share") return;
    this.#ledgers.get(entry.charter)?.ledger.addShare(entry);
    this.#read = null;
  }

  async save(): Promise<void> {
    if (!this.#unsaved) return;
    const saved: Saved = { next: this.#next, entries: this.#entries };
    await this.#storage.save(RECORD, utf8(JSON.stringify({ version: VERSION, ...saved })));
    this.#unsaved = false;
  }

  /** NOT-21: the notices that this seed reads. Done again only when the log had something new. */
  notices(seed: Uint8Array): readonly NoticeContent[] {
    const name = hex(seed);
    if (this.#read?.seed === name) return this.#read.notices;
    const notices = [...this.#ledgers.values()].flatMap(({ ledger }) => ledger.read(seed));
    this.#read = { seed: name, notices };
    return notices;
  }

  /** NOT-43: whether an order of which a notice was read is stopped. */
  stopped({ charter, commitment }: Pick<NoticeContent, "charter" | "commitment">): Stopped | null {
    return this.#ledgers.get(charter)?.ledger.stopped(commitment) ?? null;
  }

  /** NOT-42 for all charters of the log; `null` where it has none, since then nothing was ever escrowed. */
  clearance(asOf: UnixSeconds): Clearance | null {
    const each = [...this.#ledgers.values()].map(({ charter, ledger }) =>
      allClear(charter, ledger.orders, asOf),
    );
    if (each.length === 0) return null;
    const days = each.flatMap(({ endedBy }) => (endedBy === null ? [] : [endedBy]));
    // A charter of which nothing can be said because something is overdue is silent for all of them.
    const isSilent = each.some(({ endedBy, unresolved }) => endedBy === null && unresolved.length > 0);
    return {
      asOf,
      endedBy: isSilent || days.length === 0 ? null : (Math.min(...days) as DayNumber),
      signedBefore: Math.min(...each.map(({ signedBefore }) => signedBefore)) as DayNumber,
      overdue: each.reduce((sum, { unresolved }) => sum + unresolved.length, 0),
    };
  }
}
