import { randomBytes } from "node:crypto";
import { BATCH_SLOTS, type BatchEntry, formatEntry, signBatch } from "@porchlight/charter";
import { type DayNumber, dayOf, fromUtf8 } from "@porchlight/encoding";
import type { Clock, Logger } from "@porchlight/runtime";
import type { ServerClient } from "@porchlight/wire";
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

  constructor(
    context: BatchContext,
    journal: OrderJournal,
    isEmergency: (order: string) => Promise<boolean>,
  ) {
    this.#context = context;
    this.#journal = journal;
    this.#isEmergency = isEmergency;
  }

  /** Makes the batch that is due, durably, and posts what is not in the log yet. Resolves with whether one was made. */
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
      if (this.#posted.has(batch.signature) || memory.holdsSlot(batch.slots[0] as string)) continue;
      await persist("batch", () => server.appendEntry(formatEntry(batch)), { log, signal });
      this.#posted.add(batch.signature);
      hooks.at("batch-posted");
    }
    return made;
  }

  /** The commitments of a batch to be made now, none in an empty daily one; null where no batch is due. */
  async #due(): Promise<string[] | null> {
    const { book } = this.#journal;
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
