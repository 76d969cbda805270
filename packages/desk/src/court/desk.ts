import {
  type Charter,
  parseSignedDocument,
  readSignedDocument,
  unverifiedPayload,
} from "@porchlight/charter";
import { Fields, formatDay, fromUtf8, type Json, parseDay, unixSeconds, utf8 } from "@porchlight/encoding";
import { orderInWords, orderWord, sha256 } from "@porchlight/evidence";
import { type DirectionKind, formatWarrant, parseWarrant, verifyRefusal } from "@porchlight/gate";
import {
  Court,
  dropOrder,
  formatOrderFile,
  type KeyholderAnswer,
  keepOrder,
  keptOrder,
  loggedIndex,
  namesOf,
  type OrderFile,
  readOrderFile,
  readStatementFile,
  type Service,
  withOthers,
} from "@porchlight/parties";
import { WireError } from "@porchlight/wire";
import { daysText, ordersLeft, orderWords, type Shown, scopeWords, shownOrders } from "../orders.ts";
import { addSaid, readSaid } from "../said.ts";
import { deskAt, ServiceDoor } from "../service-door.ts";
import type { Act, Desk, DeskContext, GoTo, Visit } from "../shell/desk.ts";
import { DeskError } from "../shell/error.ts";
import { type Form, isProse } from "../shell/form.ts";
import { Drafts, dayIn, decide, expiryOf, fieldsOf } from "./draft.ts";
import { beginPage, draftPage } from "./draft-page.ts";
import { orderPage, ordersPage } from "./order-page.ts";

/** How long a page waits for the witnesses to confirm an entry. */
const COVER_SECONDS = 5;
const UPLOADS = { bodyLimit: 4 * 2 ** 20 };

/** The pages of a court, its registry, or one of a house's named persons, over its directory. */
export async function openCourt(context: DeskContext): Promise<Desk> {
  const { directory } = context;
  const court = await Court.open(directory);
  const { party } = court;
  const door = new ServiceDoor(context, party);
  const drafts = new Drafts(directory);
  const room = new CourtRoom(court, door, drafts);
  return await deskAt(door, {
    party: court.title,
    heading: { court: "Court", house: "Issuer" },
    places: [
      { path: "/orders", words: "Orders" },
      { path: "/new", words: "New order" },
    ],
    routes: ({ page, form, act, download }) => {
      page("/orders", async () => {
        const service = await door.open();
        return ordersPage({
          charter: service.charter,
          orders: await shownOrders(directory, service),
          drafts: await drafts.list(),
          left: ordersLeft(service),
        });
      });
      page("/new", async (visit) => beginPage(visit, (await door.open()).charter));
      form("/new", async (visit, sent) => await room.begin(visit, sent), UPLOADS);
      page("/drafts/:draft", async (visit) => await room.draft(visit, false));
      form("/drafts/:draft", async (visit, sent) => {
        await drafts.save(idOf(visit), fieldsOf(sent));
        return { to: `/drafts/${idOf(visit)}`, said: "Saved." };
      });
      form("/drafts/:draft/remove", async (visit) => {
        await drafts.remove(idOf(visit));
        return { to: "/orders", said: "The draft is gone." };
      });
      act("/drafts/:draft/sign", room.sign());
      page("/orders/:order", async (visit) => await room.order(visit));
      act("/orders/:order/submit", room.submit());
      act("/orders/:order/countersign", room.countersign());
      form("/orders/:order/others", async (visit, sent) => await room.others(visit, sent), UPLOADS);
      for (const say of SAYS) act(`/orders/:order/${say.path}`, room.say(say));
      download("/orders/:order/order", async (visit) => {
        const { order, document } = await room.find(visit);
        return {
          name: `order-${document.reference}.json`,
          type: "application/json",
          bytes: formatOrderFile(order),
        };
      });
      download("/orders/:order/records/:keyholder", async (visit) => await room.record(visit));
      form(
        "/orders",
        async (_visit, sent) => {
          const file = sent.file("order");
          if (file === null) throw new DeskError("form-invalid", "choose the order's file");
          const order = readOrderFile(file.bytes);
          // Verified before it is kept: what another person signed has to be an order of this very charter.
          await orderWords(order, (await door.open()).charter);
          await keepOrder(directory, order);
          return { to: `/orders/${namesOf(order).commitment.slice(0, 16)}` };
        },
        UPLOADS,
      );
    },
  });
}

type Say = {
  readonly path: string;
  readonly kind: DirectionKind;
  readonly title: string;
  readonly button: string;
  readonly what: string;
  readonly done: string;
  readonly isGrave?: boolean;
};

const SAYS: readonly Say[] = [
  {
    path: "revoke",
    kind: "revocation",
    title: "Revoke this order",
    button: "Revoke it",
    what: "Revokes the order for good: keyholders that have not released will not",
    done: "Revoked.",
    isGrave: true,
  },
  {
    path: "suspend",
    kind: "suspension",
    title: "Suspend this order",
    button: "Suspend it",
    what: "Nothing more is released until the court lets it go on",
    done: "Suspended.",
  },
  {
    path: "resume",
    kind: "resumption",
    title: "Let this order go on",
    button: "Let it go on",
    what: "Keyholders may release again",
    done: "It goes on.",
  },
  {
    path: "extend",
    kind: "extension",
    title: "Keep this order secret for longer",
    button: "Extend the secrecy",
    what: "The people whom it opens are told later",
    done: "Extended.",
  },
  {
    path: "release-notice",
    kind: "notice-release",
    title: "Tell the person now",
    button: "Tell the person",
    what: "The people whom it opens are told now, before the secrecy that was ordered ends",
    done: "The notice is released.",
    isGrave: true,
  },
];

class CourtRoom {
  readonly #court: Court;
  readonly #door: ServiceDoor;
  readonly #drafts: Drafts;

  constructor(court: Court, door: ServiceDoor, drafts: Drafts) {
    this.#court = court;
    this.#door = door;
    this.#drafts = drafts;
  }

  /** The order that an address names. Throws DeskError "not-found". */
  async find({ params }: Visit): Promise<Shown> {
    const service = await this.#door.open();
    const orders = await shownOrders(this.#court.directory, service);
    const found = orders.find(({ name }) => name === params["order"]);
    if (found === undefined) throw new DeskError("not-found", "this court's directory has no such order");
    return found;
  }

  async begin(visit: Visit, sent: Form) {
    const { charter } = await this.#door.open();
    const given = (file: string, text: string): Uint8Array | null => {
      const pasted = sent.text(text);
      // As a file it ends with a line feed, which a text field does not keep.
      return sent.file(file)?.bytes ?? (pasted === "" ? null : utf8(`${pasted}\n`));
    };
    const request = given("request", "requestText");
    const statement = given("statement", "statementText");
    if (request === null || statement === null) {
      return beginPage(visit, charter, "Choose both files, or paste them.");
    }
    const id = await this.#drafts.begin({ request, statement }, charter, visit.now);
    return { to: `/drafts/${id}` };
  }

  async draft(visit: Visit, isAsked: boolean) {
    const service = await this.#door.open();
    const draft = await this.#drafts.read(idOf(visit), service.charter);
    const decided = decide(draft, service.charter, service.now());
    return draftPage(visit, draft, {
      charter: service.charter,
      decided,
      left: ordersLeft(service),
      isAsked,
    });
  }

  sign(): Act<{ readonly draft: string; readonly warrant: string }> {
    return {
      name: "sign-order",
      propose: async (visit, sent) => {
        const id = idOf(visit);
        await this.#drafts.save(id, fieldsOf(sent));
        const service = await this.#door.open();
        const { charter } = service;
        const draft = await this.#drafts.read(id, charter);
        const issued = service.now();
        const decided = decide(draft, charter, issued);
        if (decided.kind === "undecided") return await this.draft(visit, true);
        const { decision, validDays } = decided;
        const document = this.#court.draft(charter, {
          ...decision,
          issued,
          expires: expiryOf(issued, validDays),
        });
        const warrant = formatWarrant(document);
        const { sentence, keys } = scopeWords({
          people: document.accounts.length,
          conversations: document.conversations === "all" ? null : document.conversations.length,
          days: document.lastDay - document.firstDay + 1,
          isBothSides: document.mode === "both-sides",
        });
        return {
          title: `Sign this ${orderWord(charter)}`,
          button: "Sign it",
          shown: [
            { term: "What it opens", text: `${sentence}\n${keys}.` },
            ...orderInWords(document, charter, draft.statement),
            { term: "What happens then", text: nextOf(charter, document.mode) },
            { term: "Exact text (SHA-256)", text: sha256(warrant) },
          ],
          payload: { draft: id, warrant: fromUtf8(warrant) },
          back: `/drafts/${id}`,
        };
      },
      perform: async (_visit, payload) => {
        const fields = new Fields(payload, "payload");
        const document = parseWarrant(utf8(fields.string("warrant", 2 ** 20)));
        const service = await this.#door.open();
        const order = await this.#court.issueDraft(service.charter, document);
        await keepOrder(this.#court.directory, order);
        await this.#drafts.remove(fields.string("draft"));
        const to = `/orders/${nameOf(order)}`;
        if (service.charter.kind === "house" || document.mode === "both-sides")
          return { to, said: "Signed." };
        // The signature stands; that the service is away must not look as if it did not.
        return await this.#handIn(service, order).catch((error: unknown) => {
          if (!(error instanceof WireError)) throw error;
          return { to, said: "Signed. The service did not take it yet: hand it in again." };
        });
      },
    };
  }

  async #handIn(service: Service, order: OrderFile): Promise<GoTo> {
    const logged = await this.#court.submit(service, order);
    await keepOrder(this.#court.directory, logged);
    // A moment later witnesses have confirmed it, and every page shows it where it is.
    await service.covers(logged.index + 1, COVER_SECONDS);
    const to = `/orders/${nameOf(order)}`;
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
  }

  submit(): Act<{ readonly order: string; readonly commitment: string }> {
    return {
      name: "submit-order",
      propose: async (visit) => {
        const { name, document, commitment } = await this.find(visit);
        return {
          title: "Hand this order in",
          button: "Hand it in",
          shown: [
            { term: "Reference", text: document.reference },
            { term: "Days that it opens", text: daysText(document) },
            { term: "Number in the public log", text: commitment },
          ],
          payload: { order: name, commitment },
          isGrave: true,
          back: `/orders/${name}`,
        };
      },
      perform: async (_visit, payload) => {
        const order = await this.#named(payload);
        return await this.#handIn(await this.#door.open(), order);
      },
    };
  }

  countersign(): Act<{ readonly order: string; readonly commitment: string }> {
    return {
      name: "countersign-order",
      propose: async (visit) => {
        const { charter } = await this.#door.open();
        const { name, order, commitment } = await this.find(visit);
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
        const before = await this.#named(payload);
        const order = await this.#court.countersign((await this.#door.open()).charter, before);
        await keepOrder(this.#court.directory, order);
        await dropOrder(this.#court.directory, nameOf(before));
        return { to: `/orders/${nameOf(order)}`, said: "Signed by both." };
      },
    };
  }

  /** The provider's statement of everyone else makes it another order, which nobody has yet. */
  async others(visit: Visit, sent: Form): Promise<GoTo> {
    const file = sent.file("others");
    if (file === null) throw new DeskError("form-invalid", "choose the provider's statement");
    const { name, order } = await this.find(visit);
    const service = await this.#door.open();
    const statement = readStatementFile(file.bytes, (value: Json) => readSignedDocument(value, "statement"));
    const whole = await withOthers(order, statement, service.charter, service.now());
    await keepOrder(this.#court.directory, whole);
    await dropOrder(this.#court.directory, name);
    return { to: `/orders/${nameOf(whole)}`, said: "The others are in it. It can be handed in." };
  }

  /** Whatever a court says of its order later (DIR-1). */
  say(say: Say): Act<SaidPayload> {
    const { kind } = say;
    return {
      name: `say-${kind}`,
      propose: async (visit, sent) => {
        const { name, document, commitment, standing } = await this.find(visit);
        loggedIndex({ index: "index" in standing ? standing.index : null } as OrderFile);
        const ground = sent.text("ground");
        if (!isProse(ground)) throw new DeskError("form-invalid", "say why, in words");
        const until = kind === "extension" ? dayIn(sent.text("until")) : null;
        if (kind === "extension" && until === null) {
          throw new DeskError("form-invalid", "name the day on which secrecy ends now");
        }
        return {
          title: say.title,
          button: say.button,
          shown: [
            { term: "What it does", text: say.what },
            { term: "Reference", text: document.reference },
            { term: "Days that the order opens", text: daysText(document) },
            ...(until === null ? [] : [{ term: "Secret until", text: formatDay(until) }]),
            { term: "Why", text: ground },
            { term: "Number in the public log", text: commitment },
          ],
          payload: {
            order: name,
            commitment,
            ground,
            until: until === null ? null : formatDay(until),
            at: visit.now,
          },
          isGrave: say.isGrave ?? false,
          back: `/orders/${name}`,
        };
      },
      perform: async (_visit, payload) => {
        const order = await this.#named(payload);
        const service = await this.#door.open();
        const { ground, at } = payload;
        const when = unixSeconds(at);
        const until = payload.until === null ? {} : { until: parseDay(payload.until) };
        const name = nameOf(order);
        const note = async (index: number): Promise<void> =>
          await addSaid(this.#court.directory, name, { kind, at: when, until: payload.until, ground, index });
        if (kind === "revocation") {
          await note(await this.#court.revoke(service, order, ground, when));
          return { to: `/orders/${name}`, said: say.done };
        }
        const document = await this.#court.sayOf(service, order, { kind, ground, at: when, ...until });
        const { index, keyholders } = await this.#court.direct(service, order, kind, document);
        await note(index);
        const counted = keyholders.filter(({ answer }) => answer.state === "counted").length;
        const refused = keyholders.find(({ answer }) => answer.state === "refused");
        return {
          to: `/orders/${name}`,
          said:
            refused !== undefined
              ? `It is in the log, but ${refused.keyholder.name} does not count it: ${refused.answer.reason ?? ""}.`
              : `${say.done} ${counted} of ${keyholders.length} keyholders have counted it so far.`,
        };
      },
    };
  }

  async order(visit: Visit) {
    const service = await this.#door.open();
    const shown = await this.find(visit);
    const { order, name } = shown;
    const isLogged = shown.standing.state !== "signed";
    const logged = { ...order, index: "index" in shown.standing ? shown.standing.index : order.index };
    const keyholders = isLogged ? (await this.#court.status(service, logged)).keyholders : [];
    const contests = isLogged
      ? await this.#court.contests(service, logged).catch((error: unknown) => {
          if (error instanceof WireError) return null;
          throw error;
        })
      : [];
    return await orderPage(visit, shown, service.charter, {
      keyholders,
      contests,
      records: new Set(await recordsThatHold(keyholders, service.charter)),
      said: await readSaid(this.#court.directory, name),
    });
  }

  /** A keyholder's signed record of why it refused. */
  async record(visit: Visit) {
    const service = await this.#door.open();
    const { order, document } = await this.find(visit);
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

  /** The order of a payload, by name and by what the log shows of it. */
  async #named(payload: { readonly order: string; readonly commitment: string }): Promise<OrderFile> {
    const order = await keptOrder(this.#court.directory, payload.order);
    if (order === null || namesOf(order).commitment !== payload.commitment) {
      throw new DeskError("not-found", "the order is not in this court's directory any more");
    }
    return order;
  }
}

type SaidPayload = {
  readonly order: string;
  readonly commitment: string;
  readonly ground: string;
  readonly until: string | null;
  readonly at: number;
};

function nextOf({ kind }: Charter, mode: "sent" | "both-sides"): string {
  if (kind === "house") return "A second person must sign it before anybody gets it";
  return mode === "both-sides"
    ? "The provider must state who the others are; then it can be handed in"
    : "It is handed in at once: a number that tells nothing goes into the public log, the order to every keyholder";
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

function idOf({ params }: Visit): string {
  return params["draft"] ?? "";
}

function nameOf(order: OrderFile): string {
  return namesOf(order).commitment.slice(0, 16);
}

function payloadOf({ warrant }: OrderFile): Uint8Array {
  return unverifiedPayload(parseSignedDocument(warrant, "warrant"));
}
