import { randomBytes } from "node:crypto";
import {
  addSignature,
  asName,
  type Charter,
  type Contest,
  type DocumentKind,
  formatPreservation,
  formatPreservationLift,
  formatSignedDocument,
  type PreservationDocument,
  type PreservationLift,
  parseSignedDocument,
  type SignedDocument,
  unverifiedPayload,
  verifyContest,
} from "@porchlight/charter";
import type { SecretStore } from "@porchlight/durable";
import {
  type AccountId,
  base64,
  base64url,
  type CharterId,
  type ConversationId,
  type DayNumber,
  fromBase64,
  fromUtf8,
  type UnixSeconds,
} from "@porchlight/encoding";
import {
  checkWarrant,
  type Direction,
  type DirectionKind,
  type Disclosure,
  formatDirection,
  formatWarrant,
  GateError,
  parseWarrant,
  type VerifiedWarrant,
  verifyOrder,
  verifyWarrant,
  type WarrantDocument,
} from "@porchlight/gate";
import { nodeSuite } from "@porchlight/tlog/node";
import type { Fetch } from "@porchlight/wire";
import { createParty, openSecrets, type Party, readParty, type Sealing, writeParty } from "./directory.ts";
import { PartyError } from "./error.ts";
import {
  type DirectionAnswer,
  directKeyholders,
  handToKeyholders,
  type KeyholderAnswer,
  keyholderStates,
} from "./hand-in.ts";
import { namesOf, type OrderFile, type Request } from "./request-file.ts";
import type { Service } from "./service.ts";
import { type SignCommand, signByCommand } from "./sign-command.ts";

const KEY = "issuer-key";
const RANDOM = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

/** What an issuer decides about a request. */
export type Decision = {
  readonly request: Request;
  /** The provider's person → account statement. */
  readonly statement: SignedDocument;
  readonly accounts: readonly AccountId[];
  readonly conversations: readonly ConversationId[] | "all";
  readonly mode?: WarrantDocument["mode"];
  readonly firstDay: DayNumber;
  readonly lastDay: DayNumber;
  /** A day's keys may be released once the day has begun. */
  readonly live?: boolean;
  readonly legalBasis: string;
  readonly offenceCategory: string;
  readonly necessity: string;
  readonly proportionality: string;
  readonly privileged?: boolean;
  readonly disclosure: Disclosure;
  readonly emergency?: boolean;
  readonly issued: UnixSeconds;
  readonly expires: UnixSeconds;
};

/** How an order stands, as far as its issuer can see. */
export type OrderStatus = {
  /** Index in the log; `null` before it was handed in. */
  readonly index: number | null;
  readonly witnessed: boolean;
  readonly revokedAt: number | null;
  readonly keyholders: readonly KeyholderAnswer[];
};

/** An issuer: a court, its registry, or one of the named persons of a house. Its directory holds one sealed key. */
export class Court {
  readonly directory: string;
  readonly party: Party;
  readonly #secrets: SecretStore;

  private constructor(directory: string, party: Party, secrets: SecretStore) {
    this.directory = directory;
    this.party = party;
    this.#secrets = secrets;
  }

  /** Makes the directory and the key. Throws PartyError "exists". */
  static async create(
    directory: string,
    about: {
      readonly name: string;
      readonly title: string;
      readonly url?: string;
      readonly charter?: CharterId;
      /** A key that stays in a token: its public half, 32 B, and the program that signs with it. */
      readonly token?: { readonly publicKey: Uint8Array; readonly signCommand: SignCommand };
    },
    sealing: Sealing = {},
  ): Promise<Court> {
    asName(about.title, "title");
    const draft: Party = {
      kind: "court",
      name: about.name,
      url: about.url ?? null,
      charter: about.charter ?? null,
      more: {},
    };
    const secrets = await createParty(directory, draft, sealing);
    const key = about.token?.publicKey ?? (await makeKey(secrets));
    const { title, token } = about;
    const signCommand = token === undefined ? {} : { signCommand: token.signCommand };
    const party = { ...draft, more: { title, key: base64(key), ...signCommand } };
    await writeParty(directory, party);
    return new Court(directory, party, secrets);
  }

  /** Throws PartyError "not-this-party", DurableError for the passphrase. */
  static async open(directory: string): Promise<Court> {
    const party = await readParty(directory, "court");
    return new Court(directory, party, await openSecrets(directory));
  }

  get name(): string {
    return this.party.name;
  }

  get title(): string {
    return this.party.more["title"] as string;
  }

  /** Ed25519 public key, 32 bytes: what a charter lists. */
  get publicKey(): Uint8Array {
    return fromBase64(this.party.more["key"] as string, 32);
  }

  /** Fixes service and charter for the commands to come. */
  async join(url: string, charter: CharterId): Promise<Court> {
    const party = { ...this.party, url, charter };
    await writeParty(this.directory, party);
    return new Court(this.directory, party, this.#secrets);
  }

  /**
   * Signs an order. Refuses, with the rule's own sentence, what every keyholder would refuse: PartyError "order-refused",
   * "issuer-unknown" where the charter does not name this key. Under a house's charter a second person must
   * {@link countersign} before the order counts.
   */
  async issue(charter: Charter, decision: Decision): Promise<OrderFile> {
    return await this.issueDraft(charter, this.draft(charter, decision));
  }

  /** What {@link issue} would sign. Throws PartyError "issuer-unknown", "order-refused". */
  draft(charter: Charter, decision: Decision): WarrantDocument {
    this.#checkIssuer(charter);
    const { request } = decision;
    if (request.charter !== charter.id) {
      throw new PartyError("order-refused", "the request was made under another charter");
    }
    return {
      charter: charter.id,
      reference: request.reference,
      actHash: request.actHash,
      legalBasis: decision.legalBasis,
      offenceCategory: decision.offenceCategory,
      issuer: this.name,
      issued: decision.issued,
      expires: decision.expires,
      requester: request.requester,
      statement: decision.statement,
      accounts: decision.accounts,
      conversations: decision.conversations,
      mode: decision.mode ?? "sent",
      firstDay: decision.firstDay,
      lastDay: decision.lastDay,
      live: decision.live ?? false,
      necessity: decision.necessity,
      proportionality: decision.proportionality,
      privileged: decision.privileged ?? false,
      disclosure: decision.disclosure,
      emergency: decision.emergency ?? false,
    };
  }

  /** Signs a draft, as {@link issue} does. */
  async issueDraft(charter: Charter, document: WarrantDocument): Promise<OrderFile> {
    this.#checkIssuer(charter);
    const order = await this.sign(document);
    if (charter.kind === "court") await checkOrder(order, charter, document.issued);
    return order;
  }

  /** Signs a document as it is, with a fresh opening. Nothing is checked: {@link issue} does. */
  async sign(document: WarrantDocument): Promise<OrderFile> {
    const signed = await this.#signed("warrant", formatWarrant(document));
    return { warrant: formatSignedDocument(signed), others: null, opening: RANDOM(32), index: null };
  }

  /** Adds this person's signature to a house's order that is not handed in yet. */
  async countersign(charter: Charter, order: OrderFile): Promise<OrderFile> {
    this.#checkIssuer(charter);
    if (order.index !== null)
      throw new PartyError("order-refused", "the order is in the log already: it cannot be changed");
    const document = parseSignedDocument(order.warrant, "warrant");
    const signed = await this.#signedToo("warrant", document);
    const countersigned = {
      warrant: formatSignedDocument(signed),
      others: null,
      opening: RANDOM(32),
      index: null,
    };
    await checkOrder(countersigned, charter, parseWarrant(unverifiedPayload(signed)).issued);
    return countersigned;
  }

  /** Hands an order to the provider, which logs it. Idempotent. */
  async submit(service: Service, order: OrderFile): Promise<OrderFile & { readonly index: number }> {
    const { index } = await service.server.submitOrder({
      warrant: fromUtf8(order.warrant),
      ...(order.others === null ? {} : { others: fromUtf8(order.others) }),
      opening: order.opening,
    });
    return { ...order, index };
  }

  /** Hands a logged order to every keyholder. For orders over "all" conversations the requester does it: only it can read their list. */
  async handIn(
    service: Service,
    order: OrderFile,
    options: { readonly fetch?: Fetch } = {},
  ): Promise<KeyholderAnswer[]> {
    return await handToKeyholders(service.present, { ...order, index: loggedIndex(order) as never }, options);
  }

  /** Revokes an order of this issuer; the log's index of the revocation. */
  async revoke(service: Service, order: OrderFile, ground: string, at: UnixSeconds): Promise<number> {
    const document = await this.sayOf(service, order, { kind: "revocation", ground, at });
    return await service.server.directOrder(namesOf(order).orderId, "revocation", document);
  }

  /** Signs what the issuer says of its order later. A house's second person adds a signature with {@link cosign}. */
  async sayOf(
    service: Service,
    order: OrderFile,
    said: {
      readonly kind: DirectionKind;
      readonly ground: string;
      readonly at: UnixSeconds;
      readonly until?: DayNumber;
    },
  ): Promise<SignedDocument> {
    const { commitment } = namesOf(order);
    const { reference } = parseWarrant(unverifiedPayload(parseSignedDocument(order.warrant, "warrant")));
    const { kind, ground, at, until } = said;
    const common = { charter: service.charter.id, commitment, reference, at, ground };
    if ((kind === "extension") !== (until !== undefined)) {
      throw new PartyError(
        "order-refused",
        "an extension names the day on which secrecy ends, nothing else does",
      );
    }
    const direction: Direction =
      kind === "extension" ? { ...common, kind, until: until as DayNumber } : { ...common, kind };
    return await this.#signed(kind, formatDirection(direction));
  }

  /** Signs an order to preserve as it is. Throws PartyError "issuer-unknown". */
  async signPreservation(charter: Charter, document: PreservationDocument): Promise<SignedDocument> {
    this.#checkIssuer(charter);
    return await this.#signed("preservation", formatPreservation(document));
  }

  /** Signs as the registry what a provider recorded of a call back (HI1-51); with `half`, as a house's second person. */
  async signRegistration(bytes: Uint8Array, half: SignedDocument | null): Promise<SignedDocument> {
    return half === null
      ? await this.#signed("registration", bytes)
      : await this.#signedToo("registration", half);
  }

  /** Signs that one of its orders to preserve ends early. Throws PartyError "issuer-unknown". */
  async signPreservationLift(charter: Charter, document: PreservationLift): Promise<SignedDocument> {
    this.#checkIssuer(charter);
    return await this.#signed("preservation-lift", formatPreservationLift(document));
  }

  /** Adds this person's signature to what another said of their common order, or to an order to preserve. */
  async cosign(
    kind: DirectionKind | "preservation" | "preservation-lift",
    document: SignedDocument,
  ): Promise<SignedDocument> {
    return await this.#signedToo(kind, document);
  }

  /**
   * Has the provider log what was said, and hands it to every keyholder: an extension counts where it was seen in time.
   * Idempotent: ask again while a keyholder waits. Throws PartyError, WireError.
   */
  async direct(
    service: Service,
    order: OrderFile,
    kind: Exclude<DirectionKind, "revocation">,
    document: SignedDocument,
    options: { readonly fetch?: Fetch } = {},
  ): Promise<{ readonly index: number; readonly keyholders: readonly DirectionAnswer[] }> {
    const { orderId } = namesOf(order);
    const index = await service.server.directOrder(orderId, kind, document);
    const copy = { payload: document.payload, signatures: document.signatures.map((one) => ({ ...one })) };
    const keyholders = await directKeyholders(
      service.present,
      orderId,
      { kind, document: copy, index },
      options,
    );
    return { index, keyholders };
  }

  /**
   * CONT-6: what persons whom the order is about say against it, each as the provider signed it. Nothing stops by it: the
   * issuer answers with a direction, or not. Throws WireError, CharterError for what the provider did not sign.
   */
  async contests(service: Service, order: OrderFile): Promise<Contest[]> {
    const { orderId, commitment } = namesOf(order);
    const documents = await service.server.contests(orderId);
    const contests = await Promise.all(documents.map((one) => verifyContest(one, service.charter)));
    if (contests.some((one) => one.commitment !== commitment)) {
      throw new PartyError("order-refused", "the provider answered with a contest of another order");
    }
    return contests;
  }

  async status(
    service: Service,
    order: OrderFile,
    options: { readonly fetch?: Fetch } = {},
  ): Promise<OrderStatus> {
    return await orderStatus(service, order, options);
  }

  #checkIssuer(charter: Charter): void {
    const own = base64(this.publicKey);
    if (!charter.issuers.some(({ name, key }) => name === this.name && base64(key) === own)) {
      throw new PartyError("issuer-unknown", "the charter does not name this issuer with this key");
    }
  }

  async #signed(kind: DocumentKind, payload: Uint8Array): Promise<SignedDocument> {
    return await this.#signedToo(kind, { payload: base64url(payload), signatures: [] });
  }

  /** With this issuer's signature: by the key file, or by the program that a token's owner named. */
  async #signedToo(kind: DocumentKind, document: SignedDocument): Promise<SignedDocument> {
    const command = this.party.more["signCommand"] as SignCommand | undefined;
    const { name, publicKey } = this;
    if (command !== undefined) return await signByCommand(command, { name, publicKey }, kind, document);
    const seed = await this.#secrets.read(KEY);
    if (seed === null)
      throw new PartyError("not-this-party", "the issuer's key is gone: restore secrets/issuer-key.age");
    try {
      return await addSignature(document, kind, { name, seed });
    } finally {
      seed.fill(0);
    }
  }
}

/**
 * An order over both sides with the provider's statement of everyone else whom it opens (WAR-18 to WAR-20), judged as
 * keyholders will. What it commits to changes, so it is a new order with a fresh opening. Throws PartyError.
 */
export async function withOthers(
  order: OrderFile,
  statement: SignedDocument,
  charter: Charter,
  at: UnixSeconds,
): Promise<OrderFile> {
  if (order.index !== null) {
    throw new PartyError("order-refused", "the order is in the log already: it cannot be changed");
  }
  const whole = { ...order, others: formatSignedDocument(statement), opening: RANDOM(32) };
  await checkOrder(whole, charter, at);
  return whole;
}

/** Index of an order that was handed in. Throws PartyError "order-not-logged". */
export function loggedIndex({ index }: OrderFile): number {
  if (index === null)
    throw new PartyError("order-not-logged", "hand the order in first: porchlight issuer submit");
  return index;
}

/** Where the witnessed log shows an order; `null` where it does not (yet). No file's word for it is taken. */
export function placeInLog(service: Service, order: OrderFile): number | null {
  const { commitment } = namesOf(order);
  const found = service.find(
    (entry) => (entry.type === "warrant" || entry.type === "hold-order") && entry.commitment === commitment,
  );
  return found?.index ?? null;
}

/** How an order stands: in the log, and with every keyholder. */
export async function orderStatus(
  service: Service,
  order: OrderFile,
  options: { readonly fetch?: Fetch } = {},
): Promise<OrderStatus> {
  const { commitment } = namesOf(order);
  const revocation = service.find((entry) => entry.type === "revocation" && entry.commitment === commitment);
  const logged = placeInLog(service, order);
  return {
    index: order.index ?? logged,
    witnessed: logged !== null,
    revokedAt: revocation?.index ?? null,
    keyholders: await keyholderStates(service.present, order, options),
  };
}

/** The order verified, and judged as keyholders will before anything is logged. Throws PartyError "order-refused". */
export async function checkOrder(
  order: OrderFile,
  charter: Charter,
  at: UnixSeconds,
): Promise<VerifiedWarrant> {
  let warrant: VerifiedWarrant;
  try {
    // Before the provider has stated them, the further accounts of an order over both sides are not known.
    warrant =
      order.others === null ? await verifyWarrant(order.warrant, charter) : await verifyOrder(order, charter);
  } catch (cause) {
    if (!(cause instanceof GateError)) throw cause;
    throw new PartyError("order-refused", `${cause.refusal.reason} (${cause.refusal.rule})`, { cause });
  }
  const result = checkWarrant(warrant, at);
  if (result.kind === "refused") throw new PartyError("order-refused", `${result.reason} (${result.rule})`);
  return warrant;
}

/**
 * An order that somebody brings as a file: every signature on it holds under the charter, and so does the provider's
 * statement. Of a house's order the second signature may still be missing: {@link Court.countersign} adds it. Whether
 * it is in time is {@link checkOrder}'s question. Throws PartyError "order-refused".
 */
export async function verifyBrought(order: OrderFile, charter: Charter): Promise<void> {
  try {
    if (order.others === null) await verifyWarrant(order.warrant, charter);
    else await verifyOrder(order, charter);
  } catch (cause) {
    if (!(cause instanceof GateError)) throw cause;
    const { rule, code, reason } = cause.refusal;
    // The rule on two signatures is asked only after each that is there was verified.
    if (code === "second-signature-missing") return;
    throw new PartyError("order-refused", `${reason} (${rule})`, { cause });
  }
}

/** The public half, 32 B. A directory whose making was cut short has a key already: it stays the one. */
async function makeKey(secrets: SecretStore): Promise<Uint8Array> {
  const seed = (await secrets.read(KEY)) ?? RANDOM(32);
  await secrets.write(KEY, seed);
  const publicKey = nodeSuite.publicKeyOf(seed);
  seed.fill(0);
  return publicKey;
}
