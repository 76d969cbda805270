import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { makeDirectory } from "@porchlight/durable";
import {
  type DayNumber,
  dayNumber,
  dayOf,
  type Period,
  parseDay,
  parsePeriod,
  periodOf,
  type UnixSeconds,
} from "@porchlight/encoding";
import type { Logger } from "@porchlight/runtime";
import { Ceremony, type CeremonyContext, type CeremonyState } from "./ceremony.ts";
import type { CeremonyName } from "./dkg-message.ts";
import { KeyholderError } from "./error.ts";
import { pause } from "./log-memory.ts";

/** Days before a period begins in which its keys are made without being asked for (CER-3). */
const AHEAD_DAYS = 7;

/** What the server refused it may accept later, and what is on the disk is enough to go on. */
const RETRY_MILLISECONDS = 5000;

export type CeremonyReport = CeremonyName & CeremonyState;

/** All ceremonies of one charter: begun by command or ahead of time, resumed after a restart. */
export class Ceremonies {
  readonly #context: Omit<CeremonyContext, "directory">;
  readonly #directory: string;
  readonly #signal: AbortSignal;
  readonly #log: Logger;
  readonly #ceremonies = new Map<string, Ceremony>();
  readonly #onReady: () => void;

  private constructor(
    context: Omit<CeremonyContext, "directory">,
    directory: string,
    signal: AbortSignal,
    onReady: () => void,
  ) {
    this.#context = context;
    this.#directory = directory;
    this.#signal = signal;
    this.#log = context.log;
    this.#onReady = onReady;
  }

  /** Resumes what is under way. `onReady` is called whenever a period's keys have come to be. */
  static async open(
    context: Omit<CeremonyContext, "directory">,
    directory: string,
    signal: AbortSignal,
    onReady: () => void,
  ): Promise<Ceremonies> {
    await makeDirectory(directory);
    const ceremonies = new Ceremonies(context, directory, signal, onReady);
    for (const name of (await readdir(directory)).sort()) {
      const [, period, generation] = /^([0-9]{4}-[0-9]{2})\.([0-9]+)$/.exec(name) ?? [];
      if (period !== undefined) await ceremonies.#open(parsePeriod(period), Number(generation));
    }
    return ceremonies;
  }

  report(): CeremonyReport[] {
    return [...this.#ceremonies.values()].map(({ name, state }) => ({ ...name, ...state }));
  }

  /**
   * CER-2: begins the ceremony of a period, or returns the one that is under way. Throws KeyholderError
   * "period-outside-charter", or "period-has-keys" where the log already has keys of that period.
   */
  async begin(period: Period, generation = 1): Promise<CeremonyReport> {
    const { own, memory } = this.#context;
    if (period < periodOf(own.document.validFrom) || period > periodOf(own.document.validUntil)) {
      throw new KeyholderError("period-outside-charter", `the charter is not in force in ${period}`);
    }
    const known = this.#ceremonies.get(nameOf(period, generation));
    if (known === undefined && memory.keys(period) !== null) {
      throw new KeyholderError("period-has-keys", `the log already has keys of ${period}`);
    }
    const { name, state } = known ?? (await this.#open(period, generation));
    return { ...name, ...state };
  }

  /** CER-10. Throws KeyholderError "ceremony-unknown" or "ceremony-over". */
  giveUp(period: Period, generation: number): void {
    const ceremony = this.#ceremonies.get(nameOf(period, generation));
    if (ceremony === undefined)
      throw new KeyholderError("ceremony-unknown", `no ceremony of ${period} was begun here`);
    ceremony.giveUp();
  }

  /** CER-3: begins what the clock makes due: this period's ceremony, and the next one's in the last week before it. */
  async prepare(now: UnixSeconds): Promise<void> {
    const { own, memory } = this.#context;
    if (memory.charter === null || memory.view === null) return;
    const today = dayOf(now);
    for (const period of new Set([periodOf(today), periodOf(dayNumber(today + AHEAD_DAYS))])) {
      const tried = [...this.#ceremonies.values()].some(({ name }) => name.period === period);
      const inForce =
        period >= periodOf(own.document.validFrom) && period <= periodOf(own.document.validUntil);
      if (!tried && inForce && memory.keys(period) === null) await this.begin(period);
    }
  }

  /** The share generation of every period whose keys are in the log and whose access share is here. */
  async generations(): Promise<Map<Period, number>> {
    const { memory, shares, own } = this.#context;
    const held = await shares.held(own.id, "access");
    return new Map(
      held
        .filter(({ period, generation }) => memory.keys(period)?.keys.generation === generation)
        .map(({ period, generation }) => [period, generation]),
    );
  }

  /**
   * KEY-6: erases access shares that nothing may open any more: whose period ended longer ago than the retention and
   * the longest preservation together.
   */
  async eraseOverdue(now: UnixSeconds): Promise<void> {
    const { own, shares } = this.#context;
    const { retentionDays, longestPreservationDays } = own.document;
    for (const name of await shares.held(own.id, "access")) {
      if (dayOf(now) <= lastDayOf(name.period) + retentionDays + longestPreservationDays) continue;
      await shares.erase(name, "access");
      this.#log.event("share-erased", { period: name.period, generation: name.generation });
    }
  }

  async #open(period: Period, generation: number): Promise<Ceremony> {
    const name: CeremonyName = { charter: this.#context.own.id, period, generation };
    const key = nameOf(period, generation);
    const context = { ...this.#context, directory: join(this.#directory, key) };
    const ceremony = await Ceremony.open(context, name);
    // Somebody else may have begun the same one while this one was being opened.
    const first = this.#ceremonies.get(key);
    if (first !== undefined) return first;
    this.#ceremonies.set(key, ceremony);
    ceremony.run(this.#signal).then(
      () => this.#onReady(),
      (error: unknown) => this.#retry(name, error),
    );
    return ceremony;
  }

  async #retry({ period, generation }: CeremonyName, error: unknown): Promise<void> {
    if (this.#signal.aborted) return;
    this.#log.failure("ceremony-interrupted", error, { period });
    await pause(RETRY_MILLISECONDS, this.#signal);
    if (this.#signal.aborted) return;
    this.#ceremonies.delete(nameOf(period, generation));
    await this.#open(period, generation);
  }
}

function nameOf(period: Period, generation: number): string {
  return `${period}.${generation}`;
}

function lastDayOf(period: Period): DayNumber {
  const [year = 0, month = 0] = period.split("-").map(Number);
  const next = month === 12 ? `${year + 1}-01-01` : `${year}-${String(month + 1).padStart(2, "0")}-01`;
  return dayNumber(parseDay(next) - 1);
}
