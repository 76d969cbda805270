import type { UnixSeconds } from "@porchlight/encoding";
import { verifyOrder } from "@porchlight/gate";
import { Court, keptOrder, namesOf, type OrderFile, orderName, readOrderFile } from "@porchlight/parties";
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
import { rulesInWords } from "../rules.ts";
import { addSaid, readSaid } from "../said.ts";
import { deskAt, ServiceDoor } from "../service-door.ts";
import type { Act, Desk, DeskContext, GoTo, View, Visit } from "../shell/desk.ts";
import { DeskError } from "../shell/error.ts";
import { type Form, isProse } from "../shell/form.ts";
import { Silences } from "../silence.ts";
import { inspect, inspectKept, isInspector, unseen } from "./inspection.ts";
import { type Asked, inboxPage, orderPage } from "./pages.ts";

/** The pages of who inspects a house's hold orders and can stop each (CHA-24): a works council, for instance. */
export async function openInspector(context: DeskContext): Promise<Desk> {
  const own = await Court.open(context.directory);
  const door = new ServiceDoor(context, own.party);
  const room = new InspectorRoom(own, door);
  return await deskAt(door, {
    party: own.title,
    heading: { court: "Inspector", house: "Inspector" },
    isInspecting: true,
    places: [{ path: "/orders", words: "Hold orders" }],
    sentences: {
      "second-signature-missing": {
        title: "This hold order is not signed by all who must sign it",
        next: "Two sign each hold order. Ask for it again when both have.",
      },
    },
    routes: ({ page, form, act }) => {
      page("/orders", async (visit) => await room.inbox(visit));
      form("/orders", async (_visit, sent) => await room.bring(sent), UPLOADS);
      page("/orders/:order", async (visit) => await room.order(visit));
      act("/orders/:order/veto", room.veto());
      act("/orders/:order/pass", room.pass());
    },
  });
}

type Payload = {
  readonly order: string;
  readonly commitment: string;
  readonly ground: string;
  readonly at: number;
};

class InspectorRoom {
  readonly #own: Court;
  readonly #silences = new Silences();
  readonly #door: ServiceDoor;

  constructor(own: Court, door: ServiceDoor) {
    this.#own = own;
    this.#door = door;
  }

  async #find({ params }: Visit): Promise<{ shown: Shown; all: readonly Shown[] }> {
    const { orders: all } = await shownOrders(this.#own.directory, await this.#door.open());
    const shown = all.find(({ name }) => name === params["order"]);
    if (shown === undefined) throw new DeskError("not-found", "no such hold order was put in here");
    return { shown, all };
  }

  async inbox(visit: Visit): Promise<View> {
    const service = await this.#door.open();
    const { orders: all, damaged } = await shownOrders(this.#own.directory, service);
    const orders = await Promise.all(
      all.map(async (shown) => {
        const inspected = await inspectKept(service, shown, all);
        const { said, damaged: unsaid } = await readSaid(this.#own.directory, shown.name);
        const wait = inspected?.wait ?? null;
        return { ...shown, isReadable: inspected !== null, wait, said, unsaid };
      }),
    );
    return inboxPage(visit, {
      charter: service.charter,
      isNamed: isInspector(this.#own, service.charter),
      orders,
      damaged: [...damaged, ...orders.flatMap(({ unsaid }) => unsaid ?? [])],
      unseen: await unseen(service, this.#own, { orders: all, damaged }),
    });
  }

  /** Verified before it is kept: an order of a charter of this log that all signed who have to. */
  async bring(sent: Form): Promise<GoTo> {
    const file = sent.file("order");
    if (file === null) throw new DeskError("form-invalid", "choose the hold order's file");
    const order = readOrderFile(file.bytes);
    const service = await serviceOf(await this.#door.open(), order);
    await verifyOrder(order, service.charter);
    await keepBrought(this.#own.directory, service, order);
    return { to: `/orders/${await orderName(this.#own.directory, order)}` };
  }

  async order(visit: Visit, asked: Asked | null = null): Promise<View> {
    const { shown, all } = await this.#find(visit);
    const service = await serviceOf(await this.#door.open(), shown.order);
    const inspected = await inspect(service, shown, all);
    const isLogged = inspected.examined !== null;
    const keyholders = isLogged ? (await this.#own.status(service, loggedOrder(shown))).keyholders : [];
    return orderPage(visit, shown, {
      charter: service.charter,
      isNamed: isInspector(this.#own, service.charter),
      inspected,
      keyholders,
      silent: this.#silences.note(shown.commitment, keyholders, service.now()),
      ...(await readSaid(this.#own.directory, shown.name)),
      asked,
    });
  }

  veto(): Act<Payload> {
    return {
      name: "veto-order",
      propose: async (visit, sent) => {
        const ground = sent.text("ground");
        if (!isProse(ground)) {
          const problem = "Say why, in words: your reason is signed.";
          return await this.order(visit, { act: "veto", ground, problem });
        }
        const { shown, rows } = await this.#decidable(visit);
        return {
          title: "Stop this hold order",
          button: "Stop it",
          shown: [
            {
              term: "What it does",
              text: "Stops the hold order for good. Keyholders that have not released will not; what is opened already stays opened.",
            },
            { term: "Your reason", text: ground },
            ...rows,
          ],
          payload: { order: shown.name, commitment: shown.commitment, ground, at: visit.now },
          isGrave: true,
          back: `/orders/${shown.name}`,
        };
      },
      perform: async (_visit, payload) => {
        const order = await this.#named(payload);
        const service = await serviceOf(await this.#door.open(), order);
        const at = payload.at as UnixSeconds;
        const index = await this.#own.revoke(service, order, payload.ground, at);
        const { ground } = payload;
        await addSaid(this.#own.directory, payload.order, {
          kind: "revocation",
          at,
          until: null,
          ground,
          index,
        });
        await service.covers(index + 1, COVER_SECONDS);
        return {
          to: `/orders/${payload.order}`,
          said: `Stopped. Your veto is entry ${index} of the public log.`,
        };
      },
    };
  }

  /** Nothing is sent: an inspector orders nothing (CHA-24), and its time runs on. What it decided is in the journal. */
  pass(): Act<Payload> {
    return {
      name: "let-order-pass",
      propose: async (visit, sent) => {
        const note = sent.text("note");
        if (note !== "" && !isProse(note)) {
          const problem = "A note is words, at most 20,000 characters.";
          return await this.order(visit, { act: "pass", ground: note, problem });
        }
        const { shown, rows } = await this.#decidable(visit);
        return {
          title: "Let this hold order pass",
          button: "Let it pass",
          shown: [
            {
              term: "What it does",
              text: "Notes here that you read it and do not object. Nobody is told, and no keyholder waits a day less. As long as nothing is opened you can still stop it.",
            },
            ...(note === "" ? [] : [{ term: "Your note", text: note }]),
            ...rows,
          ],
          payload: {
            order: shown.name,
            commitment: shown.commitment,
            ground: note,
            at: visit.now,
          },
          back: `/orders/${shown.name}`,
        };
      },
      perform: async (_visit, payload) => {
        await this.#named(payload);
        const { at, ground } = payload;
        const when = at as UnixSeconds;
        await addSaid(this.#own.directory, payload.order, {
          kind: "passed",
          at: when,
          until: null,
          ground,
          index: null,
        });
        return { to: "/orders", said: "Noted: you do not object." };
      },
    };
  }

  /** An order about which something can be decided, and what its act shows. */
  async #decidable(visit: Visit) {
    const { shown, all } = await this.#find(visit);
    const service = await serviceOf(await this.#door.open(), shown.order);
    if (!isInspector(this.#own, service.charter))
      throw new DeskError("not-now", "the charter does not name this desk's key as an inspector's");
    const { standing } = shown;
    if (standing.state === "signed" || standing.state === "handed-in")
      throw new DeskError(
        "not-now",
        "it is not in the witnessed log yet: nothing can be opened by it before",
      );
    if (standing.state === "revoked") throw new DeskError("not-now", "it was stopped already");
    const { examined } = await inspect(service, shown, all);
    const rows = [
      ...(await orderWords(shown.order, service.charter)),
      ...(examined === null ? [] : [{ term: "The gate's rules", text: rulesInWords(examined.rules) }]),
      { term: "Number in the public log", text: shown.commitment },
    ];
    return { shown, rows };
  }

  async #named(payload: Pick<Payload, "order" | "commitment">): Promise<OrderFile> {
    const order = await keptOrder(this.#own.directory, payload.order);
    if (order === null || namesOf(order).commitment !== payload.commitment)
      throw new DeskError("not-found", "the hold order is not in this directory any more");
    return order;
  }
}
