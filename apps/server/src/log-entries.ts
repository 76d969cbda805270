import {
  type CeremonyEntry,
  type Charter,
  CharterError,
  type LogEntry,
  parseEntry,
  parseKeys,
  parseSuccession,
  unverifiedPayload,
  verifyCharter,
  verifyEntrySignature,
  verifyKeys,
  verifySuccession,
} from "@porchlight/charter";
import { dayOf, EncodingError, equalBytes, unixSeconds } from "@porchlight/encoding";
import { QuorumError } from "@porchlight/quorum";
import type { Clock, ClockKind } from "@porchlight/runtime";
import { formatVkey, type LogIndex } from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import { storeCharters } from "./charters.ts";
import { CLOCK_TOLERANCE } from "./conversation-state.ts";
import type { Database } from "./database.ts";
import type { Identity } from "./identity.ts";
import type { Log } from "./log.ts";
import { Refusal, reasonOf } from "./refusal.ts";

/**
 * Lets entries of others into the log (DEL-44): each has to be signed by whom its type demands, under a charter that
 * the log already holds, so that nobody can fill the log. Orders and revocations come in by their own route.
 */
export class LogEntries {
  readonly #log: Log;
  readonly #identity: Identity;
  readonly #clock: Clock;
  readonly #clockKind: ClockKind;
  readonly #database: Database;

  constructor(log: Log, identity: Identity, clock: Clock, clockKind: ClockKind, database: Database) {
    this.#database = database;
    this.#log = log;
    this.#identity = identity;
    this.#clock = clock;
    this.#clockKind = clockKind;
  }

  /** Resolves when the entry is durable and in the tree. Throws Refusal. */
  async append(bytes: Uint8Array): Promise<LogIndex> {
    const index = this.#log.catalogue.find(bytes) ?? (await this.#appendNew(bytes));
    // Also for one that is known: the answer may have been lost between the log and the database.
    if (parseEntry(bytes).type === "charter") await storeCharters(this.#database, this.#log.catalogue);
    return index;
  }

  async #appendNew(bytes: Uint8Array): Promise<LogIndex> {
    try {
      await this.#check(parseEntry(bytes));
    } catch (error) {
      if (error instanceof CharterError || error instanceof EncodingError || error instanceof QuorumError) {
        throw new Refusal(
          "entry-refused",
          `the log does not take this entry (${error.message})`,
          reasonOf(error),
        );
      }
      throw error;
    }
    return await this.#log.append(bytes);
  }

  async #check(entry: LogEntry): Promise<void> {
    switch (entry.type) {
      case "charter":
        return this.#checkCharter(await verifyCharter(entry.document));
      case "keys": {
        const { charter } = parseKeys(unverifiedPayload(entry.document));
        await verifyKeys(entry.document, this.#charter(charter));
        return;
      }
      case "succession": {
        const { charter } = parseSuccession(unverifiedPayload(entry.document));
        this.#charter(charter);
        await verifySuccession(entry.document, this.#log.catalogue.presentCharter(charter) as Charter);
        return;
      }
      case "ceremony":
      case "erasure":
      case "notice-share":
      case "keyholder-batch": {
        this.#charter(entry.charter);
        const charter = this.#log.catalogue.presentCharter(entry.charter) as Charter;
        if (!verifyEntrySignature(entry, charter, nodeSuite)) {
          throw new Refusal("entry-refused", "the keyholder's signature does not verify", {
            reason: "signature-invalid",
          });
        }
        if (entry.type === "keyholder-batch") this.#checkDay(entry.day);
        if (entry.type === "erasure") this.#checkNotAhead(entry.day);
        if (entry.type === "ceremony") this.#checkNotNoise(entry);
        return;
      }
      default:
        throw new Refusal("entry-not-accepted-here", "orders and revocations are logged by their own routes");
    }
  }

  #charter(id: Parameters<Log["charter"]>[0]): Charter {
    const charter = this.#log.charter(id);
    if (charter === undefined) throw new Refusal("unknown-charter", "log the charter first");
    return charter;
  }

  /** An erasure may be told late, for the keyholder or this server was away, but not ahead. */
  #checkNotAhead(day: number): void {
    if (day > dayOf(unixSeconds(this.#clock.now() + CLOCK_TOLERANCE))) {
      throw new Refusal("entry-refused", "the erasure is of a day to come", { reason: "wrong-day" });
    }
  }

  /** A message, a second one that contradicts it, and the wish to close the round: all that a keyholder can say there. */
  #checkNotNoise(entry: CeremonyEntry): void {
    if (this.#log.catalogue.saidInRound(entry) >= 3) {
      throw new Refusal("entry-refused", "the keyholder has said enough in this round", { reason: "noise" });
    }
  }

  /** A batch of another day would move the days that the gate counts by. */
  #checkDay(day: number): void {
    const now = this.#clock.now();
    const latest = dayOf(unixSeconds(now + CLOCK_TOLERANCE));
    if (day > latest || day < dayOf(now) - 1) {
      throw new Refusal("entry-refused", "the batch is of another day: make it anew with today's", {
        reason: "wrong-day",
      });
    }
  }

  /** A charter that names other keys than this provider's, or another policy, could never be carried out here. */
  #checkCharter(charter: Charter): void {
    const { provider, xwing, intake, log } = this.#identity;
    const refuse = (what: string): never => {
      throw new Refusal("entry-refused", `the charter is not this server's: its ${what} differs`, {
        reason: "other-provider",
      });
    };
    if (!equalBytes(charter.provider.key, provider.publicKey)) refuse("provider key");
    if (!equalBytes(charter.provider.xwing, xwing.publicKey)) refuse("provider X-Wing key");
    if (!equalBytes(charter.intake.key, intake.publicKey)) refuse("intake key");
    if (charter.log.vkey !== formatVkey(log.key)) refuse("log key");
    if (charter.clock !== this.#clockKind) refuse("clock");
  }
}
