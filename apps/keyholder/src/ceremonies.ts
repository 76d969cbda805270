import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { CeremonyEntry } from "@porchlight/charter";
import { makeDirectory } from "@porchlight/durable";
import {
  type DayNumber,
  dayNumber,
  dayOf,
  type KeyholderIndex,
  type Period,
  parsePeriod,
  periodOf,
  type UnixSeconds,
} from "@porchlight/encoding";
import type { Logger } from "@porchlight/runtime";
import { Ceremony, type CeremonyContext, type CeremonyState } from "./ceremony.ts";
import type { CeremonyName } from "./ceremony-name.ts";
import { KeyholderError } from "./error.ts";
import { pause } from "./log-memory.ts";

/** Days before a period begins in which its keys are made without being asked for (CER-3). */
const AHEAD_DAYS = 7;

/** What the server refused it may accept later, and what is on the disk is enough to go on. */
const RETRY_MILLISECONDS = 5000;

export type CeremonyReport = CeremonyName &
  (
    | CeremonyState
    /** Others have begun it; here the operator has not. */
    | { readonly kind: "not-begun"; readonly joined: readonly KeyholderIndex[] }
  );

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
      const [, period, generation, from] = /^([0-9]{4}-[0-9]{2})\.([0-9]+)\.([0-9]+)$/.exec(name) ?? [];
      if (period !== undefined) {
        await ceremonies.#open(ceremonies.#name(parsePeriod(period), Number(generation), Number(from)));
      }
    }
    return ceremonies;
  }

  /** CER-16: also of those that others have begun and this keyholder has not. */
  report(): CeremonyReport[] {
    const own = [...this.#ceremonies.values()].map(({ name, state }) => ({ ...name, ...state }));
    const { memory } = this.#context;
    const others = memory.ceremonies
      .filter(
        (name) => !this.#ceremonies.has(keyOf(name)) && memory.keys(name.period, name.generation) === null,
      )
      .map((name) => {
        const joined = new Set(memory.ceremony(name).map(({ entry }) => entry.keyholder));
        return { ...name, kind: "not-begun" as const, joined: [...joined].sort((a, b) => a - b) };
      });
    return [...own, ...others];
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
    const name = this.#name(period, generation, 0);
    if (!this.#ceremonies.has(keyOf(name)) && memory.keys(period) !== null) {
      throw new KeyholderError(
        "period-has-keys",
        `the log already has keys of ${period}: refresh them instead`,
      );
    }
    return await this.#start(name);
  }

  /**
   * CER-20: begins to reshare a period's keys, among the same keyholders or, after a succession, with the new one. Throws
   * KeyholderError "keys-unavailable" where there is nothing to reshare.
   */
  async refresh(period: Period, generation?: number): Promise<CeremonyReport> {
    // Whoever begins before it has seen a succession would wait for the lost one's deal, and name honest dealers.
    await this.#context.memory.refreshTo(0, 5);
    const newest = this.#context.memory.keys(period)?.keys.generation;
    if (newest === undefined) {
      throw new KeyholderError("keys-unavailable", `the log has no keys of ${period} to refresh`);
    }
    const next = generation ?? newest + 1;
    if (next <= newest) {
      throw new KeyholderError("keys-unavailable", `generation ${next} of ${period} lies behind the newest`);
    }
    return await this.#start(this.#name(period, next, newest));
  }

  /** CER-9. Throws KeyholderError "ceremony-unknown", "ceremony-over" or "message-held". */
  closeRound(period: Period, generation: number): void {
    const ceremony = [...this.#ceremonies.values()].find(
      ({ name, state }) =>
        name.period === period && name.generation === generation && state.kind === "running",
    );
    if (ceremony === undefined) {
      const known = [...this.#ceremonies.values()].some(({ name }) => name.period === period);
      throw known
        ? new KeyholderError("ceremony-over", `the ceremony of ${period} is over`)
        : new KeyholderError("ceremony-unknown", `no ceremony of ${period} was begun here`);
    }
    ceremony.closeRound(this.#signal);
  }

  /** CER-17: an entry of a ceremony that is under way here. Its signature has been checked. */
  take(entry: CeremonyEntry, bytes: Uint8Array): boolean {
    return this.#ceremonies.get(keyOf(entry))?.take(entry, bytes, this.#signal) ?? false;
  }

  /** CER-3: begins what the clock makes due: this period's ceremony, and the next one's in the last week before it. */
  async prepare(now: UnixSeconds): Promise<void> {
    const { own, memory } = this.#context;
    if (memory.charter === null || memory.view === null) return;
    const today = dayOf(now);
    for (const period of new Set([periodOf(today), periodOf(dayNumber(today + AHEAD_DAYS) as DayNumber)])) {
      const tried = [...this.#ceremonies.values()].some(({ name }) => name.period === period);
      const inForce =
        period >= periodOf(own.document.validFrom) && period <= periodOf(own.document.validUntil);
      if (!tried && inForce && memory.keys(period) === null) await this.begin(period);
    }
  }

  /** Ceremonies that are under way here: their shares are not in use yet. */
  isRunning(period: Period, generation: number): boolean {
    return [...this.#ceremonies.values()].some(
      ({ name, state }) =>
        name.period === period && name.generation === generation && state.kind === "running",
    );
  }

  /**
   * The share generation of every period whose access share is here: of the newest keys, or, where an intent in the log
   * names an older one, of those until that release is over.
   */
  async generations(
    isIntended: (period: Period, generation: number) => boolean,
  ): Promise<Map<Period, number>> {
    const { memory, shares, own } = this.#context;
    const held = (await shares.held(own.id, "access")).filter(
      ({ period, generation }) => memory.keys(period, generation) !== null,
    );
    const found = new Map<Period, number>();
    for (const { period, generation } of held) {
      const intended = isIntended(period, generation);
      if (intended || (memory.keys(period)?.keys.generation === generation && !found.has(period))) {
        found.set(period, generation);
      }
    }
    return found;
  }

  #name(period: Period, generation: number, from: number): CeremonyName {
    return { charter: this.#context.own.id, period, generation, from };
  }

  async #start(name: CeremonyName): Promise<CeremonyReport> {
    const ceremony = this.#ceremonies.get(keyOf(name)) ?? (await this.#open(name));
    return { ...ceremony.name, ...ceremony.state };
  }

  async #open(name: CeremonyName): Promise<Ceremony> {
    const key = keyOf(name);
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

  async #retry(name: CeremonyName, error: unknown): Promise<void> {
    if (this.#signal.aborted) return;
    this.#log.failure("ceremony-interrupted", error, { period: name.period });
    await pause(RETRY_MILLISECONDS, this.#signal);
    if (this.#signal.aborted) return;
    this.#ceremonies.delete(keyOf(name));
    await this.#open(name);
  }
}

function keyOf({ period, generation, from }: Omit<CeremonyName, "charter">): string {
  return `${period}.${generation}.${from}`;
}
