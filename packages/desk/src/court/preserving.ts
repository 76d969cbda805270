import { createHash } from "node:crypto";
import {
  formatPreservation,
  type PreservationDocument,
  parsePreservation,
  parseSignedDocument,
} from "@porchlight/charter";
import { dayOf, formatDay, fromUtf8, utf8 } from "@porchlight/encoding";
import { sha256 } from "@porchlight/evidence";
import {
  type Court,
  cosignPreservation,
  formatPreservationFile,
  lodgePreservation,
  type PreservationFile,
  preservationName,
  preservationOf,
  preservationShelf,
  readPreservationFile,
  type Service,
  type Shelf,
  signPreservation,
} from "@porchlight/parties";
import { UPLOADS } from "../orders.ts";
import { addSaid, readSaid } from "../said.ts";
import type { ServiceDoor } from "../service-door.ts";
import type { Act, GoTo, Rooms, View, Visit } from "../shell/desk.ts";
import { DeskError } from "../shell/error.ts";
import { type Form, isProse } from "../shell/form.ts";
import { dayIn } from "./draft.ts";
import { type Half, type Halves, signedByIssuers } from "./halves.ts";
import {
  decidePreservation,
  endOf,
  findPreservation,
  latestEnd,
  latestExtension,
  type NamedPreservation,
  namedPreservation,
  type PreservationFields,
  type PreservationProblems,
  type Preserved,
  preservations,
  preservationWords,
  underOwn,
} from "./preservation.ts";
import {
  newPreservationPage,
  preservationPage,
  preservationsPage,
  type TypedExtension,
} from "./preservation-page.ts";

const HERE = "/preservations";

/** What is signed, exact text, and for an extension the order that it prolongs. */
type Payload = { readonly document: string };

/** Orders to preserve: issued, extended once, lifted; in a house by two (spec/preservation.md). */
export class PreservationRoom {
  readonly #court: Court;
  readonly #door: ServiceDoor;
  readonly #halves: Halves;
  readonly #shelf: Shelf<PreservationFile>;

  constructor(court: Court, door: ServiceDoor, halves: Halves) {
    this.#court = court;
    this.#door = door;
    this.#halves = halves;
    this.#shelf = preservationShelf(court.directory);
  }

  routes({ page, form, act, download }: Rooms): void {
    page(HERE, async (visit) => {
      const service = await this.#door.open();
      const all = await preservations(this.#court.directory, service);
      const damaged = [...all.damaged, ...(await this.#halves.damaged())];
      return preservationsPage(visit, service.charter, { ...all, damaged, now: service.now() });
    });
    form(HERE, async (_visit, sent) => await this.#bring(sent), UPLOADS);
    page(`${HERE}/new`, async (visit) => await this.#newPage(visit));
    act(`${HERE}/new`, this.#issue(), UPLOADS);
    page(`${HERE}/:name`, async (visit) => await this.#view(visit));
    act(`${HERE}/:name/countersign`, this.#countersign());
    act(`${HERE}/:name/lodge`, this.#lodgeAgain());
    act(`${HERE}/:name/extend`, this.#extend());
    download(`${HERE}/:name/file`, async (visit) => {
      const { file, document } = await this.#find(visit);
      const bytes = formatPreservationFile(file);
      return { name: `preservation-${document.reference}.json`, type: "application/json", bytes };
    });
    form(`${HERE}/:name/drop`, async (visit) => {
      const { name, document, state } = await this.#find(visit);
      const { now } = await this.#place();
      const isOver = state.kind === "sent" && now >= endOf(document);
      if (state.kind !== "half" && state.kind !== "signed" && !isOver)
        throw new DeskError("not-now", "the provider was sent it: hand it in again, or lift it");
      await this.#shelf.drop(name);
      return { to: HERE, said: isOver ? "Thrown away." : "Thrown away: nobody was sent it." };
    });
  }

  async #find({ params }: Visit): Promise<Preserved> {
    return await findPreservation(this.#court.directory, await this.#door.open(), params["name"]);
  }

  /** `typed`: an extension that cannot be signed so, to be mended. */
  async #view(visit: Visit, typed: TypedExtension | null = null): Promise<View> {
    const one = await this.#find(visit);
    const { service, charter } = await this.#own(one.document);
    const halves: Half[] = [];
    for (const half of await this.#halves.list(one.name)) {
      // One whose signature does not hold any more says nothing.
      if ((await signedByIssuers("preservation-lift", half.document, charter)) !== null) halves.push(half);
    }
    return preservationPage(visit, service, { own: this.#court.name, one, halves, typed });
  }

  async #newPage(
    visit: Visit,
    fields: PreservationFields | null = null,
    problems: PreservationProblems = {},
  ): Promise<View> {
    const { charter, now } = await this.#place();
    return newPreservationPage(visit, charter, latestEnd(dayOf(now), charter), fields, problems);
  }

  async #place() {
    const service = await this.#door.open();
    return { service, charter: service.charter, now: service.now() };
  }

  /** Under the charter that an order names. */
  async #own(document: Pick<PreservationDocument, "charter">) {
    return await underOwn(await this.#door.open(), document);
  }

  #issue(): Act<Payload> {
    return {
      name: "sign-preservation",
      propose: async (visit, sent) => {
        const { charter, now } = await this.#place();
        const actFile = sent.file("act");
        const typed = fieldsOf(sent);
        const fields =
          actFile === null
            ? typed
            : { ...typed, actHash: createHash("sha256").update(actFile.bytes).digest("hex") };
        const decided = decidePreservation(fields, charter, now, this.#court.name);
        if (decided.kind === "undecided") return await this.#newPage(visit, fields, decided.problems);
        return this.#proposal(decided.document, {
          title: "Sign this order to preserve",
          isHouse: charter.kind === "house",
          back: `${HERE}/new`,
        });
      },
      perform: async (_visit, payload) => await this.#sign(payload),
    };
  }

  #extend(): Act<Payload> {
    return {
      name: "extend-preservation",
      propose: async (visit, sent) => {
        const { name, document, commitment, state, extendedBy } = await this.#find(visit);
        const { charter, now } = await this.#own(document);
        if (
          document.extends !== null ||
          extendedBy !== null ||
          (state.kind !== "held" && state.kind !== "logged")
        )
          throw new DeskError("not-now", "an order to preserve that runs is extended once");
        const ground = sent.text("ground");
        const typed = { until: sent.text("until"), ground };
        const until = dayIn(typed.until);
        const latest = latestExtension(document, charter);
        if (until === null || until <= document.until || until > latest) {
          const problem = `Name a day after ${formatDay(document.until)}, at the latest ${formatDay(latest)}.`;
          return await this.#view(visit, { ...typed, problem, field: "until" });
        }
        if (!isProse(ground)) {
          const problem = "Say why, in words: at most 20,000 characters.";
          return await this.#view(visit, { ...typed, problem, field: "ground" });
        }
        const issuer = this.#court.name;
        return this.#proposal(
          { ...document, issuer, issued: now, until, ground, extends: commitment },
          {
            title: "Extend this order to preserve",
            isHouse: charter.kind === "house",
            back: `${HERE}/${name}`,
          },
        );
      },
      perform: async (_visit, payload) => await this.#sign(payload),
    };
  }

  #proposal(
    document: PreservationDocument,
    about: { readonly title: string; readonly isHouse: boolean; readonly back: string },
  ) {
    const text = formatPreservation(document);
    const then = about.isHouse
      ? "Nothing is sent before the other person has signed it as well"
      : "It is logged at once, as a number that tells nothing; what is there then is not deleted";
    return {
      title: about.title,
      button: "Sign it",
      shown: [
        { term: "What it does", text: "Keeps what is there from being deleted. It opens nothing" },
        ...preservationWords(document),
        { term: "What happens then", text: then },
        { term: "Exact text (SHA-256)", text: sha256(text) },
      ],
      payload: { document: fromUtf8(text) },
      back: about.back,
    };
  }

  async #sign({ document }: Payload): Promise<GoTo> {
    const { charter: id, issuer: _, ...decision } = parsePreservation(utf8(document));
    const { service, charter } = await this.#own({ charter: id });
    const file = await signPreservation(this.#court, charter, decision);
    const name = await preservationName(this.#court.directory, file);
    await this.#shelf.keep(name, file);
    if (charter.kind === "house")
      return {
        to: `${HERE}/${name}`,
        said: "Signed by you. Now the other person: give them the file below.",
      };
    return await this.#lodge(service, file);
  }

  /** Logged, witnessed, and only then held (PRES-8). */
  async #lodge(service: Service, file: PreservationFile): Promise<GoTo> {
    const name = await preservationName(this.#court.directory, file);
    const { ground } = preservationOf(file).document;
    // Before it leaves: from then on it may be logged, whatever becomes of the answer.
    const { said: before } = await readSaid(this.#court.directory, name);
    if (!before.some(({ kind }) => kind === "sent"))
      await addSaid(this.#court.directory, name, {
        kind: "sent",
        at: service.now(),
        until: null,
        ground,
        index: null,
      });
    const { index, until } = await lodgePreservation(service, file);
    const at = service.now();
    await addSaid(this.#court.directory, name, {
      kind: "preserved",
      at,
      until: formatDay(until),
      ground,
      index,
    });
    return {
      to: `${HERE}/${name}`,
      said: `It is in the log, entry ${index}. What is there now is kept until ${formatDay(until)}.`,
    };
  }

  #countersign(): Act<NamedPreservation> {
    return {
      name: "countersign-preservation",
      propose: async (visit) => {
        const { name, document, file, commitment } = await this.#find(visit);
        return {
          title: "Add your signature to this order to preserve",
          button: "Sign it",
          shown: [
            { term: "What it does", text: "Keeps what is there from being deleted. It opens nothing" },
            ...preservationWords(document),
            { term: "Exact text so far (SHA-256)", text: sha256(file.preservation) },
          ],
          payload: { name, commitment },
          back: `${HERE}/${name}`,
        };
      },
      perform: async (_visit, payload) => {
        const half = await this.#named(payload);
        const { service, charter } = await this.#own(preservationOf(half).document);
        const whole = await cosignPreservation(this.#court, charter, half);
        await this.#shelf.keep(await preservationName(this.#court.directory, whole), whole);
        await this.#shelf.drop(payload.name);
        return await this.#lodge(service, whole);
      },
    };
  }

  #lodgeAgain(): Act<NamedPreservation> {
    return {
      name: "lodge-preservation",
      propose: async (visit) => {
        const { name, document, commitment } = await this.#find(visit);
        return {
          title: "Hand this order to preserve in",
          button: "Hand it in",
          shown: [...preservationWords(document), { term: "Number in the public log", text: commitment }],
          payload: { name, commitment },
          back: `${HERE}/${name}`,
        };
      },
      perform: async (_visit, payload) => {
        const file = await this.#named(payload);
        const { service } = await this.#own(preservationOf(file).document);
        return await this.#lodge(service, file);
      },
    };
  }

  /** An order that the other of two signed, or that both did: read before it is kept. */
  async #bring(sent: Form): Promise<GoTo> {
    const sentFile = sent.file("preservation");
    if (sentFile === null) throw new DeskError("form-invalid", "choose the order's file");
    const file = readPreservationFile(sentFile.bytes);
    const { document } = preservationOf(file);
    const { charter } = await this.#own(document);
    const signed = parseSignedDocument(file.preservation, "preservation");
    const found = await signedByIssuers("preservation", signed, charter);
    if (found === null) throw new DeskError("form-invalid", "no issuer of its charter signed this file");
    const name = await preservationName(this.#court.directory, file);
    await this.#shelf.keep(name, file);
    // One's own half of it has become the whole.
    for (const other of (await preservations(this.#court.directory, await this.#door.open())).orders) {
      const isSame = Buffer.from(formatPreservation(other.document)).equals(formatPreservation(document));
      if (isSame && other.name !== name && other.state.kind === "half") await this.#shelf.drop(other.name);
    }
    return { to: `${HERE}/${name}` };
  }

  async #named(payload: NamedPreservation): Promise<PreservationFile> {
    return await namedPreservation(this.#court.directory, payload);
  }
}

function fieldsOf(sent: Form): PreservationFields {
  const text = (name: keyof PreservationFields): string => sent.text(name);
  return {
    reference: text("reference"),
    actHash: text("actHash"),
    legalBasis: text("legalBasis"),
    account: text("account").toLowerCase(),
    conversations: text("conversations"),
    firstDay: text("firstDay"),
    lastDay: text("lastDay"),
    until: text("until"),
    ground: text("ground"),
  };
}
