// A whole service behind one fetch: provider, log and five keyholders of the fixture, honest unless a test says otherwise.
import {
  type Charter,
  type CharterDocument,
  formatContest,
  formatEntry,
  formatStatement,
  type LogEntry,
  parseSignedDocument,
  type SignedDocument,
  signBatch,
  signDocument,
  signIntake,
  unverifiedPayload,
  verifyCharter,
} from "@porchlight/charter";
import {
  type AccountId,
  base64,
  type ConversationId,
  type DayNumber,
  fromHex,
  fromUtf8,
  hex,
  type Json,
  type KeyholderIndex,
  type Period,
  periodOf,
  type UnixSeconds,
  utf8,
} from "@porchlight/encoding";
import { sealEnvelope } from "@porchlight/envelope";
import {
  commitmentOf,
  type DirectionKind,
  directionHash,
  furtherContext,
  labelsOf,
  makeBundle,
  orderIdOf,
  parseWarrant,
  publicCommitment,
  publicKeyOfOrder,
  publicPartOf,
  releaseLabel,
  sealBundle,
  secretUntilOf,
  type VerifiedOrder,
  verifyDirection,
  verifyOrder,
} from "@porchlight/gate";
import { type Random, sealTo, verifyRequesterWord } from "@porchlight/quorum";
import { appendLeaves, EMPTY_FRONTIER, encodeEntries, entriesPath, leafHash } from "@porchlight/tlog";
import { LIMITS, MATERIAL_INFO, ORDER_CONVERSATIONS_INFO, parseMaterial } from "@porchlight/wire";
import {
  charterDocument,
  checkpointOf,
  keyholderName,
  keysDocument,
  onDay,
  randomFrom,
  seedOf,
  sharedKey,
  signedCharter,
  signedKeys,
  signerOf,
} from "../../../vectors/fixture/deployment.ts";
import { cardOf, loggedNotices } from "../../../vectors/fixture/notice.ts";
import { CONVERSATION, contentOf, DAY, PLAIN, sender, type Written } from "../../evidence/test/case.ts";
import { makeGrant } from "../../gate/src/grant.ts";

export const SERVICE_URL = "https://service.test.example";
export { CONVERSATION, DAY, PLAIN };

type Order = { readonly warrant: VerifiedOrder; readonly opening: Uint8Array; readonly index: number };

type Asked = {
  readonly conversation: ConversationId;
  readonly account: AccountId;
  readonly day: DayNumber;
};

type KeyholderSays =
  | { readonly state: "released"; readonly bundle: Uint8Array }
  | { readonly state: "awaiting-approval" }
  | { readonly state: "refused"; readonly code: string; readonly reason: string; readonly rule: string };

export class World {
  readonly charter: Charter;
  readonly entries: LogEntry[] = [];
  readonly orders = new Map<string, Order>();
  /** What persons said against orders, by order id. */
  readonly contests = new Map<string, SignedDocument[]>();
  readonly #charters = new Map<string, Charter>();
  /** By keyholder index, then order id. */
  readonly said = new Map<number, Map<string, KeyholderSays>>();
  /** Keyholders that do not answer. */
  readonly silent = new Set<number>();
  /** Last word on what the provider delivers. */
  deliver: (material: Record<string, unknown>) => Record<string, unknown> = (material) => material;
  /** What was written in each epoch. */
  written: readonly (readonly Written[])[] = PLAIN;
  /** Files by id: their ciphertext, or how asking for them is refused. */
  readonly stored = new Map<string, Uint8Array | string>();
  /** What requesters added to their orders, at whom. */
  readonly further: { readonly keyholder: number; readonly conversations: readonly ConversationId[] }[] = [];
  messagesAnAnswer = 100;
  /** How many answers with material were given. */
  answers = 0;
  time: UnixSeconds;
  note = "";
  readonly #files = new Map<string, Uint8Array>();
  readonly #random: Random = randomFrom("world");

  private constructor(charter: Charter, time: UnixSeconds) {
    this.charter = charter;
    this.#charters.set(charter.id, charter);
    this.time = time;
  }

  /** A further charter of the same log, with keys of the month. */
  async addCharter(changes: Partial<CharterDocument>): Promise<Charter> {
    const document = await signedCharter(charterDocument(this.charter.kind, changes));
    const charter = await verifyCharter(document);
    const keys = await signedKeys(keysDocument(charter, periodOf(DAY)));
    this.#charters.set(charter.id, charter);
    this.append({ type: "charter", document }, { type: "keys", document: keys });
    return charter;
  }

  /** The person whom an order is about objects, and the provider took it in. */
  async contest(orderId: string, ground: string): Promise<void> {
    const { warrant, opening } = this.orders.get(orderId) as Order;
    const contest = formatContest({
      charter: warrant.charter.id,
      commitment: commitmentOf(opening, warrant.core),
      account: this.account,
      at: this.time,
      ground,
    });
    const document = await signDocument("contest", contest, [signerOf("Provider")]);
    this.contests.set(orderId, [...(this.contests.get(orderId) ?? []), document]);
  }

  static async open(
    issuers: CharterDocument["issuers"],
    kind: "court" | "house" = "court",
    changes: Partial<CharterDocument> = {},
  ): Promise<World> {
    const document = await signedCharter(charterDocument(kind, { issuers, ...changes }));
    const charter = await verifyCharter(document);
    const world = new World(charter, onDay(DAY, 30));
    const keys = await signedKeys(keysDocument(charter, periodOf(DAY)));
    world.append({ type: "charter", document }, { type: "keys", document: keys });
    return world;
  }

  get account(): AccountId {
    return sender(this.charter, "ben", 7).owner.id;
  }

  append(...entries: readonly LogEntry[]): number {
    this.entries.push(...entries);
    this.publish();
    return this.entries.length - 1;
  }

  publish(): void {
    const bytes = this.entries.map(formatEntry);
    for (const { path, hashes } of appendLeaves(
      EMPTY_FRONTIER,
      bytes.map((one) => leafHash(one)),
    ).newTiles) {
      this.#files.set(path, hashes);
    }
    this.#files.set(entriesPath(0, bytes.length), encodeEntries(bytes));
    this.note = checkpointOf(this.entries, this.time).note;
  }

  /** The provider's statement for the account. */
  async statement(person = "merry-ram", charter: Charter = this.charter) {
    return await signDocument(
      "statement",
      formatStatement({
        charter: charter.id,
        accounts: [
          {
            account: this.account,
            person,
            notice: cardOf(sender(this.charter, "ben", 7).owner.identitySeed),
          },
        ],
        at: this.time,
      }),
      [signerOf("Provider")],
    );
  }

  /** One keyholder releases what the order asks for; `alter` has the last word on its partials. */
  release(
    orderId: string,
    n: number,
    options: {
      readonly alter?: (partial: Uint8Array) => Uint8Array;
      readonly logged?: boolean;
      readonly conversations?: readonly ConversationId[];
      readonly requesterKey?: Uint8Array;
      readonly generation?: number;
    } = {},
  ): void {
    const { warrant, opening } = this.orders.get(orderId) as Order;
    const keyholder = n as KeyholderIndex;
    const { generation = 1 } = options;
    const labels = labelsOf(warrant, options.conversations);
    const periods = [...new Set(labels.map(({ day }) => periodOf(day)))];
    const grant = makeGrant({
      charter: this.charter.id,
      keyholder,
      commitment: commitmentOf(opening, warrant.core),
      requesterPoint: hex(warrant.document.requester.point),
      requesterKey: base64(options.requesterKey ?? warrant.document.requester.xwing),
      labels,
      generations: new Map<Period, number>(periods.map((period) => [period, generation])),
      intent: "00".repeat(32),
    });
    const partials = labels.map((label) => {
      const { mpk, shares } = sharedKey(`access ${periodOf(label.day)}`, generation);
      const share = shares[n - 1] as (typeof shares)[number];
      const made = releaseLabel(grant, label, { generation, share, mpk }, this.#random);
      return { label, partial: options.alter?.(made.partial) ?? made.partial };
    });
    const { sealed, slot } = sealBundle(grant, makeBundle(grant, partials), {
      random: this.#random(32),
      seed: this.#random(64),
    });
    if (options.logged !== false) {
      const filler = Array.from({ length: 7 }, () => hex(this.#random(32)));
      const day = (DAY + 1) as DayNumber;
      this.append(
        signBatch(
          { type: "keyholder-batch", charter: this.charter.id, keyholder, day, slots: [slot, ...filler] },
          seedOf(keyholderName(keyholder)),
        ),
      );
    }
    this.say(n, orderId, { state: "released", bundle: sealed });
  }

  say(n: number, orderId: string, what: KeyholderSays): void {
    const said = this.said.get(n) ?? new Map<string, KeyholderSays>();
    this.said.set(n, said.set(orderId, what));
  }

  readonly fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const url = new URL(input instanceof Request ? input.url : input);
    const keyholder = /^keyholder-(\d)\./.exec(url.host)?.[1];
    const body =
      init?.body instanceof Uint8Array ? (JSON.parse(fromUtf8(init.body)) as Record<string, unknown>) : {};
    try {
      return keyholder === undefined
        ? await this.#server(url, body)
        : await this.#keyholder(Number(keyholder), url, body);
    } catch (error) {
      if (error instanceof TypeError) throw error;
      return refusal(400, "malformed", error instanceof Error ? error.message : "");
    }
  };

  async #server(url: URL, body: Record<string, unknown>): Promise<Response> {
    const path = url.pathname;
    if (path === "/v1/charters") {
      const charters = this.entries.flatMap((entry, index) =>
        entry.type === "charter" ? [{ index, document: entry.document }] : [],
      );
      return Response.json({ charters });
    }
    if (path === "/log/checkpoint") return new Response(this.note);
    if (path === "/v1/log/wait") {
      const enough = this.entries.length >= Number(url.searchParams.get("size"));
      return enough ? new Response(this.note) : new Response(null, { status: 204 });
    }
    if (path.startsWith("/log/")) {
      const file = this.#files.get(path.slice("/log/".length));
      return file === undefined ? refusal(404, "not-found", "no such file") : new Response(file as never);
    }
    if (path === "/v1/orders") {
      const bytes = utf8(String(body["warrant"]));
      const opening = fromHex(String(body["opening"]), 32);
      const named = parseWarrant(unverifiedPayload(parseSignedDocument(bytes, "warrant"))).charter;
      const charter = this.#charters.get(named) as Charter;
      const warrant = await verifyOrder({ warrant: bytes }, charter);
      const orderId = orderIdOf(opening);
      const day = (DAY + 1) as DayNumber;
      const known = this.orders.get(orderId);
      const notices = await loggedNotices(warrant, opening, day);
      const index =
        known?.index ??
        this.append(
          ...notices.entries,
          signIntake(
            {
              type: charter.kind === "court" ? "warrant" : "hold-order",
              charter: charter.id,
              day,
              commitment: commitmentOf(opening, warrant.core),
              public: publicCommitment(publicKeyOfOrder(opening), publicPartOf(warrant)),
              notices: notices.hash,
              secretUntil: secretUntilOf(warrant.document, day),
            },
            seedOf("Intake"),
          ),
        );
      this.orders.set(orderId, { warrant, opening, index });
      return Response.json({ index, orderId }, { status: 201 });
    }
    const [, orderId = "", what] = /^\/v1\/orders\/([0-9a-f]{64})\/(\w+)/.exec(path) ?? [];
    const order = this.orders.get(orderId);
    if (order === undefined) return refusal(404, "order-unknown", "no such order");
    const { requester } = order.warrant.document;
    const seal = (info: string, value: object): Response =>
      new Response(
        sealTo(
          requester.xwing,
          utf8(JSON.stringify(value)),
          utf8(info),
          fromHex(orderId, 32),
          this.#random(64),
        ) as never,
      );
    switch (what) {
      case "contests":
        return Response.json({ contests: this.contests.get(orderId) ?? [] });
      case "directions": {
        const charter = order.warrant.charter.id;
        const day = (DAY + 1) as DayNumber;
        const commitment = commitmentOf(order.opening, order.warrant.core);
        const kind = body["kind"] as DirectionKind;
        // As the provider asks (DIR-2): by those who may, and by as many as it takes.
        const said = await verifyDirection(kind, body["document"] as Json, order.warrant, commitment);
        const seed = seedOf("Intake");
        const direction = directionHash(order.opening, said.bytes);
        const common = { charter, day, commitment };
        const entry =
          said.direction.kind === "extension"
            ? signIntake(
                { type: "extension", ...common, direction, secretUntil: periodOf(said.direction.until) },
                seed,
              )
            : kind === "revocation"
              ? signIntake({ type: "revocation", ...common }, seed)
              : signIntake({ type: kind as "suspension", ...common, direction }, seed);
        return Response.json({ index: this.append(entry) });
      }
      case "conversations":
        return seal(ORDER_CONVERSATIONS_INFO, {
          version: 1,
          labels: [{ account: this.account, conversation: CONVERSATION, day: DAY }],
        });
      case "material": {
        const material = { version: 2, labels: this.#pageOf(body["labels"] as Asked[], body["after"]) };
        parseMaterial(utf8(JSON.stringify(material)));
        return seal(MATERIAL_INFO, material);
      }
      default:
        return this.#file(path);
    }
  }

  /** ATT-25. */
  #file(path: string): Response {
    const [, id = "", part] = /\/attachments\/([0-9a-f]{64})\/(\d+)$/.exec(path) ?? [];
    const file = this.stored.get(id);
    if (file === undefined) return refusal(404, "not-found", "the file is not here, or not any more");
    if (typeof file === "string") return refusal(403, file, "");
    const start = Number(part) * LIMITS.attachmentPart;
    const bytes = file.subarray(start, start + LIMITS.attachmentPart);
    return bytes.length === 0 ? refusal(404, "not-found", "") : new Response(bytes as never);
  }

  /** As DEL-73 says, with room for {@link messagesAnAnswer}. */
  #pageOf(labels: readonly Asked[], after: unknown): object[] {
    const page: object[] = [];
    let room = this.messagesAnAnswer;
    for (const [i, asked] of labels.entries()) {
      const stored = this.#stored(asked, this.written);
      const behind = i === 0 && typeof after === "number" ? after : null;
      const left = stored.messages.filter(({ seq }) => seq > (behind ?? 0));
      const messages = left.slice(0, room);
      room -= messages.length;
      const complete = messages.length === left.length;
      const envelopes = behind === null ? stored.envelopes : [];
      page.push(this.deliver({ ...asked, envelopes, messages, complete }));
      if (!complete) break;
    }
    this.answers += 1;
    return page;
  }

  #stored({ conversation, account, day }: Asked, written: readonly (readonly Written[])[]) {
    const envelopes: object[] = [];
    const messages: { readonly seq: number; readonly [member: string]: unknown }[] = [];
    const mine = conversation === CONVERSATION && account === this.account && day === DAY;
    let seq = 0;
    for (const [i, texts] of mine ? written.entries() : []) {
      const one = sender(this.charter, "ben", 7 + i);
      const { mpk } = sharedKey(`access ${periodOf(DAY)}`);
      const keys = { mpk, providerKey: this.charter.provider.xwing };
      const { envelope, inner } = sealEnvelope({
        header: one.header,
        secret: one.secret,
        keys,
        sign: one.sign,
      });
      const at = onDay(DAY, 12);
      envelopes.push({ seq: ++seq, epoch: 7 + i, at, envelope: base64(envelope), inner: base64(inner) });
      for (const [generation, content] of texts.entries()) {
        const wire = one.message({ generation, counter: generation, text: contentOf(content), epoch: 7 + i });
        messages.push({ seq: ++seq, epoch: 7 + i, submitter: account, at, wire: base64(wire) });
      }
    }
    return { envelopes, messages };
  }

  /** Taken as a keyholder takes it: under the word of the order's own requester. */
  #further(n: number, orderId: string, body: Record<string, unknown>): Response {
    const said = this.said.get(n)?.get(orderId);
    if (said === undefined) return refusal(404, "order-unknown", "no such order was handed in here");
    const { warrant } = this.orders.get(orderId) as Order;
    const further = body as unknown as Parameters<typeof furtherContext>[1];
    const word = fromHex(String(body["word"]), 80);
    if (!verifyRequesterWord(warrant.document.requester.point, word, furtherContext(orderId, further)))
      return refusal(403, "requester-unproven", "not the requester's word");
    this.further.push({ keyholder: n, conversations: further.conversations });
    return Response.json(publicState(said));
  }

  async #keyholder(n: number, url: URL, body: Record<string, unknown>): Promise<Response> {
    if (this.silent.has(n)) throw new TypeError("connection refused");
    if (url.pathname === "/orders") {
      const orderId = orderIdOf(fromHex(String(body["opening"]), 32));
      const said: KeyholderSays = this.said.get(n)?.get(orderId) ?? { state: "awaiting-approval" };
      this.say(n, orderId, said);
      return Response.json({ orderId, ...publicState(said) }, { status: 201 });
    }
    const [, named, further] = /^\/orders\/([0-9a-f]{64})(\/further)$/.exec(url.pathname) ?? [];
    if (named !== undefined && further !== undefined) return this.#further(n, named, body);
    if (url.pathname.endsWith("/directions")) return Response.json({ state: "counted" });
    const [, orderId = "", bundle] = /^\/orders\/([0-9a-f]{64})(\/bundles\/0)?$/.exec(url.pathname) ?? [];
    const said = this.said.get(n)?.get(orderId);
    if (said === undefined) return refusal(404, "order-unknown", "no such order was handed in here");
    if (bundle === undefined) return Response.json(publicState(said));
    return said.state === "released"
      ? new Response(said.bundle as never)
      : refusal(404, "not-released", "nothing was released");
  }
}

function publicState(said: KeyholderSays): object {
  return said.state === "released" ? { state: "released", releases: 1 } : said;
}

function refusal(status: number, code: string, message: string): Response {
  return Response.json({ code, message }, { status });
}
