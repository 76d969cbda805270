import { type PreservationDocument, parsePreservationLift, unverifiedPayload } from "@porchlight/charter";
import { unixSeconds } from "@porchlight/encoding";
import {
  type Court,
  type PreservationFile,
  preservationOf,
  type Service,
  signPreservationLift,
} from "@porchlight/parties";
import { COVER_SECONDS, UPLOADS } from "../orders.ts";
import { addSaid } from "../said.ts";
import type { ServiceDoor } from "../service-door.ts";
import type { Act, GoTo, Rooms, Visit } from "../shell/desk.ts";
import { DeskError } from "../shell/error.ts";
import { type Form, isProse } from "../shell/form.ts";
import { type Half, type Halves, halfDownload, halfKindOf, readSignedFile } from "./halves.ts";
import { findPreservation, type NamedPreservation, namedPreservation, underOwn } from "./preservation.ts";

const HERE = "/preservations";

/** Orders to preserve that end early, in a house by two (PRES-12 to PRES-14). */
export class LiftRoom {
  readonly #court: Court;
  readonly #door: ServiceDoor;
  readonly #halves: Halves;

  constructor(court: Court, door: ServiceDoor, halves: Halves) {
    this.#court = court;
    this.#door = door;
    this.#halves = halves;
  }

  routes({ form, act, download }: Rooms): void {
    act(`${HERE}/:name/lift`, this.#lift());
    form(`${HERE}/:name/halves`, async (visit, sent) => await this.#bringLift(visit, sent), UPLOADS);
    act(`${HERE}/:name/halves/:half/sign`, this.#cosignLift());
    download(`${HERE}/:name/halves/:half/file`, async (visit) => {
      const { document } = await this.#find(visit);
      return halfDownload(await this.#halves.find(visit.params["half"] ?? ""), document.reference);
    });
  }

  async #find({ params }: Visit) {
    return await findPreservation(this.#court.directory, await this.#door.open(), params["name"]);
  }

  /** Under the charter that the order names. */
  async #own(document: Pick<PreservationDocument, "charter">) {
    return await underOwn(await this.#door.open(), document);
  }

  #lift(): Act<NamedPreservation & { readonly ground: string; readonly at: number }> {
    return {
      name: "lift-preservation",
      propose: async (visit, sent) => {
        const { name, document, commitment } = await this.#find(visit);
        const { charter, now } = await this.#own(document);
        const ground = sent.text("ground");
        if (!isProse(ground)) throw new DeskError("form-invalid", "say why, in words");
        const isHouse = charter.kind === "house";
        return {
          title: "Lift this order to preserve",
          button: isHouse ? "Sign it" : "Lift it",
          shown: [
            {
              term: "What it does",
              text: "Ends it now. What it alone kept is deleted when the provider next deletes",
            },
            ...(isHouse
              ? [
                  {
                    term: "It takes two",
                    text: "Nothing is sent before the other person has signed it as well",
                  },
                ]
              : []),
            { term: "Why", text: ground },
            { term: "Reference", text: document.reference },
            { term: "Number in the public log", text: commitment },
          ],
          payload: { name, commitment, ground, at: now },
          isGrave: !isHouse,
          back: `${HERE}/${name}`,
        };
      },
      perform: async (_visit, { name, commitment, ground, at }) => {
        const file = await this.#named({ name, commitment });
        const { service, charter } = await this.#own(preservationOf(file).document);
        const issued = unixSeconds(at);
        const signed = await signPreservationLift(this.#court, charter, file, { issued, ground });
        if (charter.kind !== "house") return await this.#sendLift(service, name, signed, ground);
        const { size } = service.checkpoint;
        await this.#halves.keep({ kind: "preservation-lift", of: name, size, document: signed });
        return {
          to: `${HERE}/${name}`,
          said: "Signed by you. Now the other person: give them the file below.",
        };
      },
    };
  }

  async #sendLift(service: Service, name: string, signed: Half["document"], ground: string): Promise<GoTo> {
    const index = await service.server.liftPreservation(signed);
    await addSaid(this.#court.directory, name, {
      kind: "lifted",
      at: service.now(),
      until: null,
      ground,
      index,
    });
    await service.covers(index + 1, COVER_SECONDS);
    return { to: `${HERE}/${name}`, said: `Lifted, entry ${index} of the log: it holds nothing any more.` };
  }

  async #bringLift(visit: Visit, sent: Form): Promise<GoTo> {
    const document = readSignedFile(sent);
    const { name, commitment, document: order } = await this.#find(visit);
    const { service, charter } = await this.#own(order);
    const found = await halfKindOf(document, charter);
    const isOfThis =
      found?.kind === "preservation-lift" && parsePreservationLift(found.payload).preservation === commitment;
    if (!isOfThis)
      throw new DeskError("form-invalid", "this is no lift of this order that one of you two signed");
    const { size } = service.checkpoint;
    await this.#halves.keep({ kind: "preservation-lift", of: name, size, document });
    return { to: `${HERE}/${name}` };
  }

  #cosignLift(): Act<NamedPreservation & { readonly half: string; readonly payload: string }> {
    return {
      name: "cosign-lift",
      propose: async (visit) => {
        const { name, document, commitment } = await this.#find(visit);
        const { charter } = await this.#own(document);
        const half = await this.#halves.find(visit.params["half"] ?? "");
        const found = await halfKindOf(half.document, charter);
        if (found === null || found.signers.has(this.#court.name))
          throw new DeskError("not-now", "you have signed it: the other person signs at their own desk");
        return {
          title: "Lift this order to preserve",
          button: "Lift it",
          shown: [
            {
              term: "What it does",
              text: "Ends it now. What it alone kept is deleted when the provider next deletes",
            },
            { term: "Why", text: parsePreservationLift(found.payload).ground },
            { term: "Signed so far by", text: [...found.signers].join(", ") },
            { term: "Reference", text: document.reference },
            { term: "Number in the public log", text: commitment },
          ],
          payload: { name, commitment, half: half.id, payload: half.document.payload },
          isGrave: true,
          back: `${HERE}/${name}`,
        };
      },
      perform: async (_visit, payload) => {
        const half = await this.#halves.find(payload.half);
        if (half.document.payload !== payload.payload || half.of !== payload.name)
          throw new DeskError("not-now", "the decision is another one by now: read it again");
        const file = await this.#named(payload);
        const { service, charter } = await this.#own(preservationOf(file).document);
        const signed = await signPreservationLift(this.#court, charter, file, { half: half.document });
        const { ground } = parsePreservationLift(unverifiedPayload(signed));
        const sent = await this.#sendLift(service, payload.name, signed, ground);
        await this.#halves.drop(half.id);
        return sent;
      },
    };
  }

  async #named(payload: NamedPreservation): Promise<PreservationFile> {
    return await namedPreservation(this.#court.directory, payload);
  }
}
