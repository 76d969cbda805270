// An order's way in: from what a requester hands over to the book, to a seat in the waiting room or to a refusal.
import type { Charter } from "@porchlight/charter";
import { type Commitment, dayOf, EncodingError, hex, utf8 } from "@porchlight/encoding";
import {
  checkPlace,
  commitmentOf,
  coreOf,
  GateError,
  type Refused as GateRefused,
  orderIdOf,
  type VerifiedOrder,
  verifyOrder,
} from "@porchlight/gate";
import type { Clock, Logger } from "@porchlight/runtime";
import { KeyholderError, logForked } from "./error.ts";
import type { LogMemory } from "./log-memory.ts";
import { type Answer, answerOf, refusedOrder } from "./order-answer.ts";
import { isSame, mayComeAgain, type OrderBook, type ReceivedOrder, type Refused } from "./order-book.ts";
import type { OrderFacts } from "./order-facts.ts";
import type { Transact } from "./order-journal.ts";
import { labelsFor } from "./order-labels.ts";
import { type RefusalSigner, signRefusal } from "./refusal.ts";
import { type Waiting, WaitingRoom } from "./waiting-room.ts";

/** Refusals of warrants that did not verify, kept a UTC day: anyone can send those. */
const TURNED_AWAY_PER_DAY = 1000;

/** Orders with one warrant that are taken in a UTC day, each with an opening and a place in the log of its own. */
const ORDERS_PER_WARRANT = 8;

export type OrderIntakeContext = RefusalSigner & {
  readonly charter: Charter;
  readonly memory: Pick<LogMemory, "view" | "forked">;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long an order may wait for its place in the log. */
  readonly patienceSeconds: number;
};

/** The book as it stands, and the one way to change it. */
export type OrderIntakeBook = {
  readonly book: OrderBook;
  readonly transact: Transact;
  readonly facts: OrderFacts;
  /** Looks at everything that may go on. */
  readonly wake: () => void;
};

/** Takes orders in under one charter (KEY-21, KEY-23). */
export class OrderIntake {
  readonly #context: OrderIntakeContext;
  readonly #orders: OrderIntakeBook;
  readonly #room = new WaitingRoom();

  constructor(context: OrderIntakeContext, orders: OrderIntakeBook) {
    this.#context = context;
    this.#orders = orders;
  }

  /** Whether any order waits for its place in the log. */
  get isWaiting(): boolean {
    return this.#room.waiting.length > 0;
  }

  /** What is known of an order, `null` where it was never handed in here. */
  answer(id: string): Answer | null {
    const { book } = this.#orders;
    const order = book.orders.get(id);
    if (order !== undefined) return answerOf(order);
    if (this.#room.get(id) !== undefined) return { id, stage: "checking", refused: null, releases: [] };
    const refused = this.#room.refusal(id) ?? book.turnedAway.get(id)?.refused;
    return refused === undefined ? null : refusedOrder(id, refused);
  }

  /**
   * KEY-21: takes an order in. The same order again changes nothing. A warrant that does not verify is answered with a
   * signed refusal, and so is an order that does not stand where it says; one whose place is not witnessed yet waits, and
   * nothing of it is durable (KEY-23). Throws EncodingError for an order that is out of form, KeyholderError
   * "commitment-differs" for another order with the same opening, "busy" when too much came.
   */
  async submit(received: ReceivedOrder): Promise<Answer> {
    const { charter, memory, patienceSeconds } = this.#context;
    const documents = {
      warrant: utf8(received.warrant),
      others: received.others === null ? null : utf8(received.others),
    };
    const id = orderIdOf(received.opening);
    const commitment = commitmentOf(received.opening, coreOf(documents));
    const known = this.#orders.book.orders.get(id);
    if (known !== undefined && isSame(known.received, received) && !mayComeAgain(known)) {
      return answerOf(known);
    }
    let order: VerifiedOrder;
    try {
      order = await verifyOrder(documents, charter);
    } catch (error) {
      if (!(error instanceof GateError)) throw error;
      return await this.#turnAway(id, commitment, error.refusal);
    }
    const { document } = order;
    if ((document.conversations === "all") !== (received.conversations !== null)) {
      throw new EncodingError("missing-field", "order.conversations");
    }
    labelsFor(order, { received, further: { conversations: [], otherSides: [] } }, []);
    const present = this.#orders.book.orders.get(id);
    const before = present === undefined || mayComeAgain(present) ? this.#room.get(id) : present;
    if (before !== undefined) {
      if (isSame(before.received, received)) return this.answer(id) as Answer;
      throw new KeyholderError("commitment-differs", "another order was handed in with the same opening");
    }
    if (memory.forked) throw logForked();
    const waiting = {
      id,
      received,
      order,
      commitment,
      until: performance.now() + 1000 * patienceSeconds,
    };
    const place = this.#placeOf(waiting);
    if (place === "here") await this.#takeIn(waiting);
    else if (place !== "not-yet") return await this.#turnBack(waiting, place);
    else {
      this.#room.add(waiting);
      setTimeout(() => this.#orders.wake(), 1000 * patienceSeconds + 10).unref();
    }
    this.#orders.wake();
    return this.answer(id) as Answer;
  }

  /** Whether the newest view has the order where it says; "not-yet" where it does not reach there. */
  #placeOf({ order, received: { opening, index } }: Waiting): "here" | "not-yet" | GateRefused {
    const { view } = this.#context.memory;
    if (view === null || index >= view.checkpoint.size) return "not-yet";
    const result = checkPlace({ warrant: order, opening, index, view });
    return result.kind === "clear" ? "here" : result;
  }

  /** KEY-21: from here on it is durable. */
  async #takeIn({ id, received, order, commitment }: Waiting): Promise<void> {
    const { clock } = this.#context;
    const { document } = order;
    await this.#orders.transact((book) => {
      const before = book.orders.get(id);
      if (before !== undefined && !mayComeAgain(before)) {
        if (isSame(before.received, received)) return null;
        throw new KeyholderError("commitment-differs", "another order was handed in with the same opening");
      }
      const at = clock.now();
      const today = [...book.orders.values()].filter(
        (one) => one.received.warrant === received.warrant && dayOf(one.receivedAt) === dayOf(at),
      );
      if (today.length >= ORDERS_PER_WARRANT) {
        throw new KeyholderError("busy", "too many orders came with this warrant today: try again tomorrow");
      }
      const requesterPoint = hex(document.requester.point);
      const { reference } = document;
      return {
        kind: "received",
        order: id,
        at,
        received,
        commitment,
        requesterPoint,
        reference,
      };
    });
    this.#orders.facts.keep(id, order);
    this.#room.leave(id);
  }

  /** KEY-23: a signed refusal, kept in memory for who asks. The order may come again. */
  async #turnBack({ id, commitment }: Waiting, refusal: GateRefused): Promise<Answer> {
    const refused = await signRefusal(this.#context, commitment, refusal);
    // Taken in while the record was being signed.
    const kept = this.#orders.book.orders.get(id);
    if (kept !== undefined) return answerOf(kept);
    this.#room.refuse(id, refused);
    this.#context.log.event("order-turned-back", { code: refusal.code });
    return refusedOrder(id, refused);
  }

  /** Looks after the orders that wait for their place in the log. */
  async look(): Promise<void> {
    const { view } = this.#context.memory;
    if (view === null) return;
    for (const waiting of this.#room.waiting) {
      const place = this.#placeOf(waiting);
      if (place === "here") {
        try {
          await this.#takeIn(waiting);
        } finally {
          this.#room.leave(waiting.id);
        }
      } else if (place !== "not-yet") await this.#turnBack(waiting, place);
      else if (performance.now() >= waiting.until) {
        const { opening, index } = waiting.received;
        // Beyond the view nothing stands, and that is what the record says.
        const result = checkPlace({ warrant: waiting.order, opening, index, view });
        if (result.kind === "refused") await this.#turnBack(waiting, result);
      }
    }
  }

  async #turnAway(
    id: string,
    commitment: Commitment,
    refusal: Pick<Refused, "rule" | "code" | "reason">,
  ): Promise<Answer> {
    const refused = await signRefusal(this.#context, commitment, refusal);
    await this.#orders.transact((book) => {
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
    return refusedOrder(id, refused);
  }
}
