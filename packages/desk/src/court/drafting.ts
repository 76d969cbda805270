import type { Charter } from "@porchlight/charter";
import { equalBytes, Fields, fromUtf8, utf8 } from "@porchlight/encoding";
import { orderInWords, orderWord, sha256 } from "@porchlight/evidence";
import { formatWarrant, parseWarrant } from "@porchlight/gate";
import {
  type Court,
  keepOrder,
  keptOrders,
  orderName,
  ordersLeft,
  type Request,
  readRequest,
} from "@porchlight/parties";
import { WireError } from "@porchlight/wire";
import { scopeOf, UPLOADS } from "../orders.ts";
import type { ServiceDoor } from "../service-door.ts";
import type { Act, GoTo, Rooms, View, Visit } from "../shell/desk.ts";
import { DeskError } from "../shell/error.ts";
import type { Form } from "../shell/form.ts";
import { DRAFT_FORM, type Drafts, decide, expiryOf, fieldsOf } from "./draft.ts";
import { beginPage, draftPage } from "./draft-page.ts";
import type { HandIn } from "./order-room.ts";

/** From an agency's application to a signature. */
export class DraftRoom {
  readonly #court: Court;
  readonly #door: ServiceDoor;
  readonly #drafts: Drafts;
  readonly #handIn: HandIn;

  constructor(court: Court, door: ServiceDoor, drafts: Drafts, handIn: HandIn) {
    this.#court = court;
    this.#door = door;
    this.#drafts = drafts;
    this.#handIn = handIn;
  }

  routes({ page, form, act }: Rooms): void {
    page("/new", async (visit) => beginPage(visit, (await this.#door.open()).charter));
    form("/new", async (visit, sent) => await this.#begin(visit, sent), UPLOADS);
    page("/drafts/:draft", async (visit) => await this.#draft(visit, false));
    form(
      "/drafts/:draft",
      async (visit, sent) => {
        await this.#drafts.save(idOf(visit), fieldsOf(sent));
        return { to: `/drafts/${idOf(visit)}`, said: "Saved." };
      },
      DRAFT_FORM,
    );
    form("/drafts/:draft/remove", async (visit) => {
      await this.#drafts.remove(idOf(visit));
      return { to: "/orders", said: "The draft is gone." };
    });
    act("/drafts/:draft/sign", this.#sign(), DRAFT_FORM);
  }

  async #begin(visit: Visit, sent: Form): Promise<View | GoTo> {
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
    await this.#mustBeUnused(readRequest(request));
    const id = await this.#drafts.begin({ request, statement }, charter, visit.now);
    return { to: `/drafts/${id}` };
  }

  /** GATE-23: a key that came with another order opens nothing any more. */
  async #mustBeUnused({ requester }: Pick<Request, "requester">): Promise<void> {
    const { orders, damaged } = await keptOrders(this.#court.directory);
    const [file] = damaged;
    if (file !== undefined) {
      throw new DeskError(
        "not-now",
        `${file} is damaged: whether an order was signed on this application already cannot be told here, and every keyholder would refuse a second one. Put that file back, from a backup or as the agency was given it; only one that is lost for good is moved away. Drafts are kept`,
      );
    }
    for (const { document } of orders) {
      if (equalBytes(document.requester.point, requester.point)) {
        throw new DeskError(
          "form-invalid",
          "an order was signed on this application already, and every keyholder refuses a second one: ask the agency for a new application",
        );
      }
    }
  }

  async #draft(visit: Visit, isAsked: boolean): Promise<View> {
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

  #sign(): Act<{ readonly draft: string; readonly warrant: string }> {
    return {
      name: "sign-order",
      propose: async (visit, sent) => {
        const id = idOf(visit);
        await this.#drafts.save(id, fieldsOf(sent));
        const service = await this.#door.open();
        const { charter } = service;
        const draft = await this.#drafts.read(id, charter);
        await this.#mustBeUnused(draft.request);
        const { left, cap } = ordersLeft(service);
        if (left <= 0) {
          throw new DeskError(
            "not-now",
            `the charter allows ${cap} orders within 30 days, for everyone together, and none is left: every keyholder would refuse this one. The draft is kept; sign it when the oldest of them is 30 days old`,
          );
        }
        const issued = service.now();
        const decided = decide(draft, charter, issued);
        if (decided.kind === "undecided") return await this.#draft(visit, true);
        const { decision, validDays } = decided;
        const document = this.#court.draft(charter, {
          ...decision,
          issued,
          expires: expiryOf(issued, validDays),
        });
        const warrant = formatWarrant(document);
        const { sentence, keys } = scopeOf(document);
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
        const to = `/orders/${await orderName(this.#court.directory, order)}`;
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
}

function nextOf({ kind }: Charter, mode: "sent" | "both-sides"): string {
  if (kind === "house") return "A second person must sign it before anybody gets it";
  return mode === "both-sides"
    ? "The provider must state who the others are; then it can be handed in"
    : "It is handed in at once: a number that tells nothing goes into the public log, the order to every keyholder";
}

function idOf({ params }: Visit): string {
  return params["draft"] ?? "";
}
