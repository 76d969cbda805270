import { asName, type Charter, type SignedDocument } from "@porchlight/charter";
import type { SecretStore } from "@porchlight/durable";
import {
  type Commitment,
  type DayNumber,
  dayOf,
  EncodingError,
  fromUtf8,
  hex,
  type Period,
  type UnixSeconds,
  utf8,
} from "@porchlight/encoding";
import { parseHeader } from "@porchlight/envelope";
import {
  type Approval,
  type ContestPeriod,
  checkApproval,
  checkDirection,
  checkOrder,
  checkPlace,
  commitmentOf,
  contestPeriod,
  coreOf,
  type DirectionKind,
  type Examination,
  examineOrder,
  type Further,
  furtherContext,
  GateError,
  type Refused as GateRefused,
  inspectionPeriod,
  type LogView,
  type OrderInput,
  type OtherSide,
  orderIdOf,
  type VerifiedOrder,
  verifyDirection,
  verifyOrder,
} from "@porchlight/gate";
import { verifyRequesterWord } from "@porchlight/quorum";
import type { Clock, Logger } from "@porchlight/runtime";
import type { ServerClient } from "@porchlight/wire";
import { Batches } from "./batch.ts";
import type { OwnCharter } from "./charters.ts";
import { KeyholderError } from "./error.ts";
import type { Hooks } from "./hooks.ts";
import type { Identity } from "./identity.ts";
import { makeIntent } from "./intent.ts";
import type { LogMemory } from "./log-memory.ts";
import { NoticeDesk } from "./notice-desk.ts";
import {
  isSame,
  type KeptOrder,
  mayComeAgain,
  type OrderBook,
  type OrderEvent,
  type ReceivedOrder,
  type Refused,
  type Release,
  type Stage,
  stageOf,
} from "./order-book.ts";
import { type KnownOrder, OrderFacts } from "./order-facts.ts";
import { OrderJournal } from "./order-journal.ts";
import { claimedLabel, dueLabels, goesOn, labelsFor, nameOf, readOtherSideFor } from "./order-labels.ts";
import type { Pause } from "./pause.ts";
import { signRefusal } from "./refusal.ts";
import { makeRelease } from "./release.ts";
import type { Shares } from "./shares.ts";
import { type Waiting, WaitingRoom } from "./waiting-room.ts";

/** Refusals of warrants that did not verify, kept a UTC day: anyone can send those. */
const TURNED_AWAY_PER_DAY = 1000;

/** Orders with one warrant that are taken in a UTC day, each with an opening and a place in the log of its own. */
const ORDERS_PER_WARRANT = 8;

/** Additions that one order takes in a UTC day. */
const FURTHER_PER_DAY = 100;

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
  readonly pause: Pick<Pause, "paused">;
  /** Called when orders may have come to await a person, or stopped to. */
  readonly onWaiting: () => void;
};

/** How an order stands; `releases` are those whose bundle can be fetched. */
export type Answer = {
  readonly id: string;
  readonly stage: Stage;
  readonly refused: ({ readonly by: string | null } & Refused) | null;
  readonly releases: readonly Extract<Release, { kind: "released" }>[];
};

/** What the person who decides is shown of an order beside itself. `at`: witnessed time. */
export type Examined = Examination & {
  readonly contest: ContestPeriod | null;
  readonly inspection: ContestPeriod | null;
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
  readonly #room = new WaitingRoom();
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
    const order = this.book.orders.get(id);
    if (order !== undefined) return answerOf(order);
    if (this.#room.get(id) !== undefined) return { id, stage: "checking", refused: null, releases: [] };
    const refused = this.#room.refusal(id) ?? this.book.turnedAway.get(id)?.refused;
    return refused === undefined ? null : refusedOrder(id, refused);
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
      at: view.checkpoint.time,
    };
  }

  /** An order as this process verified it. Throws KeyholderError "order-unknown". */
  async order(id: string): Promise<KnownOrder> {
    return await this.#facts.of(this.#order(id));
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
    const known = this.book.orders.get(id);
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
    const present = this.book.orders.get(id);
    const before = present === undefined || mayComeAgain(present) ? this.#room.get(id) : present;
    if (before !== undefined) {
      if (isSame(before.received, received)) return this.answer(id) as Answer;
      throw new KeyholderError("commitment-differs", "another order was handed in with the same opening");
    }
    if (memory.forked) throw new KeyholderError("busy", "the log has forked: nothing is decided here");
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
      setTimeout(() => this.wake(), 1000 * patienceSeconds + 10).unref();
    }
    this.wake();
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
    await this.#transact((book) => {
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
    this.#facts.keep(id, order);
    this.#room.leave(id);
  }

  /** KEY-23: a signed refusal, kept in memory for who asks. The order may come again. */
  async #turnBack({ id, commitment }: Waiting, refusal: GateRefused): Promise<Answer> {
    const refused = await signRefusal(this.#context, commitment, refusal);
    // Taken in while the record was being signed.
    const kept = this.book.orders.get(id);
    if (kept !== undefined) return answerOf(kept);
    this.#room.refuse(id, refused);
    this.#context.log.event("order-turned-back", { code: refusal.code });
    return refusedOrder(id, refused);
  }

  /** Looks after the orders that wait for their place in the log. */
  async #look(): Promise<void> {
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
      const shown = new Set(kept.further.otherSides.map(({ header }) => nameOf(parseHeader(header).label)));
      const otherSides = [...named].flatMap(([name, side]) => (shown.has(name) ? [] : [side]));
      if (conversations.length === 0 && otherSides.length === 0) return null;
      this.#mayAdd(id);
      const together = {
        conversations: [...kept.further.conversations, ...conversations],
        otherSides: [...kept.further.otherSides, ...otherSides],
      };
      labelsFor(order, { received: kept.received, further: together }, []);
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
      const { view } = this.#context.memory;
      if (view === null) throw new KeyholderError("busy", "the log has not been read yet: try again");
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
    await this.#lookAtLog();
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
      const { own, clock, memory, hooks } = this.#context;
      const { view } = memory;
      if (view === null) throw new KeyholderError("busy", "the log has not been read yet: try again");
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
    if (found.refusal !== null) await this.#refuse(id, found.refusal, null);
    this.wake();
    return answerOf(this.#order(id));
  }

  /** KEY-26: a person's decision not to carry it out, which is as final and as public to the court as a rule's. */
  async decline(id: string, by: string, reason: string): Promise<Answer> {
    const approver = readApprover(by);
    awaiting(this.book, id);
    const refusal = { rule: "KEY-26", code: "declined", reason: asName(reason, "reason", 1000) };
    await this.#refuse(id, refusal, approver);
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
        await this.#look();
      } catch (error) {
        if (!signal.aborted) log.failure("order-failed", error);
      }
      for (const [id, { state }] of this.book.orders) {
        // An approval asks the gate again itself; until then nothing hangs on these.
        if (state.kind === "awaiting-approval" && !isBeat) continue;
        try {
          await this.#advance(id, isBeat);
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

  #mustNotBePaused(): void {
    if (this.#context.pause.paused === null) return;
    throw new KeyholderError("paused", "everything is paused here: let it go on before you approve");
  }

  /** Every order that was handed in here and verified, on the newest view: refused, revoked and finished ones too. */
  async #inputs(): Promise<OrderInput[]> {
    const { view } = this.#context.memory;
    if (view === null) return [];
    const known = await Promise.all([...this.book.orders.keys()].map(async (id) => await this.order(id)));
    return known.map((one) => this.#facts.input(one, view));
  }

  #followWhileNeeded(): void {
    const waiting =
      this.#room.waiting.length > 0 ||
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

  async #advance(id: string, isBeat: boolean): Promise<void> {
    const { view } = this.#context.memory;
    if (view === null) return;
    // KEY-34. What was sealed before has been used already, and its slot goes into the log.
    const isPaused = this.#context.pause.paused !== null;
    const { state, releases } = this.#order(id);
    for (const [release, { kind }] of releases.entries()) {
      if (kind === "sealed") await this.#finish(id, release);
      else if (kind === "intended" && state.kind === "approved" && !isPaused)
        await this.#seal(id, release, view);
    }
    switch (this.#order(id).state.kind) {
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
    const kept = this.#order(id);
    // The gate would say the same, after verifying seven cosignatures.
    if (kept.received.index >= view.checkpoint.size) return;
    const known = await this.#facts.of(kept);
    const self = this.#facts.memory(await this.#context.generations());
    const result = checkOrder({ ...this.#facts.input(known, view), self });
    if (result.kind === "clear") {
      if (kept.state.kind === "checking") await this.#transact(() => ({ kind: "admitted", order: id }));
    } else if (!result.waits || result.code === "not-logged") {
      await this.#refuse(id, result, null);
    }
  }

  /**
   * KEY-25: an intent for what has become due. The gate is asked beforehand, so that none is logged for what it would
   * refuse: that the intent is missing must be all that it says. An order that goes on is looked at on every beat, since
   * it may have expired or been revoked.
   */
  async #intend(id: string, view: LogView, isBeat: boolean): Promise<void> {
    const known = await this.order(id);
    const { kept, order, labels } = known;
    if (kept.state.kind !== "approved") return;
    const { approval } = kept.state;
    const today = dayOf(view.checkpoint.time);
    const due = dueLabels(labels, order, kept, today);
    const generations = await this.#context.generations();
    if (due.length === 0) {
      if (!isBeat || !goesOn(order, today)) return;
      const self = this.#facts.memory(generations);
      const result = checkOrder({ ...this.#facts.input(known, view), self });
      if (result.kind === "refused" && !result.waits) await this.#refuse(id, result, null);
      return;
    }
    const result = this.#facts.gate(known, view, { labels: due, approval, intent: null, generations });
    if (result.kind === "refused" && result.code !== "intent-not-logged") {
      if (!result.waits) await this.#refuse(id, result, null);
      return;
    }
    const { own, clock, hooks } = this.#context;
    const intent = makeIntent(own, kept.commitment, due, generations, clock.now());
    if (result.kind === "passed" || intent === null) throw new Error("the gate let pass what has no intent");
    hooks.at("intent-unjournalled");
    await this.#transact((book) => {
      const now = book.orders.get(id);
      if (now?.state.kind !== "approved" || now.releases.length !== kept.releases.length) return null;
      return { kind: "intended", order: id, release: kept.releases.length, intent, labels: due };
    });
  }

  /** The gate on the view that covers the intent, and the bundle of its grant. */
  async #seal(id: string, release: number, view: LogView): Promise<void> {
    const known = await this.order(id);
    const { state, releases } = known.kept;
    const intended = releases[release];
    if (state.kind !== "approved" || intended?.kind !== "intended") return;
    const { intent, labels } = intended;
    // "intent-not-logged", and nothing else of interest before it is.
    if (!this.#context.memory.holdsSlot(intent.slot)) return;
    const generations = await this.#context.generations();
    const { approval } = state;
    const result = this.#facts.gate(known, view, { labels, approval, intent, generations });
    if (result.kind === "refused") {
      if (!result.waits) await this.#refuse(id, result, null);
      return;
    }
    const made = await makeRelease(result.grant, this.#context);
    if (made === null) return;
    this.#context.hooks.at("release-unjournalled");
    // That took its time, and what was made is still nobody's: asked once more, on the newest view.
    await this.#lookAtLog();
    const stands = await this.order(id);
    const held = await this.#context.generations();
    const found: { refusal: GateRefused | null } = { refusal: null };
    await this.#transact((book) => {
      const { memory, pause, signal } = this.#context;
      const { view: newest } = memory;
      // Also where a direction of the issuer came in between: the next round knows it.
      if (newest === null || pause.paused !== null || signal.aborted) return null;
      if (book.orders.get(id) !== stands.kept) return null;
      const again = this.#facts.gate(stands, newest, { labels, approval, intent, generations: held });
      if (again.kind === "passed") return { kind: "sealed", order: id, release, ...made };
      found.refusal = again;
      return null;
    });
    if (found.refusal !== null && !found.refusal.waits) await this.#refuse(id, found.refusal, null);
  }

  async #finish(id: string, release: number): Promise<void> {
    const sealed = this.#order(id).releases[release];
    const { memory, clock } = this.#context;
    if (sealed?.kind !== "sealed" || !memory.holdsSlot(sealed.slot)) return;
    await this.#transact(() => ({ kind: "released", order: id, release, at: clock.now() }));
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
    return refusedOrder(id, refused);
  }

  async #refuse(
    id: string,
    refusal: Pick<Refused, "rule" | "code" | "reason">,
    by: string | null,
  ): Promise<void> {
    const refused = await signRefusal(this.#context, this.#order(id).commitment, refusal);
    await this.#transact((book) => {
      // Decided otherwise while the record was being signed.
      if (book.orders.get(id)?.state.kind === "refused") return null;
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

function refusedAnswer({ rule, code, reason, record }: Refused): DirectionAnswer {
  return { state: "refused", rule, code, reason, record };
}

function refusedOrder(id: string, refused: Refused): Answer {
  return { id, stage: "refused", refused: { by: null, ...refused }, releases: [] };
}

function answerOf({ id, state, releases }: KeptOrder): Answer {
  return {
    id,
    stage: stageOf({ state, releases }),
    refused: state.kind === "refused" ? state : null,
    releases: releases.filter((release) => release.kind === "released"),
  };
}

function awaiting(book: OrderBook, id: string): KeptOrder {
  const order = book.orders.get(id);
  if (order === undefined) throw new KeyholderError("order-unknown", "no such order was handed in here");
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
