import { dayOf, type UnixSeconds } from "@porchlight/encoding";
import { EntryLedger } from "@porchlight/monitor";
import { type Policy, policySatisfied, type TlogSuite, type WitnessedCheckpoint } from "@porchlight/tlog";
import { LogError, LogFollower, type LogSource, memoryStateStore } from "@porchlight/wire";
import { type CharterReport, Reckoning } from "./reckoning.ts";

export type Reported = {
  readonly checkpoint: WitnessedCheckpoint;
  /** Entries that mean nothing under the log's charters. */
  readonly unknown: number;
  readonly charters: readonly CharterReport[];
};

/**
 * REP-1: reads a whole log from its first entry under `policy`, rehashes every entry, and reckons up those whose
 * signatures hold. Keeps a record an order and a keyholder's day, however many entries there are. Throws LogError and
 * WireError.
 */
export async function readLog(options: {
  readonly source: LogSource;
  readonly policy: Policy;
  readonly clock: { now(): UnixSeconds };
  readonly suite: TlogSuite;
}): Promise<Reported> {
  const { source, policy, clock, suite } = options;
  const reckoning = new Reckoning();
  const ledger = new EntryLedger(suite, (counted) => reckoning.take(counted));
  const offered = { note: "" };
  const follower = await LogFollower.open({
    source: {
      ...source,
      checkpoint: async () => {
        offered.note = await source.checkpoint();
        return offered.note;
      },
    },
    policy,
    store: memoryStateStore(),
    clock,
    // A report is of what the log was at its newest checkpoint, and says when that was.
    maxAge: Number.MAX_SAFE_INTEGER,
    suite,
  });
  const { checkpoint } = await follower.update(async (entries) => {
    const covering = policySatisfied(policy, offered.note, suite);
    // The follower verified this very note before it fetched the entries.
    if (!covering.satisfied) throw new LogError("policy-unsatisfied");
    await ledger.take(entries, covering.time);
  });
  const unknown = ledger
    .findings(null)
    .reduce((sum, finding) => sum + (finding.code === "unknown-entries" ? finding.count : 0), 0);
  return { checkpoint, unknown, charters: reckoning.reports(dayOf(checkpoint.time)) };
}
