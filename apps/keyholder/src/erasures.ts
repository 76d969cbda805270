import { join } from "node:path";
import {
  type ErasureEntry,
  erasedAfter,
  formatEntry,
  type ShareKind,
  signErasure,
} from "@porchlight/charter";
import { readFileOrNull, writeFileDurable } from "@porchlight/durable";
import {
  type DayNumber,
  dayNumber,
  dayOf,
  Fields,
  type Period,
  parseJson,
  parsePeriod,
  type UnixSeconds,
} from "@porchlight/encoding";
import type { Logger } from "@porchlight/runtime";
import type { ServerClient } from "@porchlight/wire";
import type { OwnCharter } from "./charters.ts";
import type { Hooks } from "./hooks.ts";
import type { Identity } from "./identity.ts";
import type { LogMemory } from "./log-memory.ts";
import type { ShareName, Shares } from "./shares.ts";

const FILE = "erasures.json";
const KINDS = ["access", "notice"] as const;
const STANDSTILL_DAYS = 30;

export type ErasureContext = {
  readonly own: OwnCharter;
  readonly identity: Identity;
  readonly shares: Shares;
  readonly memory: LogMemory;
  readonly server: ServerClient;
  readonly log: Logger;
  readonly hooks: Hooks;
};

type Erasure = Pick<ErasureEntry, "period" | "generation" | "kind" | "day">;

/** What has to go, goes, and the log is told (KEY-6, KEY-9). */
export class Erasures {
  readonly #context: ErasureContext;
  readonly #path: string;
  /** All that this keyholder has erased, or is about to: written down first, so that a crash loses no erasure. */
  readonly #known: Erasure[];

  private constructor(context: ErasureContext, path: string, known: Erasure[]) {
    this.#context = context;
    this.#path = path;
    this.#known = known;
  }

  static async open(context: ErasureContext, directory: string): Promise<Erasures> {
    const path = join(directory, FILE);
    const saved = await readFileOrNull(path);
    return new Erasures(context, path, saved === null ? [] : readErasures(saved));
  }

  /**
   * Erases what is due and logs what is erased. `keeps` says which shares are still in use for other reasons: of a ceremony
   * that is under way, or of a release that names them.
   */
  async run(now: UnixSeconds, keeps: (period: Period, generation: number) => boolean): Promise<void> {
    const { own, shares, memory, hooks, log } = this.#context;
    if (memory.view === null) return;
    const today = erasureDay(dayOf(now), dayOf(memory.view.checkpoint.time));
    for (const kind of KINDS) {
      for (const name of await shares.held(own.id, kind)) {
        if (!this.#isDue(name, kind, today, keeps)) continue;
        await this.#note({ period: name.period, generation: name.generation, kind, day: today });
        hooks.at("share-unerased");
        await shares.erase(name, kind);
        log.event("share-erased", { period: name.period, generation: name.generation, kind });
      }
    }
    await this.#tell();
  }

  #isDue(
    { period, generation }: ShareName,
    kind: ShareKind,
    today: DayNumber,
    keeps: (period: Period, generation: number) => boolean,
  ): boolean {
    const { own, memory } = this.#context;
    // KEY-6: nothing may open it any more. No ceremony and no order keeps it beyond that day.
    if (today > erasedAfter(own.document, kind, period)) return true;
    // KEY-9: a newer generation is in use.
    const newest = memory.keys(period)?.keys.generation;
    return newest !== undefined && newest !== generation && !keeps(period, generation);
  }

  async #note(erasure: Erasure): Promise<void> {
    if (this.#known.some((other) => isSame(other, erasure))) return;
    this.#known.push(erasure);
    await writeFileDurable(this.#path, JSON.stringify({ version: 1, erasures: this.#known }));
  }

  /** Tried again at every beat until the log shows it. */
  async #tell(): Promise<void> {
    const { own, memory, server, identity, log, shares } = this.#context;
    for (const erasure of this.#known) {
      const told = memory.erasures.some(
        ({ entry }) => entry.keyholder === own.self && isSame(entry, erasure),
      );
      const name = { charter: own.id, period: erasure.period, generation: erasure.generation };
      // Noted, and then the machine stopped: only what is gone is said to be gone.
      if (told || (await shares.has(name, erasure.kind))) continue;
      const entry = signErasure(
        { type: "erasure", charter: own.id, ...erasure, keyholder: own.self },
        identity.document.seed,
      );
      try {
        await server.appendEntry(formatEntry(entry));
      } catch (error) {
        log.failure("erasure-unlogged", error);
        return;
      }
    }
  }
}

/**
 * KEY-6: the earlier of both days, so that a clock that is ahead does not destroy what cannot be made again; but a log that
 * stands still keeps nothing alive for longer than a month.
 */
function erasureDay(own: DayNumber, witnessed: DayNumber): DayNumber {
  return dayNumber(Math.max(Math.min(own, witnessed), own - STANDSTILL_DAYS));
}

function isSame(a: Erasure, b: Erasure): boolean {
  return a.period === b.period && a.generation === b.generation && a.kind === b.kind;
}

function readErasures(bytes: Uint8Array): Erasure[] {
  const fields = new Fields(parseJson(bytes, "erasures"), "erasures");
  fields.literal("version", 1);
  return fields.array("erasures", (value, where) => {
    const one = new Fields(value, where);
    return {
      period: parsePeriod(one.string("period")),
      generation: one.integer("generation"),
      kind: one.literal("kind", "access", "notice"),
      day: dayNumber(one.integer("day")),
    };
  });
}
