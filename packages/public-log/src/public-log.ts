import { join } from "node:path";
import { readFileOrNull, writeFileDurable } from "@porchlight/durable";
import type { UnixSeconds } from "@porchlight/encoding";
import { LogReport, type Reported } from "@porchlight/report";
import { formatPolicy, type Policy, type TlogSuite } from "@porchlight/tlog";
import { LogError, type LogSource, WireError } from "@porchlight/wire";
import { Catalogue } from "./catalogue.ts";
import { Mirror } from "./mirror.ts";

export type PublicLogOptions = {
  /** The log, wherever it is served. */
  readonly source: LogSource;
  /** Names exactly one log. */
  readonly policy: Policy;
  /** Of the copy; kept between starts. */
  readonly directory: string;
  readonly clock: { now(): UnixSeconds };
  readonly suite: TlogSuite;
};

/** Seconds that the witnesses' last confirmation may lie back before the site says that it is old. */
const FRESH = 86_400;

/** What the site knows at the moment. */
export type Standing = {
  /** The last report; `null` before the first look at the log succeeded. */
  readonly reported: Reported | null;
  /**
   * Why the last look failed, a code of LogError or "unreachable"; `null` where it did not. "stale" where it did
   * not, and what it saw is older than a day: what came since may be kept back. A replayed clock is never late.
   */
  readonly trouble: string | null;
};

/**
 * A log for the public: copies it, verifies every entry, counts, and answers where things are (PUB-1). It has no key
 * and needs nobody's leave; where the log's own server is away, what was copied stays readable.
 */
export class PublicLog {
  readonly mirror: Mirror;
  readonly policy: string;
  readonly #catalogue: Catalogue;
  readonly #report: LogReport;
  readonly #clock: PublicLogOptions["clock"];
  /** Whether the last checkpoint was the copy's, because the log did not answer. */
  readonly #seen: { readonly isAway: boolean };
  #standing: Standing = { reported: null, trouble: null };
  #looking: Promise<void> | null = null;

  private constructor(
    mirror: Mirror,
    policy: string,
    catalogue: Catalogue,
    report: LogReport,
    clock: PublicLogOptions["clock"],
    seen: { readonly isAway: boolean },
  ) {
    this.#seen = seen;
    this.mirror = mirror;
    this.policy = policy;
    this.#catalogue = catalogue;
    this.#report = report;
    this.#clock = clock;
  }

  /** Throws LogError "policy-unusable", PublicLogError and DurableError. */
  static async open({ source, policy, directory, clock, suite }: PublicLogOptions): Promise<PublicLog> {
    const origin = policy.logs[0]?.key.name ?? "";
    const mirror = await Mirror.open(join(directory, "log"), origin, suite);
    const memory = join(directory, "log.state");
    const catalogue = new Catalogue();
    const seen = { isAway: false };
    try {
      const report = await LogReport.open({
        source: {
          // Where the log is away, the copy is still one that its witnesses confirmed.
          checkpoint: () =>
            source.checkpoint().then(
              (note) => {
                seen.isAway = false;
                return note;
              },
              (error: unknown) => {
                if (mirror.size === 0 || !(error instanceof WireError)) throw error;
                seen.isAway = true;
                return mirror.checkpoint();
              },
            ),
          file: async (path) => (await mirror.file(path)) ?? (await source.file(path)),
        },
        policy,
        clock,
        suite,
        store: {
          load: () => readFileOrNull(memory),
          save: (state) => writeFileDurable(memory, state),
        },
        onEntries: (entries) =>
          mirror.add(
            entries[0]?.index ?? 0,
            entries.map(({ bytes }) => bytes),
          ),
        onCounted: (counted) => catalogue.take(counted),
      });
      return new PublicLog(mirror, formatPolicy(policy), catalogue, report, clock, seen);
    } catch (error) {
      mirror.close();
      throw error;
    }
  }

  get standing(): Standing {
    return this.#standing;
  }

  /** Indices of the entries about an order (its commitment) or of a charter (its id). */
  find(number: string): readonly number[] {
    return this.#catalogue.find(number);
  }

  /** One look at the log; one at a time. What the log does wrong becomes what the pages say. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  async #look(): Promise<void> {
    try {
      const reported = await this.#report.update();
      await this.mirror.cover(reported.checkpoint.note);
      const isReplay = reported.charters.some(({ charter }) => charter.clock === "replay");
      const isStale = !isReplay && this.#clock.now() - reported.checkpoint.time > FRESH;
      this.#standing = { reported, trouble: this.#seen.isAway ? "unreachable" : isStale ? "stale" : null };
    } catch (error) {
      if (!(error instanceof LogError) && !(error instanceof WireError)) throw error;
      const trouble = error instanceof LogError ? error.code : "unreachable";
      this.#standing = { ...this.#standing, trouble };
    }
  }

  async close(): Promise<void> {
    await this.#looking?.catch(() => {});
    this.mirror.close();
  }
}
