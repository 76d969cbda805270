// What a keyholder knows about orders, as a pure state machine over events that are journalled (KEY-21).
import { type BatchEntry, parseEntry, type SignedDocument } from "@porchlight/charter";
import { type Commitment, type ConversationId, hex, type UnixSeconds, utf8 } from "@porchlight/encoding";
import type { Approval, Intent, Refusal } from "@porchlight/gate";

/** An order as it was handed in; the warrant is the exact text that its issuer signed. */
export type ReceivedOrder = {
  readonly warrant: string;
  /** 32 bytes. */
  readonly opening: Uint8Array;
  readonly index: number;
  readonly conversations: readonly ConversationId[] | null;
};

/** The intent that was committed to: canonical document and the randomness of its slot. */
export type OwnIntent = { readonly document: Intent; readonly random: Uint8Array; readonly slot: string };

/** A signed refusal (BUN-7): by a rule of warrant or gate, or by the operator (KEY-26). */
export type Refused = Pick<Refusal, "rule" | "reason"> & {
  readonly code: string;
  readonly at: UnixSeconds;
  readonly record: SignedDocument;
};

/** Where an order stands. Each state holds what the next step needs, and what must not be made twice. */
type OrderState =
  | { readonly kind: "checking" }
  | { readonly kind: "awaiting-approval" }
  | { readonly kind: "approved"; readonly approval: Approval; readonly intent: OwnIntent }
  | {
      readonly kind: "sealed";
      readonly approval: Approval;
      readonly intent: OwnIntent;
      /** Served once `slot` is in the witnessed log. */
      readonly bundle: Uint8Array;
      readonly slot: string;
    }
  | {
      readonly kind: "released";
      readonly approval: Approval;
      readonly intent: OwnIntent;
      readonly bundle: Uint8Array;
      readonly slot: string;
      readonly at: UnixSeconds;
    }
  | ({ readonly kind: "refused"; readonly by: string | null } & Refused);

export type KeptOrder = {
  readonly id: string;
  readonly received: ReceivedOrder;
  readonly receivedAt: UnixSeconds;
  readonly commitment: Commitment;
  /** Requester point, 96 hex digits, and reference: what may not come with another order. */
  readonly requesterPoint: string;
  readonly reference: string;
  /** Whether the log bore it out: from then on its requester point and reference are used. */
  readonly admitted: boolean;
  readonly state: OrderState;
};

/** A warrant that did not verify: only the refusal is kept. */
type TurnedAway = { readonly id: string; readonly refused: Refused };

export type OrderEvent =
  | ({ readonly kind: "received"; readonly order: string; readonly at: UnixSeconds } & Pick<
      KeptOrder,
      "received" | "commitment" | "requesterPoint" | "reference"
    >)
  | { readonly kind: "turned-away"; readonly order: string; readonly refused: Refused }
  | { readonly kind: "admitted"; readonly order: string }
  | {
      readonly kind: "approved";
      readonly order: string;
      readonly approval: Approval;
      readonly intent: OwnIntent;
    }
  | { readonly kind: "sealed"; readonly order: string; readonly bundle: Uint8Array; readonly slot: string }
  | { readonly kind: "released"; readonly order: string; readonly at: UnixSeconds }
  | {
      readonly kind: "refused";
      readonly order: string;
      readonly refused: Refused;
      readonly by: string | null;
    }
  /** A batch that is to be logged, the same bytes however often that is tried. */
  | { readonly kind: "batch"; readonly entry: string };

export type OrderBook = {
  readonly orders: ReadonlyMap<string, KeptOrder>;
  readonly turnedAway: ReadonlyMap<string, TurnedAway>;
  readonly batches: readonly BatchEntry[];
};

export const EMPTY_BOOK: OrderBook = { orders: new Map(), turnedAway: new Map(), batches: [] };

/** Thrown for an event that the state does not allow: a fault of the program or a damaged journal. */
export class ImpossibleEvent extends Error {
  override readonly name = "ImpossibleEvent";
  constructor(event: OrderEvent["kind"], state: string) {
    super(`${event} in state ${state}`);
  }
}

/** Whether two orders are one: word for word, and at the same place in the log. */
export function isSame(a: ReceivedOrder, b: ReceivedOrder): boolean {
  return (
    a.warrant === b.warrant &&
    hex(a.opening) === hex(b.opening) &&
    a.index === b.index &&
    JSON.stringify(a.conversations) === JSON.stringify(b.conversations)
  );
}

/** Whether an order that was refused may be handed in again: where the log simply did not have it yet. */
export function mayComeAgain(order: KeptOrder): boolean {
  return order.state.kind === "refused" && order.state.code === "not-logged";
}

/** The book after one more event. Throws {@link ImpossibleEvent}. */
export function reduce(book: OrderBook, event: OrderEvent): OrderBook {
  if (event.kind === "batch") return { ...book, batches: [...book.batches, readBatch(event.entry)] };
  if (event.kind === "turned-away") {
    const turnedAway = new Map(book.turnedAway).set(event.order, { id: event.order, refused: event.refused });
    return { ...book, turnedAway };
  }
  const known = book.orders.get(event.order);
  if (event.kind === "received") {
    if (known !== undefined && !mayComeAgain(known)) throw new ImpossibleEvent(event.kind, known.state.kind);
    const { received, commitment, requesterPoint, reference } = event;
    return withOrder(book, {
      id: event.order,
      received,
      receivedAt: event.at,
      commitment,
      requesterPoint,
      reference,
      admitted: false,
      state: { kind: "checking" },
    });
  }
  if (known === undefined) throw new ImpossibleEvent(event.kind, "unknown");
  const { state } = known;
  const refuse = (): never => {
    throw new ImpossibleEvent(event.kind, state.kind);
  };
  switch (event.kind) {
    case "admitted":
      if (state.kind !== "checking") return refuse();
      return withOrder(book, { ...known, admitted: true, state: { kind: "awaiting-approval" } });
    case "approved": {
      if (state.kind !== "awaiting-approval") return refuse();
      const { approval, intent } = event;
      return withOrder(book, { ...known, state: { kind: "approved", approval, intent } });
    }
    case "sealed": {
      if (state.kind !== "approved") return refuse();
      const { bundle, slot } = event;
      return withOrder(book, { ...known, state: { ...state, kind: "sealed", bundle, slot } });
    }
    case "released":
      if (state.kind !== "sealed") return refuse();
      return withOrder(book, { ...known, state: { ...state, kind: "released", at: event.at } });
    case "refused": {
      // What was sealed is as good as released: the slot of the release may be in the log.
      if (state.kind === "sealed" || state.kind === "released" || state.kind === "refused") return refuse();
      const { refused, by } = event;
      return withOrder(book, { ...known, state: { kind: "refused", by, ...refused } });
    }
  }
}

function withOrder(book: OrderBook, order: KeptOrder): OrderBook {
  return { ...book, orders: new Map(book.orders).set(order.id, order) };
}

function readBatch(entry: string): BatchEntry {
  const batch = parseEntry(utf8(entry));
  if (batch.type !== "keyholder-batch") throw new ImpossibleEvent("batch", batch.type);
  return batch;
}

/** Slots that orders wait for and that no batch of the book holds yet. */
export function pendingSlots(book: OrderBook): { readonly order: string; readonly slot: string }[] {
  const batched = new Set(book.batches.flatMap(({ slots }) => slots));
  return [...book.orders.values()].flatMap(({ id, state }) => {
    const slot = state.kind === "approved" ? state.intent.slot : state.kind === "sealed" ? state.slot : null;
    return slot === null || batched.has(slot) ? [] : [{ order: id, slot }];
  });
}

/** Requester points (hex) and references that came with admitted orders, with the order each came with first. */
export function usedBefore(books: Iterable<OrderBook>): {
  readonly requesterPoints: Map<string, Commitment>;
  readonly references: Map<string, Commitment>;
} {
  const requesterPoints = new Map<string, Commitment>();
  const references = new Map<string, Commitment>();
  for (const book of books) {
    for (const { admitted, requesterPoint, reference, commitment } of book.orders.values()) {
      if (!admitted) continue;
      if (!requesterPoints.has(requesterPoint)) requesterPoints.set(requesterPoint, commitment);
      if (!references.has(reference)) references.set(reference, commitment);
    }
  }
  return { requesterPoints, references };
}
