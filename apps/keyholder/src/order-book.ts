// What a keyholder knows about orders, as a pure state machine over events that are journalled (KEY-21).
import { type BatchEntry, type DirectionEntry, parseEntry, type SignedDocument } from "@porchlight/charter";
import { type Commitment, type ConversationId, hex, type UnixSeconds, utf8 } from "@porchlight/encoding";
import type { Approval, Further, Intent, LabelRequest, Refusal } from "@porchlight/gate";

/** An order as it was handed in; its documents are the exact texts that were signed. */
export type ReceivedOrder = {
  readonly warrant: string;
  /** Of an order over both sides: the provider's statement of the further accounts. */
  readonly others: string | null;
  /** 32 bytes. */
  readonly opening: Uint8Array;
  readonly index: number;
  readonly conversations: readonly ConversationId[] | null;
};

/** What the issuer said later, and counted when it was seen in the witnessed log (KEY-33). */
type Directed = { readonly kind: DirectionEntry["type"]; readonly document: string };

/** What the issuer said later and what does not count here for good: the record for the court beside it (KEY-33). */
type RefusedDirection = Directed & {
  /** Where the log has it. */
  readonly index: number;
  readonly refused: Refused;
};

/** The intent that was committed to: canonical document and the randomness of its slot. */
export type OwnIntent = { readonly document: Intent; readonly random: Uint8Array; readonly slot: string };

/** A signed refusal (BUN-7): by a rule of warrant or gate, or by the operator (KEY-26). */
export type Refused = Pick<Refusal, "rule" | "reason"> & {
  readonly code: string;
  readonly at: UnixSeconds;
  readonly record: SignedDocument;
};

/** One intent and what follows from it. A sealed bundle is served once `slot` is in the witnessed log. */
export type Release = {
  readonly labels: readonly LabelRequest[];
  readonly intent: OwnIntent;
} & (
  | { readonly kind: "intended" }
  | { readonly kind: "sealed"; readonly bundle: Uint8Array; readonly slot: string }
  | {
      readonly kind: "released";
      readonly bundle: Uint8Array;
      readonly slot: string;
      readonly at: UnixSeconds;
    }
);

/** Where an order stands. Each state holds what the next step needs, and what must not be made twice. */
type OrderState =
  | { readonly kind: "checking" }
  | { readonly kind: "awaiting-approval" }
  | { readonly kind: "approved"; readonly approval: Approval }
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
  readonly further: Further;
  readonly directed: readonly Directed[];
  readonly refusedDirections: readonly RefusedDirection[];
  readonly state: OrderState;
  /** In the order of their intents; what is sealed stays, whatever becomes of the order. */
  readonly releases: readonly Release[];
};

/** A warrant that did not verify: only the refusal is kept. */
type TurnedAway = { readonly id: string; readonly refused: Refused };

export type OrderEvent =
  | ({ readonly kind: "received"; readonly order: string; readonly at: UnixSeconds } & Pick<
      KeptOrder,
      "received" | "commitment" | "requesterPoint" | "reference"
    >)
  | { readonly kind: "turned-away"; readonly order: string; readonly refused: Refused }
  | { readonly kind: "further"; readonly order: string; readonly further: Further }
  | { readonly kind: "directed"; readonly order: string; readonly directed: Directed }
  | {
      readonly kind: "direction-refused";
      readonly order: string;
      readonly direction: RefusedDirection;
    }
  | { readonly kind: "admitted"; readonly order: string }
  | { readonly kind: "approved"; readonly order: string; readonly approval: Approval }
  | {
      readonly kind: "intended";
      readonly order: string;
      readonly release: number;
      readonly intent: OwnIntent;
      readonly labels: readonly LabelRequest[];
    }
  | {
      readonly kind: "sealed";
      readonly order: string;
      readonly release: number;
      readonly bundle: Uint8Array;
      readonly slot: string;
    }
  | {
      readonly kind: "released";
      readonly order: string;
      readonly release: number;
      readonly at: UnixSeconds;
    }
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

/** The book in the hands of who writes it. */
export type WritableBook = {
  readonly orders: Map<string, KeptOrder>;
  readonly turnedAway: Map<string, TurnedAway>;
  readonly batches: BatchEntry[];
};

/** What one event makes of a book. */
type BookChange =
  | { readonly kind: "order"; readonly order: KeptOrder }
  | { readonly kind: "turned-away"; readonly turnedAway: TurnedAway }
  | { readonly kind: "batch"; readonly batch: BatchEntry };

export function emptyBook(): WritableBook {
  return { orders: new Map(), turnedAway: new Map(), batches: [] };
}

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
    a.others === b.others &&
    hex(a.opening) === hex(b.opening) &&
    a.index === b.index &&
    JSON.stringify(a.conversations) === JSON.stringify(b.conversations)
  );
}

/** Whether an order that was refused may be handed in again: where the log simply did not have it yet. */
export function mayComeAgain(order: KeptOrder): boolean {
  return order.state.kind === "refused" && order.state.code === "not-logged";
}

/** Where an order stands with its releases in one word, for people and programs outside (KEY-28). */
export function stageOf({ state, releases }: Pick<KeptOrder, "state" | "releases">): Stage {
  if (state.kind !== "approved") return state.kind;
  if (releases.length === 0 || releases.some(({ kind }) => kind === "intended")) return "approved";
  return releases.some(({ kind }) => kind === "sealed") ? "sealed" : "released";
}
export type Stage = OrderState["kind"] | "sealed" | "released";

/** What an event changes, which is left to {@link write} until it is durable. Throws {@link ImpossibleEvent}. */
export function changeOf(book: OrderBook, event: OrderEvent): BookChange {
  if (event.kind === "batch") return { kind: "batch", batch: readBatch(event.entry) };
  if (event.kind === "turned-away") {
    return { kind: "turned-away", turnedAway: { id: event.order, refused: event.refused } };
  }
  return { kind: "order", order: orderAfter(book, event) };
}

/** In place: what an event costs does not grow with the number of orders that there ever were. */
export function write(book: WritableBook, change: BookChange): void {
  switch (change.kind) {
    case "order":
      book.orders.set(change.order.id, change.order);
      return;
    case "turned-away":
      book.turnedAway.set(change.turnedAway.id, change.turnedAway);
      return;
    case "batch":
      book.batches.push(change.batch);
  }
}

function orderAfter(
  book: OrderBook,
  event: Exclude<OrderEvent, { kind: "batch" | "turned-away" }>,
): KeptOrder {
  const known = book.orders.get(event.order);
  if (event.kind === "received") {
    if (known !== undefined && !mayComeAgain(known)) throw new ImpossibleEvent(event.kind, known.state.kind);
    const { received, commitment, requesterPoint, reference } = event;
    return {
      id: event.order,
      received,
      receivedAt: event.at,
      commitment,
      requesterPoint,
      reference,
      admitted: false,
      further: { conversations: [], otherSides: [] },
      directed: [],
      refusedDirections: [],
      state: { kind: "checking" },
      releases: [],
    };
  }
  if (known === undefined) throw new ImpossibleEvent(event.kind, "unknown");
  return next(known, event);
}

function next(
  known: KeptOrder,
  event: Exclude<OrderEvent, { kind: "batch" | "turned-away" | "received" }>,
): KeptOrder {
  const { state } = known;
  const refuse = (): never => {
    throw new ImpossibleEvent(event.kind, state.kind);
  };
  switch (event.kind) {
    case "further": {
      if (state.kind === "refused") return refuse();
      const conversations = [...known.further.conversations, ...event.further.conversations];
      const otherSides = [...known.further.otherSides, ...event.further.otherSides];
      return { ...known, further: { conversations, otherSides } };
    }
    case "directed":
      return { ...known, directed: [...known.directed, event.directed] };
    case "direction-refused":
      return { ...known, refusedDirections: [...known.refusedDirections, event.direction] };
    case "admitted":
      if (state.kind !== "checking") return refuse();
      return { ...known, admitted: true, state: { kind: "awaiting-approval" } };
    case "approved":
      if (state.kind !== "awaiting-approval") return refuse();
      return { ...known, state: { kind: "approved", approval: event.approval } };
    case "intended": {
      if (state.kind !== "approved" || event.release !== known.releases.length) return refuse();
      const { intent, labels } = event;
      return { ...known, releases: [...known.releases, { kind: "intended", intent, labels }] };
    }
    case "sealed": {
      const release = known.releases[event.release];
      if (state.kind !== "approved" || release?.kind !== "intended") return refuse();
      const { bundle, slot } = event;
      return withRelease(known, event.release, { ...release, kind: "sealed", bundle, slot });
    }
    case "released": {
      // What was sealed is as good as released, whatever became of the order: its slot may be in the log.
      const release = known.releases[event.release];
      if (release?.kind !== "sealed") return refuse();
      return withRelease(known, event.release, { ...release, kind: "released", at: event.at });
    }
    case "refused": {
      if (state.kind === "refused") return refuse();
      const { refused, by } = event;
      return { ...known, state: { kind: "refused", by, ...refused } };
    }
  }
}

function withRelease(order: KeptOrder, position: number, release: Release): KeptOrder {
  return { ...order, releases: order.releases.with(position, release) };
}

function readBatch(entry: string): BatchEntry {
  const batch = parseEntry(utf8(entry));
  if (batch.type !== "keyholder-batch") throw new ImpossibleEvent("batch", batch.type);
  return batch;
}

/** A slot that has to get into the log, and which of an order's releases waits for it. */
export type PendingSlot = { readonly order: string; readonly release: number; readonly slot: string };

/** Slots that orders wait for and that no batch of the book holds yet. An intent of a refused order is not one. */
export function pendingSlots(book: OrderBook): PendingSlot[] {
  const batched = new Set(book.batches.flatMap(({ slots }) => slots));
  return [...book.orders.values()].flatMap(({ id, state, releases }) =>
    releases.flatMap((one, release) => {
      if (one.kind === "released" || (one.kind === "intended" && state.kind === "refused")) return [];
      const slot = one.kind === "intended" ? one.intent.slot : one.slot;
      return batched.has(slot) ? [] : [{ order: id, release, slot }];
    }),
  );
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
