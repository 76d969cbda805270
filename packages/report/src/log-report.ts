import { dayOf, type UnixSeconds } from "@porchlight/encoding";
import { type CountedEntry, EntryLedger, type Finding } from "@porchlight/monitor";
import { type Policy, type TlogSuite, type WitnessedCheckpoint } from "@porchlight/tlog";
import {
  type FollowedEntry,
  LogFollower,
  type LogSource,
  memoryStateStore,
  type StateStore,
} from "@porchlight/wire";
import { type CharterReport, Reckoning } from "./reckoning.ts";

export type Reported = {
  readonly checkpoint: WitnessedCheckpoint;
  /** Entries that mean nothing under the log's charters. */
  readonly unknown: number;
  readonly charters: readonly CharterReport[];
  /** What a monitor would say of these entries at the checkpoint's time: overdue notices, caps, what means nothing. */
  readonly findings: readonly Finding[];
};

export type LogReportOptions = {
  readonly source: LogSource;
  readonly policy: Policy;
  readonly clock: { now(): UnixSeconds };
  readonly suite: TlogSuite;
  /** Where it is remembered what the log was, so that a fork shows after a new start too; left out, nowhere. */
  readonly store?: StateStore;
  /** Told of verified entries, in order and before they count. */
  readonly onEntries?: (entries: readonly FollowedEntry[]) => Promise<void>;
  /** Told of every entry that means something. */
  readonly onCounted?: (counted: CountedEntry) => void;
};

/**
 * REP-1: what a log comes to, from its first entry on: every entry is rehashed, and those count whose signatures hold.
 * Keeps a record an order and a keyholder's day, however many entries there are, and reads on from where it was.
 */
export class LogReport {
  readonly #options: LogReportOptions;
  readonly #follower: LogFollower;
  readonly #ledger: EntryLedger;
  readonly #reckoning: Reckoning;

  private constructor(
    options: LogReportOptions,
    parts: {
      readonly follower: LogFollower;
      readonly ledger: EntryLedger;
      readonly reckoning: Reckoning;
    },
  ) {
    this.#options = options;
    this.#follower = parts.follower;
    this.#ledger = parts.ledger;
    this.#reckoning = parts.reckoning;
  }

  /** Throws LogError "policy-unusable" or "state-corrupt". */
  static async open(options: LogReportOptions): Promise<LogReport> {
    const { source, policy, clock, suite, onCounted } = options;
    const reckoning = new Reckoning();
    const ledger = new EntryLedger(suite, (counted) => {
      reckoning.take(counted);
      onCounted?.(counted);
    });
    const follower = await LogFollower.open({
      source,
      policy,
      store: options.store ?? memoryStateStore(),
      // Counts are kept nowhere: every entry is read again.
      from: "start",
      clock,
      // A report is of what the log was at its newest checkpoint, and says when that was.
      maxAge: Number.MAX_SAFE_INTEGER,
      suite,
    });
    return new LogReport(options, { follower, ledger, reckoning });
  }

  /** Reads what is new. Throws LogError and WireError; what was read before stays. */
  async update(): Promise<Reported> {
    const { onEntries } = this.#options;
    const { checkpoint } = await this.#follower.update(async (entries, covering) => {
      await onEntries?.(entries);
      await this.#ledger.take(entries, covering.time);
    });
    const findings = this.#ledger.findings(checkpoint.time);
    const unknown = findings.reduce(
      (sum, finding) => sum + (finding.code === "unknown-entries" ? finding.count : 0),
      0,
    );
    return { checkpoint, unknown, charters: this.#reckoning.reports(dayOf(checkpoint.time)), findings };
  }
}

/** One report of a whole log. Throws LogError and WireError. */
export async function readLog(options: LogReportOptions): Promise<Reported> {
  return await (await LogReport.open(options)).update();
}
