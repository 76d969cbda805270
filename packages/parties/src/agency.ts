import { createHash, randomBytes, type X509Certificate } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import {
  eraseFileDurable,
  makeDirectory,
  readFileOrNull,
  type SecretStore,
  writeFileDurable,
} from "@porchlight/durable";
import {
  type CharterId,
  type ConversationId,
  concat,
  dayNumber,
  dayOf,
  fromHex,
  fromUtf8,
  hex,
  type UnixSeconds,
  utf8,
} from "@porchlight/encoding";
import {
  deliveredIn,
  EvidenceError,
  type Files,
  openSealedEvidence,
  packageDigest,
  packagedAt,
  sealEvidence,
  TIME_STAMP,
} from "@porchlight/evidence";
import {
  furtherContext,
  type OtherSide,
  releasableFrom,
  requesterContext,
  verifyOrder,
  verifyWarrant,
} from "@porchlight/gate";
import { openFrom, requesterPoint, requesterWord, xwingKeygen } from "@porchlight/quorum";
import { nobleSuite } from "@porchlight/tlog";
import {
  type Fetch,
  ORDER_CONVERSATIONS_INFO,
  OTHER_SIDES_INFO,
  parseOrderConversations,
  parseOtherSides,
} from "@porchlight/wire";
import { generateHybridIdentity, identityToRecipient } from "age-encryption";
import { additionsOf } from "./additions.ts";
import { type Collected, type CollectProgress, collectRelease, type RequestSecrets } from "./collection.ts";
import { loggedIndex, type OrderStatus, orderStatus } from "./court.ts";
import { createParty, openSecrets, type Party, readParty, type Sealing, writeParty } from "./directory.ts";
import { PartyError } from "./error.ts";
import { addAtKeyholders, handToKeyholders, type KeyholderAnswer, keyholderStates } from "./hand-in.ts";
import { orderName } from "./order-shelf.ts";
import { type KeptPackage, PackageShelf } from "./package-shelf.ts";
import { formatRequest, namesOf, type OrderFile, type Request, readRequest } from "./request-file.ts";
import type { Service } from "./service.ts";
import {
  readTimeAnchors,
  readTimeStampService,
  requestTimeStamp,
  type Stamped,
  type TimeStampService,
  writeTimeStampService,
} from "./time-stamps.ts";

const IDENTITY = "evidence-identity";
const ENDPOINT_KEY = "hi1-endpoint";
const OWN_KEY = "own-key";
const ACTS = "acts";
const RANDOM = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

/** How many stored messages and envelopes, and files, earlier packages of an order have and its newest has not. */
export type Lacking = { readonly stored: number; readonly files: number };

/** A requester: an agency, or whoever else warrants name. Its directory holds its requests' secrets, sealed, and its evidence. */
export class Agency {
  readonly directory: string;
  readonly party: Party;
  readonly #secrets: SecretStore;

  private constructor(directory: string, party: Party, secrets: SecretStore) {
    this.directory = directory;
    this.party = party;
    this.#secrets = secrets;
  }

  /**
   * Makes the directory. Evidence is encrypted to an age identity made here (X25519 with ML-KEM-768) and sealed with the
   * passphrase, unless `recipients` names the agency's own. Throws PartyError "exists".
   */
  static async create(
    directory: string,
    about: {
      readonly name: string;
      readonly recipients?: readonly string[];
      readonly url?: string;
      readonly charter?: CharterId;
    },
    sealing: Sealing = {},
  ): Promise<Agency> {
    const draft: Party = {
      kind: "agency",
      name: about.name,
      url: about.url ?? null,
      charter: about.charter ?? null,
      more: { recipients: [] },
    };
    const secrets = await createParty(directory, draft, sealing);
    let recipients = about.recipients ?? [];
    if (recipients.length === 0) {
      const known = await secrets.read(IDENTITY);
      const identity = known === null ? await generateHybridIdentity() : fromUtf8(known);
      await secrets.write(IDENTITY, utf8(identity));
      recipients = [await identityToRecipient(identity)];
    }
    const party = { ...draft, more: { recipients: [...recipients] } };
    await writeParty(directory, party);
    return new Agency(directory, party, secrets);
  }

  /** Throws PartyError "not-this-party", DurableError for the passphrase. */
  static async open(directory: string): Promise<Agency> {
    const party = await readParty(directory, "agency");
    return new Agency(directory, party, await openSecrets(directory));
  }

  get name(): string {
    return this.party.name;
  }

  /** age recipients that evidence is encrypted to. */
  get recipients(): readonly string[] {
    return this.party.more["recipients"] as readonly string[];
  }

  async join(url: string, charter: CharterId): Promise<Agency> {
    const party = { ...this.party, url, charter };
    await writeParty(this.directory, party);
    return new Agency(this.directory, party, this.#secrets);
  }

  /**
   * Makes a request: a point T and an X-Wing key that never existed before, T's proof bound to charter, reference and act.
   * The secrets are on the disk before the request leaves. Also kept as requests/NAME.json; returns its path.
   */
  async request(
    charter: CharterId,
    particulars: { readonly reference: string; readonly actHash: Uint8Array },
  ): Promise<{ readonly request: Request; readonly path: string }> {
    const seed = RANDOM(32);
    const xwing = xwingKeygen(seed).publicKey;
    const bound = { charter, ...particulars, requester: { name: this.name, xwing } };
    const made = requesterPoint(RANDOM, requesterContext(bound));
    const request: Request = {
      charter,
      ...particulars,
      requester: { name: this.name, point: made.point, proof: made.proof, xwing },
    };
    await this.#secrets.write(secretName(made.point), concat(made.secret, seed));
    const folder = join(this.directory, "requests");
    await makeDirectory(folder);
    const path = join(folder, `${secretName(made.point)}.json`);
    await writeFileDurable(path, formatRequest(request));
    return { request, path };
  }

  /** Throws PartyError "request-unknown" for an order whose request was not made here. */
  async secretsOf(point: Uint8Array): Promise<RequestSecrets> {
    const bytes = await this.#secrets.read(secretName(point));
    if (bytes === null) {
      throw new PartyError("request-unknown", "the keys of this order's request are not in this directory");
    }
    return { point: bytes.slice(0, 32), xwing: bytes.slice(32) };
  }

  async status(
    service: Service,
    order: OrderFile,
    options: { readonly fetch?: Fetch } = {},
  ): Promise<OrderStatus> {
    return await orderStatus(service, order, options);
  }

  /**
   * Hands a logged order to every keyholder. For an order over all of an account's conversations the provider is asked
   * for their list first, which only this requester can read.
   */
  async handIn(
    service: Service,
    order: OrderFile,
    options: { readonly fetch?: Fetch } = {},
  ): Promise<KeyholderAnswer[]> {
    const index = loggedIndex(order);
    const conversations = await this.conversations(service, order);
    return await handToKeyholders(
      service.present,
      { ...order, index: index as never },
      { ...options, ...(conversations === null ? {} : { conversations }) },
    );
  }

  /**
   * Gives every keyholder what the provider tells of an order by now: conversations of one over all, and of one over both
   * sides what the other accounts signed on each day that has come. Again is harmless; an order that goes on needs it
   * every day. Throws PartyError, WireError.
   */
  async handOn(
    service: Service,
    order: OrderFile,
    options: { readonly fetch?: Fetch } = {},
  ): Promise<readonly KeyholderAnswer[]> {
    const conversations = (await this.conversations(service, order)) ?? [];
    const otherSides = await this.otherSides(service, order);
    const { orderId } = namesOf(order);
    const { document } = await verifyOrder(order, service.charter);
    const secrets = await this.secretsOf(document.requester.point);
    const [first, ...others] = additionsOf(conversations, otherSides).map((further) => ({
      conversations: [...further.conversations],
      otherSides: further.otherSides.map((side) => ({ ...side, members: [...side.members] })),
      word: requesterWord(RANDOM, secrets.point, furtherContext(orderId, further)),
    }));
    if (first === undefined) return await keyholderStates(service.present, order, options);
    return await addAtKeyholders(service.present, orderId, [first, ...others], options);
  }

  /** What the other accounts of an order over both sides signed, of every day that has come, from the provider. */
  async otherSides(service: Service, order: OrderFile): Promise<readonly OtherSide[]> {
    if (order.others === null) return [];
    const { document } = await verifyOrder(order, service.charter);
    const today = dayOf(service.now());
    const found: OtherSide[] = [];
    for (let day = document.firstDay; day <= document.lastDay; day = dayNumber(day + 1)) {
      if (releasableFrom(document, day) > today) break;
      const { orderId } = namesOf(order);
      const sealed = await service.server.otherSides(orderId, day);
      const plaintext = await this.#open(order, document.requester.point, sealed, OTHER_SIDES_INFO);
      found.push(...parseOtherSides(plaintext).sides);
    }
    return found;
  }

  async #open(order: OrderFile, point: Uint8Array, sealed: Uint8Array, info: string): Promise<Uint8Array> {
    const secrets = await this.secretsOf(point);
    const { secretKey } = xwingKeygen(secrets.xwing);
    return openFrom(secretKey, sealed, utf8(info), fromHex(namesOf(order).orderId, 32));
  }

  /** The conversations of an order over "all", from the provider; `null` for an order that names them. */
  async conversations(service: Service, order: OrderFile): Promise<readonly ConversationId[] | null> {
    const warrant = await verifyWarrant(order.warrant, service.charter);
    if (warrant.document.conversations !== "all") return null;
    const { point } = warrant.document.requester;
    const sealed = await service.server.orderConversations(namesOf(order).orderId);
    const plaintext = await this.#open(order, point, sealed, ORDER_CONVERSATIONS_INFO);
    return [
      ...new Set(parseOrderConversations(plaintext).labels.map(({ conversation }) => conversation)),
    ].sort();
  }

  /**
   * Collects what keyholders released and what the provider holds, opens it, and keeps it beside what was collected before,
   * encrypted to {@link recipients}, with a time stamp where an authority is configured and answers. `waiting` while fewer
   * than t keyholders have released. Everything is verified; a keyholder whose bundle does not hold is blamed and left out.
   * Throws PartyError, WireError, LogError, EvidenceError.
   */
  async collect(
    service: Service,
    order: OrderFile,
    options: { readonly fetch?: Fetch; readonly progress?: CollectProgress } = {},
  ): Promise<
    | Extract<Collected, { readonly kind: "waiting" }>
    | (Extract<Collected, { readonly kind: "opened" }> & {
        readonly path: string;
        readonly sealed: Uint8Array;
        readonly stamped: Stamped | null;
        readonly lacking: Lacking | null;
      })
  > {
    const collected = await collectRelease({ requester: this, service, order, ...options });
    if (collected.kind === "waiting") return collected;
    const { files, stamped } = await this.#stamp(collected.files, options.fetch);
    const before = await this.packages(order);
    const sealed = await this.#seal(files);
    const { path } = await (await this.#shelf(order)).add(sealed);
    const lacking = await this.#lacking(files, before);
    return { ...collected, files, stamped, path, sealed, lacking };
  }

  /** The sealed packages of an order, as they were collected: the newest is the last. */
  async packages(order: OrderFile): Promise<readonly KeptPackage[]> {
    return await (await this.#shelf(order)).all();
  }

  /**
   * Adds a time stamp to a package that was collected without one, the newest where none is named. Throws PartyError
   * "not-collected", "no-time-stamps" where no authority is configured, "stamped-already", EvidenceError.
   */
  async stamp(
    order: OrderFile,
    options: { readonly fetch?: Fetch; readonly number?: number } = {},
  ): Promise<Stamped> {
    const all = await this.packages(order);
    const kept =
      options.number === undefined ? all.at(-1) : all.find(({ number }) => number === options.number);
    const sealed = kept === undefined ? null : await readFileOrNull(kept.path);
    if (kept === undefined || sealed === null)
      throw new PartyError("not-collected", "nothing was opened under this order yet");
    const before = await this.unseal(sealed);
    if (before.has(TIME_STAMP)) throw new PartyError("stamped-already", "the package has its time stamp");
    const { files, stamped } = await this.#stamp(before, options.fetch);
    if (stamped === null) {
      throw new PartyError(
        "no-time-stamps",
        "no time stamp authority is configured: porchlight requester time-stamps",
      );
    }
    if (stamped.kind === "stamped") await (await this.#shelf(order)).complete(kept, await this.#seal(files));
    return stamped;
  }

  /**
   * Configures who stamps packages from now on. What others stamped before is still checked with their certificates.
   * Throws PartyError "time-stamps-invalid".
   */
  async useTimeStamps(service: TimeStampService): Promise<void> {
    await writeTimeStampService(this.directory, service);
  }

  async timeStamps(): Promise<TimeStampService | null> {
    return await readTimeStampService(this.directory);
  }

  /** Authorities whose stamps count: today's, and those before it. `null` where none was ever configured. */
  async timeAnchors(): Promise<X509Certificate[] | null> {
    return await readTimeAnchors(this.directory);
  }

  async #stamp(files: Files, fetch?: Fetch): Promise<{ files: Files; stamped: Stamped | null }> {
    const service = await this.timeStamps();
    if (service === null) return { files, stamped: null };
    const stamped = await requestTimeStamp(service, packageDigest(files), fetch);
    if (stamped.kind === "not-stamped") return { files, stamped };
    return { files: new Map([...files, [TIME_STAMP, stamped.reply]]), stamped };
  }

  async #seal(files: Files): Promise<Uint8Array> {
    return await sealEvidence(files, this.recipients, packagedAt(files));
  }

  /** What the packages `before` have from the provider and `files` have not; `null` where one cannot be opened here. */
  async #lacking(files: Files, before: readonly KeptPackage[]): Promise<Lacking | null> {
    const now = deliveredIn(files);
    const gone = { stored: new Set<string>(), files: new Set<string>() };
    for (const { path } of before) {
      const sealed = await readFileOrNull(path);
      if (sealed === null) continue;
      try {
        const then = deliveredIn(await this.unseal(sealed));
        for (const kind of ["stored", "files"] as const)
          for (const mark of then[kind]) if (!now[kind].has(mark)) gone[kind].add(mark);
      } catch (error) {
        if (!(error instanceof EvidenceError)) throw error;
        return null;
      }
    }
    return { stored: gone.stored.size, files: gone.files.size };
  }

  async #shelf(order: OrderFile): Promise<PackageShelf> {
    return new PackageShelf(await this.evidenceFolder(order));
  }

  /** Opens a sealed package with this agency's own identity. Throws EvidenceError "cannot-decrypt". */
  async unseal(sealed: Uint8Array): Promise<Files> {
    const identity = await this.#secrets.read(IDENTITY);
    return await openSealedEvidence(sealed, identity === null ? [] : [fromUtf8(identity)]);
  }

  /** Files encrypted to {@link recipients}, as a package is: {@link unseal} opens them where the identity is here. */
  async sealFiles(files: Files, at: UnixSeconds): Promise<Uint8Array> {
    return await sealEvidence(files, this.recipients, at);
  }

  /** For what this directory alone reads again, and whoever has its passphrase. */
  async sealOwn(bytes: Uint8Array): Promise<Uint8Array> {
    return await this.#secrets.seal(bytes);
  }

  /** Throws DurableError "secret-unreadable". */
  async unsealOwn(sealed: Uint8Array): Promise<Uint8Array> {
    return await this.#secrets.unseal(sealed);
  }

  /** Keeps an original act, sealed, by its SHA-256 in hexadecimal: the same is kept once. */
  async keepAct(bytes: Uint8Array): Promise<void> {
    const folder = join(this.directory, ACTS);
    await makeDirectory(folder);
    const path = join(folder, `${createHash("sha256").update(bytes).digest("hex")}.age`);
    if ((await readFileOrNull(path)) === null) await writeFileDurable(path, await this.#secrets.seal(bytes));
  }

  async hasAct(hash: Uint8Array): Promise<boolean> {
    return (await namesIn(join(this.directory, ACTS))).includes(`${hex(hash)}.age`);
  }

  /** `null` for one that is not kept here. Throws DurableError "secret-unreadable". */
  async act(hash: Uint8Array): Promise<Uint8Array | null> {
    const sealed = await readFileOrNull(join(this.directory, ACTS, `${hex(hash)}.age`));
    return sealed === null ? null : await this.#secrets.unseal(sealed);
  }

  /** Acts that an earlier version left in clear: those of requests are sealed, all are erased. */
  async sealPlainActs(): Promise<void> {
    const folder = join(this.directory, ACTS);
    const names = await namesIn(folder);
    const plain = names.filter((name) => /^[0-9a-f]{64}$/.test(name));
    if (plain.length === 0) return;
    const { requests, damaged } = await this.requests();
    const asked = new Set(requests.map(({ request }) => hex(request.actHash)));
    for (const name of plain) {
      const bytes = await readFileOrNull(join(folder, name));
      // Whose act it is a damaged request does not say.
      if (bytes !== null && (asked.has(name) || damaged.length > 0)) await this.keepAct(bytes);
      await eraseFileDurable(join(folder, name));
    }
  }

  /** Known to this directory alone, made at its first use (32 B): by it the agency knows again what it wrote itself. */
  async ownKey(): Promise<Uint8Array> {
    const known = await this.#secrets.read(OWN_KEY);
    if (known !== null) return known;
    const key = RANDOM(32);
    await this.#secrets.write(OWN_KEY, key);
    return key;
  }

  /** Ed25519, 32 B: what a provider registers after a call back. */
  async endpointKey(): Promise<Uint8Array> {
    return nobleSuite.publicKeyOf(await this.endpointSeed());
  }

  /** {@link endpointKey}, where it was made already. */
  async madeEndpointKey(): Promise<Uint8Array | null> {
    const seed = await this.#secrets.read(ENDPOINT_KEY);
    return seed === null ? null : nobleSuite.publicKeyOf(seed);
  }

  /** The key that signs this agency's messages of TS 103 120 (HI1-5), made at its first use: Ed25519 seed, 32 B. */
  async endpointSeed(): Promise<Uint8Array> {
    const known = await this.#secrets.read(ENDPOINT_KEY);
    if (known !== null) return known;
    const seed = RANDOM(32);
    await this.#secrets.write(ENDPOINT_KEY, seed);
    return seed;
  }

  /** Requests that were made here, each with its name, and the files of those that are damaged. */
  async requests(): Promise<{
    readonly requests: readonly { readonly name: string; readonly request: Request }[];
    readonly damaged: readonly string[];
  }> {
    const folder = join(this.directory, "requests");
    const files = await namesIn(folder);
    const requests: { name: string; request: Request }[] = [];
    const damaged: string[] = [];
    for (const file of files.sort()) {
      const name = /^(request-[0-9a-f]{24})\.json$/.exec(file)?.[1];
      const bytes = name === undefined ? null : await readFileOrNull(join(folder, file));
      if (name === undefined || bytes === null) continue;
      try {
        requests.push({ name, request: readRequest(bytes) });
      } catch (error) {
        if (!(error instanceof PartyError)) throw error;
        damaged.push(join("requests", file));
      }
    }
    return { requests, damaged };
  }

  /** By what an application is called here, from the point that its order names. */
  static nameOfRequest(point: Uint8Array): string {
    return secretName(point);
  }

  /** Where the sealed packages of an order are, once it was collected. */
  async evidenceFolder(order: OrderFile): Promise<string> {
    return join(this.directory, "evidence", await orderName(this.directory, order));
  }
}

async function namesIn(folder: string): Promise<string[]> {
  return await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
}

/** Derived from T, so that an order finds its secrets by itself. */
function secretName(point: Uint8Array): string {
  return `request-${hex(new Uint8Array(createHash("sha256").update(point).digest())).slice(0, 24)}`;
}
