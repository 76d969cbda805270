import {
  type Charter,
  type Contest,
  parseSignedDocument,
  readSignedDocument,
  type SignedDocument,
  unverifiedPayload,
} from "@porchlight/charter";
import { type DayNumber, dayOf, type Json, utf8 } from "@porchlight/encoding";
import { orderWord } from "@porchlight/evidence";
import { type DirectionKind, lastContestDay, parseWarrant, verifyRefusal } from "@porchlight/gate";
import {
  type Court,
  dropOrder,
  formatOrderFile,
  type KeyholderAnswer,
  keepOrder,
  keptOrder,
  keptOrders,
  namesOf,
  noAnswerRecord,
  type OrderFile,
  orderName,
  ordersLeft,
  PartyError,
  readOrderFile,
  readStatementFile,
  type Service,
  verifyBrought,
  withOthers,
} from "@porchlight/parties";
import { WireError } from "@porchlight/wire";
import {
  COVER_SECONDS,
  keepBrought,
  loggedOrder,
  orderWords,
  type Shown,
  serviceOf,
  shownOrders,
  UPLOADS,
} from "../orders.ts";
import { readSaid } from "../said.ts";
import type { ServiceDoor } from "../service-door.ts";
import type { Act, GoTo, Rooms, View, Visit } from "../shell/desk.ts";
import { DeskError } from "../shell/error.ts";
import type { Form } from "../shell/form.ts";
import { Silences } from "../silence.ts";
import { impossibleNow, laterEntries, shownHalves, type Telling, tellingOf } from "./direction.ts";
import type { Drafts } from "./draft.ts";
import type { Halves } from "./halves.ts";
import { Objections } from "./objections.ts";
import { type Objecting, type OrderRow, orderPage, ordersPage, type Typed } from "./order-page.ts";

export type HandIn = (service: Service, order: OrderFile) => Promise<GoTo>;

/** Orders that are signed: handed in, signed second, and how each stands. */
export class OrderRoom {
  readonly #court: Court;
  readonly #door: ServiceDoor;
  readonly #drafts: Drafts;
  readonly #halves: Halves;
  readonly #objections: Objections;
  readonly #silences = new Silences();

  constructor(court: Court, door: ServiceDoor, drafts: Drafts, halves: Halves) {
    this.#court = court;
    this.#door = door;
    this.#drafts = drafts;
    this.#halves = halves;
    this.#objections = new Objections(court);
  }

  routes({ page, form, act, download }: Rooms): void {
    page("/orders", async (visit) => await this.#list(visit));
    page("/orders/:order", async (visit) => await this.view(visit));
    act("/orders/:order/submit", this.#submit());
    act("/orders/:order/countersign", this.#countersign());
    form("/orders/:order/others", async (visit, sent) => await this.#others(visit, sent), UPLOADS);
    download("/orders/:order/order", async (visit) => {
      const { order, document } = await this.find(visit);
      return {
        name: `order-${document.reference}.json`,
        type: "application/json",
        bytes: formatOrderFile(order),
      };
    });
    download("/orders/:order/records/:keyholder", async (visit) => await this.#record(visit));
    download("/orders/:order/silences/:keyholder", async (visit) => await this.#silence(visit));
    form("/orders", async (_visit, sent) => await this.#bring(sent), UPLOADS);
  }

  /** The order that an address names. Throws DeskError "not-found". */
  async find({ params }: Visit): Promise<Shown> {
    const service = await this.#door.open();
    const { orders } = await shownOrders(this.#court.directory, service);
    const found = orders.find(({ name }) => name === params["order"]);
    if (found === undefined) throw new DeskError("not-found", "this desk's directory has no such order");
    return found;
  }

  async #list(visit: Visit): Promise<View> {
    const { directory } = this.#court;
    const service = await this.#door.open();
    const { orders: all, damaged } = await shownOrders(directory, service);
    const rows = await Promise.all(all.map(async (shown) => await this.#row(service, shown)));
    const { drafts, damaged: unread } = await this.#drafts.list();
    return ordersPage(visit, {
      charter: service.charter,
      orders: rows.map(({ row }) => row),
      damaged: [
        ...damaged,
        ...rows.flatMap(({ damaged: said }) => said ?? []),
        ...(await this.#halves.damaged()),
      ],
      ...{ drafts, unread },
      left: ordersLeft(service),
    });
  }

  /** One that cannot be read keeps nobody from the others. */
  async #row(
    service: Service,
    shown: Shown,
  ): Promise<{ readonly row: OrderRow; readonly damaged: string | null }> {
    const { said, damaged } = await readSaid(this.#court.directory, shown.name);
    const telling = tellingOf(shown, laterEntries(service, shown), said, dayOf(service.now()));
    const own = await serviceOf(service, shown.order).catch(unlessUnknown);
    const objecting = own === null ? null : await this.#objecting(own, shown, telling);
    return { row: { ...shown, telling, isReadable: own !== null, objecting }, damaged };
  }

  /** `null` where nobody was told yet, or nobody is waited for, or nothing is released under it any more. */
  async #objecting(service: Service, shown: Shown, telling: Telling): Promise<Objecting | null> {
    const { state } = shown.standing;
    const isTold = telling.kind !== "secret" || telling.isOver;
    if ((state !== "logged" && state !== "suspended") || !isTold) return null;
    const until = objectUntil(shown, service.charter);
    return until === null
      ? null
      : { until, count: await this.#objections.count(service, loggedOrder(shown), until) };
  }

  /** `null` where the provider did not answer. */
  async #contests(service: Service, shown: Shown): Promise<readonly Contest[] | null> {
    return await this.#court.contests(service, loggedOrder(shown)).catch((error: unknown) => {
      if (error instanceof WireError) return null;
      throw error;
    });
  }

  /** Under the order's own charter. Throws PartyError "charter-unknown". */
  async serviceOf(order: OrderFile): Promise<Service> {
    return await serviceOf(await this.#door.open(), order);
  }

  /** Why a direction of this kind comes too late or too early, in a sentence; `null` where it does not. */
  async cannotSay(shown: Shown, kind: DirectionKind): Promise<string | null> {
    const service = await this.#door.open();
    const { said } = await readSaid(this.#court.directory, shown.name);
    const telling = tellingOf(shown, laterEntries(service, shown), said, dayOf(service.now()));
    return impossibleNow(shown, telling, kind);
  }

  /** Verified before it is kept: what another person signed has to be an order of a charter of this log. */
  async #bring(sent: Form): Promise<GoTo> {
    const file = sent.file("order");
    if (file === null) throw new DeskError("form-invalid", "choose the order's file");
    const order = readOrderFile(file.bytes);
    const service = await this.serviceOf(order);
    await verifyBrought(order, service.charter);
    await keepBrought(this.#court.directory, service, order);
    // What this desk signed first and alone became this one.
    for (const { name, order: kept } of (await keptOrders(this.#court.directory)).orders) {
      if (isHalfOf(kept, order)) await dropOrder(this.#court.directory, name);
    }
    return { to: `/orders/${await orderName(this.#court.directory, order)}` };
  }

  readonly handIn: HandIn = async (service, order) => {
    const logged = await this.#court.submit(service, order);
    await keepOrder(this.#court.directory, logged);
    // A moment later witnesses have confirmed it, and every page shows it where it is.
    await service.covers(logged.index + 1, COVER_SECONDS);
    const to = `/orders/${await orderName(this.#court.directory, order)}`;
    const { conversations } = parseWarrant(payloadOf(logged));
    if (conversations === "all") {
      return {
        to,
        said: "It is in the log. Give the file to the agency: only the agency can tell the keyholders which conversations these are.",
      };
    }
    const answers = await this.#court.handIn(service, logged);
    const silent = answers.filter(({ answer }) => answer.state === "unreachable").length;
    return {
      to,
      said:
        silent === 0
          ? "Signed, in the log, and with every keyholder."
          : `Signed and in the log. ${silent} of ${answers.length} keyholders did not answer.`,
    };
  };

  #submit(): Act<{ readonly order: string; readonly commitment: string }> {
    return {
      name: "submit-order",
      propose: async (visit) => {
        const { name, order, commitment } = await this.find(visit);
        const { charter } = await this.serviceOf(order);
        return {
          title: "Hand this order in",
          button: "Hand it in",
          shown: [
            // All of it: whom else the provider stated came after it was signed.
            ...(await orderWords(order, charter)),
            { term: "Number in the public log", text: commitment },
          ],
          payload: { order: name, commitment },
          isGrave: true,
          back: `/orders/${name}`,
        };
      },
      perform: async (_visit, payload) => {
        const order = await this.named(payload);
        return await this.handIn(await this.serviceOf(order), order);
      },
    };
  }

  #countersign(): Act<{ readonly order: string; readonly commitment: string }> {
    return {
      name: "countersign-order",
      propose: async (visit) => {
        const { name, order, commitment } = await this.find(visit);
        const { charter } = await this.serviceOf(order);
        return {
          title: `Add your signature to this ${orderWord(charter)}`,
          button: "Sign it",
          shown: [...(await orderWords(order, charter)), { term: "Number so far", text: commitment }],
          payload: { order: name, commitment },
          isGrave: true,
          back: `/orders/${name}`,
        };
      },
      perform: async (_visit, payload) => {
        const before = await this.named(payload);
        const order = await this.#court.countersign((await this.serviceOf(before)).charter, before);
        await keepOrder(this.#court.directory, order);
        await dropOrder(this.#court.directory, payload.order);
        return { to: `/orders/${await orderName(this.#court.directory, order)}`, said: "Signed by both." };
      },
    };
  }

  /** The provider's statement of everyone else makes it another order, which nobody has yet. */
  async #others(visit: Visit, sent: Form): Promise<GoTo> {
    const file = sent.file("others");
    if (file === null) throw new DeskError("form-invalid", "choose the provider's statement");
    const { name, order } = await this.find(visit);
    const service = await this.serviceOf(order);
    const statement = readStatementFile(file.bytes, (value: Json) => readSignedDocument(value, "statement"));
    const whole = await withOthers(order, statement, service.charter, service.now());
    await keepOrder(this.#court.directory, whole);
    await dropOrder(this.#court.directory, name);
    return {
      to: `/orders/${await orderName(this.#court.directory, whole)}`,
      said: "The others are in it. It can be handed in.",
    };
  }

  /** `typed`: what was said of it and cannot be signed so. */
  async view(visit: Visit, typed: Typed | null = null): Promise<View> {
    const shown = await this.find(visit);
    const { name } = shown;
    const service = await this.serviceOf(shown.order);
    const { charter } = service;
    const isLogged = shown.standing.state !== "signed";
    const keyholders = isLogged ? (await this.#court.status(service, loggedOrder(shown))).keyholders : [];
    const later = laterEntries(service, shown);
    const { said, damaged } = await readSaid(this.#court.directory, name);
    const now = service.now();
    const halves = await shownHalves(await this.#halves.list(name), later, charter, this.#court.name);
    return await orderPage(visit, shown, charter, {
      keyholders,
      silent: this.#silences.note(shown.commitment, keyholders, now),
      contests: isLogged ? await this.#contests(service, shown) : [],
      objectUntil: objectUntil(shown, charter),
      now,
      records: new Set(await recordsThatHold(keyholders, charter)),
      said,
      damaged: { said: damaged, halves: [...(await this.#halves.damaged()), ...halves.damaged] },
      later,
      telling: tellingOf(shown, later, said, dayOf(now)),
      halves: halves.shown,
      typed,
    });
  }

  /** A keyholder's signed record of why it refused. */
  async #record(visit: Visit) {
    const { order, document } = await this.find(visit);
    const service = await this.serviceOf(order);
    const { keyholders } = await this.#court.status(service, order);
    const found = keyholders.find(({ keyholder }) => String(keyholder.index) === visit.params["keyholder"]);
    const answer = found?.answer;
    if (answer === undefined || !("record" in answer) || answer.record === undefined) {
      throw new DeskError("not-found", "this keyholder has not signed such a record");
    }
    await verifyRefusal(answer.record, service.charter);
    return {
      name: `refusal-${document.reference}-${found?.keyholder.name ?? ""}.json`,
      type: "application/json",
      bytes: utf8(`${JSON.stringify(answer.record, null, 2)}\n`),
    };
  }

  /** BUN-8: it is asked once more, and may answer. */
  async #silence(visit: Visit) {
    const { order, document, commitment } = await this.find(visit);
    const service = await this.serviceOf(order);
    const { keyholders } = await this.#court.status(service, order);
    const silent = this.#silences.note(commitment, keyholders, service.now());
    const one = keyholders.find(({ keyholder }) => String(keyholder.index) === visit.params["keyholder"]);
    const since = one === undefined ? undefined : silent.get(one.keyholder.index);
    const bytes =
      one === undefined || since === undefined ? null : await noAnswerRecord(service, order, one, since);
    if (one === undefined || bytes === null)
      throw new DeskError("not-found", "this keyholder has answered, or the order is not in the log yet");
    const name = `no-answer-${document.reference}-${one.keyholder.name}.json`;
    return { name, type: "application/json", bytes };
  }

  /** The order of a payload, by name and by what the log shows of it. */
  async named(payload: { readonly order: string; readonly commitment: string }): Promise<OrderFile> {
    const order = await keptOrder(this.#court.directory, payload.order);
    if (order === null || namesOf(order).commitment !== payload.commitment) {
      throw new DeskError("not-found", "the order is not in this desk's directory any more");
    }
    return order;
  }
}

/** GATE-20: the last day of the wait for an objection; `null` where the order waits for none, or is not in the log. */
function objectUntil({ document, standing }: Shown, charter: Charter): DayNumber | null {
  return "day" in standing
    ? lastContestDay({ warrant: { document, charter }, loggedDay: standing.day })
    : null;
}

function unlessUnknown(error: unknown): null {
  if (error instanceof PartyError && error.code === "charter-unknown") return null;
  throw error;
}

async function recordsThatHold(answers: readonly KeyholderAnswer[], charter: Charter): Promise<number[]> {
  const held: number[] = [];
  for (const { keyholder, answer } of answers) {
    if (!("record" in answer) || answer.record === undefined) continue;
    const record = await verifyRefusal(answer.record, charter).catch(() => null);
    if (record?.keyholder === keyholder.index) held.push(keyholder.index);
  }
  return held;
}

function payloadOf({ warrant }: OrderFile): Uint8Array {
  return unverifiedPayload(parseSignedDocument(warrant, "warrant"));
}

/** The same document with fewer signatures: whoever signs second gives it an opening of its own. */
function isHalfOf(half: OrderFile, whole: OrderFile): boolean {
  const [one, two] = [half, whole].map(({ warrant }) => parseSignedDocument(warrant, "warrant")) as [
    SignedDocument,
    SignedDocument,
  ];
  return one.payload === two.payload && one.signatures.length < two.signatures.length;
}
