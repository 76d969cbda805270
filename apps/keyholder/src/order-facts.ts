import { type Charter, readSignedDocument } from "@porchlight/charter";
import { type Period, parseJson, utf8 } from "@porchlight/encoding";
import {
  type Approval,
  type GateResult,
  type KeyholderMemory,
  type LabelRequest,
  type LogView,
  type OrderInput,
  passGate,
  type VerifiedDirection,
  type VerifiedOrder,
  type VerifiedOtherSide,
  verifyDirection,
  verifyOrder,
} from "@porchlight/gate";
import type { Clock } from "@porchlight/runtime";
import type { OwnCharter } from "./charters.ts";
import type { LogMemory } from "./log-memory.ts";
import { type KeptOrder, type OrderBook, type OwnIntent, usedBefore } from "./order-book.ts";
import { labelsFor, readOtherSideFor } from "./order-labels.ts";

export type OrderFactsContext = {
  readonly charter: Charter;
  readonly own: OwnCharter;
  readonly clock: Clock;
  readonly memory: Pick<LogMemory, "periodKeys">;
  /** Orders under this keyholder's other charters: a requester's key is used once under all of them. */
  readonly otherBooks: () => Iterable<OrderBook>;
};

/** An order with everything of it verified by this process. */
export type KnownOrder = {
  readonly kept: KeptOrder;
  readonly order: VerifiedOrder;
  readonly directions: readonly VerifiedDirection[];
  readonly otherSides: readonly VerifiedOtherSide[];
  /** Every key that it asks for, as far as known. */
  readonly labels: readonly LabelRequest[];
};

/** What the gate is asked about orders here. Verification costs pairings and signatures: each thing once. */
export class OrderFacts {
  readonly #context: OrderFactsContext;
  readonly #book: () => OrderBook;
  readonly #orders = new Map<string, VerifiedOrder>();
  readonly #known = new Map<string, KnownOrder>();

  constructor(context: OrderFactsContext, book: () => OrderBook) {
    this.#context = context;
    this.#book = book;
  }

  /** The order's documents as this process verified them. Throws GateError. */
  async order({ id, received }: Pick<KeptOrder, "id" | "received">): Promise<VerifiedOrder> {
    const known = this.#orders.get(id);
    if (known !== undefined) return known;
    const { warrant, others } = received;
    const documents = { warrant: utf8(warrant), others: others === null ? null : utf8(others) };
    const order = await verifyOrder(documents, this.#context.charter);
    this.#orders.set(id, order);
    return order;
  }

  /** What was verified when the order came in. */
  keep(id: string, order: VerifiedOrder): void {
    this.#orders.set(id, order);
  }

  async of(kept: KeptOrder): Promise<KnownOrder> {
    const before = this.#known.get(kept.id);
    if (before?.kept === kept) return before;
    const order = await this.order(kept);
    const { further, directed } = kept;
    const otherSides =
      before?.kept.further === further
        ? before.otherSides
        : further.otherSides.map((side) => readOtherSideFor(order, side));
    const directions =
      before?.kept.directed === directed ? before.directions : await this.#directions(kept, order);
    const labels =
      before?.kept.further === further && before.kept.received === kept.received
        ? before.labels
        : labelsFor(
            order,
            kept,
            otherSides.map(({ label }) => label),
          );
    const known = { kept, order, otherSides, directions, labels };
    this.#known.set(kept.id, known);
    return known;
  }

  async #directions(kept: KeptOrder, order: VerifiedOrder): Promise<VerifiedDirection[]> {
    return await Promise.all(
      kept.directed.map(async ({ kind, document }) => {
        const signed = readSignedDocument(parseJson(utf8(document), kind), kind);
        return await verifyDirection(kind, signed, order, kept.commitment);
      }),
    );
  }

  input({ kept, order, directions }: KnownOrder, view: LogView): OrderInput {
    const { opening, index } = kept.received;
    const { clock, memory } = this.#context;
    const noticeKeys = memory.periodKeys;
    return { warrant: order, opening, index, view, directions, noticeKeys, now: clock.now() };
  }

  memory(generations: ReadonlyMap<Period, number>): KeyholderMemory {
    const { own, otherBooks } = this.#context;
    const book = this.#book();
    return {
      keyholder: own.self,
      generations,
      usedRequesterPoints: usedBefore([book, ...otherBooks()]).requesterPoints,
      usedReferences: usedBefore([book]).references,
    };
  }

  /** The whole gate, for a release of these labels. */
  gate(
    known: KnownOrder,
    view: LogView,
    release: {
      readonly labels: readonly LabelRequest[];
      readonly approval: Approval;
      readonly intent: OwnIntent | null;
      readonly generations: ReadonlyMap<Period, number>;
    },
  ): GateResult {
    const { labels, approval, intent, generations } = release;
    const self = { ...this.memory(generations), intent };
    const { otherSides } = known;
    return passGate({ ...this.input(known, view), self, labels, otherSides, approval });
  }
}
