// What may be done with a charter's orders: by who hands them in, adds and directs, and by the person who decides. Their
// way in is `order-intake.ts`, their way on `order-course.ts`.
import { asName, type SignedDocument } from "@porchlight/charter";
import type { SecretStore } from "@porchlight/durable";
import { type DayNumber, dayOf, EncodingError, fromUtf8, type UnixSeconds } from "@porchlight/encoding";
import { parseHeader } from "@porchlight/envelope";
import {
  type Approval,
  type ContestPeriod,
  checkApproval,
  checkDirection,
  contestPeriod,
  type DirectionKind,
  type Examination,
  examineOrder,
  type Further,
  furtherContext,
  type Refused as GateRefused,
  inspectionPeriod,
  type LogView,
  noticeDue,
  type OrderInput,
  type OtherSide,
  verifyDirection,
} from "@porchlight/gate";
import { verifyRequesterWord } from "@porchlight/quorum";
import type { ServerClient } from "@porchlight/wire";
import { Batches } from "./batch.ts";
import { KeyholderError, logForked } from "./error.ts";
import { NoticeDesk } from "./notice-desk.ts";
import { type Answer, answerOf } from "./order-answer.ts";
import {
  type KeptOrder,
  type OrderBook,
  type OrderEvent,
  type ReceivedOrder,
  type Refused,
  stageOf,
} from "./order-book.ts";
import { OrderCourse, type OrderCourseContext } from "./order-course.ts";
import { type KnownOrder, OrderFacts } from "./order-facts.ts";
import { OrderIntake, type OrderIntakeContext } from "./order-intake.ts";
import { OrderJournal, orderOf } from "./order-journal.ts";
import { claimedLabel, labelsFor, nameOf, readOtherSideFor } from "./order-labels.ts";
import { signRefusal } from "./refusal.ts";
import type { Shares } from "./shares.ts";

/** Additions that one order takes in a UTC day. */
const FURTHER_PER_DAY = 100;

export type OrderDeskContext = OrderIntakeContext &
  OrderCourseContext & {
    readonly shares: Shares;
    readonly secrets: SecretStore;
    readonly server: ServerClient;
    readonly batches: "daily" | "prompt";
    /** Orders under this keyholder's other charters: a requester's key is used once under all of them. */
    readonly otherBooks: () => Iterable<OrderBook>;
    /** Called when orders may have come to await a person, or stopped to. */
    readonly onWaiting: () => void;
  };

/** What the person who decides is shown of an order beside itself. `at`: witnessed time. */
export type Examined = Examination & {
  readonly contest: ContestPeriod | null;
  readonly inspection: ContestPeriod | null;
  /** DIR-9: the day on which those whom it opens are told; null where the log does not hold it. */
  readonly due: DayNumber | null;
  readonly at: UnixSeconds;
};

export type DirectionAnswer =
  | { readonly state: "counted" }
  | { readonly state: "waiting"; readonly code: string; readonly reason: string }
  | ({ readonly state: "refused" } & Pick<Refused, "rule" | "code" | "reason" | "record">);

/** Seconds for which a direction is given to come into the witnessed log. */
const DIRECTION_PATIENCE = 10;

/** Takes orders under one charter from their receipt to the release or the refusal (KEY-21 to KEY-30). */
export class OrderDesk {
  readonly #context: OrderDeskContext;
  readonly #journal: OrderJournal;
  readonly #batches: Batches;
  readonly #facts: OrderFacts;
  readonly notices: NoticeDesk;
  readonly #intake: OrderIntake;
  readonly #course: OrderCourse;
  /** What was added to each order on its newest such day. */
  readonly #added = new Map<string, { readonly day: DayNumber; readonly count: number }>();
  #working: Promise<void> | null = null;
  #again = false;
  #isBeat = false;
  #unsubscribe: (() => void) | null = null;

  private constructor(context: OrderDeskContext, journal: OrderJournal) {
    this.#context = context;
    this.#journal = journal;
    this.#facts = new OrderFacts(context, () => this.book);
    const orders = {
      book: journal.book,
      facts: this.#facts,
      transact: (decide: (book: OrderBook) => OrderEvent | null) => this.#transact(decide),
      wake: () => this.wake(),
    };
    this.#intake = new OrderIntake(context, orders);
    this.#course = new OrderCourse(context, orders);
    const isEmergency = async (id: string): Promise<boolean> =>
      (await this.order(id)).order.document.emergency;
    this.#batches = new Batches(context, journal, isEmergency);
    this.notices = new NoticeDesk(context);
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
    return this.#intake.answer(id);
  }

  /** KEY-21: takes an order in; see `OrderIntake.submit`. */
  async submit(received: ReceivedOrder): Promise<Answer> {
    return await this.#intake.submit(received);
  }

  /** GATE-34: each rule's answer on the newest view, and what the caps leave; null where the log was not read yet. */
  async examine(id: string): Promise<Examined | null> {
    const { view } = this.#context.memory;
    if (view === null) return null;
    const known = await this.order(id);
    const input = this.#facts.input(known, view);
    const self = this.#facts.memory(await this.#context.generations());
    return {
      ...examineOrder({ ...input, self }),
      contest: contestPeriod(input),
      inspection: inspectionPeriod(input),
      due: noticeDue(input)?.day ?? null,
      at: view.checkpoint.time,
    };
  }

  /** Until when an order is secret, by what the issuer said of it later too (DIR-9); null where it is not, or not any more. */
  secretUntil(known: KnownOrder): DayNumber | null {
    const { disclosure } = known.order.document;
    if (disclosure.kind !== "secret") return null;
    const { view } = this.#context.memory;
    if (view === null || known.directions.length === 0) return disclosure.until;
    const due = noticeDue(this.#facts.input(known, view))?.day ?? disclosure.until;
    return dayOf(view.checkpoint.time) >= due ? null : due;
  }

  /** An order as this process verified it. Throws KeyholderError "order-unknown". */
  async order(id: string): Promise<KnownOrder> {
    return await this.#facts.of(this.#order(id));
  }

  /**
   * KEY-32: what the requester learnt of an order that goes on, with its word on it. What is known already changes nothing.
   * Throws KeyholderError "order-unknown", "requester-unproven", "other-side-refused", "busy", GateError for an attestation that does not hold, EncodingError
   * for conversations of an order that names its own.
   */
  async further(id: string, further: Further, word: Uint8Array): Promise<Answer> {
    const { order, otherSides: shownBefore } = await this.order(id);
    // First of all: whoever has the order's id could otherwise make much work here, and fill the order up.
    if (!verifyRequesterWord(order.document.requester.point, word, furtherContext(id, further))) {
      throw new KeyholderError("requester-unproven", "only the requester of the order adds to it");
    }
    if (order.document.conversations !== "all" && further.conversations.length > 0) {
      throw new EncodingError("unknown-field", "further.conversations");
    }
    const seenBefore = new Set<string | null>(shownBefore.map(({ label }) => nameOf(label)));
    const named = new Map<string, OtherSide>();
    for (const side of further.otherSides) {
      const name = claimedLabel(side);
      if (seenBefore.has(name)) continue;
      seenBefore.add(name);
      named.set(nameOf(readOtherSideFor(order, side).label), side);
    }
    await this.#transact((book) => {
      const kept = book.orders.get(id);
      if (kept === undefined || kept.state.kind === "refused") return null;
      const seen = new Set([...(kept.received.conversations ?? []), ...kept.further.conversations]);
      const conversations = [...new Set(further.conversations)].filter((one) => !seen.has(one));
      const labels = kept.further.otherSides.map(({ header }) => parseHeader(header).label);
      const shown = new Set(labels.map(nameOf));
      const otherSides = [...named].flatMap(([name, side]) => (shown.has(name) ? [] : [side]));
      if (conversations.length === 0 && otherSides.length === 0) return null;
      this.#mayAdd(id);
      const together = {
        conversations: [...kept.further.conversations, ...conversations],
        otherSides: [...kept.further.otherSides, ...otherSides],
      };
      // All of it counts (WAR-16): what was kept beyond the limit would make the order unreadable for good.
      const sides = [...labels, ...otherSides.map(({ header }) => parseHeader(header).label)];
      labelsFor(order, { received: kept.received, further: together }, sides);
      return { kind: "further", order: id, further: { conversations, otherSides } };
    });
    this.wake();
    return answerOf(this.#order(id));
  }

  /** Throws KeyholderError "busy" beyond what one order may get in a day. */
  #mayAdd(id: string): void {
    const day = dayOf(this.#context.clock.now());
    const before = this.#added.get(id);
    const count = before?.day === day ? before.count : 0;
    if (count >= FURTHER_PER_DAY) {
      throw new KeyholderError("busy", "too much was added to this order today: try again tomorrow");
    }
    this.#added.set(id, { day, count: count + 1 });
  }

  /**
   * KEY-33: what the issuer says of its order, at its place in the log. It counts once it is witnessed and keeps to the
   * bounds, from then on and across restarts; what does not is refused for good, with a signed record. Throws KeyholderError "order-unknown", "direction-refused".
   */
  async direct(
    id: string,
    {
      kind,
      document,
      index,
    }: {
      readonly kind: Exclude<DirectionKind, "revocation">;
      readonly document: SignedDocument;
      readonly index: number;
    },
  ): Promise<DirectionAnswer> {
    const { kept, order } = await this.order(id);
    const verified = await verifyDirection(kind, document, order, kept.commitment).catch((cause: unknown) => {
      throw new KeyholderError("direction-refused", `this is no ${kind} of the order by who issued it`, {
        cause,
      });
    });
    const text = fromUtf8(verified.bytes);
    const isKnown = ({ directed }: KeptOrder): boolean => directed.some((one) => one.document === text);
    if (isKnown(kept)) return { state: "counted" };
    const refusedBefore = ({ refusedDirections }: KeptOrder) =>
      refusedDirections.find((one) => one.document === text && one.index === index);
    const before = refusedBefore(kept);
    if (before !== undefined) return refusedAnswer(before.refused);
    await this.#context.memory.refreshTo(index + 1, DIRECTION_PATIENCE).catch(() => {});
    const known = await this.order(id);
    const found: { refusal: GateRefused | null } = { refusal: null };
    await this.#transact((book) => {
      const view = this.#newestView();
      const now = book.orders.get(id);
      if (now === undefined || isKnown(now)) return null;
      const result = checkDirection(this.#facts.input(known, view), { verified, at: index });
      if (result.kind === "refused") {
        found.refusal = result;
        return null;
      }
      return { kind: "directed", order: id, directed: { kind, document: text } };
    });
    this.wake();
    if (found.refusal === null) return { state: "counted" };
    const { code, reason, waits } = found.refusal;
    if (waits) return { state: "waiting", code, reason };
    const refused = await signRefusal(this.#context, kept.commitment, found.refusal);
    await this.#transact((book) => {
      const now = book.orders.get(id);
      if (now === undefined || refusedBefore(now) !== undefined) return null;
      return { kind: "direction-refused", order: id, direction: { kind, document: text, index, refused } };
    });
    return refusedAnswer(refusedBefore(this.#order(id))?.refused ?? refused);
  }

  /**
   * KEY-24: a person's decision to carry an order out, all its days included. `commitment` is what that person was shown.
   * Whatever would refuse the order now refuses it instead. Throws KeyholderError "order-unknown",
   * "order-not-awaiting-approval", "commitment-differs", "approver-missing", or "busy" where the log does not allow a
   * decision at the moment.
   */
  async approve(id: string, commitment: string, by: string): Promise<Answer> {
    this.#order(id);
    const approver = readApprover(by);
    this.#mustNotBePaused();
    await this.#course.lookAtLog();
    const known = await this.order(id);
    const generations = await this.#context.generations();
    const found: { refusal: GateRefused | null } = { refusal: null };
    await this.#transact((book) => {
      const kept = awaiting(book, id);
      if (kept.commitment !== commitment) {
        throw new KeyholderError(
          "commitment-differs",
          "this is not the order that was shown: look at it again",
        );
      }
      const { own, clock, hooks } = this.#context;
      const view = this.#newestView();
      const at = clock.now();
      const approval: Approval = { keyholder: own.self, commitment: kept.commitment, at, by: approver };
      const self = this.#facts.memory(generations);
      const result = checkApproval({ ...this.#facts.input(known, view), self, approval });
      if (result.kind === "refused") {
        if (result.waits) throw new KeyholderError("busy", result.reason);
        found.refusal = result;
        return null;
      }
      this.#mustNotBePaused();
      hooks.at("approval-unjournalled");
      return { kind: "approved", order: id, approval };
    });
    if (found.refusal !== null) await this.#course.refuse(id, found.refusal, null);
    this.wake();
    return answerOf(this.#order(id));
  }

  /** KEY-26: a person's decision not to carry it out, which is as final and as public to the court as a rule's. */
  async decline(id: string, by: string, reason: string): Promise<Answer> {
    const approver = readApprover(by);
    awaiting(this.book, id);
    const refusal = { rule: "KEY-26", code: "declined", reason: asName(reason, "reason", 1000) };
    await this.#course.refuse(id, refusal, approver);
    return answerOf(this.#order(id));
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
      try {
        await this.#intake.look();
      } catch (error) {
        if (!signal.aborted) log.failure("order-failed", error);
      }
      for (const [id, { state }] of this.book.orders) {
        // An approval asks the gate again itself; until then nothing hangs on these.
        if (state.kind === "awaiting-approval" && !isBeat) continue;
        try {
          await this.#course.advance(id, isBeat);
        } catch (error) {
          if (!signal.aborted) log.failure("order-failed", error);
        }
      }
      try {
        if (await this.#batches.publish()) this.#again = true;
      } catch (error) {
        if (!signal.aborted) log.failure("batch-failed", error);
      }
      try {
        if (isBeat) await this.notices.publish(await this.#inputs());
      } catch (error) {
        if (!signal.aborted) log.failure("notice-failed", error);
      }
    }
    this.#followWhileNeeded();
    this.#context.onWaiting();
  }

  /** Throws KeyholderError "busy" where there is none to decide on. */
  #newestView(): LogView {
    const { view, forked } = this.#context.memory;
    if (forked) throw logForked();
    if (view === null) throw new KeyholderError("busy", "the log has not been read yet: try again");
    return view;
  }

  #mustNotBePaused(): void {
    if (this.#context.pause.paused === null) return;
    throw new KeyholderError("paused", "everything is paused here: let it go on before you approve");
  }

  /** Every order that was handed in here and verified, on the newest view: refused, revoked and finished ones too. */
  async #inputs(): Promise<OrderInput[]> {
    const { view } = this.#context.memory;
    if (view === null) return [];
    const inputs: OrderInput[] = [];
    for (const id of this.book.orders.keys()) {
      try {
        inputs.push(this.#facts.input(await this.order(id), view));
      } catch (error) {
        // One order that cannot be read keeps nobody else from their notice.
        this.#context.log.failure("order-unreadable", error);
      }
    }
    return inputs;
  }

  #followWhileNeeded(): void {
    const waiting =
      this.#intake.isWaiting ||
      [...this.book.orders.values()].some(
        ({ state, releases }) =>
          state.kind === "checking" ||
          releases.some(
            ({ kind }) => kind === "sealed" || (kind === "intended" && state.kind === "approved"),
          ) ||
          (state.kind === "approved" && releases.length === 0),
      );
    if (waiting && !this.#context.signal.aborted)
      this.#unsubscribe ??= this.#context.memory.subscribe(() => this.wake());
    else {
      this.#unsubscribe?.();
      this.#unsubscribe = null;
    }
  }

  async #transact(decide: (book: OrderBook) => OrderEvent | null): Promise<boolean> {
    const changed = await this.#journal.transact(decide);
    if (changed) this.#again = true;
    return changed;
  }

  #order(id: string): KeptOrder {
    return orderOf(this.book, id);
  }
}

function refusedAnswer({ rule, code, reason, record }: Refused): DirectionAnswer {
  return { state: "refused", rule, code, reason, record };
}

function awaiting(book: OrderBook, id: string): KeptOrder {
  const order = orderOf(book, id);
  if (order.state.kind !== "awaiting-approval") {
    throw new KeyholderError(
      "order-not-awaiting-approval",
      `the order is not awaiting approval: it is ${stageOf(order)}`,
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
