import { createHash } from "node:crypto";
import {
  type Charter,
  formatSignedDocument,
  parseRegistration,
  parseSignedDocument,
  type SignedDocument,
  unverifiedPayload,
} from "@porchlight/charter";
import { fromUtf8, utf8 } from "@porchlight/encoding";
import { type Court, Shelf } from "@porchlight/parties";
import { UPLOADS } from "../orders.ts";
import type { ServiceDoor } from "../service-door.ts";
import type { Act, Rooms, View, Visit } from "../shell/desk.ts";
import { DeskError } from "../shell/error.ts";
import { isProse } from "../shell/form.ts";
import { type Registration, readRegistrationFile, registrationWords, unsignable } from "./registration.ts";
import { registrationPage, registrationsPage } from "./registration-page.ts";

const HERE = "/registrations";

/** The document with the signatures that it has so far, exact text. */
type Payload = { readonly document: string };

/** Authorities' keys, as the registry signs them once somebody called back (HI1-51); in a house by two. */
export class RegistrationRoom {
  readonly #court: Court;
  readonly #door: ServiceDoor;
  readonly #shelf: Shelf<SignedDocument>;

  constructor(court: Court, door: ServiceDoor) {
    this.#court = court;
    this.#door = door;
    this.#shelf = new Shelf(court.directory, "registrations", {
      read: (bytes) => parseSignedDocument(bytes, "registration"),
      format: formatSignedDocument,
    });
  }

  routes({ page, act, download }: Rooms): void {
    page(HERE, async (visit) => await this.#list(visit));
    act(HERE, this.#sign(), UPLOADS);
    page(`${HERE}/:name`, async (visit) => {
      return registrationPage(visit.params["name"] ?? "", await this.#find(visit));
    });
    download(`${HERE}/:name/file`, async (visit) => {
      const { document } = await this.#find(visit);
      return { name: "registration.json", type: "application/json", bytes: formatSignedDocument(document) };
    });
  }

  async #list(
    visit: Visit,
    typed: { readonly checked: string; readonly problem: string } | null = null,
  ): Promise<View> {
    const { charter } = await this.#door.open();
    const { whole, damaged } = await this.#shelf.all();
    const all = await Promise.all(
      whole.map(async ({ name, one }) => ({
        name,
        // One that cannot be read keeps nobody from the others; its own page says why.
        read: await this.#kept(one).catch(() => null),
      })),
    );
    return registrationsPage(visit, charter, { all, damaged, typed });
  }

  /** Under the charter that it names: another may have come into force since it was signed. */
  async #kept(one: SignedDocument): Promise<Registration & { readonly charter: Charter }> {
    const id = parseRegistration(unverifiedPayload(one)).charter;
    const { charter } = await (await this.#door.open()).under(id);
    return { ...(await readRegistrationFile(formatSignedDocument(one), charter)), charter };
  }

  async #find({ params }: Visit): Promise<Registration & { readonly charter: Charter }> {
    const kept = await this.#shelf.find(params["name"] ?? "");
    if (kept === null) throw new DeskError("not-found", "no such registration was signed here");
    return await this.#kept(kept);
  }

  /** Judged when it is shown and again when it is signed. */
  async #judged(bytes: Uint8Array): Promise<Registration> {
    const service = await this.#door.open();
    const read = await readRegistrationFile(bytes, service.charter);
    const own = { name: this.#court.name, key: this.#court.publicKey };
    const problem = unsignable(read, service.charter, own, service.now());
    if (problem !== null) throw new DeskError("form-invalid", problem);
    return read;
  }

  #sign(): Act<Payload> {
    return {
      name: "sign-registration",
      propose: async (visit, sent) => {
        const file = sent.file("record");
        const checked = sent.text("checked");
        if (file === null || !isProse(checked)) {
          const problem = file === null ? "Choose the file." : "Write what you checked.";
          return { ...(await this.#list(visit, { checked, problem })), status: 422 };
        }
        const read = await this.#judged(file.bytes);
        return {
          title: "Register this authority's key",
          button: "Sign it",
          shown: [
            {
              term: "What it does",
              text: "Whoever has this key can send orders and requests to the provider in this authority's name.",
            },
            ...registrationWords(read),
            { term: "What you checked", text: checked },
          ],
          payload: { document: fromUtf8(formatSignedDocument(read.document)) },
          isGrave: true,
          back: HERE,
        };
      },
      perform: async (_visit, { document }) => {
        const read = await this.#judged(utf8(document));
        const bytes = unverifiedPayload(read.document);
        const signed = await this.#court.signRegistration(
          bytes,
          read.signers.length === 0 ? null : read.document,
        );
        const name = createHash("sha256").update(bytes).digest("hex").slice(0, 16);
        await this.#shelf.keep(name, signed);
        return { to: `${HERE}/${name}`, said: "Signed." };
      },
    };
  }
}
