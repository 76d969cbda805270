import { asName, type Charter } from "@porchlight/charter";
import type { SecretStore } from "@porchlight/durable";
import { type Commitment, dayOf, EncodingError, hex, type Period, utf8 } from "@porchlight/encoding";
import {
  type Approval,
  checkOrder,
  commitmentOf,
  GateError,
  type GateResult,
  type KeyholderMemory,
  type LogView,
  type OrderInput,
  orderIdOf,
  passGate,
  type VerifiedWarrant,
  verifyWarrant,
} from "@porchlight/gate";
import type { Clock, Logger } from "@porchlight/runtime";
import type { ServerClient } from "@porchlight/wire";
import { Batches } from "./batch.ts";
import type { OwnCharter } from "./charters.ts";
import { KeyholderError } from "./error.ts";
import type { Hooks } from "./hooks.ts";
import type { Identity } from "./identity.ts";
import { labelsFor, makeIntent } from "./intent.ts";
import type { LogMemory } from "./log-memory.ts";
import {
  isSame,
  type KeptOrder,
  mayComeAgain,
  type OrderBook,
  type OrderEvent,
  type OwnIntent,
  type ReceivedOrder,
  type Refused,
  usedBefore,
} from "./order-book.ts";
import { OrderJournal } from "./order-journal.ts";
import { signRefusal } from "./refusal.ts";
import { makeRelease } from "./release.ts";
import type { Shares } from "./shares.ts";

/** Refusals of warrants that did not verify, kept a UTC day: anyone can send those. */
const TURNED_AWAY_PER_DAY = 1000;

export type OrderDeskContext = {
  readonly charter: Charter;
  readonly own: OwnCharter;
  readonly identity: Identity;
  readonly memory: LogMemory;
  readonly shares: Shares;
  readonly secrets: SecretStore;
  readonly server: ServerClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly hooks: Hooks;
  readonly signal: AbortSignal;
  readonly batches: "daily" | "prompt";
  readonly patienceSeconds: number;
  /** The share generation held of each period. */
  readonly generations: () => Promise<Map<Period, number>>;
  /** Orders under this keyholder's other charters: a requester's key is used once under all of them. */
  readonly otherBooks: () => Iterable<OrderBook>;
};

export type Answer = { readonly id: string; readonly state: KeptOrder["state"] | TurnedAwayState };
type TurnedAwayState = { readonly kind: "refused"; readonly by: null } & Refused;

/** Takes orders under one charter from their receipt to the release or the refusal (KEY-21 to KEY-30). */
export class OrderDesk {
  readonly #context: OrderDeskContext;
  readonly #journal: OrderJournal;
  readonly #batches: Batches;
  readonly #warrants = new Map<string, VerifiedWarrant>();
  readonly #patience = new Map<string, number>();
  #working: Promise<void> | null = null;
  #again = false;
  #isBeat = false;
  #unsubscribe: (() => void) | null = null;

  private constructor(context: OrderDeskContext, journal: OrderJournal) {
    this.#context = context;
    this.#journal = journal;
    const isEmergency = async (id: string): Promise<boolean> => (await this.warrant(id)).document.emergency;
    this.#batches = new Batches(context, journal, isEmergency);
  }

  /** Takes up what the journal says. Throws DurableError, EncodingError or ImpossibleEvent where it is damaged. */
  static async open(context: OrderDeskContext, directory: string): Promise<OrderDesk> {
    const desk = new OrderDesk(context, await OrderJournal.open(directory, context));
    desk.wake();
    return desk;
  }

  get book(): OrderBook {
    return this.#journal.book;
  }

  /** What is known of an order, `null` where it was never handed in here. */
  answer(id: string): Answer | null {
    const order = this.book.orders.get(id);
    if (order !== undefined) return { id, state: order.state };
    const turnedAway = this.book.turnedAway.get(id);
    return turnedAway === undefined
      ? null
      : { id, state: { kind: "refused", by: null, ...turnedAway.refused } };
  }

  /** The warrant of an order as this process verified it. Throws KeyholderError "order-unknown". */
  async warrant(id: string): Promise<VerifiedWarrant> {
    const order = this.#order(id);
    const known = this.#warrants.get(id);
    if (known !== undefined) return known;
    const warrant = await verifyWarrant(utf8(order.received.warrant), this.#context.charter);
    this.#warrants.set(id, warrant);
    return warrant;
  }

  /**
   * KEY-21: takes an order in. The same order again changes nothing. A warrant that does not verify is answered with a
   * signed refusal; so is one whose opening belongs to another order. Throws EncodingError for an order that is out of
   * form, KeyholderError "busy" when too much junk came today.
   */
  async submit(received: ReceivedOrder): Promise<Answer> {
    const { charter, clock } = this.#context;
    const bytes = utf8(received.warrant);
    const id = orderIdOf(received.opening);
    const commitment = commitmentOf(received.opening, bytes);
    const known = this.book.orders.get(id);
    if (known !== undefined && isSame(known.received, received) && !mayComeAgain(known)) {
      return { id, state: known.state };
    }
    let warrant: VerifiedWarrant;
    try {
      warrant = await verifyWarrant(bytes, charter);
    } catch (error) {
      if (!(error instanceof GateError)) throw error;
      return await this.#turnAway(id, commitment, error.refusal);
    }
    const { document } = warrant;
    if ((document.conversations === "all") !== (received.conversations !== null)) {
      throw new EncodingError("missing-field", "order.conversations");
    }
    labelsFor(warrant, received);
    await this.#transact((book) => {
      const before = book.orders.get(id);
      if (before !== undefined && !mayComeAgain(before)) {
        if (isSame(before.received, received)) return null;
        throw new KeyholderError("commitment-differs", "another order was handed in with the same opening");
      }
      const requesterPoint = hex(document.requester.point);
      const { reference } = document;
      return {
        kind: "received",
        order: id,
        at: clock.now(),
        received,
        commitment,
        requesterPoint,
        reference,
      };
    });
    this.#warrants.set(id, warrant);
    this.#patience.delete(id);
    this.wake();
    return { id, state: this.#order(id).state };
  }

  /**
   * KEY-24: a person's decision to carry an order out. `commitment` is what that person was shown. Whatever would refuse
   * the release now refuses the order instead. Throws KeyholderError "order-unknown", "order-not-awaiting-approval",
   * "commitment-differs", "approver-missing", or "busy" where the log does not allow a decision at the moment.
   */
  async approve(id: string, commitment: string, by: string): Promise<Answer> {
    this.#order(id);
    const approver = readApprover(by);
    const warrant = await this.warrant(id);
    await this.#lookAtLog();
    const generations = await this.#context.generations();
    const found: { refusal: Exclude<GateResult, { kind: "passed" }> | null } = { refusal: null };
    await this.#transact((book) => {
      const order = awaiting(book, id);
      if (order.commitment !== commitment) {
        throw new KeyholderError(
          "commitment-differs",
          "this is not the order that was shown: look at it again",
        );
      }
      const { own, clock, memory, hooks } = this.#context;
      const { view } = memory;
      if (view === null) throw new KeyholderError("busy", "the log has not been read yet: try again");
      const at = clock.now();
      const approval: Approval = { keyholder: own.self, commitment: order.commitment, at, by: approver };
      const result = this.#gate(order, warrant, view, generations, approval, null);
      // Without an intent nothing passes; that the intent is all that is missing is what is asked here.
      if (result.kind === "passed" || result.code !== "intent-not-logged") {
        if (result.kind === "refused" && !result.waits) {
          found.refusal = result;
          return null;
        }
        throw new KeyholderError("busy", result.kind === "refused" ? result.reason : "the gate is broken");
      }
      const labels = labelsFor(warrant, order.received);
      const intent = makeIntent(own, order.commitment, labels, generations, at);
      hooks.at("approval-unjournalled");
      return { kind: "approved", order: id, approval, intent };
    });
    if (found.refusal !== null) await this.#refuse(id, found.refusal, null);
    this.wake();
    return { id, state: this.#order(id).state };
  }

  /** KEY-26: a person's decision not to carry it out, which is as final and as public to the court as a rule's. */
  async decline(id: string, by: string, reason: string): Promise<Answer> {
    const approver = readApprover(by);
    awaiting(this.book, id);
    const refusal = { rule: "KEY-26", code: "declined", reason: asName(reason, "reason", 1000) };
    await this.#refuse(id, refusal, approver);
    return { id, state: this.#order(id).state };
  }

  /** The clock has moved on: also orders that await a person may have expired or been revoked. */
  beat(): void {
    this.#isBeat = true;
    this.wake();
  }

  /** Looks at everything that may go on: after a command, and after news in the log. */
  wake(): void {
    this.#again = true;
    if (this.#working !== null || this.#context.signal.aborted) return;
    this.#working = this.#work().finally(() => {
      this.#working = null;
      if (this.#again) this.wake();
    });
  }

  /** Ends what is under way. */
  async close(): Promise<void> {
    this.#unsubscribe?.();
    await this.#working;
    await this.#journal.close();
  }

  async #work(): Promise<void> {
    const { signal, log } = this.#context;
    while (this.#again && !signal.aborted) {
      this.#again = false;
      const isBeat = this.#isBeat;
      this.#isBeat = false;
      for (const [id, { state }] of this.book.orders) {
        // An approval asks the gate again itself; until then nothing hangs on these.
        if (state.kind === "awaiting-approval" && !isBeat) continue;
        try {
          await this.#advance(id);
        } catch (error) {
          if (!signal.aborted) log.failure("order-failed", error);
        }
      }
      try {
        if (await this.#batches.publish()) this.#again = true;
      } catch (error) {
        if (!signal.aborted) log.failure("batch-failed", error);
      }
    }
    this.#followWhileNeeded();
  }

  #followWhileNeeded(): void {
    const waiting = [...this.book.orders.values()].some(({ state }) =>
      ["checking", "approved", "sealed"].includes(state.kind),
    );
    if (waiting && !this.#context.signal.aborted)
      this.#unsubscribe ??= this.#context.memory.subscribe(() => this.wake());
    else {
      this.#unsubscribe?.();
      this.#unsubscribe = null;
    }
  }

  async #advance(id: string): Promise<void> {
    const order = this.#order(id);
    const { memory, clock } = this.#context;
    const { view } = memory;
    if (view === null) return;
    switch (order.state.kind) {
      case "released":
      case "refused":
        return;
      case "checking":
      case "awaiting-approval": {
        const { received } = order;
        // The gate would say the same, after verifying seven cosignatures.
        if (received.index >= view.checkpoint.size && !this.#isOutOfPatience(order, view)) return;
        const warrant = await this.warrant(id);
        const self = this.#memory(await this.#context.generations());
        const result = checkOrder({ ...this.#input(order, warrant, view), self });
        if (result.kind === "clear") {
          if (order.state.kind === "checking") await this.#transact(() => ({ kind: "admitted", order: id }));
        } else if (!result.waits || (result.code === "not-logged" && this.#isOutOfPatience(order, view))) {
          await this.#refuse(id, result, null);
        }
        return;
      }
      case "approved": {
        const { approval, intent } = order.state;
        // As above: "intent-not-logged", and nothing else of interest before it is.
        if (!memory.holdsSlot(intent.slot)) return;
        const warrant = await this.warrant(id);
        const generations = await this.#context.generations();
        const result = this.#gate(order, warrant, view, generations, approval, intent);
        if (result.kind === "refused") {
          if (!result.waits) await this.#refuse(id, result, null);
          return;
        }
        const { bundle, slot } = await makeRelease(result.grant, this.#context);
        this.#context.hooks.at("release-unjournalled");
        await this.#transact(() => ({ kind: "sealed", order: id, bundle, slot }));
        return;
      }
      case "sealed":
        if (memory.holdsSlot(order.state.slot)) {
          await this.#transact(() => ({ kind: "released", order: id, at: clock.now() }));
        }
    }
  }

  #gate(
    order: KeptOrder,
    warrant: VerifiedWarrant,
    view: LogView,
    generations: ReadonlyMap<Period, number>,
    approval: Approval,
    intent: OwnIntent | null,
  ): GateResult {
    const labels = labelsFor(warrant, order.received);
    const self = { ...this.#memory(generations), intent };
    return passGate({ ...this.#input(order, warrant, view), self, labels, approval });
  }

  #input({ received }: KeptOrder, warrant: VerifiedWarrant, view: LogView): OrderInput {
    const { opening, index } = received;
    return { warrant, opening, index, view, now: this.#context.clock.now() };
  }

  #memory(generations: ReadonlyMap<Period, number>): KeyholderMemory {
    const { own, otherBooks } = this.#context;
    return {
      keyholder: own.self,
      generations,
      usedRequesterPoints: usedBefore([this.book, ...otherBooks()]).requesterPoints,
      usedReferences: usedBefore([this.book]).references,
    };
  }

  /**
   * KEY-23: the entry can no longer be where the order says: the witnessed log already goes beyond that place, or it has
   * not come near it for a while.
   */
  #isOutOfPatience({ id, received }: KeptOrder, view: LogView): boolean {
    if (received.index < view.checkpoint.size) return true;
    const now = performance.now();
    const until = this.#patience.get(id);
    if (until !== undefined) return now >= until;
    const patience = 1000 * this.#context.patienceSeconds;
    this.#patience.set(id, now + patience);
    setTimeout(() => this.wake(), patience + 10).unref();
    return false;
  }

  async #turnAway(
    id: string,
    commitment: Commitment,
    refusal: Pick<Refused, "rule" | "code" | "reason">,
  ): Promise<Answer> {
    const refused = await signRefusal(this.#context, commitment, refusal);
    await this.#transact((book) => {
      // Who knows an order's opening could otherwise hide its refusal or release behind junk.
      if (book.orders.has(id)) return null;
      const today = [...book.turnedAway.values()].filter(
        ({ refused: { at } }) => dayOf(at) === dayOf(refused.at),
      );
      if (today.length >= TURNED_AWAY_PER_DAY) {
        throw new KeyholderError("busy", "too many orders were refused today: try again tomorrow");
      }
      return { kind: "turned-away", order: id, refused };
    });
    this.#context.log.event("order-turned-away", { code: refusal.code });
    return { id, state: { kind: "refused", by: null, ...refused } };
  }

  async #refuse(
    id: string,
    refusal: Pick<Refused, "rule" | "code" | "reason">,
    by: string | null,
  ): Promise<void> {
    const refused = await signRefusal(this.#context, this.#order(id).commitment, refusal);
    await this.#transact((book) => {
      const state = book.orders.get(id)?.state.kind;
      // Decided otherwise while the record was being signed.
      if (state === "sealed" || state === "released" || state === "refused") return null;
      return { kind: "refused", order: id, refused, by };
    });
    this.#context.log.event("order-refused", { code: refusal.code });
  }

  async #transact(decide: (book: OrderBook) => OrderEvent | null): Promise<void> {
    if (await this.#journal.transact(decide)) this.#again = true;
  }

  #order(id: string): KeptOrder {
    const order = this.book.orders.get(id);
    if (order === undefined) throw new KeyholderError("order-unknown", "no such order was handed in here");
    return order;
  }

  /** A fresh look, where the server can be reached; where not, the gate finds the checkpoint stale soon enough. */
  async #lookAtLog(): Promise<void> {
    try {
      await this.#context.memory.refreshTo(0, 5);
    } catch (error) {
      this.#context.log.failure("log-unavailable", error);
    }
  }
}

function awaiting(book: OrderBook, id: string): KeptOrder {
  const order = book.orders.get(id);
  if (order === undefined) throw new KeyholderError("order-unknown", "no such order was handed in here");
  if (order.state.kind !== "awaiting-approval") {
    throw new KeyholderError(
      "order-not-awaiting-approval",
      `the order is not awaiting approval: it is ${order.state.kind}`,
    );
  }
  return order;
}

function readApprover(by: string): string {
  try {
    return asName(by, "approver");
  } catch (cause) {
    throw new KeyholderError("approver-missing", "name the person who decides", { cause });
  }
}
