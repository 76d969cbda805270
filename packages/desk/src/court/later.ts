import type { Charter, SignedDocument } from "@porchlight/charter";
import { EncodingError, formatDay, parseDay, type UnixSeconds, unixSeconds } from "@porchlight/encoding";
import { type DirectionKind, parseDirection, signersNeeded } from "@porchlight/gate";
import { type Court, type OrderFile, orderName, type Service } from "@porchlight/parties";
import { COVER_SECONDS, daysText, longestSecrecyOf, type Shown, UPLOADS } from "../orders.ts";
import { addSaid } from "../said.ts";
import type { Act, GoTo, Rooms, Visit } from "../shell/desk.ts";
import { DeskError } from "../shell/error.ts";
import { type Form, isProse } from "../shell/form.ts";
import { readHalf, SAYS, type Say, sayOfKind, wordsOf } from "./direction.ts";
import { dayIn } from "./draft.ts";
import { type HalfKind, type Halves, halfDownload, halfKindOf, readSignedFile } from "./halves.ts";
import type { OrderRoom } from "./order-room.ts";

type Later = Exclude<DirectionKind, "revocation">;

type SaidPayload = {
  readonly order: string;
  readonly commitment: string;
  readonly ground: string;
  readonly until: string | null;
  readonly at: number;
};

/** What an issuer says of its order later (DIR-1); in a house mostly by two, one after the other. */
export class LaterRoom {
  readonly #court: Court;
  readonly #orders: OrderRoom;
  readonly #halves: Halves;

  constructor(court: Court, orders: OrderRoom, halves: Halves) {
    this.#court = court;
    this.#orders = orders;
    this.#halves = halves;
  }

  routes({ form, act, download }: Rooms): void {
    for (const say of SAYS) act(`/orders/:order/${say.path}`, this.#say(say));
    form("/orders/:order/halves", async (visit, sent) => await this.#bring(visit, sent), UPLOADS);
    act("/orders/:order/halves/:half/sign", this.#cosign());
    form("/orders/:order/halves/:half/drop", async (visit) => {
      await this.#halves.drop(visit.params["half"] ?? "");
      return { to: `/orders/${visit.params["order"] ?? ""}`, said: "Thrown away: nobody was sent it." };
    });
    download("/orders/:order/halves/:half/file", async (visit) => {
      const { document } = await this.#orders.find(visit);
      return halfDownload(await this.#halves.find(visit.params["half"] ?? ""), document.reference);
    });
  }

  /** Whatever a court says of its order later (DIR-1). */
  #say(say: Say): Act<SaidPayload> {
    const { kind } = say;
    return {
      name: `say-${kind}`,
      propose: async (visit, sent) => {
        const shown = await this.#orders.find(visit);
        const { name, order, document, commitment } = shown;
        const ground = sent.text("ground");
        const typed = { path: say.path, ground, until: sent.text("until") };
        const again = async (problem: string, field: "ground" | "until") =>
          await this.#orders.view(visit, { ...typed, problem, field });
        const { charter } = await this.#orders.serviceOf(order);
        const impossible = await this.#orders.cannotSay(shown, kind);
        if (impossible !== null) throw new DeskError("not-now", impossible);
        const until = kind === "extension" ? dayIn(typed.until) : null;
        if (kind === "extension" && until === null)
          return await again("Name the day on which secrecy ends.", "until");
        if (until !== null && until > longestSecrecyOf(document, charter))
          return await again(tooLong(document, charter), "until");
        if (!isProse(ground)) return await again("Say why, in words: at most 20,000 characters.", "ground");
        const isHalf = signersNeeded(kind, charter) > 1;
        return {
          title: say.title,
          button: isHalf ? "Sign it" : say.button,
          shown: [
            { term: "What it does", text: say.what },
            ...(isHalf
              ? [
                  {
                    term: "It takes two",
                    text: "Nothing is sent before the other person has signed it as well",
                  },
                ]
              : []),
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
          isGrave: (say.isGrave ?? false) && !isHalf,
          back: `/orders/${name}`,
        };
      },
      perform: async (_visit, payload) => {
        const order = await this.#orders.named(payload);
        const service = await this.#orders.serviceOf(order);
        const { ground, at } = payload;
        const when = unixSeconds(at);
        const until = payload.until === null ? {} : { until: parseDay(payload.until) };
        const name = payload.order;
        const note = async (index: number): Promise<void> =>
          await addSaid(this.#court.directory, name, { kind, at: when, until: payload.until, ground, index });
        if (kind === "revocation") {
          const index = await this.#court.revoke(service, order, ground, when);
          await note(index);
          await service.covers(index + 1, COVER_SECONDS);
          return { to: `/orders/${name}`, said: say.done };
        }
        const document = await this.#court.sayOf(service, order, { kind, ground, at: when, ...until });
        if (signersNeeded(kind, service.charter) === 1) {
          return await this.#send(service, order, say, document, { at: when, ground, until: payload.until });
        }
        const { size } = service.checkpoint;
        await this.#halves.keep({ kind: kind as HalfKind, of: name, size, document });
        return {
          to: `/orders/${name}`,
          said: "Signed by you. Now the other person: give them the file below.",
        };
      },
    };
  }

  /** To the provider and to every keyholder: each counts it for itself. */
  async #send(
    service: Service,
    order: OrderFile,
    { kind, done }: Say,
    document: SignedDocument,
    said: { readonly at: UnixSeconds; readonly ground: string; readonly until: string | null },
  ): Promise<GoTo> {
    const { index, keyholders } = await this.#court.direct(service, order, kind as Later, document);
    const name = await orderName(this.#court.directory, order);
    await addSaid(this.#court.directory, name, { kind, ...said, index });
    // A moment later witnesses have confirmed it, and the order's page shows it.
    await service.covers(index + 1, COVER_SECONDS);
    const counted = keyholders.filter(({ answer }) => answer.state === "counted").length;
    const refused = keyholders.find(({ answer }) => answer.state === "refused");
    return {
      to: `/orders/${name}`,
      said:
        refused !== undefined
          ? `It is in the log, but ${refused.keyholder.name} does not count it: ${refused.answer.reason ?? ""}.`
          : `${done} ${counted} of ${keyholders.length} keyholders have counted it so far.`,
    };
  }

  /** What the other of a house's two signed: verified, and of this very order, before it is kept. */
  async #bring(visit: Visit, sent: Form): Promise<GoTo> {
    const document = readSignedFile(sent);
    const shown = await this.#orders.find(visit);
    const service = await this.#orders.serviceOf(shown.order);
    const found = await halfKindOf(document, service.charter);
    if (found === null || found.kind === "preservation-lift" || !isOf(found, shown))
      throw new DeskError("form-invalid", "this is no decision about this order that one of you two signed");
    const { size } = service.checkpoint;
    await this.#halves.keep({ kind: found.kind, of: shown.name, size, document });
    return { to: `/orders/${shown.name}` };
  }

  #cosign(): Act<{
    readonly order: string;
    readonly commitment: string;
    readonly half: string;
    readonly payload: string;
  }> {
    return {
      name: "cosign-decision",
      propose: async (visit) => {
        const shown = await this.#orders.find(visit);
        const half = await this.#halves.find(visit.params["half"] ?? "");
        const { charter } = await this.#orders.serviceOf(shown.order);
        const impossible = await this.#orders.cannotSay(shown, half.kind as DirectionKind);
        if (impossible !== null) throw new DeskError("not-now", impossible);
        const { said, signers } = await readHalf(half, charter);
        if (signers.has(this.#court.name))
          throw new DeskError("not-now", "you have signed it: the other person signs at their own desk");
        const say = sayOfKind(half.kind);
        return {
          title: say.title,
          button: say.button,
          shown: [
            { term: "What it does", text: say.what },
            ...wordsOf(said, [...signers]),
            { term: "Days that the order opens", text: daysText(shown.document) },
            { term: "Number in the public log", text: shown.commitment },
          ],
          payload: {
            order: shown.name,
            commitment: shown.commitment,
            half: half.id,
            payload: half.document.payload,
          },
          isGrave: say.isGrave ?? false,
          back: `/orders/${shown.name}`,
        };
      },
      perform: async (_visit, payload) => {
        const order = await this.#orders.named(payload);
        const half = await this.#halves.find(payload.half);
        // Another text than the one that was shown is not signed.
        if (half.document.payload !== payload.payload || half.of !== payload.order)
          throw new DeskError("not-now", "the decision is another one by now: read it again");
        const service = await this.#orders.serviceOf(order);
        const { said } = await readHalf(half, service.charter);
        const kind = half.kind as Exclude<HalfKind, "preservation-lift">;
        const document = await this.#court.cosign(kind, half.document);
        const sent = await this.#send(service, order, sayOfKind(kind), document, {
          at: said.at,
          ground: said.ground,
          until: said.kind === "extension" ? formatDay(said.until) : null,
        });
        await this.#halves.drop(half.id);
        return sent;
      },
    };
  }
}

function isOf(
  { kind, payload }: { readonly kind: HalfKind; readonly payload: Uint8Array },
  { document, commitment }: Shown,
): boolean {
  try {
    const said = parseDirection(kind as DirectionKind, payload);
    return (
      said.charter === document.charter &&
      said.commitment === commitment &&
      said.reference === document.reference
    );
  } catch (error) {
    if (error instanceof EncodingError) return false;
    throw error;
  }
}

function tooLong(document: Shown["document"], charter: Charter): string {
  const latest = formatDay(longestSecrecyOf(document, charter));
  return `This order can be secret until ${latest} at the latest: the charter allows ${charter.longestSecrecyDays} days, counted from the day of signing.`;
}
