// An order's course here once it is in the book: from the gate's first answer to the release or the refusal.
import { dayOf, type Period } from "@porchlight/encoding";
import { checkOrder, type Refused as GateRefused, type LogView } from "@porchlight/gate";
import type { Clock, Logger } from "@porchlight/runtime";
import type { OwnCharter } from "./charters.ts";
import type { Hooks } from "./hooks.ts";
import { makeIntent } from "./intent.ts";
import type { LogMemory } from "./log-memory.ts";
import type { OrderBook, Refused } from "./order-book.ts";
import type { OrderFacts } from "./order-facts.ts";
import { orderOf, type Transact } from "./order-journal.ts";
import { dueLabels, goesOn } from "./order-labels.ts";
import type { Pause } from "./pause.ts";
import { type RefusalSigner, signRefusal } from "./refusal.ts";
import { makeRelease, type ReleaseContext } from "./release.ts";

export type OrderCourseContext = RefusalSigner &
  ReleaseContext & {
    readonly own: OwnCharter;
    readonly memory: LogMemory;
    readonly clock: Clock;
    readonly log: Logger;
    readonly hooks: Hooks;
    readonly signal: AbortSignal;
    /** The share generation held of each period. */
    readonly generations: () => Promise<Map<Period, number>>;
    readonly pause: Pick<Pause, "paused">;
  };

/** The book as it stands, and the one way to change it. */
export type OrderCourseBook = {
  readonly book: OrderBook;
  readonly transact: Transact;
  readonly facts: OrderFacts;
};

/** Takes orders of the book on (KEY-24 to KEY-30), a step at a time. */
export class OrderCourse {
  readonly #context: OrderCourseContext;
  readonly #orders: OrderCourseBook;

  constructor(context: OrderCourseContext, orders: OrderCourseBook) {
    this.#context = context;
    this.#orders = orders;
  }

  /** One step of an order, if it has one. On a beat also what only the clock asks for. */
  async advance(id: string, isBeat: boolean): Promise<void> {
    const { view } = this.#context.memory;
    if (view === null) return;
    // KEY-34. What was sealed before has been used already, and its slot goes into the log.
    const isPaused = this.#context.pause.paused !== null;
    const { state, releases } = orderOf(this.#orders.book, id);
    for (const [release, { kind }] of releases.entries()) {
      if (kind === "sealed") await this.#finish(id, release);
      else if (kind === "intended" && state.kind === "approved" && !isPaused)
        await this.#seal(id, release, view);
    }
    switch (orderOf(this.#orders.book, id).state.kind) {
      case "refused":
        return;
      case "checking":
      case "awaiting-approval":
        return await this.#check(id, view);
      case "approved":
        return isPaused ? undefined : await this.#intend(id, view, isBeat);
    }
  }

  async #check(id: string, view: LogView): Promise<void> {
    const kept = orderOf(this.#orders.book, id);
    // The gate would say the same, after verifying seven cosignatures.
    if (kept.received.index >= view.checkpoint.size) return;
    const known = await this.#orders.facts.of(kept);
    const self = this.#orders.facts.memory(await this.#context.generations());
    const result = checkOrder({ ...this.#orders.facts.input(known, view), self });
    if (result.kind === "clear") {
      if (kept.state.kind === "checking")
        await this.#orders.transact(() => ({ kind: "admitted", order: id }));
    } else if (!result.waits || result.code === "not-logged") {
      await this.refuse(id, result, null);
    }
  }

  /**
   * KEY-25: an intent for what has become due. The gate is asked beforehand, so that none is logged for what it would
   * refuse: that the intent is missing must be all that it says. An order that goes on is looked at on every beat, since
   * it may have expired or been revoked.
   */
  async #intend(id: string, view: LogView, isBeat: boolean): Promise<void> {
    const known = await this.#known(id);
    const { kept, order, labels } = known;
    if (kept.state.kind !== "approved") return;
    const { approval } = kept.state;
    const today = dayOf(view.checkpoint.time);
    const due = dueLabels(labels, order, kept, today);
    const generations = await this.#context.generations();
    if (due.length === 0) {
      if (!isBeat || !goesOn(order, today)) return;
      const self = this.#orders.facts.memory(generations);
      const result = checkOrder({ ...this.#orders.facts.input(known, view), self });
      if (result.kind === "refused" && !result.waits) await this.refuse(id, result, null);
      return;
    }
    const result = this.#orders.facts.gate(known, view, { labels: due, approval, intent: null, generations });
    if (result.kind === "refused" && result.code !== "intent-not-logged") {
      if (!result.waits) await this.refuse(id, result, null);
      return;
    }
    const { own, clock, hooks } = this.#context;
    const intent = makeIntent(own, kept.commitment, due, generations, clock.now());
    if (result.kind === "passed" || intent === null) throw new Error("the gate let pass what has no intent");
    hooks.at("intent-unjournalled");
    await this.#orders.transact((book) => {
      const now = book.orders.get(id);
      if (now?.state.kind !== "approved" || now.releases.length !== kept.releases.length) return null;
      return { kind: "intended", order: id, release: kept.releases.length, intent, labels: due };
    });
  }

  /** The gate on the view that covers the intent, and the bundle of its grant. */
  async #seal(id: string, release: number, view: LogView): Promise<void> {
    const known = await this.#known(id);
    const { state, releases } = known.kept;
    const intended = releases[release];
    if (state.kind !== "approved" || intended?.kind !== "intended") return;
    const { intent, labels } = intended;
    // "intent-not-logged", and nothing else of interest before it is.
    if (!this.#context.memory.holdsSlot(intent.slot)) return;
    const generations = await this.#context.generations();
    const { approval } = state;
    const result = this.#orders.facts.gate(known, view, { labels, approval, intent, generations });
    if (result.kind === "refused") {
      if (!result.waits) await this.refuse(id, result, null);
      return;
    }
    const made = await makeRelease(result.grant, this.#context);
    if (made === null) return;
    this.#context.hooks.at("release-unjournalled");
    // That took its time, and what was made is still nobody's: asked once more, on the newest view.
    await this.lookAtLog();
    const stands = await this.#known(id);
    const held = await this.#context.generations();
    const found: { refusal: GateRefused | null } = { refusal: null };
    await this.#orders.transact((book) => {
      const { memory, pause, signal } = this.#context;
      const { view: newest } = memory;
      // Also where a direction of the issuer came in between: the next round knows it.
      if (newest === null || pause.paused !== null || signal.aborted) return null;
      if (book.orders.get(id) !== stands.kept) return null;
      const again = this.#orders.facts.gate(stands, newest, { labels, approval, intent, generations: held });
      if (again.kind === "passed") return { kind: "sealed", order: id, release, ...made };
      found.refusal = again;
      return null;
    });
    if (found.refusal !== null && !found.refusal.waits) await this.refuse(id, found.refusal, null);
  }

  async #finish(id: string, release: number): Promise<void> {
    const sealed = orderOf(this.#orders.book, id).releases[release];
    const { memory, clock } = this.#context;
    if (sealed?.kind !== "sealed" || !memory.holdsSlot(sealed.slot)) return;
    await this.#orders.transact(() => ({ kind: "released", order: id, release, at: clock.now() }));
  }

  /** KEY-26: a signed refusal, for good. `by`: the person who decided, where one did. */
  async refuse(
    id: string,
    refusal: Pick<Refused, "rule" | "code" | "reason">,
    by: string | null,
  ): Promise<void> {
    const refused = await signRefusal(this.#context, orderOf(this.#orders.book, id).commitment, refusal);
    await this.#orders.transact((book) => {
      // Decided otherwise while the record was being signed.
      if (book.orders.get(id)?.state.kind === "refused") return null;
      return { kind: "refused", order: id, refused, by };
    });
    this.#context.log.event("order-refused", { code: refusal.code });
  }

  /** A fresh look, where the server can be reached; where not, the gate finds the checkpoint stale soon enough. */
  async lookAtLog(): Promise<void> {
    try {
      await this.#context.memory.refreshTo(0, 5);
    } catch (error) {
      this.#context.log.failure("log-unavailable", error);
    }
  }

  async #known(id: string) {
    return await this.#orders.facts.of(orderOf(this.#orders.book, id));
  }
}
