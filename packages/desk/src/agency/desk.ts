import { asName } from "@porchlight/charter";
import { readFileOrNull } from "@porchlight/durable";
import { EncodingError, formatDay, fromHex, hex } from "@porchlight/encoding";
import { attachmentPath, isMessage, isRecipient } from "@porchlight/evidence";
import {
  Agency,
  checkOrder,
  DEFENCE_ROLE_WORDS,
  DEFENCE_ROLES,
  type DefenceRole,
  formatRequest,
  keepOrder,
  keptOrder,
  namesOf,
  type OpenSending,
  type OrderFile,
  orderName,
  placeInLog,
  type Request,
  readOrderFile,
  type Service,
} from "@porchlight/parties";
import {
  daysText,
  keepBrought,
  loggedOrder,
  orderWords,
  type Shown,
  scopeOf,
  serviceOf,
  shownOrders,
  UPLOADS,
} from "../orders.ts";
import { deskAt, ServiceDoor } from "../service-door.ts";
import type { Act, Desk, DeskContext, Download, Visit } from "../shell/desk.ts";
import { DeskError } from "../shell/error.ts";
import type { Form } from "../shell/form.ts";
import { Silences } from "../silence.ts";
import { ChosenActs } from "./chosen-acts.ts";
import { type Collection, Collections } from "./collecting.ts";
import { EvidenceShelf } from "./evidence.ts";
import { LineDoor } from "./line-door.ts";
import { LINE_SENTENCES, LineRoom, ON_THE_LINE } from "./line-room.ts";
import { applicationPage, handsOn, keyPage, newPage, orderPage, ordersPage } from "./pages.ts";
import { pictureType } from "./picture.ts";
import { openSendingsBox, referencesIn } from "./sending-page.ts";
import { SendingRoom } from "./sending-room.ts";
import { viewerPage } from "./viewer-page.ts";

const ACT_FILES = { bodyLimit: 64 * 2 ** 20 };

/** What of a package is given out as it is: path in the package, type, and how the file is called then. */
const PARTS: Readonly<Record<string, readonly [path: string, type: string, name: string]>> = {
  rsmf: ["data/messages.rsmf", "application/octet-stream", "messages.rsmf"],
  messages: ["data/messages.jsonl", "application/jsonl", "messages.jsonl"],
  page: ["data/index.html", "text/html", "evidence.html"],
  certificate: ["data/certificate.txt", "text/plain; charset=utf-8", "certificate.txt"],
  custody: ["data/custody.jsonl", "application/jsonl", "custody.jsonl"],
};

/** Endings that systems open with a viewer; under any other a file could run when it is clicked on. */
const HARMLESS = /\.(png|jpe?g|gif|webp|heic|mp4|webm|mov|mp3|m4a|ogg|opus|wav|txt|csv|pdf)$/i;

function downloadName(name: string, ref: string): string {
  const own = name.slice(-80);
  return `${ref.slice(0, 8)}-${HARMLESS.test(own) ? own : `${own}.bin`}`;
}

/** The pages of a requester over its directory: its keys and what it opened never leave it but by a download. */
export async function openAgency(context: DeskContext): Promise<Desk> {
  const { directory } = context;
  const agency = await Agency.open(directory);
  await agency.sealPlainActs();
  const { party } = agency;
  const door = new ServiceDoor(context, party);
  const lineDoor = new LineDoor(agency);
  const room = new AgencyRoom(agency, door, lineDoor);
  const line = new LineRoom(agency, door, lineDoor);
  const sending = new SendingRoom({
    ...{ agency, door, line: lineDoor, sentences: ON_THE_LINE },
    request: async (visit) => await room.request(visit),
    order: async (visit) => await room.find(visit),
  });
  return await deskAt(door, {
    party: agency.name,
    heading: { court: "Agency", house: "Requester" },
    sentences: {
      ...LINE_SENTENCES,
      "order-refused": {
        title: "This order cannot be used",
        next: "It is not kept here. Ask whoever signed it for the file again, unchanged; if the same is said of that, for a new order.",
      },
    },
    places: [
      { path: "/orders", words: "Orders" },
      { path: "/new", words: "New application" },
      { path: "/sent", words: "Sent to the provider" },
      { path: "/key", words: "Our key" },
    ],
    routes: (rooms) => {
      const { page, form, act, download, picture } = rooms;
      line.routes(rooms);
      sending.routes(rooms);
      page("/orders", async (visit) => await room.orders(visit));
      form("/orders", async (_visit, sent) => await room.bring(sent), UPLOADS);
      page("/new", async (visit) => newPage(visit, (await door.open()).charter));
      act("/new", room.apply(), ACT_FILES);
      page("/applications/:application", async (visit) => await room.application(visit));
      download("/applications/:application/file", async (visit) => {
        const request = await room.request(visit);
        return {
          name: `application-${request.reference}.json`,
          type: "application/json",
          bytes: formatRequest(request),
        };
      });
      download("/applications/:application/act", async (visit) => {
        const { actHash } = await room.request(visit);
        const bytes = await agency.act(actHash);
        if (bytes === null) throw new DeskError("not-found", "the original act is not kept here");
        return { name: `act-${hex(actHash).slice(0, 16)}`, type: "application/octet-stream", bytes };
      });
      page("/key", async (visit) => keyPage(visit, await agency.madeEndpointKey()));
      act("/key", makeKey(agency));
      page("/orders/:order", async (visit) => await room.order(visit));
      act("/orders/:order/collect", room.collect());
      act("/orders/:order/hand-on", room.handOn());
      download("/orders/:order/copies/:copy", async (visit) => await room.copied(visit));
      // The newest package of an order, and each one by its number.
      for (const at of ["/orders/:order/evidence", "/orders/:order/packages/:number"]) {
        page(at, async (visit) => await room.evidence(visit));
        form(`${at}/check`, async (visit) => await room.check(visit));
        act(`${at}/copy`, room.copy());
        form(`${at}/stamp`, async (visit) => await room.stamp(visit));
        download(`${at}/files/:file`, async (visit) => await room.file(visit));
        picture(`${at}/pictures/:file`, async (visit) => await room.picture(visit));
        download(`${at}/:part`, async (visit) => await room.part(visit));
      }
    },
  });
}

/** Of the channel to the provider (HI1-5): made once, and of no use before the registry has signed it. */
function makeKey(agency: Agency): Act<Record<string, never>> {
  return {
    name: "make-key",
    propose: async () => {
      if ((await agency.madeEndpointKey()) !== null)
        throw new DeskError("not-now", "the key is made already");
      return {
        title: "Make this agency's key",
        button: "Make it",
        shown: [
          { term: "Agency", text: agency.name },
          {
            term: "What is made",
            text: "A key that signs this agency's messages to the provider. Its secret half stays in this directory",
          },
          {
            term: "What it is worth",
            text: "Nothing, until the provider has called you back about it and the registry has signed it",
          },
        ],
        payload: {},
        back: "/key",
      };
    },
    perform: async () => {
      await agency.endpointKey();
      return { to: "/key", said: "The key is made. Now have it registered." };
    },
  };
}

class AgencyRoom {
  readonly #agency: Agency;
  readonly #door: ServiceDoor;
  readonly #evidence: EvidenceShelf;
  readonly #collections = new Collections();
  readonly #silences = new Silences();
  readonly #line: LineDoor;
  readonly #chosen = new ChosenActs();

  constructor(agency: Agency, door: ServiceDoor, line: LineDoor) {
    this.#agency = agency;
    this.#door = door;
    this.#line = line;
    this.#evidence = new EvidenceShelf(agency);
  }

  async find({ params }: Visit): Promise<Shown> {
    const { orders } = await shownOrders(this.#agency.directory, await this.#door.open());
    const found = orders.find(({ name }) => name === params["order"]);
    if (found === undefined) throw new DeskError("not-found", "this agency's directory has no such order");
    return found;
  }

  /** Under the order's own charter (WAR-4). Throws PartyError "charter-unknown". */
  async #serviceOf(order: OrderFile): Promise<Service> {
    return await serviceOf(await this.#door.open(), order);
  }

  async orders(visit: Visit) {
    const { charter } = await this.#door.open();
    const { orders, damaged } = await shownOrders(this.#agency.directory, await this.#door.open());
    const points = new Set(orders.map(({ document }) => hex(document.requester.point)));
    const { requests, damaged: unread } = await this.#agency.requests();
    return ordersPage(visit, {
      charter,
      orders: await Promise.all(
        orders.map(async (one) => ({ ...one, isOpened: await this.#evidence.has(one.order) })),
      ),
      damaged: [...unread, ...damaged],
      unsent: openSendingsBox(await this.#line.openSendings(), referencesIn(requests)),
      open: requests.filter(({ request }) => !points.has(hex(request.requester.point))),
    });
  }

  /** Keeps an order that the court gave: verified, and made for an application of this very directory. */
  async bring(sent: Form) {
    const file = sent.file("order");
    if (file === null) throw new DeskError("form-invalid", "choose the order's file");
    const order = readOrderFile(file.bytes);
    const service = await this.#serviceOf(order);
    const { document } = await checkOrder(order, service.charter, service.now());
    await this.#agency.secretsOf(document.requester.point);
    await keepBrought(this.#agency.directory, service, order);
    return {
      to: `/orders/${await orderName(this.#agency.directory, order)}`,
      said: "The order is verified and kept.",
    };
  }

  apply(): Act<{ readonly reference: string; readonly actHash: string; readonly isKept: boolean }> {
    return {
      name: "make-application",
      propose: async (visit, sent) => {
        const { charter } = await this.#door.open();
        const reference = sent.text("reference");
        const again = (problem: string) => newPage(visit, charter, { reference, problem });
        try {
          asName(reference, "reference");
        } catch (error) {
          if (!(error instanceof EncodingError)) throw error;
          return again("Write the file reference in one line.");
        }
        const act = sent.file("act");
        const given = sent.text("actHash").toLowerCase();
        if ((act === null) === (given === ""))
          return again("Choose the original act, or write its fingerprint.");
        if (act === null && !/^[0-9a-f]{64}$/.test(given)) {
          return again("A fingerprint has 64 digits and letters from a to f.");
        }
        const actHash = act === null ? given : this.#chosen.choose(act.bytes);
        return {
          title: "Make this application",
          button: "Make it",
          shown: [
            { term: "Reference", text: reference },
            { term: "Will be read by", text: this.#agency.name },
            { term: "Original act", text: act === null ? "Kept elsewhere" : `${act.name}, kept here` },
            { term: "Its fingerprint (SHA-256)", text: actHash },
            { term: "Charter", text: charter.id },
            {
              term: "What is made",
              text: "A fresh key for this one order. Its secret half stays in this directory",
            },
          ],
          payload: { reference, actHash, isKept: act !== null },
          back: "/new",
        };
      },
      perform: async (_visit, { reference, actHash, isKept }) => {
        const { charter } = await this.#door.open();
        if (isKept) {
          const act = this.#chosen.find(actHash);
          if (act === null) throw new DeskError("not-now", "the act is not here any more: choose it again");
          await this.#agency.keepAct(act);
          this.#chosen.forget(actHash);
        }
        const { path } = await this.#agency.request(charter.id, { reference, actHash: fromHex(actHash, 32) });
        const name = /(request-[0-9a-f]{24})\.json$/.exec(path)?.[1] ?? "";
        return { to: `/applications/${name}`, said: "The application is made." };
      },
    };
  }

  async request({ params }: Visit): Promise<Request> {
    const found = (await this.#agency.requests()).requests.find(({ name }) => name === params["application"]);
    if (found === undefined) throw new DeskError("not-found", "no such application was made here");
    return found.request;
  }

  async #unsent(application: string): Promise<OpenSending | null> {
    return (await this.#line.openSendings()).find(({ name }) => name === application) ?? null;
  }

  async application(visit: Visit) {
    const request = await this.request(visit);
    const isKept = await this.#agency.hasAct(request.actHash);
    const { charter } = await this.#door.open();
    const name = visit.params["application"] ?? "";
    const unsent = await this.#unsent(name);
    return applicationPage(visit, name, { charter, request, isActHere: isKept, unsent });
  }

  async order(visit: Visit) {
    const shown = await this.find(visit);
    const service = await this.#serviceOf(shown.order);
    const isLogged = shown.standing.state !== "signed";
    const keyholders = isLogged ? (await this.#agency.status(service, loggedOrder(shown))).keyholders : [];
    return orderPage(visit, shown, {
      charter: service.charter,
      words: await orderWords(shown.order, service.charter),
      keyholders,
      silent: this.#silences.note(shown.commitment, keyholders, service.now()),
      collection: this.#collections.of(shown.name),
      isOpened: await this.#evidence.has(shown.order),
      unsent: await this.#unsent(Agency.nameOfRequest(shown.document.requester.point)),
    });
  }

  /** Signed with the secret of this order's key (WAR-22), so an act (DESK-5). */
  handOn(): Act<{ readonly order: string; readonly commitment: string }> {
    return {
      name: "hand-on",
      propose: async (visit) => {
        const { name, order, document, commitment } = await this.find(visit);
        const { keyholders } = (await this.#serviceOf(order)).present;
        return {
          title: handsOn(document)?.title ?? "Tell the keyholders the conversations",
          button: "Tell them",
          shown: [
            { term: "Reference", text: document.reference },
            {
              term: "What they are told",
              text: "What the provider tells by now: which conversations the order covers, and who wrote to these people there",
            },
            { term: "Who is told", text: keyholders.map(({ name }) => name).join(", ") },
            { term: "Signed with", text: "The key that was made here for this one order" },
            { term: "Number in the public log", text: commitment },
          ],
          payload: { order: name, commitment },
          back: `/orders/${name}`,
        };
      },
      perform: async (_visit, payload) => {
        const order = await this.#named(payload);
        const service = await this.#serviceOf(order);
        const logged = { ...order, index: placeInLog(service, order) ?? order.index };
        await this.#agency.handIn(service, logged);
        const answers = await this.#agency.handOn(service, logged);
        const silent = answers.filter(({ answer }) => answer.state === "unreachable").length;
        return {
          to: `/orders/${payload.order}`,
          said:
            silent === 0
              ? "Every keyholder has it."
              : `${silent} of ${answers.length} keyholders did not answer.`,
        };
      },
    };
  }

  async #named(payload: { readonly order: string; readonly commitment: string }): Promise<OrderFile> {
    const order = await keptOrder(this.#agency.directory, payload.order);
    if (order === null || namesOf(order).commitment !== payload.commitment)
      throw new DeskError("not-found", "the order is not in this agency's directory any more");
    return order;
  }

  collect(): Act<{ readonly order: string; readonly commitment: string }> {
    return {
      name: "collect-release",
      propose: async (visit) => {
        const { name, document, commitment, order } = await this.find(visit);
        const { sentence } = scopeOf(document);
        const { charter } = await this.#serviceOf(order);
        const whose = (await orderWords(order, charter)).filter(({ term }) => term.startsWith("Whose"));
        return {
          title: "Collect and open",
          button: "Open it",
          shown: [
            { term: "Reference", text: document.reference },
            { term: "What it opens", text: sentence },
            ...whose,
            { term: "Days", text: daysText(document) },
            { term: "Order lapses", text: formatDay(Math.floor(document.expires / 86_400) as never) },
            {
              term: "Where it is opened",
              text: "On this computer. The package is stored encrypted to this agency",
            },
          ],
          payload: { order: name, commitment },
          isGrave: true,
          back: `/orders/${name}`,
        };
      },
      perform: async (_visit, payload) => {
        const { order: name } = payload;
        const order = await this.#named(payload);
        const service = await this.#serviceOf(order);
        const status = await this.#agency.status(service, order);
        const whole: OrderFile = { ...order, index: status.index };
        await keepOrder(this.#agency.directory, whole);
        const end = this.#collections.begin(name, async (progress) => {
          const collected = await this.#agency.collect(service, whole, { progress });
          if (collected.kind === "waiting") {
            const { have, need, keyholders } = collected;
            return { kind: "waiting", have, need, keyholders };
          }
          const { opened, outstanding, blamed, files, sealed, lacking } = collected;
          await this.#evidence.prepare(whole, files, sealed);
          const messages = opened.messages.filter(isMessage).length;
          return { kind: "opened", messages, outstanding, blamed: blamed.length, lacking };
        });
        return { to: `/orders/${name}`, outcome: end.then(reasonOf) };
      },
    };
  }

  async evidence(visit: Visit) {
    const shown = await this.find(visit);
    const evidence = await this.#evidence.read(shown.order, numberIn(visit));
    return viewerPage(visit, shown, evidence, {
      at: placeOf(visit, shown),
      checked: this.#evidence.checked(shown.order, evidence),
      canStamp: (await this.#agency.timeStamps()) !== null,
      packages: (await this.#evidence.packages(shown.order)).map(({ number }) => number),
      copies: await this.#evidence.copies(shown.order),
      isPrivileged: shown.document.privileged,
    });
  }

  /** EVI-44: what leaves the desk so is signed for, and in a record that names no person. */
  copy(): Act<{
    readonly order: string;
    readonly commitment: string;
    readonly number: number;
    readonly mark: string;
    readonly digest: string;
    readonly role: DefenceRole;
    readonly recipients: readonly string[];
    readonly isPrivilegeCleared: boolean;
    readonly back: string;
  }> {
    return {
      name: "copy-for-defence",
      propose: async (visit, sent) => {
        const { name, order, document, commitment } = await this.find(visit);
        const { number, mark, ...evidence } = await this.#evidence.read(order, numberIn(visit));
        const checked = this.#evidence.checked(order, { number, mark, ...evidence });
        if (checked?.kind !== "verified")
          throw new DeskError(
            "not-now",
            "only a package that was checked here is copied: have it checked first",
          );
        const role = DEFENCE_ROLES.find((one) => one === sent.text("role"));
        if (role === undefined) throw new DeskError("form-invalid", "choose for whom the copy is");
        const recipients = sent
          .text("recipient")
          .split(/\s+/)
          .filter((one) => one !== "");
        if (recipients.length === 0 || !recipients.every(isRecipient)) {
          throw new DeskError("form-invalid", "what is theirs to receive with is a public age key, age1…");
        }
        const isPrivilegeCleared = sent.checked("privilegeCleared");
        if (document.privileged && !isPrivilegeCleared) {
          throw new DeskError(
            "form-invalid",
            "this order touches privileged communication: a copy is made once whoever decides about that has allowed it",
          );
        }
        const { digest } = checked;
        return {
          title: "Make a copy for the defence",
          button: "Make it",
          shown: [
            { term: "Reference", text: document.reference },
            { term: "For", text: DEFENCE_ROLE_WORDS[role] },
            { term: "Sealed to", text: recipients.join("\n") },
            {
              term: "What is in it",
              text: `Package ${number} whole: the order, every message that was opened, files, keys, proofs of the log, the record of custody and the certificate's text. Nothing is taken out`,
            },
            { term: "Fingerprint of the package", text: digest },
            {
              term: "Privileged communication",
              text: document.privileged
                ? "The order touches it. Whoever decides about that has allowed this copy"
                : "The order does not say that it touches any",
            },
            {
              term: "What is recorded",
              text: "The time, the package, for what part in the case, and the copy's fingerprint. No name",
            },
            { term: "Number in the public log", text: commitment },
          ],
          payload: {
            order: name,
            commitment,
            number,
            mark,
            digest,
            role,
            recipients,
            isPrivilegeCleared,
            back: placeOf(visit, { name }),
          },
          back: placeOf(visit, { name }),
        };
      },
      perform: async ({ now }, { order: name, commitment, number, mark, digest, back, ...to }) => {
        const order = await this.#named({ order: name, commitment });
        const copy = await this.#evidence.copy(order, { number, mark, digest }, { ...to, now });
        return {
          to: back,
          said: `Copy ${copy.number} for the defence is made and recorded. Download it below.`,
        };
      },
    };
  }

  /** A copy as it was sealed: this desk cannot open it. */
  async copied(visit: Visit): Promise<Download> {
    const { order, document } = await this.find(visit);
    const copies = await this.#evidence.copies(order);
    const copy = copies?.find(({ number }) => String(number) === visit.params["copy"]);
    const bytes = copy === undefined ? null : await readFileOrNull(copy.path);
    if (bytes === null) throw new DeskError("not-found", "there is no such copy here");
    return {
      name: `${document.reference}-copy-${copy?.number}.age`,
      type: "application/octet-stream",
      bytes,
    };
  }

  async check(visit: Visit) {
    const shown = await this.find(visit);
    const { charter } = await this.#serviceOf(shown.order);
    const evidence = await this.#evidence.read(shown.order, numberIn(visit));
    void this.#evidence.check(shown.order, evidence, charter.id);
    return { to: placeOf(visit, shown) };
  }

  /** The authority learns a digest, nothing of what it is of. */
  async stamp(visit: Visit) {
    const shown = await this.find(visit);
    const number = numberIn(visit);
    const stamped = await this.#agency.stamp(shown.order, number === undefined ? {} : { number });
    return {
      to: placeOf(visit, shown),
      said:
        stamped.kind === "stamped"
          ? "The package is stamped."
          : `The package was not stamped: ${stamped.why}. Try again later.`,
    };
  }

  /** A file that a message names: bytes for the browser to store, whatever its sender calls them. */
  async file(visit: Visit): Promise<Download> {
    const { name, bytes } = await this.#sent(visit);
    return { name, type: "application/octet-stream", bytes };
  }

  /** One whose own bytes say that it is a picture, whatever its sender says. */
  async picture(visit: Visit): Promise<Omit<Download, "name">> {
    const { bytes } = await this.#sent(visit);
    const type = pictureType(bytes);
    if (type === null) throw new DeskError("not-found", "this file is no picture that can be shown here");
    return { type, bytes };
  }

  async #sent(visit: Visit): Promise<{ readonly name: string; readonly bytes: Uint8Array }> {
    const { order } = await this.find(visit);
    const number = numberIn(visit);
    const ref = visit.params["file"] ?? "";
    const { lines } = await this.#evidence.read(order, number);
    const named = lines.flatMap(({ attachments }) => attachments).find(({ file }) => file === ref);
    const bytes = named === undefined ? null : await this.#evidence.file(order, attachmentPath(ref), number);
    if (bytes === null) throw new DeskError("not-found", "the package has no such file");
    return { name: downloadName(named?.name ?? "", ref), bytes };
  }

  async part(visit: Visit): Promise<Download> {
    const { order, document } = await this.find(visit);
    const number = numberIn(visit);
    const part = visit.params["part"] ?? "";
    if (part === "package") {
      return {
        name: `${document.reference}-evidence.age`,
        type: "application/octet-stream",
        bytes: await this.#evidence.sealed(order, number),
      };
    }
    const [path, type, name] = (Object.hasOwn(PARTS, part) ? PARTS[part] : undefined) ?? ["", "", ""];
    const bytes = path === "" ? null : await this.#evidence.file(order, path, number);
    if (bytes === null) throw new DeskError("not-found", "the package has no such part");
    return { name: `${document.reference}-${name}`, type, bytes };
  }
}

/** Which package of an order an address means; `undefined` for the newest. */
function numberIn({ params }: Visit): number | undefined {
  const { number } = params;
  if (number === undefined) return undefined;
  if (!/^[1-9][0-9]{0,8}$/.test(number)) throw new DeskError("not-found", "no package has such a number");
  return Number(number);
}

function placeOf(visit: Visit, { name }: Pick<Shown, "name">): string {
  const number = numberIn(visit);
  return number === undefined ? `/orders/${name}/evidence` : `/orders/${name}/packages/${number}`;
}

/** For the journal: "" where messages were opened. */
function reasonOf(end: Collection): string {
  switch (end.kind) {
    case "opened":
      return "";
    case "failed":
      return end.why.code;
    case "waiting":
    case "running":
      return "shares-missing";
  }
}
