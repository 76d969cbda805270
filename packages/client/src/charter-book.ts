import {
  type Charter,
  CharterError,
  type LogEntry,
  type PeriodKeys,
  parseEntry,
  parseKeys,
  parseSuccession,
  type SignedDocument,
  succeedKeys,
  unverifiedPayload,
  verifyCharter,
  verifyEntrySignature,
  verifyKeys,
  verifySuccession,
} from "@porchlight/charter";
import {
  type CharterId,
  type DayNumber,
  EncodingError,
  fromUtf8,
  type Period,
  parseJson,
  periodOf,
  type UnixSeconds,
  utf8,
} from "@porchlight/encoding";
import type { EscrowKeys } from "@porchlight/envelope";
import type { CharterTerms } from "@porchlight/mls";
import { type Policy, parsePolicy, type TlogSuite } from "@porchlight/tlog";
import { LogFollower, type LogSource, type StateStore } from "@porchlight/wire";
import { ClientError } from "./error.ts";
import { type LogMirror, type LogPlace, LogReader } from "./log-reader.ts";
import { NoticeLog } from "./notice-log.ts";
import type { Storage } from "./storage.ts";

const LOG_RECORD = "log";
const ORDERS_RECORD = "orders";
const CHARTERS_RECORD = "charters";
const DEFAULT_MAX_AGE = 3600;

export type CharterBookOptions = {
  readonly source: LogSource;
  /** Where else it is read when `source` is away or stale (NOT-44); nowhere where it is left out. */
  readonly mirrors?: () => Promise<readonly LogMirror[]>;
  /** The deployment's tlog-policy text, from whoever the person trusts: never from the server. */
  readonly policy: string;
  readonly storage: Storage;
  readonly clock: { now(): UnixSeconds };
  /** Seconds by which the newest checkpoint may lie behind the clock; an hour by default. */
  readonly maxAge?: number;
  /** `nodeSuite` of `@porchlight/tlog/node` where speed counts. */
  readonly suite?: TlogSuite;
};

/** What a person is shown of a charter before the first message, and what a device computes with. */
export type KnownCharter = { readonly charter: Charter; readonly terms: CharterTerms };

/** How often a charter was used, from the log alone. */
export type OrderCount = { readonly orders: number; readonly revoked: number; readonly preserved: number };

/** A keyholder that was lost, and who has its place: the succession is in the log, signed by all who must (CHA-21). */
export type Replacement = {
  readonly lost: string;
  readonly successor: string;
  readonly ground: string;
  readonly at: UnixSeconds;
};

/** Which count an entry of these types raises. */
const COUNTED = {
  warrant: "orders",
  "hold-order": "orders",
  revocation: "revoked",
  preservation: "preserved",
} as const satisfies Partial<Record<LogEntry["type"], keyof OrderCount>>;
const NONE: OrderCount = { orders: 0, revoked: 0, preserved: 0 };

/**
 * The charters and period keys of one log, each verified here: inclusion and consistency by the log follower, every
 * signature by the charter's own rules. One book serves all members of a process.
 */
export class CharterBook {
  readonly #follower: LogFollower;
  readonly #reader: LogReader;
  readonly #storage: Storage;
  readonly #policy: Policy;
  readonly #charters = new Map<CharterId, Charter>();
  readonly #keys = new Map<string, EscrowKeys>();
  /** Charters with the keyholders of now, where one was replaced. */
  readonly #present = new Map<CharterId, Charter>();
  readonly #replacements = new Map<CharterId, readonly Replacement[]>();
  /** The newest share generation of each period. */
  readonly #newest = new Map<string, PeriodKeys>();
  /** What the log shows of notices. */
  readonly notices: NoticeLog;
  /** The charter and keys entries of the log, in its order: what is saved. */
  readonly #documents: string[] = [];
  #orders = new Map<CharterId, OrderCount>();
  /** Entries before this index are counted. */
  #counted = 0;

  private constructor(follower: LogFollower, reader: LogReader, storage: Storage, policy: Policy) {
    this.#follower = follower;
    this.#reader = reader;
    this.#storage = storage;
    this.#policy = policy;
    this.notices = new NoticeLog(storage);
  }

  /** Reads what was saved and verifies it again. Throws ClientError "state-corrupt", LogError. */
  static async open(options: CharterBookOptions): Promise<CharterBook> {
    const { storage, suite } = options;
    const policy = parsePolicy(options.policy, suite);
    const store: StateStore = {
      load: () => storage.load(LOG_RECORD),
      save: (state) => storage.save(LOG_RECORD, state),
    };
    const follower = await LogFollower.open({
      source: options.source,
      policy,
      store,
      clock: options.clock,
      maxAge: options.maxAge ?? DEFAULT_MAX_AGE,
      // What an earlier version saved lacks what notices are made of: read once more from the beginning.
      ...((await NoticeLog.isSaved(storage)) ? {} : { from: "start" as const }),
      ...(suite === undefined ? {} : { suite }),
    });
    const reader = new LogReader(follower, options.mirrors ?? (async () => []));
    const book = new CharterBook(follower, reader, storage, policy);
    const saved = await storage.load(CHARTERS_RECORD);
    for (const text of saved === null ? [] : parseSaved(saved)) await book.#take(utf8(text));
    const orders = await storage.load(ORDERS_RECORD);
    if (orders !== null) book.#restoreOrders(orders);
    await book.notices.restore();
    return book;
  }

  /** Time of the newest checkpoint that the witnesses vouch for; a device's clock must not trail its day. */
  get checkpointTime(): UnixSeconds | undefined {
    return this.#follower.checkpoint?.time;
  }

  /** Where the log was read last. */
  get place(): LogPlace {
    return this.#reader.place;
  }

  /** Every charter of the log that everyone signed, in the log's order. */
  get known(): readonly Charter[] {
    return [...this.#charters.values()];
  }

  /** A known charter with the keyholders of now; its id, its terms and its master keys are those of {@link charter}. */
  present(charter: Charter): Charter {
    return this.#present.get(charter.id) ?? charter;
  }

  /** Keyholders that were lost and replaced, in the log's order. */
  replacements(charter: CharterId): readonly Replacement[] {
    return this.#replacements.get(charter) ?? [];
  }

  /** Orders and revocations that the intake key signed, up to the newest checkpoint. */
  ordersOf(charter: CharterId): OrderCount {
    return this.#orders.get(charter) ?? NONE;
  }

  /**
   * Reads the log up to its newest checkpoint, at a mirror where its provider does not answer. Says whether that is
   * fresh. Throws LogError or WireError.
   */
  async refresh(): Promise<"fresh" | "stale"> {
    return await this.#reader.update(async (entries) => {
      let found = false;
      const before = this.#orders;
      for (const { bytes, index } of entries) {
        found = (await this.#take(bytes)) || found;
        const entry = readEntry(bytes);
        this.#count(entry, index);
        this.notices.take(index, bytes, entry);
      }
      if (found) await this.#storage.save(CHARTERS_RECORD, utf8(JSON.stringify(this.#documents)));
      if (this.#orders !== before) await this.#storage.save(ORDERS_RECORD, this.#formatOrders());
      await this.notices.save();
    });
  }

  /** Throws ClientError "log-not-fresh" where the newest checkpoint is older than `maxAge`. */
  async demandFresh(): Promise<void> {
    if ((await this.refresh()) === "stale") {
      throw new ClientError("log-not-fresh", "the public log has no fresh checkpoint: try again when it has");
    }
  }

  /** Throws ClientError "charter-unknown": the log has no charter of this id that everyone signed. */
  async charter(id: CharterId): Promise<KnownCharter> {
    if (!this.#charters.has(id)) await this.refresh();
    const charter = this.#charters.get(id);
    if (charter === undefined) {
      throw new ClientError(
        "charter-unknown",
        "the log has no such charter with every keyholder's signature",
      );
    }
    const { validFrom, validUntil } = charter;
    return { charter, terms: { charter: id, validFrom, validUntil } };
  }

  /** Keys that an envelope of this day is sealed to. Throws ClientError "keys-missing" where the log has none yet. */
  async keys(id: CharterId, day: DayNumber): Promise<EscrowKeys> {
    const name = keysName(id, periodOf(day));
    if (!this.#keys.has(name)) await this.refresh();
    const keys = this.#keys.get(name);
    if (keys === undefined) {
      throw new ClientError(
        "keys-missing",
        "the keyholders have not published keys for this month yet: try again later",
      );
    }
    return keys;
  }

  /** Returns whether the entry is one to keep. What does not verify is somebody's mistake in a public log: ignored. */
  async #take(bytes: Uint8Array): Promise<boolean> {
    try {
      const entry = parseEntry(bytes);
      const taken =
        entry.type === "charter"
          ? await this.#takeCharter(entry.document)
          : entry.type === "keys"
            ? await this.#takeKeys(entry.document)
            : entry.type === "succession" && (await this.#takeSuccession(entry.document));
      if (taken) this.#documents.push(fromUtf8(bytes));
      return taken;
    } catch (error) {
      if (error instanceof CharterError || error instanceof EncodingError) return false;
      throw error;
    }
  }

  /** After a crash the last entries come again: they are counted once. */
  #count(entry: LogEntry | null, index: number): void {
    if (index < this.#counted) return;
    this.#counted = index + 1;
    if (entry === null) return;
    const counted = COUNTED[entry.type as keyof typeof COUNTED];
    if (counted === undefined || !("intake" in entry)) return;
    const charter = this.#charters.get(entry.charter);
    if (charter === undefined || !verifyEntrySignature(entry, charter)) return;
    const before = this.ordersOf(charter.id);
    const count = { ...before, [counted]: before[counted] + 1 };
    this.#orders = new Map([...this.#orders, [charter.id, count]]);
  }

  #formatOrders(): Uint8Array {
    return utf8(JSON.stringify({ counted: this.#counted, orders: [...this.#orders] }));
  }

  #restoreOrders(bytes: Uint8Array): void {
    // JSON.parse: this program wrote it, and storage authenticates it.
    const saved = JSON.parse(fromUtf8(bytes)) as { counted: number; orders: [CharterId, OrderCount][] };
    this.#counted = saved.counted;
    this.#orders = new Map(saved.orders);
  }

  async #takeCharter(document: SignedDocument): Promise<boolean> {
    const charter = await verifyCharter(document);
    // A charter of another log, copied here: what it says about revocations and keys would be found elsewhere.
    if (this.#policy.logs.every(({ key }) => key.name !== charter.log.origin)) return false;
    if (this.#charters.has(charter.id)) return false;
    this.#charters.set(charter.id, charter);
    this.notices.charter(charter);
    return true;
  }

  /** A keyholder was replaced: it is the successor that signs what it gives of notices from here on. */
  async #takeSuccession(document: SignedDocument): Promise<boolean> {
    const { charter: id, keyholder, ground, at } = parseSuccession(unverifiedPayload(document));
    const before = this.#present.get(id) ?? this.#charters.get(id);
    if (before === undefined) return false;
    const present = await verifySuccession(document, before);
    this.#present.set(id, present);
    const lost = before.keyholders[keyholder.index - 1]?.name ?? "";
    this.#replacements.set(id, [...this.replacements(id), { lost, successor: keyholder.name, ground, at }]);
    this.notices.succeed(present);
    return true;
  }

  /** CER-13: the first valid keys of a period stand; of later share generations only notices have a use. */
  async #takeKeys(document: SignedDocument): Promise<boolean> {
    const claimed = parseKeys(unverifiedPayload(document));
    const charter = this.#charters.get(claimed.charter);
    const name = keysName(claimed.charter, claimed.period);
    const last = this.#newest.get(name);
    if (charter === undefined || (last !== undefined && !succeedKeys(claimed, last))) return false;
    const keys = await verifyKeys(document, charter);
    this.#newest.set(name, keys);
    this.notices.keys(keys);
    if (last === undefined) {
      this.#keys.set(name, { mpk: keys.access.mpk, providerKey: charter.provider.xwing });
    }
    return true;
  }
}

/** `null` for what is no entry of ours: somebody's mistake in a public log. */
function readEntry(bytes: Uint8Array): LogEntry | null {
  try {
    return parseEntry(bytes);
  } catch (error) {
    if (error instanceof EncodingError) return null;
    throw error;
  }
}

function keysName(charter: CharterId, period: Period): string {
  return `${charter} ${period}`;
}

function parseSaved(bytes: Uint8Array): string[] {
  const value = parseJson(bytes, CHARTERS_RECORD);
  if (!Array.isArray(value) || value.some((text) => typeof text !== "string")) {
    throw new ClientError("state-corrupt", "the saved charters are not what was saved");
  }
  return value as string[];
}
