import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { asName, charterIdOfDocument, parseCharter } from "@porchlight/charter";
import {
  EncodingError,
  Fields,
  fromUtf8,
  type Json,
  type JsonObject,
  parseJson,
  parsePeriod,
  unixSeconds,
  utf8,
} from "@porchlight/encoding";
import {
  charterInWords,
  formatSuccessionFile,
  PartyError,
  readSuccessionFile,
  type SuccessionFile,
  stateOfSuccession,
  withSignature,
} from "@porchlight/parties";
import type { Act, Desk, DeskContext, GoTo, Proposal, Rooms, View, Visit } from "../shell/desk.ts";
import { DeskError } from "../shell/error.ts";
import type { Form } from "../shell/form.ts";
import {
  type Brought,
  broughtPage,
  chartersPage,
  type Signature,
  signedPage,
  successionWords,
} from "./charters-page.ts";
import { type CharterState, KeyholderSocket, type Shown, type Status } from "./client.ts";
import { inboxPage } from "./inbox-page.ts";
import { keysPage, monthField, namesOf } from "./keys-page.ts";
import { orderPage, orderWords } from "./order-page.ts";
import { askOfOrder, askWhetherThere } from "./peers.ts";
import { SENTENCES } from "./sentences.ts";
import { statePage } from "./state-page.ts";

/** Documents that were brought to be read, kept while this process runs: a handful, the newest. */
const MAX_BROUGHT = 8;
const UPLOAD_LIMIT = 3 * 2 ** 20;

/** The pages of a keyholder's person, beside the keyholder's process, over its admin socket (KEY-31). */
export async function openKeyholder({ directory }: DeskContext): Promise<Desk> {
  const socket = new KeyholderSocket(directory);
  const own = await configured(directory);
  // Where the process is down the desk still starts, and says so.
  const first = await socket.status().catch(() => null);
  let seen = first?.now ?? null;
  const status = async (): Promise<Status> => {
    const now = await socket.status();
    seen = now.now;
    return now;
  };
  const desk = new KeyholderDesk(socket, status);
  return {
    party: own.name,
    heading: "Keyholder",
    kind: first?.charters.at(-1)?.kind ?? "court",
    isReplay: own.isReplay,
    now: () => (own.isReplay && seen !== null ? seen : unixSeconds(Math.floor(Date.now() / 1000))),
    places: [
      { path: "/orders", words: "Orders" },
      { path: "/keys", words: "Keys" },
      { path: "/state", words: "State" },
      { path: "/charters", words: "Charters" },
    ],
    routes: (rooms) => desk.routes(rooms),
    sentences: SENTENCES,
  };
}

async function configured(directory: string): Promise<{ name: string; isReplay: boolean }> {
  try {
    const config = parseJson(
      new Uint8Array(await readFile(join(directory, "config.json"))),
      "config",
    ) as JsonObject;
    const { name, clock } = config;
    return { name: typeof name === "string" ? name : basename(directory), isReplay: clock === "replay" };
  } catch (cause) {
    throw new DeskError("config-invalid", "there is no keyholder's config.json in that directory", { cause });
  }
}

class KeyholderDesk {
  readonly #socket: KeyholderSocket;
  readonly #status: () => Promise<Status>;
  readonly #brought = new Map<string, Brought>();
  readonly #signed = new Map<string, Signature>();

  constructor(socket: KeyholderSocket, status: () => Promise<Status>) {
    this.#socket = socket;
    this.#status = status;
  }

  routes({ page, form, act, download }: Rooms): void {
    page("/orders", async () => {
      const [status, orders] = await Promise.all([this.#status(), this.#socket.list()]);
      return inboxPage(status, orders);
    });
    page("/orders/:id", async (visit) => await this.#orderPage(visit));
    act("/orders/:id/approve", this.#approve());
    act("/orders/:id/refuse", this.#refuse());

    page("/keys", async (visit) => keysPage(visit, await this.#status()));
    act("/keys/ceremony", this.#ceremony("ceremony"));
    act("/keys/refresh", this.#ceremony("refresh"));
    act("/keys/close-round", this.#closeRound());

    page("/state", async (visit) => await this.#statePage(visit));
    act("/state/pause", this.#pause());
    act("/state/resume", this.#resume());

    page("/charters", async (visit) => chartersPage(visit, await this.#status()));
    form("/charters/read", async (visit, sent) => await this.#readCharter(visit, sent), {
      bodyLimit: UPLOAD_LIMIT,
    });
    form("/successions/read", async (visit, sent) => await this.#readSuccession(visit, sent), {
      bodyLimit: UPLOAD_LIMIT,
    });
    page("/charters/:id", async (visit) => broughtPage(visit, this.#find(visit, "charter")));
    page("/successions/:id", async (visit) => broughtPage(visit, this.#find(visit, "succession")));
    act("/charters/:id/sign", this.#sign("sign-charter", "charter"));
    act("/successions/:id/sign", this.#sign("sign-succession", "succession"));
    act("/successions/:id/accept", this.#sign("accept-succession", "succession"));
    page("/signed/:id", async (visit) => signedPage(this.#signature(visit)));
    download("/signed/:id/file", async (visit) => {
      const { name, signature, file } = this.#signature(visit);
      if (file !== null)
        return { name: "succession.json", type: "application/json", bytes: formatSuccessionFile(file) };
      const bytes = utf8(`${JSON.stringify(signature)}\n`);
      return { name: `signature-${name.slice(0, 8)}.json`, type: "application/json", bytes };
    });
  }

  // ---- Orders

  async #order(visit: Visit): Promise<{ status: Status; charter: CharterState; order: Shown }> {
    const id = visit.params["id"] ?? "";
    if (!/^[0-9a-f]{64}$/.test(id)) throw new DeskError("not-found", "an order's number has 64 digits");
    const [status, order] = await Promise.all([this.#status(), this.#socket.show(id)]);
    return { status, charter: charterOf(status, order.document.charter), order };
  }

  async #orderPage(visit: Visit, asked: { reason: string; problem: string } | null = null): Promise<View> {
    const { status, charter, order } = await this.#order(visit);
    const peers = await askOfOrder(charter.keyholders, order.id);
    return orderPage(visit, status, charter, order, peers, asked);
  }

  #approve(): Act<{ order: string; commitment: string; by: string }> {
    return {
      name: "approve-order",
      propose: async (visit, sent) => {
        const { status, charter, order } = await this.#order(visit);
        mustAwait(order);
        mustGoOn(status);
        if (sent.text("commitment") !== order.commitment)
          throw new DeskError("not-now", "this is not the order that was shown: read it again");
        return {
          title: `Approve this ${charter.kind === "court" ? "warrant" : "hold order"}`,
          button: "Approve",
          shown: orderWords(order, charter),
          payload: { order: order.id, commitment: order.commitment, by: visit.person.name },
          isGrave: true,
          back: `/orders/${order.id}`,
        };
      },
      perform: async (_visit, { order, commitment, by }) => {
        const answer = await this.#socket.ask("approve", { order, commitment, by });
        const isRefused = new Fields(answer, "answer").string("state") === "refused";
        return {
          to: `/orders/${order}`,
          said: isRefused
            ? "It was refused: a rule does not hold any more."
            : "Approved. The intent goes into the public log, then the gate is asked again, then the share is used.",
        };
      },
    };
  }

  #refuse(): Act<{ order: string; by: string; reason: string }> {
    return {
      name: "refuse-order",
      propose: async (visit, sent) => {
        const { charter, order } = await this.#order(visit);
        mustAwait(order);
        const reason = oneLine(sent.text("reason"));
        const problem = problemOf(reason);
        if (problem !== null) return await this.#orderPage(visit, { reason: sent.text("reason"), problem });
        return {
          title: `Refuse this ${charter.kind === "court" ? "warrant" : "hold order"}`,
          button: "Refuse",
          shown: [{ term: "Your reason", text: reason }, ...orderWords(order, charter)],
          payload: { order: order.id, by: visit.person.name, reason },
          isGrave: true,
          back: `/orders/${order.id}`,
        };
      },
      perform: async (_visit, { order, by, reason }) => {
        await this.#socket.ask("refuse", { order, by, reason });
        return { to: `/orders/${order}`, said: "Refused, for good. The record is signed." };
      },
    };
  }

  // ---- Keys

  #ceremony(
    command: "ceremony" | "refresh",
  ): Act<{ charter: string; period: string; generation: number | null }> {
    return {
      name: command === "ceremony" ? "take-part-in-new-keys" : "take-part-in-new-shares",
      propose: async (_visit, sent) => {
        const charter = charterOf(await this.#status(), sent.text("charter"));
        const { period, generation } = monthOf(sent, command, charter.id);
        return {
          title: command === "ceremony" ? `Make the keys of ${period}` : `Share the keys of ${period} anew`,
          button: "Take part",
          shown: [
            { term: "Month", text: period },
            ...(generation === null ? [] : [{ term: "Generation", text: String(generation) }]),
            { term: "Deployment", text: charter.deployment },
            {
              term: "What follows",
              text:
                command === "ceremony"
                  ? "This keyholder takes part with all the others. A share of that month comes to lie here."
                  : "The same keys get other shares. The old share is destroyed when the new ones are in the log; orders that are under way should be finished first.",
            },
          ],
          payload: { charter: charter.id, period, generation },
          back: "/keys",
        };
      },
      perform: async (_visit, { charter, period, generation }) => {
        await this.#socket.ask(command, { charter, period, ...(generation === null ? {} : { generation }) });
        return { to: "/keys", said: "This keyholder takes part. The rest goes by itself." };
      },
    };
  }

  #closeRound(): Act<{ charter: string; period: string; generation: number }> {
    return {
      name: "close-round",
      propose: async (_visit, sent) => {
        const charter = charterOf(await this.#status(), sent.text("charter"));
        const { period, generation } = monthOf(sent, "close-round", charter.id);
        const ceremony = charter.ceremonies.find(
          (one) => one.period === period && one.generation === generation && one.kind === "running",
        );
        if (ceremony?.kind !== "running" || generation === null)
          throw new DeskError("not-now", "no ceremony of that month is under way here");
        if (ceremony.missing.length === 0) throw new DeskError("not-now", "nobody is waited for");
        return {
          title: `Wait no longer in the ceremony of ${period}`,
          button: "Wait no longer",
          shown: [
            { term: "Month", text: `${period}, generation ${generation}` },
            { term: "Not waited for any more", text: namesOf(charter, ceremony.missing) },
            {
              term: "What follows",
              text: `When ${charter.threshold} keyholders ask this, the step is closed. Who has not spoken is named in the log for all to see, and has no share of that month unless it is shared anew.`,
            },
          ],
          payload: { charter: charter.id, period, generation },
          isGrave: true,
          back: "/keys",
        };
      },
      perform: async (_visit, { charter, period, generation }) => {
        await this.#socket.ask("close-round", { charter, period, generation });
        return { to: "/keys", said: "Asked. It is closed when enough keyholders ask." };
      },
    };
  }

  // ---- State

  async #statePage(visit: Visit, asked: { reason: string; problem: string } | null = null): Promise<View> {
    const status = await this.#status();
    const there = await Promise.all(
      status.charters.map(async ({ id, keyholders }) => [id, await askWhetherThere(keyholders)] as const),
    );
    return statePage(visit, status, new Map(there), asked);
  }

  #pause(): Act<{ by: string; reason: string }> {
    return {
      name: "pause-everything",
      propose: async (visit, sent) => {
        const reason = oneLine(sent.text("reason"));
        const problem = problemOf(reason);
        if (problem !== null) return await this.#statePage(visit, { reason: sent.text("reason"), problem });
        return {
          title: "Pause everything",
          button: "Pause everything",
          shown: [
            { term: "Your reason", text: reason },
            {
              term: "What stops",
              text: "Approvals, the use of shares for orders already approved, and handing out what was made.",
            },
            {
              term: "What goes on",
              text: "Notices to persons, the log, ceremonies, destruction of old shares.",
            },
          ],
          payload: { by: visit.person.name, reason },
          isGrave: true,
          back: "/state",
        };
      },
      perform: async (_visit, { by, reason }) => {
        await this.#socket.ask("pause", { by, reason });
        return { to: "/state", said: "Everything is paused." };
      },
    };
  }

  #resume(): Act<{ pause: string }> {
    return {
      name: "resume",
      propose: async (): Promise<Proposal<{ pause: string }>> => {
        const { paused } = await this.#status();
        if (paused === null) throw new DeskError("not-now", "nothing is paused");
        return {
          title: "Let everything go on",
          button: "Let it go on",
          shown: [
            ...paused.reasons.flatMap(({ by, reason }) => [
              { term: "Paused by", text: by },
              { term: "Because", text: reason },
            ]),
            {
              term: "What follows",
              text: "Approved orders go on where they were: the gate is asked again, then shares are used.",
            },
          ],
          payload: { pause: paused.id },
          isGrave: true,
          back: "/state",
        };
      },
      perform: async (_visit, { pause }) => {
        // The keyholder itself keeps any other pause than the one that was shown.
        await this.#socket.ask("resume", { pause });
        return { to: "/state", said: "It goes on." };
      },
    };
  }

  // ---- Charters and successions

  async #readCharter(visit: Visit, sent: Form): Promise<View | GoTo> {
    const file = sent.file("charter");
    if (file === null || file.bytes.length === 0)
      return chartersPage(visit, await this.#status(), "choose the file");
    const text = textOf(file.bytes);
    const review = new Fields(await this.#socket.ask("review-charter", { charter: text }), "review");
    const bytes = utf8(text);
    const id = review.string("id");
    const words = charterInWords({ ...parseCharter(bytes), id: charterIdOfDocument(bytes) });
    this.#keep({
      kind: "charter",
      id,
      text,
      self: review.integer("keyholder"),
      rows: words.rows,
      warnings: words.warnings,
    });
    return { to: `/charters/${id}` };
  }

  async #readSuccession(visit: Visit, sent: Form): Promise<View | GoTo> {
    const file = sent.file("succession");
    if (file === null || file.bytes.length === 0)
      return chartersPage(visit, await this.#status(), "choose the succession's file");
    const whole = fileOf(file.bytes);
    if (whole !== null) return await this.#readSuccessionFile(whole);
    const text = textOf(file.bytes);
    const charter = sent.file("charter-of-it");
    if (charter !== null && charter.bytes.length > 0) {
      // The new keyholder has no charter in force that could review it; what is accepted is checked when it is.
      const id = await digestOf(text);
      const rows = successionWords(text);
      this.#keep({ kind: "succession", id, text, charter: textOf(charter.bytes), file: null, rows });
      return { to: `/successions/${id}` };
    }
    const review = new Fields(await this.#socket.ask("review-succession", { succession: text }), "review");
    const id = review.string("digest");
    this.#keep({ kind: "succession", id, text, charter: null, file: null, rows: successionWords(text) });
    return { to: `/successions/${id}` };
  }

  /** The file that goes from party to party: it says itself whether this keyholder is one of before, or the new one. */
  async #readSuccessionFile(file: SuccessionFile): Promise<GoTo> {
    const text = fromUtf8(file.succession);
    const rows = successionWords(text);
    const { charters } = await this.#status();
    const isKnown = charters.some(({ id }) => id === charterIdOfDocument(file.charter));
    // The new keyholder has no charter in force that could review it; what is accepted is checked when it is.
    const id = isKnown
      ? new Fields(await this.#socket.ask("review-succession", { succession: text }), "review").string(
          "digest",
        )
      : await digestOf(text);
    this.#keep({
      kind: "succession",
      id,
      text,
      charter: isKnown ? null : fromUtf8(file.charter),
      file,
      rows,
    });
    return { to: `/successions/${id}` };
  }

  #sign(
    command: "sign-charter" | "sign-succession" | "accept-succession",
    kind: Brought["kind"],
  ): Act<{ id: string }> {
    const verb = command === "accept-succession" ? "Accept" : "Sign";
    return {
      name: command,
      propose: async (visit) => {
        const found = this.#find(visit, kind);
        return {
          title: `${verb} this ${kind}`,
          button: verb,
          shown: [{ term: "Its number", text: found.id }, ...found.rows],
          payload: { id: found.id },
          isGrave: true,
          back: `/${kind === "charter" ? "charters" : "successions"}/${found.id}`,
        };
      },
      // The number is the hash of what was read: the keyholder signs nothing with another one.
      perform: async (_visit, { id }) => {
        const found = this.#brought.get(id);
        if (found === undefined || found.kind !== kind)
          throw new DeskError("not-now", "it is not here any more: bring the file again");
        const { text } = found;
        const members: Record<string, Json> =
          found.kind === "charter"
            ? { charter: text, id }
            : {
                succession: text,
                digest: id,
                ...(command === "accept-succession" ? { charter: found.charter ?? "" } : {}),
              };
        const answer = new Fields(await this.#socket.ask(command, members), "answer");
        const signature = answer.json("signature");
        const file =
          found.kind === "succession" && found.file !== null
            ? withSignature(found.file, readSignature(signature))
            : null;
        this.#signed.set(id, { name: id, signature, file });
        return { to: `/signed/${id}` };
      },
    };
  }

  #keep(brought: Brought): void {
    this.#brought.delete(brought.id);
    this.#brought.set(brought.id, brought);
    for (const oldest of this.#brought.keys()) {
      if (this.#brought.size <= MAX_BROUGHT) break;
      this.#brought.delete(oldest);
    }
  }

  #find({ params }: Visit, kind: Brought["kind"]): Brought {
    const found = this.#brought.get(params["id"] ?? "");
    if (found?.kind !== kind)
      throw new DeskError("not-found", "it is not here any more: bring the file again");
    return found;
  }

  #signature({ params }: Visit): Signature {
    const found = this.#signed.get(params["id"] ?? "");
    if (found === undefined)
      throw new DeskError("not-found", "nothing of that number was signed since this desk started");
    return found;
  }
}

function charterOf({ charters }: Status, id: string): CharterState {
  const found = charters.find((charter) => charter.id === id);
  if (found === undefined) throw new DeskError("not-found", "this keyholder has signed no such charter");
  return found;
}

function mustAwait({ state }: Shown): void {
  if (state !== "awaiting-approval") throw new DeskError("not-now", "the order does not wait for a decision");
}

function mustGoOn({ paused }: Status): void {
  if (paused !== null) throw new DeskError("not-now", "everything is paused here: let it go on first");
}

function monthOf(sent: Form, what: string, charter: string): { period: string; generation: number | null } {
  const text = sent.text("period") || sent.text(monthField(what, charter));
  const generation = sent.text("generation");
  if (!/^[0-9]{4}-(0[1-9]|1[0-2])$/.test(text) || !/^([1-9][0-9]{0,8})?$/.test(generation))
    throw new DeskError("form-invalid", "a month is written as YYYY-MM, for instance 2027-03");
  return { period: parsePeriod(text), generation: generation === "" ? null : Number(generation) };
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim().normalize("NFC");
}

function problemOf(reason: string): string | null {
  if (reason === "") return "Say why, in a sentence.";
  if (reason.length > 1000) return "Say it in at most 1,000 characters.";
  try {
    asName(reason, "reason", 1000);
    return null;
  } catch {
    return "Leave out characters that cannot be seen or turn the text around.";
  }
}

/** `null` for what is no such file: then it may be the bare document. */
function fileOf(bytes: Uint8Array): SuccessionFile | null {
  try {
    const file = readSuccessionFile(bytes);
    stateOfSuccession(file);
    return file;
  } catch (error) {
    if (error instanceof PartyError || error instanceof EncodingError) return null;
    throw error;
  }
}

function readSignature(value: Json): SuccessionFile["signatures"][number] {
  const fields = new Fields(value, "signature");
  return { protected: fields.string("protected", 1000), signature: fields.string("signature", 86) };
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new DeskError("form-invalid", "the file is no text", { cause });
  }
}

async function digestOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Buffer.from(digest).toString("hex");
}
