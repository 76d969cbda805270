import { createHash } from "node:crypto";
import type { Charter } from "@porchlight/charter";
import { fromHex, hex, type Json, type JsonObject } from "@porchlight/encoding";
import type { WarrantDocument } from "@porchlight/gate";
import {
  Agency,
  fitsMessage,
  isUnfinished,
  keptOrders,
  type OrderFile,
  orderContents,
  PartyError,
  planSending,
  progressOf,
  type Request,
  readParts,
  type Sending,
} from "@porchlight/parties";
import { WireError } from "@porchlight/wire";
import { type Shown, serviceOf } from "../orders.ts";
import type { ServiceDoor } from "../service-door.ts";
import { fitsStatement } from "../shell/acts.ts";
import type { Act, Performed, Proposal, Rooms, Sentence, View, Visit } from "../shell/desk.ts";
import { DeskError } from "../shell/error.ts";
import type { Form } from "../shell/form.ts";
import { explain } from "../shell/sentences.ts";
import { ChosenActs } from "./chosen-acts.ts";
import type { Line, LineDoor } from "./line-door.ts";
import { whatWords } from "./line-words.ts";
import {
  decideSending,
  fieldsFrom,
  fieldsOf,
  firstFields,
  type SendingFields,
  type SendingProblems,
} from "./sending-form.ts";
import { partsShown, type SendingPlace, sendingPage, sendingSentence } from "./sending-page.ts";

const ACT_FILES = { bodyLimit: 64 * 2 ** 20 };

/** What something is sent for: an application of this agency, from its own page or from its order's. */
type Subject = SendingPlace & {
  /** The application's. */
  readonly name: string;
  readonly actHash: string;
  readonly order: { readonly file: OrderFile; readonly document: WarrantDocument } | null;
};

type Payload = {
  readonly name: string;
  readonly typed: Readonly<Record<string, string>>;
  readonly parts: Json;
  /** How far the one before had come. */
  readonly seen: readonly string[];
  /** SHA-256 of a file that was chosen for this; "" where none was. */
  readonly chosen: string;
};

/** Sends to the provider what an agency asks for: authorisation, original act, tasks, the signed order (DESK-14). */
export class SendingRoom {
  readonly #agency: Agency;
  readonly #door: ServiceDoor;
  readonly #line: LineDoor;
  readonly #chosen = new ChosenActs();
  readonly #find: {
    readonly request: (visit: Visit) => Promise<Request>;
    readonly order: (visit: Visit) => Promise<Shown>;
  };
  readonly #sentences: Readonly<Record<string, Sentence>>;

  constructor(parts: {
    readonly agency: Agency;
    readonly door: ServiceDoor;
    readonly line: LineDoor;
    readonly request: (visit: Visit) => Promise<Request>;
    readonly order: (visit: Visit) => Promise<Shown>;
    readonly sentences: Readonly<Record<string, Sentence>>;
  }) {
    this.#agency = parts.agency;
    this.#door = parts.door;
    this.#line = parts.line;
    this.#find = { request: parts.request, order: parts.order };
    this.#sentences = parts.sentences;
  }

  routes({ page, act }: Rooms): void {
    for (const at of ["/applications/:application/send", "/orders/:order/send"]) {
      page(at, async (visit) => await this.#view(visit, await this.#subject(visit)));
      act(at, this.#sendAct(), ACT_FILES);
      act(`${at}/on`, this.#goOn());
      act(`${at}/leave`, this.#leave());
      act(`${at}/set-aside`, this.#setAside());
    }
  }

  async #subject(visit: Visit): Promise<Subject> {
    const service = await this.#door.open();
    if (visit.params["order"] === undefined) {
      const request = await this.#find.request(visit);
      const name = visit.params["application"] ?? "";
      const { charter } = await service.under(request.charter);
      return await this.#of(request, charter, { name, back: `/applications/${name}`, order: null });
    }
    const { name: order, order: file, document } = await this.#find.order(visit);
    const { charter } = await serviceOf(service, file);
    const name = Agency.nameOfRequest(document.requester.point);
    return await this.#of(document, charter, { name, back: `/orders/${order}`, order: { file, document } });
  }

  async #of(
    { reference, actHash }: Pick<Request, "reference" | "actHash">,
    charter: Charter,
    about: Pick<Subject, "name" | "back" | "order">,
  ): Promise<Subject> {
    return {
      ...about,
      path: `${about.back}/send`,
      reference,
      actHash: hex(actHash),
      charter,
      isOrder: about.order !== null,
      isActHere: await this.#agency.hasAct(actHash),
    };
  }

  async #view(
    visit: Visit,
    subject: Subject,
    wrong: {
      readonly typed?: SendingFields;
      readonly problems?: SendingProblems;
      readonly trouble?: string;
    } = {},
  ): Promise<View> {
    const line = await this.#line.open();
    const last = line === null ? null : await lastOf(line, subject.name);
    const isKept = last !== null && last !== "damaged" && last.typed["from"] === subject.path;
    const kept = isKept ? fieldsFrom(last.typed) : null;
    return sendingPage(visit, subject, {
      provider: line?.names.provider ?? null,
      last,
      typed: wrong.typed ?? kept ?? firstFields(subject.order?.document ?? null, subject.isActHere),
      problems: wrong.problems ?? {},
      trouble: wrong.trouble ?? null,
    });
  }

  #sendAct(): Act<Payload & JsonObject> {
    return {
      name: "send-to-provider",
      propose: async (visit, form) => {
        const subject = await this.#subject(visit);
        const line = await this.#line.need();
        const last = await lastOf(line, subject.name);
        if (last === "damaged")
          throw new DeskError("not-now", "what was noted of the last sending is damaged: set it aside first");
        if (last !== null && isUnfinished(last))
          throw new DeskError("not-now", "what was sent before has no answer yet: go on with that first");
        return await this.#propose(visit, form, subject, { line, last });
      },
      perform: async (_visit, { name, typed, parts: planned, seen, chosen }) => {
        const { sendings } = await this.#line.need();
        const parts = readParts(planned);
        if (chosen !== "") {
          const bytes = this.#chosen.find(chosen);
          if (bytes === null) throw new DeskError("not-now", "the act is not here any more: choose it again");
          await this.#agency.keepAct(bytes);
          this.#chosen.forget(chosen);
        }
        await sendings.begin(name, { at: this.#door.now(), typed, parts, seen });
        return await this.#send(name, typed["from"] ?? "/orders");
      },
    };
  }

  async #propose(
    visit: Visit,
    form: Form,
    subject: Subject,
    { line, last }: { readonly line: Line; readonly last: Sending | null },
  ): Promise<Proposal<Payload & JsonObject> | View> {
    const { name, path, reference, actHash, charter, order } = subject;
    const typed = fieldsOf(form);
    const file = form.file("file");
    const isForeign = file !== null && createHash("sha256").update(file.bytes).digest("hex") !== actHash;
    const service = await this.#door.open();
    const decided = decideSending(
      typed,
      {
        ...{ charter, reference, actHash, isForeign, order: order?.file ?? null },
        act: file?.bytes ?? (await this.#agency.act(fromHex(actHash, 32))),
      },
      service.now(),
    );
    if (decided.kind === "undecided")
      return await this.#view(visit, subject, { typed, problems: decided.problems });
    const { wish } = decided;
    const again = async (trouble: string): Promise<View> =>
      await this.#view(visit, subject, { typed, trouble });
    const known = await this.#answered(() => line.records.ask(service));
    if ("why" in known) return await again(`${known.why.title}. ${known.why.next}`);
    const { parts, there } = planSending(line.to, wish, known.objects);
    if (parts.length === 0)
      return await again("The provider has all of that already, and none of it is over.");
    if (!parts.every(fitsMessage))
      return await again(
        "A message cannot take this: too much is named in it, or a name on the line is none. Name fewer or shorter, and send it in parts.",
      );
    const { provider, endpoint } = line.names;
    const proposal = {
      title: "Send this to the provider",
      button: "Send it",
      shown: [
        { term: "What it asks", text: sendingSentence(wish, provider) },
        { term: "To", text: provider },
        { term: "From", text: endpoint },
        ...partsShown(parts),
        ...(there.length === 0
          ? []
          : [
              {
                term: "There already, and not sent again",
                text: there.map((one) => `${whatWords(one)}: ${one.id}`).join("\n"),
              },
            ]),
        ...(known.unread.length === 0
          ? []
          : [
              {
                term: "At the provider, and cannot be read here",
                text: `${known.unread.map(({ id, type }) => `${type}: ${id}`).join("\n")}\nWhether it says the same is not known.`,
              },
            ]),
        {
          term: "What happens",
          text: "Each message is signed with this agency's key. A person at the provider reads it and decides. Nothing is opened by it",
        },
      ],
      payload: {
        ...{ name, typed: { ...typed, from: path } },
        ...{ parts: parts as unknown as Json, seen: progressOf(last) },
        chosen: file !== null && wish.act.isWhole ? this.#chosen.choose(file.bytes) : "",
      },
      back: path,
    };
    return fitsStatement(proposal)
      ? proposal
      : await again(
          "This is too much to confirm at once: every message names all of these people. Name fewer, or ask for one thing after the other.",
        );
  }

  #goOn(): Act<{ readonly name: string; readonly path: string; readonly seen: readonly string[] }> {
    return {
      name: "go-on-sending",
      propose: async (visit) => {
        const { name, path } = await this.#subject(visit);
        const { names, sendings } = await this.#line.need();
        const last = await sendings.read(name);
        const rest = unanswered(last);
        if (rest.length === 0) throw new DeskError("not-now", "all of it has an answer");
        return {
          title: "Go on sending this to the provider",
          button: "Go on",
          shown: [
            { term: "To", text: names.provider },
            { term: "From", text: names.endpoint },
            ...partsShown(rest),
            {
              term: "What happens",
              text: "What has no answer yet is sent again, the very same. What the provider has already stays one",
            },
          ],
          payload: { name, path, seen: progressOf(last) },
          back: path,
        };
      },
      perform: async (_visit, { name, path, seen }) => {
        const last = await (await this.#line.need()).sendings.read(name);
        if (JSON.stringify(progressOf(last)) !== JSON.stringify(seen))
          throw new DeskError("not-now", "it has gone on since you looked: look again");
        return await this.#send(name, path);
      },
    };
  }

  #leave(): Act<{ readonly name: string; readonly path: string; readonly ids: readonly string[] }> {
    return {
      name: "leave-unsent",
      propose: async (visit) => {
        const { name, path } = await this.#subject(visit);
        const { names, sendings } = await this.#line.need();
        const last = await sendings.read(name);
        const rest = unanswered(last);
        if (last === null || rest.length === 0) throw new DeskError("not-now", "all of it has an answer");
        return {
          title: "Leave the rest unsent",
          button: "Leave it",
          shown: [
            { term: "To", text: names.provider },
            {
              term: "What has no answer yet",
              text: partsShown(rest)
                .map(({ term }) => term)
                .join("\n"),
            },
            {
              term: "What happens",
              text: "The provider may have the first of these: then its list shows it, and it is cancelled there. The others are not sent",
            },
          ],
          payload: { name, path, ids: last.parts.map(({ object }) => object.ObjectIdentifier) },
          back: path,
        };
      },
      perform: async (_visit, { name, path, ids }) => {
        const { parts } = await (await this.#line.need()).sendings.leave(name, ids);
        const said = parts.some(({ outcome }) => outcome.kind === "left")
          ? "Nothing more is sent. One part has no answer: the provider may have it; its list says."
          : "Nothing more is sent.";
        return { to: path, said };
      },
    };
  }

  /** What cannot be read can neither be gone on with nor left: it makes room for what is sent anew. */
  #setAside(): Act<{ readonly name: string; readonly path: string }> {
    return {
      name: "set-sending-aside",
      propose: async (visit) => {
        const { name, path } = await this.#subject(visit);
        const line = await this.#line.need();
        if ((await lastOf(line, name)) !== "damaged")
          throw new DeskError("not-now", "what was noted of it can be read");
        return {
          title: "Set aside what was noted of the last sending",
          button: "Set it aside",
          shown: [
            { term: "File", text: `sendings/${name}.sealed` },
            {
              term: "What happens",
              text: "It gets another name and stays in this directory. What the provider took stands in its list; what it did not get is not sent by this desk. Send that anew",
            },
          ],
          payload: { name, path },
          back: path,
        };
      },
      perform: async (_visit, { name, path }) => {
        await (await this.#line.need()).sendings.setAside(name);
        return { to: path, said: "It is set aside. What the provider has already is not sent twice." };
      },
    };
  }

  /** What was kept before is not lost where the provider is away, and what it refused is shown beside each part. */
  async #send(name: string, path: string): Promise<Performed> {
    const { sendings } = await this.#line.need();
    const sent = await this.#answered(
      async () =>
        await sendings.send(await this.#door.open(), name, async (sum) => await this.#contents(sum)),
    );
    if ("why" in sent) {
      const { title, detail, code } = sent.why;
      const said = `${title}${detail === null ? "" : ` (${detail})`}. Nothing is lost: what is missing is sent when you go on.`;
      return { to: path, said, outcome: Promise.resolve(code) };
    }
    if (sent.parts.every(({ outcome }) => outcome.kind === "taken"))
      return { to: "/sent", said: "The provider has all of it." };
    if (sent.parts.some(({ outcome }) => outcome.kind === "refused"))
      return { to: path, outcome: Promise.resolve("hi1-refused") };
    return {
      to: path,
      said: "Somebody left the rest of it unsent while it was sent.",
      outcome: Promise.resolve("left-unsent"),
    };
  }

  async #answered<T extends object>(
    ask: () => Promise<T>,
  ): Promise<T | { readonly why: ReturnType<typeof explain> }> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof WireError || error instanceof PartyError)) throw error;
      return { why: explain(error, this.#sentences) };
    }
  }

  /** A document's contents by their SHA-256: an original act, or an order of this directory. */
  async #contents(checksum: string): Promise<Uint8Array | null> {
    const act = await this.#agency.act(fromHex(checksum, 32));
    if (act !== null) return act;
    for (const { order } of (await keptOrders(this.#agency.directory)).orders) {
      const contents = orderContents(order);
      if (createHash("sha256").update(contents).digest("hex") === checksum) return contents;
    }
    return null;
  }
}

/** What cannot be read is said, and keeps nobody from the page. */
async function lastOf({ sendings }: Line, name: string): Promise<Sending | "damaged" | null> {
  return await sendings.read(name).catch((error: unknown) => {
    if (error instanceof PartyError && error.code === "file-malformed") return "damaged";
    throw error;
  });
}

function unanswered(sending: Sending | null): Sending["parts"] {
  return sending?.parts.filter(({ outcome }) => outcome.kind === "unanswered") ?? [];
}
