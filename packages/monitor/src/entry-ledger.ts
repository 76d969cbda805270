// What the entries of a log come to, entry by entry: charters, orders against their caps, and what means nothing.
import {
  type Charter,
  CharterError,
  type DisclosedEntry,
  type LogEntry,
  type OrderEntry,
  type PreservationEntry,
  parseEntry,
  parseKeys,
  parseSuccession,
  type SignedEntry,
  unverifiedPayload,
  verifyCharter,
  verifyEntrySignature,
  verifyKeys,
  verifySuccession,
} from "@porchlight/charter";
import {
  type CharterId,
  type Commitment,
  type DayNumber,
  dayNumber,
  dayOf,
  EncodingError,
  fromHex,
  type Period,
  periodOf,
  type UnixSeconds,
} from "@porchlight/encoding";
import { publicCommitment } from "@porchlight/gate";
import { NoticeLedger, overdue } from "@porchlight/notice";
import type { TlogSuite } from "@porchlight/tlog";
import type { FollowedEntry } from "@porchlight/wire";
import type { FalseDisclosure, Finding, UnknownReason } from "./finding.ts";

/** Days over which a charter's `warrantsPer30Days` counts (GATE-18). */
const RATE_WINDOW_DAYS = 30;
const MAX_EXAMPLES = 16;
/** `{"type":` is how every entry of ours begins; of another log's entries nothing is parsed. */
const START = [...'{"type":'].map((char) => char.charCodeAt(0));

/** What has to be remembered of an entry so that a restart need not read the log again. */
export type Kept =
  | {
      readonly kind: "entry";
      readonly index: number;
      readonly bytes: Uint8Array;
      /** The day on which it entered the log at the earliest, where it carries one. */
      readonly day: DayNumber | null;
    }
  | {
      readonly kind: "unknown";
      readonly index: number;
      readonly reason: UnknownReason;
      readonly count: number;
    };

/** An entry that means something: its signatures hold. */
export type CountedEntry = {
  readonly index: number;
  readonly entry: LogEntry;
  /** As it was signed. */
  readonly charter: Charter;
  /** With the keyholders that had come in others' places by then, this entry's own included. */
  readonly present: Charter;
  /** The day on which it entered the log at the earliest, where it carries one. */
  readonly day: DayNumber | null;
  /** Of a keys entry: the period that has keys with it. */
  readonly period: Period | null;
};

type Ledger = {
  readonly charter: Charter;
  /** With the keyholders that have come in others' places. */
  present: Charter;
  /** The latest day that a signed entry carried and that had come by then. */
  day: DayNumber | null;
  /** Of every order that the intake signed, in the order of the log. */
  readonly orderDays: DayNumber[];
  /** Of every order to preserve. */
  readonly preservationDays: DayNumber[];
  /** What each order's entry hides until the end of its secrecy, and where it is (MON-11). */
  readonly hidden: Map<Commitment, { readonly index: number; readonly public: string }>;
  /** Orders of which the log has told truly: a second entry of the same adds nothing. */
  readonly disclosed: Set<Commitment>;
  /** Whether each order was told in time. */
  readonly notices: NoticeLedger;
};

export class EntryLedger {
  readonly #suite: TlogSuite;
  readonly #observe: (counted: CountedEntry) => void;
  readonly #charters = new Map<CharterId, Ledger>();
  readonly #exceeded: Extract<Finding, { code: "cap-exceeded" }>[] = [];
  readonly #falsities: Extract<Finding, { code: "disclosure-false" }>[] = [];
  readonly #examples: { readonly index: number; readonly reason: UnknownReason }[] = [];
  #unknown = 0;
  readonly #beyond: Extract<Finding, { code: "preservation-beyond-charter" }>[] = [];
  #orders = 0;
  #preservations = 0;
  readonly #lifted = new Set<Commitment>();
  #registrations = 0;
  #providerAnswers = 0;

  /** `observe` is told every entry that means something, once, in the order of the log. */
  constructor(suite: TlogSuite, observe: (counted: CountedEntry) => void = () => {}) {
    this.#suite = suite;
    this.#observe = observe;
  }

  get charters(): readonly Charter[] {
    return [...this.#charters.values()].map(({ charter }) => charter);
  }

  /** Orders that the intake signed. */
  get orders(): number {
    return this.#orders;
  }

  /** Orders to preserve that the intake signed. */
  get preservations(): number {
    return this.#preservations;
  }

  /** Of these, those that their issuers lifted. */
  get lifted(): number {
    return this.#lifted.size;
  }

  /** Keys of requesters' endpoints that were registered. */
  get registrations(): number {
    return this.#registrations;
  }

  /** Tasks that the provider answered itself. */
  get providerAnswers(): number {
    return this.#providerAnswers;
  }

  /** What was found until witnessed time `at`; without the overdue where it is `null`. */
  findings(at: UnixSeconds | null): Finding[] {
    const unknown: Finding[] =
      this.#unknown === 0
        ? []
        : [{ code: "unknown-entries", count: this.#unknown, first: [...this.#examples] }];
    return [
      ...this.#exceeded,
      ...this.#falsities,
      ...this.#beyond,
      ...(at === null ? [] : this.#overdue(at)),
      ...unknown,
    ];
  }

  /** MON-9 */
  #overdue(at: UnixSeconds): Finding[] {
    return [...this.#charters.values()].flatMap(({ charter, notices }) =>
      overdue(notices.orders, at).map(({ index, month, reason }) => ({
        code: "overdue" as const,
        charter: charter.id,
        index,
        month,
        reason,
      })),
    );
  }

  /**
   * Takes verified entries in order and says what to remember of them. `witnessed` is the time of the checkpoint that
   * covers them. A log that never showed a charter is not ours: its entries are counted by its size and mean nothing
   * here. After the first charter, whatever cannot be read or is not signed is reported.
   */
  async take(entries: readonly FollowedEntry[], witnessed: UnixSeconds): Promise<Kept[]> {
    const kept: Kept[] = [];
    const flood: Extract<Kept, { kind: "unknown" }>[] = [];
    for (const { index, bytes } of entries) {
      for (const result of await this.#read(index, bytes, witnessed)) {
        if (result.kind === "entry" || this.#unknown <= MAX_EXAMPLES) kept.push(result);
        else flood.push(result);
      }
    }
    // Junk must not fill the monitor's disk: one record for all of it.
    const last = flood.at(-1);
    if (last !== undefined) kept.push({ ...last, count: flood.reduce((sum, { count }) => sum + count, 0) });
    return kept.sort((a, b) => a.index - b.index);
  }

  /** Takes back what {@link take} said to remember. */
  async restore(kept: Kept): Promise<void> {
    if (kept.kind === "unknown") this.#note(kept);
    else await this.#enter(kept.index, parseEntry(kept.bytes), kept.day);
  }

  async #read(index: number, bytes: Uint8Array, witnessed: UnixSeconds): Promise<Kept[]> {
    const entry = readEntry(bytes);
    if (this.#charters.size === 0) {
      if (entry?.type !== "charter" || (await this.#enter(index, entry, null)) !== null) return [];
      const own: Kept = { kind: "entry", index, bytes, day: null };
      // What stood before the first charter had nobody to sign it.
      return index === 0 ? [own] : [this.#refuse(0, "charter-unknown", index), own];
    }
    if (entry === null) return [this.#refuse(index, "unreadable")];
    const day = this.#arrival(entry, witnessed);
    const before = this.#dayOf(entry);
    const reason = await this.#enter(index, entry, day);
    if (reason !== null) return [this.#refuse(index, reason)];
    const lasting = isLasting(entry) || this.#dayOf(entry) !== before;
    return lasting ? [{ kind: "entry", index, bytes, day }] : [];
  }

  #refuse(index: number, reason: UnknownReason, count = 1): Kept {
    const kept = { kind: "unknown", index, reason, count } as const;
    this.#note(kept);
    return kept;
  }

  #dayOf(entry: LogEntry): DayNumber | null {
    return "day" in entry ? (this.#charters.get(entry.charter)?.day ?? null) : null;
  }

  #note({ index, reason, count }: { index: number; reason: UnknownReason; count: number }): void {
    this.#unknown += count;
    if (this.#examples.length < MAX_EXAMPLES) this.#examples.push({ index, reason });
  }

  /** The day of the entry, or the latest one before it: nobody backdates an order alone. */
  #arrival(entry: LogEntry, witnessed: UnixSeconds): DayNumber | null {
    if (!("day" in entry)) return null;
    const known = this.#dayOf(entry);
    const come = entry.day <= dayOf(witnessed) ? entry.day : null;
    if (come === null) return known ?? dayOf(witnessed);
    return known !== null && known > come ? known : come;
  }

  /** `null` where the entry means something; else why not. */
  async #enter(index: number, entry: LogEntry, day: DayNumber | null): Promise<UnknownReason | null> {
    if (entry.type === "charter") {
      const charter = await verified(() => verifyCharter(entry.document));
      if (charter === null) return "charter-refused";
      if (!this.#charters.has(charter.id)) {
        this.#charters.set(charter.id, {
          charter,
          present: charter,
          day: null,
          orderDays: [],
          preservationDays: [],
          hidden: new Map(),
          disclosed: new Set(),
          notices: new NoticeLedger(charter),
        });
      }
      const { present } = this.#charters.get(charter.id) ?? { present: charter };
      this.#observe({ index, entry, charter, present, day: null, period: null });
      return null;
    }
    if (entry.type === "keys") {
      const named = await verified(async () => parseKeys(unverifiedPayload(entry.document)));
      const ledger = named === null ? undefined : this.#charters.get(named.charter);
      if (ledger === undefined) return named === null ? "keys-refused" : "charter-unknown";
      const keys = await verified(() => verifyKeys(entry.document, ledger.charter));
      if (keys === null) return "keys-refused";
      ledger.notices.keys(keys);
      this.#observe({
        index,
        entry,
        charter: ledger.charter,
        present: ledger.present,
        day: null,
        period: keys.period,
      });
      return null;
    }
    if (entry.type === "succession") {
      const named = await verified(async () => parseSuccession(unverifiedPayload(entry.document)));
      const ledger = named === null ? undefined : this.#charters.get(named.charter);
      if (ledger === undefined) return named === null ? "succession-refused" : "charter-unknown";
      const present = await verified(() => verifySuccession(entry.document, ledger.present));
      if (present === null) return "succession-refused";
      ledger.present = present;
      ledger.notices.succeed(present);
      this.#observe({
        index,
        entry,
        charter: ledger.charter,
        present: ledger.present,
        day: null,
        period: null,
      });
      return null;
    }
    const ledger = this.#charters.get(entry.charter);
    if (ledger === undefined) return "charter-unknown";
    if (!verifyEntrySignature(entry, ledger.present, this.#suite)) return "unsigned";
    if (day !== null && (ledger.day === null || day > ledger.day)) ledger.day = day;
    if (entry.type === "preservation" && day !== null) this.#preserve(index, entry, ledger, day);
    if (entry.type === "preservation-lift") this.#lifted.add(entry.commitment);
    if (entry.type === "registration") this.#registrations++;
    if (entry.type === "provider-answer") this.#providerAnswers++;
    if (isOrder(entry)) {
      if (day !== null) this.#count(index, ledger, day);
      if (!ledger.hidden.has(entry.commitment)) {
        ledger.hidden.set(entry.commitment, { index, public: entry.public });
      }
    }
    if (entry.type === "disclosed") this.#disclose(index, ledger, entry);
    ledger.notices.take(index, entry);
    this.#observe({ index, entry, charter: ledger.charter, present: ledger.present, day, period: null });
    return null;
  }

  /** MON-10: as far as an entry shows it, which is to the month. */
  #preserve(index: number, entry: PreservationEntry, ledger: Ledger, day: DayNumber): void {
    this.#preservations++;
    const { charter, preservationDays } = ledger;
    const within = preservationDays.filter((other) => other > day - RATE_WINDOW_DAYS).length;
    preservationDays.push(day);
    const latest = periodOf(dayNumber(entry.day + charter.longestPreservationDays));
    const found = { code: "preservation-beyond-charter", charter: charter.id, index } as const;
    if (entry.until > latest) this.#beyond.push({ ...found, reason: "too-long" });
    if (within >= charter.caps.warrantsPer30Days) this.#beyond.push({ ...found, reason: "too-many" });
  }

  /** GATE-18, as every honest keyholder counts. */
  #count(index: number, { charter, orderDays }: Ledger, day: DayNumber): void {
    this.#orders++;
    const orders = 1 + orderDays.filter((other) => other > day - RATE_WINDOW_DAYS).length;
    orderDays.push(day);
    this.#compare(index, charter, "warrantsPer30Days", orders);
  }

  #compare(index: number, charter: Charter, cap: keyof Charter["caps"], count: number): void {
    const limit = charter.caps[cap];
    if (count <= limit) return;
    this.#exceeded.push({ code: "cap-exceeded", charter: charter.id, index, cap, count, limit });
  }

  /** MON-11, MON-12: the numbers that a log tells at the end of an order's secrecy, where they are what it hid before. */
  #disclose(index: number, { charter, hidden, disclosed }: Ledger, entry: DisclosedEntry): void {
    const { commitment, key, part } = entry;
    const order = hidden.get(commitment);
    const wrong = falsityOf(charter, order, { key: fromHex(key), part });
    if (wrong !== null) {
      if (this.#falsities.length >= MAX_EXAMPLES) return;
      this.#falsities.push({ code: "disclosure-false", charter: charter.id, index, reason: wrong });
    } else if (order !== undefined && !disclosed.has(commitment)) {
      disclosed.add(commitment);
      this.#compare(order.index, charter, "accountsPerWarrant", part.accounts);
      this.#compare(order.index, charter, "daysPerWarrant", part.days);
    }
  }
}

function falsityOf(
  charter: Charter,
  order: { readonly public: string } | undefined,
  { key, part }: { readonly key: Uint8Array; readonly part: DisclosedEntry["part"] },
): FalseDisclosure | null {
  if (order === undefined) return "order-unknown";
  if (publicCommitment(key, part) !== order.public) return "not-what-was-hidden";
  const known =
    charter.issuers.some(({ name }) => name === part.issuer) &&
    charter.legalBases.includes(part.legalBasis) &&
    charter.offenceCategories.includes(part.offenceCategory);
  return known ? null : "not-the-charters";
}

function isOrder(entry: SignedEntry): entry is OrderEntry {
  return entry.type === "warrant" || entry.type === "hold-order";
}

/** Batches and ceremonies are the bulk of a log; of them only the days that they bring with them matter later. */
function isLasting(entry: LogEntry): boolean {
  return entry.type !== "keyholder-batch" && entry.type !== "ceremony";
}

function readEntry(bytes: Uint8Array): LogEntry | null {
  if (!START.every((byte, i) => bytes[i] === byte)) return null;
  try {
    return parseEntry(bytes);
  } catch (error) {
    if (error instanceof EncodingError || error instanceof CharterError) return null;
    throw error;
  }
}

async function verified<T>(check: () => Promise<T>): Promise<T | null> {
  try {
    return await check();
  } catch (error) {
    if (error instanceof EncodingError || error instanceof CharterError) return null;
    throw error;
  }
}
