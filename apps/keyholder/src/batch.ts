import { randomBytes } from "node:crypto";
import { BATCH_SLOTS, type BatchEntry, formatEntry, signBatch } from "@porchlight/charter";
import { type DayNumber, dayOf, fromUtf8 } from "@porchlight/encoding";
import { CHECKPOINT_TOLERANCE } from "@porchlight/gate";
import type { Clock, Logger } from "@porchlight/runtime";
import { type ServerClient, WireError } from "@porchlight/wire";
import type { OwnCharter } from "./charters.ts";
import type { Hooks } from "./hooks.ts";
import type { Identity } from "./identity.ts";
import type { LogMemory } from "./log-memory.ts";
import { type PendingSlot, pendingSlots } from "./order-book.ts";
import type { OrderJournal } from "./order-journal.ts";
import { persist } from "./retry.ts";

export type BatchContext = {
  readonly own: OwnCharter;
  readonly identity: Identity;
  readonly memory: LogMemory;
  readonly server: ServerClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly hooks: Hooks;
  readonly signal: AbortSignal;
  readonly batches: "daily" | "prompt";
};

/** KEY-30: how intents and releases get into the log. */
export class Batches {
  readonly #context: BatchContext;
  readonly #journal: OrderJournal;
  readonly #isEmergency: (order: string) => Promise<boolean>;
  readonly #posted = new Set<string>();
  /** Signatures of batches that were not taken because their day is over. */
  readonly #late = new Set<string>();

  constructor(
    context: BatchContext,
    journal: OrderJournal,
    isEmergency: (order: string) => Promise<boolean>,
  ) {
    this.#context = context;
    this.#journal = journal;
    this.#isEmergency = isEmergency;
  }

  /** Makes the batch that is due, durably, and posts what is not in the log yet. Resolves with whether there is more to do. */
  async publish(): Promise<boolean> {
    const { own, identity, clock, memory, server, log, signal, hooks } = this.#context;
    if (memory.view === null) return false;
    let made = false;
    for (let slots = await this.#due(); slots !== null; slots = await this.#due()) {
      const batch = makeBatch(own, dayOf(clock.now()), slots, identity.document.seed);
      await this.#journal.transact(() => ({ kind: "batch", entry: fromUtf8(formatEntry(batch)) }));
      made = true;
    }
    for (const batch of this.#journal.book.batches) {
      const isDone = this.#posted.has(batch.signature) || this.#late.has(batch.signature);
      if (isDone || batch.slots.some((slot) => memory.holdsSlot(slot))) continue;
      try {
        await persist("batch", () => server.appendEntry(formatEntry(batch)), { log, signal });
      } catch (error) {
        if (!(error instanceof WireError && error.reason === "wrong-day")) throw error;
        // Its day is over, for the server was away: what it holds travels with the next.
        this.#late.add(batch.signature);
        log.event("batch-late");
        made = true;
        continue;
      }
      this.#posted.add(batch.signature);
      hooks.at("batch-posted");
    }
    return made;
  }

  /** A batch carries the day by which the gate counts: none is made by a clock that the witnesses contradict. */
  #knowsDay(): boolean {
    const { clock, memory } = this.#context;
    const witnessed = memory.view?.checkpoint.time;
    if (witnessed === undefined) return false;
    const now = clock.now();
    return dayOf(now) === dayOf(witnessed) || Math.abs(now - witnessed) <= CHECKPOINT_TOLERANCE;
  }

  /** The commitments of a batch to be made now, none in an empty daily one; null where no batch is due. */
  async #due(): Promise<string[] | null> {
    if (!this.#knowsDay()) return null;
    const batches = this.#journal.book.batches.filter(({ signature }) => !this.#late.has(signature));
    const book = { ...this.#journal.book, batches };
    const pending = pendingSlots(book);
    const isNewDay = dayOf(this.#context.clock.now()) > (book.batches.at(-1)?.day ?? 0);
    if (!isNewDay && !(await this.#mayHurry(pending))) return null;
    return pending.slice(0, BATCH_SLOTS).map(({ slot }) => slot);
  }

  /**
   * Whether what waits allows a batch beside the daily one: where the deployment says so, and in an emergency. Of an
   * order that goes on day by day only the first release hurries: the others would tell for how long it does.
   */
  async #mayHurry(pending: readonly PendingSlot[]): Promise<boolean> {
    if (this.#context.batches === "prompt") return pending.length > 0;
    for (const { order, release } of pending) {
      if (release === 0 && (await this.#isEmergency(order))) return true;
    }
    return false;
  }
}

/** Up to eight commitments and random filler. Sorted, so that a slot's place tells nothing either. */
function makeBatch(
  own: OwnCharter,
  day: DayNumber,
  commitments: readonly string[],
  seed: Uint8Array,
): BatchEntry {
  const filler = Array.from({ length: BATCH_SLOTS - commitments.length }, () =>
    randomBytes(32).toString("hex"),
  );
  const slots = [...commitments, ...filler].sort();
  return signBatch({ type: "keyholder-batch", charter: own.id, keyholder: own.self, day, slots }, seed);
}
