import type { OrderEntry, PeriodKeys } from "@porchlight/charter";
import {
  type Commitment,
  type DayNumber,
  dayOf,
  hex,
  type KeyholderIndex,
  type Period,
  type UnixSeconds,
} from "@porchlight/encoding";
import type { Approval } from "./approval.ts";
import type { VerifiedDirection } from "./direction.ts";
import type { Intent } from "./intent.ts";
import type { LabelRequest } from "./labels.ts";
import { effectiveDay, type LogView, orderAt } from "./log-view.ts";
import { commitmentOf } from "./order.ts";
import type { VerifiedOtherSide } from "./other-side.ts";
import { openedAccounts, type VerifiedOrder } from "./verify-order.ts";
import type { VerifiedWarrant } from "./verify-warrant.ts";

/** A charter's verified keys by period. */
type NoticeKeys = ReadonlyMap<Period, PeriodKeys>;

/** An order and the view of the log that decides about it. */
export type OrderInput = {
  readonly warrant: VerifiedOrder;
  /** 32 B, from the order. */
  readonly opening: Uint8Array;
  /** Where the order says that it is logged. */
  readonly index: number;
  readonly view: LogView;
  /** What the issuer said of its order later, as far as it is in hand. */
  readonly directions: readonly VerifiedDirection[];
  /** The charter's verified keys by period: notices are made under those of the month of the entry. */
  readonly noticeKeys: NoticeKeys;
  /** The caller's own clock. It decides one thing only: whether the checkpoint is fresh. */
  readonly now: UnixSeconds;
};

/** What a keyholder remembers of the orders it has seen, and what it holds. */
export type KeyholderMemory = {
  readonly keyholder: KeyholderIndex;
  /** Key period → generation of the share held. */
  readonly generations: ReadonlyMap<Period, number>;
  /** Requester point, 96 hex digits → the order it first came with. */
  readonly usedRequesterPoints: ReadonlyMap<string, Commitment>;
  /** Reference of a warrant of this charter → the order it first came with. */
  readonly usedReferences: ReadonlyMap<string, Commitment>;
};

export type GateInput = OrderInput & {
  readonly self: KeyholderMemory & {
    readonly intent: { readonly document: Intent; readonly random: Uint8Array } | null;
  };
  readonly labels: readonly LabelRequest[];
  /** For labels of accounts that the warrant does not name. */
  readonly otherSides: readonly VerifiedOtherSide[];
  readonly approval: Approval | null;
};

/** A warrant at an instant: what can be judged before it is logged. `accounts` are all that it opens, as far as known. */
export type DocumentFacts = {
  readonly warrant: VerifiedWarrant;
  readonly accounts: number;
  readonly at: UnixSeconds;
};

/** Everything that the log says of the order. `at` is witnessed time. */
export type LogFacts = DocumentFacts & {
  readonly warrant: VerifiedOrder;
  readonly opening: Uint8Array;
  readonly directions: readonly VerifiedDirection[];
  readonly view: LogView;
  readonly now: UnixSeconds;
  readonly index: number;
  readonly commitment: Commitment;
  readonly noticeKeys: NoticeKeys;
  readonly today: DayNumber;
  /** The entry at `index`, null where no order of this charter stands. */
  readonly entry: OrderEntry | null;
  readonly loggedDay: DayNumber;
};

/** Where the order is said to stand. */
export type PlaceFacts = Pick<LogFacts, "entry" | "commitment">;

export type LabelFacts = LogFacts & {
  readonly labels: readonly LabelRequest[];
  readonly otherSides: readonly VerifiedOtherSide[];
};
export type MemoryFacts = LogFacts & { readonly self: KeyholderMemory; readonly requesterPoint: string };
export type ApprovalFacts = MemoryFacts & { readonly approval: Approval | null };
export type ReleaseFacts = LabelFacts & ApprovalFacts & { readonly self: GateInput["self"] };

/** Throws EncodingError for an opening that is not 32 bytes. */
export function logFacts({
  warrant,
  opening,
  index,
  view,
  directions,
  noticeKeys,
  now,
}: OrderInput): LogFacts {
  const { charter, core } = warrant;
  const at = view.checkpoint.time;
  const today = dayOf(at);
  return {
    warrant,
    accounts: openedAccounts(warrant).length,
    opening,
    directions,
    at,
    view,
    now,
    index,
    noticeKeys,
    commitment: commitmentOf(opening, core),
    today,
    entry: orderAt(view, charter, index),
    loggedDay: effectiveDay(view, charter, index, today),
  };
}

export function placeFacts({
  warrant,
  opening,
  index,
  view,
}: Pick<OrderInput, "warrant" | "opening" | "index" | "view">): PlaceFacts {
  return { entry: orderAt(view, warrant.charter, index), commitment: commitmentOf(opening, warrant.core) };
}

export function memoryFacts(input: OrderInput, self: KeyholderMemory): MemoryFacts {
  return { ...logFacts(input), self, requesterPoint: hex(input.warrant.document.requester.point) };
}

export function releaseFacts(input: GateInput): ReleaseFacts {
  const { self, labels, otherSides, approval } = input;
  return { ...memoryFacts(input, self), self, labels, otherSides, approval };
}
