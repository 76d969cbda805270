import { createHash } from "node:crypto";
import { parseSignedDocument, unverifiedPayload } from "@porchlight/charter";
import { type AccountId, accountId, EncodingError, fromUtf8, type Json, utf8 } from "@porchlight/encoding";
import type { Words } from "@porchlight/evidence";
import { parseWarrant } from "@porchlight/gate";
import { readOrderFile } from "@porchlight/parties";
import { AdminRefusal } from "@porchlight/runtime";
import { UPLOADS } from "../orders.ts";
import type { Act, Proposal, Rooms, View, Visit } from "../shell/desk.ts";
import { DeskError } from "../shell/error.ts";
import type { Form } from "../shell/form.ts";
import type { Bound, OfficerSocket } from "./client.ts";
import { type Stated, statementsPage } from "./statements-page.ts";

const HERE = "/statements";
/** Signed files that wait to be downloaded; another can be signed at any time. */
const MAX_KEPT = 32;
const MAX_LINES = 100;
/** That a page of an act shows; more look the same. */
const MAX_ALIKE = 20;
/** CHA-5 */
const MAX_NAME = 200;

type Payload = {
  readonly charter: string;
  /** The signed warrant of an order over both sides; `null` for whose accounts these are. */
  readonly warrant: string | null;
  readonly accounts: readonly { readonly account: AccountId; readonly person: string }[];
  readonly about: string;
};

/** The provider's word on whose accounts these are (CHA-20): what a court's draft and an order over both sides need. */
export class StatementRoom {
  readonly #socket: OfficerSocket;
  /** By name, in memory only: they hold names, and can be made again. */
  readonly #signed = new Map<string, Stated & { readonly bytes: Uint8Array }>();

  constructor(socket: OfficerSocket) {
    this.#socket = socket;
  }

  routes({ page, act, download }: Rooms): void {
    page(HERE, async (visit) => this.#page(visit));
    act(
      `${HERE}/accounts`,
      this.#act("state-accounts", async (visit, sent) => await this.#accounts(visit, sent)),
    );
    act(
      `${HERE}/others`,
      this.#act("state-others", async (_visit, sent) => await this.#others(sent)),
      UPLOADS,
    );
    act(`${HERE}/bind`, this.#bind());
    download(`${HERE}/:name`, async ({ params }) => {
      const found = this.#signed.get(params["name"] ?? "");
      if (found === undefined)
        throw new DeskError("not-found", "this file is not here any more: sign it again");
      return { name: `statement-${found.name}.json`, type: "application/json", bytes: found.bytes };
    });
  }

  #page(
    visit: Visit,
    typed: { readonly whose: string; readonly about: string; readonly problem: string } | null = null,
  ): View {
    return statementsPage(visit, [...this.#signed.values()].reverse(), typed);
  }

  async #accounts(visit: Visit, sent: Form): Promise<Proposal<Payload> | View> {
    const [whose, about] = [sent.text("whose"), sent.text("about")];
    const lines = [...new Set(whose.split("\n").map((line) => line.trim()))].filter((line) => line !== "");
    const again = (problem: string): View => ({
      ...this.#page(visit, { whose, about, problem }),
      status: 422,
    });
    if (about === "") return again("Write for which file it is, and who asked.");
    if (lines.length === 0 || lines.length > MAX_LINES)
      return again(`Name between 1 and ${MAX_LINES} accounts or people, each in its own line.`);
    if (lines.some((line) => line.length > MAX_NAME))
      return again("One of these lines is too long for a name.");
    const accounts = lines.filter((line) => /^[0-9a-f]{64}$/.test(line)).map((line) => accountId(line));
    const names = lines.filter((line) => !/^[0-9a-f]{64}$/.test(line));
    const bound = await known(this.#socket.reviewStatement(accounts, names));
    if (typeof bound === "string") return again(bound);
    const { id: charter } = await this.#socket.charter();
    return this.#proposal(
      "State whose accounts these are",
      { charter, warrant: null, accounts: bound, about },
      [{ term: "For", text: about }],
    );
  }

  async #others(sent: Form): Promise<Proposal<Payload>> {
    const file = sent.file("order");
    if (file === null) throw new DeskError("form-invalid", "choose the order's file");
    const warrant = fromUtf8(readOrderFile(file.bytes).warrant);
    const found = await known(this.#socket.reviewOthers(warrant));
    if (typeof found === "string") throw new DeskError("not-now", found);
    const { charter, accounts } = found;
    const { reference } = parseWarrant(unverifiedPayload(parseSignedDocument(utf8(warrant), "warrant")));
    const payload = { charter, warrant, accounts, about: reference };
    return this.#proposal("State whom else this order opens", payload, [
      { term: "The order", text: reference },
      {
        term: "Whom it is about",
        text: "Everyone who wrote in the order's conversations on its days beside those whom it names. They are opened too.",
      },
    ]);
  }

  #proposal(title: string, payload: Payload, first: readonly Words[]): Proposal<Payload> {
    return {
      title,
      button: "Sign it",
      shown: [
        ...first,
        {
          term: "What is signed",
          text: "The provider's word on whose these accounts are. Who gets the file learns these names.",
        },
        ...payload.accounts.map(({ account, person }, i) => ({
          term: payload.accounts.length === 1 ? "Account" : `Account ${i + 1}`,
          text: `${account}\n${person}`,
        })),
        { term: "Charter", text: payload.charter },
      ],
      payload,
      isGrave: true,
      back: HERE,
    };
  }

  #act(name: string, propose: Act<Payload>["propose"]): Act<Payload> {
    return {
      name,
      propose,
      perform: async ({ now }, { charter, warrant, accounts, about }) => {
        const ids = accounts.map(({ account }) => account);
        const expected = accounts.map(({ account, person }) => ({ account, person }));
        const signed = await (warrant === null
          ? this.#socket.act("statement", { charter, accounts: ids, expected })
          : this.#socket.act("others", { warrant, accounts: ids, expected }));
        this.#keep(signed, { about, accounts, isOthers: warrant !== null, at: now });
        return { to: HERE, said: "Signed. Download the file and give it to who asked." };
      },
    };
  }

  #keep(signed: Json, about: Omit<Stated, "name">): void {
    const bytes = utf8(`${JSON.stringify(signed)}\n`);
    const name = createHash("sha256").update(bytes).digest("hex");
    this.#signed.set(name, { ...about, name, bytes });
    const [oldest] = this.#signed.keys();
    if (oldest !== undefined && this.#signed.size > MAX_KEPT) this.#signed.delete(oldest);
  }

  #bind(): Act<Bound> {
    return {
      name: "bind-person",
      propose: async (_visit, sent) => {
        const person = sent.text("person");
        let account: AccountId;
        try {
          account = accountId(sent.text("account"));
        } catch (error) {
          if (!(error instanceof EncodingError)) throw error;
          throw new DeskError("form-invalid", "an account's number has 64 digits and letters from a to f");
        }
        if (person === "") throw new DeskError("form-invalid", "write the person's name");
        const before = await this.#socket.boundTo(account);
        const alike = await this.#socket.lookingLike(account, person);
        return {
          title: "Note whose account this is",
          button: "Note it",
          shown: [
            {
              term: "What it does",
              text: "From now on statements say that this account is this person's. Orders that stand are not changed by it.",
            },
            { term: "Account", text: account },
            { term: "Person", text: person },
            { term: "Until now", text: before ?? "nobody was noted" },
            ...(alike.length === 0
              ? []
              : [
                  {
                    term: "Look twice",
                    text: "Others here have this name, or one that looks like it. Nobody can be named by such a name any more: authorities and you have to write the account's number.",
                  },
                  ...alike.slice(0, MAX_ALIKE).map((one) => ({
                    term: "Looks the same",
                    text: `${one.account}\n${one.person}`,
                  })),
                ]),
          ],
          isGrave: alike.length > 0,
          payload: { account, person },
          back: HERE,
        };
      },
      perform: async (_visit, { account, person }) => {
        await this.#socket.act("bind-person", { account, person });
        return { to: HERE, said: "Noted." };
      },
    };
  }
}

/** What was asked for, or the server's sentence that the records do not have it. */
async function known<T>(asked: Promise<T>): Promise<T | string> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof AdminRefusal && error.code === "not-found") return error.message;
    throw error;
  }
}
