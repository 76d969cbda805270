import { EncodingError, type JsonObject, parseDay } from "@porchlight/encoding";
import {
  type Agency,
  type LineAct,
  type LineNames,
  type LineObject,
  type LineRecords,
  namesIn,
  PartyError,
  readLineNames,
  writeLineNames,
} from "@porchlight/parties";
import { WireError } from "@porchlight/wire";
import { repeated } from "../repeated.ts";
import type { ServiceDoor } from "../service-door.ts";
import type { Act, Download, Rooms, Sentence, View, Visit } from "../shell/desk.ts";
import { DeskError } from "../shell/error.ts";
import type { Form } from "../shell/form.ts";
import { explain } from "../shell/sentences.ts";
import type { LineDoor } from "./line-door.ts";
import { keylessPage, lineObjectPage, linePage, namesPage, objectFacts, type Told } from "./line-page.ts";
import { ACT_WORDS, actHelp, statusWords, whatWords } from "./line-words.ts";
import { openSendingsBox, referencesIn } from "./sending-page.ts";

/** What can go wrong on the line, in an agency's words. */
export const LINE_SENTENCES: Readonly<Record<string, Sentence>> = {
  "hi1-refused": {
    title: "The provider did not take that",
    next: "Nothing was changed. Look at how it stands now, and whether your key still counts.",
  },
  "hi1-untrue": {
    title: "The answer is not the provider's",
    next: "Do not rely on it. Call the provider at the number that you know.",
  },
  "delivery-damaged": {
    title: "What was delivered is not whole",
    next: "It was not kept, and the provider was not told that it is here. Call the provider.",
  },
  "moved-on": {
    title: "It is not as it was shown any more",
    next: "Nothing was sent by this. Look at how it stands now, and decide again.",
  },
  "contents-missing": {
    title: "What is to be sent is not here any more",
    next: "Nothing of it was sent. Leave it unsent, and send it anew with its file.",
  },
};

/** The same, where whoever does not answer is the provider. */
export const ON_THE_LINE: Readonly<Record<string, Sentence>> = {
  ...LINE_SENTENCES,
  unreachable: {
    title: "The provider does not answer",
    next: "Nothing was lost. Try again in a moment; if it stays so, call the provider.",
  },
};

type Seen = { readonly id: string; readonly generation: number };

/** What an agency sent to its provider over TS 103 120, and what it may still ask about it (HI1-12, HI1-15, HI1-23, HI1-32). */
export class LineRoom {
  readonly #agency: Agency;
  readonly #door: ServiceDoor;
  readonly #line: LineDoor;

  constructor(agency: Agency, door: ServiceDoor, line: LineDoor) {
    this.#agency = agency;
    this.#door = door;
    this.#line = line;
  }

  routes({ page, act, download }: Rooms): void {
    page("/sent", async (visit) => await this.all(visit));
    page("/sent/names", async (visit) =>
      namesPage(visit, { names: await readLineNames(this.#agency.directory) }),
    );
    act("/sent/names", this.#nameLine());
    page("/sent/:id", async (visit) => await this.one(visit));
    for (const what of Object.keys(ACT_WORDS) as LineAct[]) act(`/sent/:id/${what}`, this.#act(what));
    download("/sent/:id/file", async (visit) => await this.file(visit));
    download("/sent/:id/package", async (visit) => await this.sealed(visit));
  }

  async #records(): Promise<LineRecords> {
    return (await this.#line.need()).records;
  }

  /** As the provider says; as it said last where it does not answer, or not this agency. */
  async #told(records: LineRecords): Promise<Told> {
    try {
      return { record: await records.ask(await this.#door.open()), why: null };
    } catch (error) {
      if (!(error instanceof WireError || error instanceof PartyError)) throw error;
      return { record: await records.known(), why: explain(error, ON_THE_LINE) };
    }
  }

  async all(visit: Visit): Promise<View> {
    const line = await this.#line.open();
    if (line !== null) {
      const [told, open] = [await this.#told(line.records), await line.sendings.open()];
      return linePage(
        visit,
        line.names,
        told,
        openSendingsBox(open, referencesIn((await this.#agency.requests()).requests)),
      );
    }
    const names = await readLineNames(this.#agency.directory);
    return names === null ? namesPage(visit, { names }) : keylessPage();
  }

  async one(visit: Visit, problem?: { readonly until: string; readonly words: string }): Promise<View> {
    const records = await this.#records();
    const told = await this.#told(records);
    const one = objectOf(visit, told);
    return lineObjectPage(visit, one, {
      told,
      isKept: one.type === "Delivery" && (await records.sealedDelivery(one.id)) !== null,
      ...(problem === undefined ? {} : { problem }),
    });
  }

  async file(visit: Visit): Promise<Download> {
    const { records, one } = await this.#known(visit);
    const bytes = await records.delivered(one.id);
    if (bytes === null) throw new DeskError("not-found", "it is not received yet, or no file came with it");
    const ending = one.contentType === "application/json" ? "json" : "bin";
    return { name: `delivery-${one.id.slice(0, 8)}.${ending}`, type: "application/octet-stream", bytes };
  }

  async sealed(visit: Visit): Promise<Download> {
    const { records, one } = await this.#known(visit);
    const bytes = await records.sealedDelivery(one.id);
    if (bytes === null) throw new DeskError("not-found", "it is not received yet");
    return { name: `delivery-${one.id.slice(0, 8)}.age`, type: "application/octet-stream", bytes };
  }

  /** As it was shown: nothing is asked. */
  async #known(visit: Visit): Promise<{ readonly records: LineRecords; readonly one: LineObject }> {
    const records = await this.#records();
    return { records, one: objectOf(visit, { record: await records.known(), why: null }) };
  }

  /** Decided is what was seen: the provider refuses where its object has changed since (HI1-12). */
  #act(what: LineAct): Act<Seen & JsonObject> {
    return {
      name: `line-${what}`,
      propose: async (visit, form) => {
        const { one } = await this.#known(visit);
        const { id, generation } = one;
        if (form.text("generation") !== String(generation) || !one.acts.includes(what))
          throw new DeskError("not-now", "it has changed since you looked: look again");
        const until = what === "extend" ? form.text("until") : "";
        const problem = what === "extend" ? dayProblem(until, one) : null;
        if (problem !== null) return await this.one(visit, { until, words: problem });
        const names = await readLineNames(this.#agency.directory);
        return {
          title: `${ACT_WORDS[what]}: ${whatWords(one)}`,
          button: ACT_WORDS[what],
          shown: [
            { term: "To", text: names?.provider ?? "" },
            { term: "From", text: names?.endpoint ?? "" },
            ...repeated(objectFacts(one)),
            { term: "State seen", text: `${statusWords(one)[0]} (generation ${generation})` },
            ...(what === "extend" ? [{ term: "Keep it until", text: until }] : []),
            { term: "What happens", text: actHelp(what, one) },
          ],
          payload: { id, generation, ...(what === "extend" ? { until } : {}) },
          isGrave: what === "cancel",
          back: `/sent/${id}`,
        };
      },
      perform: async (_visit, { id, generation, ...more }) => {
        const records = await this.#records();
        const service = await this.#door.open();
        const seen = { id, generation };
        switch (what) {
          case "receive":
            await records.receive(service, seen);
            break;
          case "acknowledge":
            await records.acknowledge(service, seen);
            break;
          case "cancel":
            await records.cancel(service, seen);
            break;
          case "extend":
            await records.extend(service, { ...seen, until: String(more["until"]) });
        }
        return { to: `/sent/${id}`, said: SAID[what] };
      },
    };
  }

  #nameLine(): Act<LineNames & JsonObject> {
    return {
      name: "name-line",
      propose: async (visit, form) => {
        const typed = namesTyped(form);
        const names = await readLineNames(this.#agency.directory);
        try {
          namesIn((name) => typed[name]);
        } catch (error) {
          if (!(error instanceof EncodingError)) throw error;
          const problem =
            error.field === "country"
              ? "A country has two capital letters."
              : "Write each name in one line, as it is registered.";
          return namesPage(visit, { names, typed, problem });
        }
        return {
          title: "Keep these names",
          button: "Keep them",
          shown: [
            { term: "Your UniqueIdentifier", text: typed.endpoint },
            { term: "The provider's", text: typed.provider },
            { term: "Country", text: typed.country },
            { term: "National profile", text: `${typed.owner}, version ${typed.profile}` },
            {
              term: "What changes",
              text: "This desk and the commands beside it speak with this provider under this name",
            },
          ],
          payload: typed,
          back: names === null ? "/sent" : "/sent/names",
        };
      },
      perform: async (_visit, names) => {
        await writeLineNames(this.#agency.directory, names);
        return { to: "/sent", said: "The names are kept." };
      },
    };
  }
}

const SAID: Readonly<Record<LineAct, string>> = {
  receive: "It is here, and the provider was told.",
  acknowledge: "The provider was told that it is whole.",
  extend: "The provider was asked to keep it longer.",
  cancel: "It is cancelled.",
};

function objectOf({ params }: Visit, { record }: Told): LineObject {
  const found = record.objects.find(({ id }) => id === params["id"]);
  if (found === undefined) throw new DeskError("not-found", "the provider has shown no such object of yours");
  return found;
}

function namesTyped(form: Form): LineNames {
  const [country, endpoint, provider] = [form.text("country"), form.text("endpoint"), form.text("provider")];
  return { country, endpoint, provider, owner: form.text("owner"), profile: form.text("profile") };
}

/** `null` where it is a day later than what was granted. */
function dayProblem(until: string, { granted, asked }: LineObject): string | null {
  try {
    parseDay(until);
  } catch (error) {
    if (!(error instanceof EncodingError)) throw error;
    return "Write the day as 2026-05-03.";
  }
  const before = granted ?? asked;
  return before === null || until > before ? null : `It is kept until ${before} already: name a later day.`;
}
