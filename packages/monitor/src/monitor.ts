import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { lockDirectory, makeDirectory, readFileOrNull, writeFileDurable } from "@porchlight/durable";
import { formatInstant, type UnixSeconds, utf8 } from "@porchlight/encoding";
import { type Policy, type TlogSuite, type WitnessedCheckpoint } from "@porchlight/tlog";
import { LogError, LogFollower, type LogSource, type StateStore, WireError } from "@porchlight/wire";
import { EntryLedger } from "./entry-ledger.ts";
import type { Finding } from "./finding.ts";
import { MonitorJournal } from "./monitor-journal.ts";
import { WitnessBook } from "./witness-book.ts";

export type MonitorOptions = {
  readonly source: LogSource;
  /** Names exactly one log. */
  readonly policy: Policy;
  /** Everything that the monitor remembers: to forget it is to forgive a fork. */
  readonly directory: string;
  readonly clock: { now(): UnixSeconds };
  /** Seconds after which a checkpoint, or a witness' last cosignature, is stale. */
  readonly maxAge: number;
  readonly suite: TlogSuite;
};

/** What one look at the log came to. */
export type Look = {
  readonly at: UnixSeconds;
  /** The newest checkpoint that was ever accepted; `null` before the first. */
  readonly checkpoint: WitnessedCheckpoint | null;
  /** Entries that were fetched and rehashed in this look. */
  readonly entries: number;
  /** Witnesses of the policy, and how many of them cosigned the newest checkpoint. */
  readonly witnesses: { readonly all: number; readonly signed: number };
  readonly charters: number;
  readonly orders: number;
  /** Orders to preserve: they keep ciphertext from deletion and open nothing. */
  readonly preservations: number;
  /** Of these, those that their issuers lifted early. */
  readonly lifted: number;
  /** Keys of requesters' endpoints that were registered after a call-back. */
  readonly registrations: number;
  /** Tasks over what the provider knows anyway, which it answered itself. */
  readonly providerAnswers: number;
  readonly findings: readonly Finding[];
};

/**
 * Follows a log as anyone can, with nothing but its address and a policy (MON-1): verifies policy and consistency from
 * its saved state, fetches and rehashes every entry once, in bounded memory, and reports what a log or those who write
 * to it must not do. Of a log without a charter only the log itself is judged.
 */
export class Monitor {
  readonly #options: MonitorOptions;
  readonly #follower: LogFollower;
  readonly #ledger: EntryLedger;
  readonly #journal: MonitorJournal;
  readonly #witnesses: WitnessBook;
  readonly #release: () => void;
  #signed = 0;

  private constructor(
    options: MonitorOptions,
    parts: {
      follower: LogFollower;
      ledger: EntryLedger;
      journal: MonitorJournal;
      witnesses: WitnessBook;
      release: () => void;
    },
  ) {
    this.#options = options;
    this.#follower = parts.follower;
    this.#ledger = parts.ledger;
    this.#journal = parts.journal;
    this.#witnesses = parts.witnesses;
    this.#release = parts.release;
  }

  /**
   * Throws LogError "policy-unusable" or "state-corrupt", DurableError where another monitor has the directory or a
   * file in it is damaged.
   */
  static async open(options: MonitorOptions): Promise<Monitor> {
    const { directory, policy, suite, source, clock, maxAge } = options;
    await makeDirectory(directory);
    const lock = lockDirectory(directory);
    try {
      const ledger = new EntryLedger(suite);
      const journal = await MonitorJournal.open(directory, (kept) => ledger.restore(kept));
      const follower = await LogFollower.open({
        source,
        policy,
        store: fileStore(join(directory, "log.state")),
        clock,
        maxAge,
        suite,
      });
      const witnesses = await WitnessBook.open(policy, suite, fileStore(join(directory, "witnesses.json")));
      return new Monitor(options, { follower, ledger, journal, witnesses, release: lock.release });
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** One look at the log. What the log did wrong is a finding; only faults of this machine throw. */
  async look(): Promise<Look> {
    const before = this.#follower.handled;
    const problem = await this.#update();
    const { checkpoint } = this.#follower;
    const { maxAge, policy, clock } = this.#options;
    // A deployment on a replayed clock lives on days of its own.
    const replayed = this.#ledger.charters.some((charter) => charter.clock === "replay");
    const now = replayed && checkpoint !== null ? checkpoint.time : clock.now();
    const findings: Finding[] = [...(await this.#forks()), ...problem];
    if (checkpoint !== null) {
      if (now - checkpoint.time > maxAge) findings.push({ code: "stale", witnessedAt: checkpoint.time });
      findings.push(...this.#witnesses.stale(now, maxAge));
    }
    findings.push(...this.#ledger.findings(checkpoint === null ? null : checkpoint.time));
    const look: Look = {
      at: clock.now(),
      checkpoint,
      entries: this.#follower.handled - before,
      witnesses: { all: policy.witnesses.length, signed: this.#signed },
      charters: this.#ledger.charters.length,
      orders: this.#ledger.orders,
      preservations: this.#ledger.preservations,
      lifted: this.#ledger.lifted,
      registrations: this.#ledger.registrations,
      providerAnswers: this.#ledger.providerAnswers,
      findings,
    };
    await writeFileDurable(join(this.#options.directory, "status"), utf8(`${stateLine(look)}\n`));
    return look;
  }

  async close(): Promise<void> {
    await this.#journal.close();
    this.#release();
  }

  async #update(): Promise<Finding[]> {
    try {
      const { checkpoint } = await this.#follower.update(async (entries, covering) => {
        const fresh = entries.filter(({ index }) => index > this.#journal.last);
        await this.#journal.append(await this.#ledger.take(fresh, covering.time));
      });
      this.#signed = await this.#witnesses.take(checkpoint.note);
      return [];
    } catch (error) {
      if (error instanceof WireError) return [{ code: "unreachable", reason: error.code }];
      if (!(error instanceof LogError)) throw error;
      return await this.#refusal(error);
    }
  }

  async #refusal({ code, evidence }: LogError): Promise<Finding[]> {
    switch (code) {
      case "fork":
        if (evidence !== undefined) await this.#keepEvidence(evidence);
        return [];
      case "rollback": {
        const seenSize = this.#follower.checkpoint?.size ?? 0;
        return [{ code, seenSize, offeredSize: sizeIn(evidence?.offered ?? "") }];
      }
      case "policy-unsatisfied":
        return [{ code }];
      default:
        return [{ code: "log-refused", reason: code }];
    }
  }

  /** MON-3: both checkpoints, once for every pair; a later fork does not overwrite an earlier one. */
  async #keepEvidence({ seen, offered }: { readonly seen: string; readonly offered: string }): Promise<void> {
    for (let number = 1; ; number++) {
      const [first, second] = this.#forkFiles(number);
      const known = await readFileOrNull(second);
      if (known === null) {
        await writeFileDurable(first, utf8(seen));
        await writeFileDurable(second, utf8(offered));
        return;
      }
      // One fork is one root at one size, however often its note is cosigned anew.
      if (textOf(new TextDecoder().decode(known)) === textOf(offered)) return;
    }
  }

  async #forks(): Promise<Finding[]> {
    const names = await readdir(this.#options.directory);
    const findings: Finding[] = [];
    for (let number = 1; names.includes(`fork-${number}-offered.note`); number++) {
      const [seen, offered] = this.#forkFiles(number);
      findings.push({ code: "fork", seen, offered });
    }
    return findings;
  }

  #forkFiles(number: number): [seen: string, offered: string] {
    const { directory } = this.#options;
    return [join(directory, `fork-${number}-seen.note`), join(directory, `fork-${number}-offered.note`)];
  }
}

/** One line for a person and for `tail`: when, how it stands, where the log is. */
export function stateLine(look: Look): string {
  const { at, checkpoint, entries, witnesses, charters, orders, preservations, providerAnswers, findings } =
    look;
  const words = [formatInstant(at), findings.length === 0 ? "ok" : `findings:${findings.length}`];
  if (checkpoint === null) words.push("no checkpoint yet");
  else {
    words.push(
      checkpoint.origin,
      `size ${checkpoint.size} (+${entries})`,
      `witnessed ${formatInstant(checkpoint.time)} by ${witnesses.signed} of ${witnesses.all}`,
      charters === 0
        ? "no charter: entries not interpreted"
        : `${charters} ${charters === 1 ? "charter" : "charters"}, ${orders} ${orders === 1 ? "order" : "orders"}${preservations === 0 ? "" : `, ${preservations} to preserve`}${providerAnswers === 0 ? "" : `, ${providerAnswers} answered by the provider`}`,
    );
  }
  const codes = [...new Set(findings.map(({ code }) => code))];
  if (codes.length > 0) words.push(codes.join(","));
  return words.join("  ");
}

function textOf(note: string): string {
  return note.slice(0, note.lastIndexOf("\n\n"));
}

function sizeIn(note: string): number {
  return Number(note.split("\n")[1] ?? 0);
}

function fileStore(path: string): StateStore {
  return { load: () => readFileOrNull(path), save: (state) => writeFileDurable(path, state) };
}
