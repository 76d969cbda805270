import { createHash } from "node:crypto";
import { type Charter, charterIdOfDocument, unverifiedPayload } from "@porchlight/charter";
import { type CharterId, dayOf, hex, type Json, unixSeconds } from "@porchlight/encoding";
import {
  type Action,
  answerActions,
  associatedWith,
  checkMessage,
  type DeskContext,
  errorOf,
  type Header,
  Hi1Error,
  type Hi1Refusal,
  MAX_MESSAGE_BYTES,
  type Message,
  type Profile,
  parseMessage,
  refusal,
  signedMessage,
  statusOf,
} from "@porchlight/hi1";
import type { Clock } from "@porchlight/runtime";
import type { Hi1Config } from "../config.ts";
import type { Database, Queries } from "../database.ts";
import type { Identity } from "../identity.ts";
import type { Log } from "../log.ts";
import type { Persons } from "../persons.ts";
import { Refusal } from "../refusal.ts";
import type { Following } from "./following.ts";
import type { Kept, ObjectStore } from "./object-store.ts";
import type { Registrations } from "./registrations.ts";
import { resolveTargets } from "./targets.ts";

/** HI1-8: contents that are asked for and have no room in the answer are not even read. */
const NO_ROOM: Action = { kind: "refused", refusal: refusal("answer-too-large") };

/** Answers messages of TS 103 120 under the profile of spec/hi1.md. It opens nothing. */
export class Hi1Endpoint {
  readonly #database: Database;
  readonly #store: ObjectStore;
  readonly #registrations: Registrations;
  readonly #following: Following;
  readonly #persons: Persons;
  readonly #log: Log;
  readonly #identity: Identity;
  readonly #clock: Clock;
  readonly #config: Hi1Config | null;
  /** One message after the other: each sees what those before it did. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: {
    readonly database: Database;
    readonly store: ObjectStore;
    readonly registrations: Registrations;
    readonly following: Following;
    readonly persons: Persons;
    readonly log: Log;
    readonly identity: Identity;
    readonly clock: Clock;
    readonly config: Hi1Config | null;
  }) {
    this.#database = parts.database;
    this.#store = parts.store;
    this.#registrations = parts.registrations;
    this.#following = parts.following;
    this.#persons = parts.persons;
    this.#log = parts.log;
    this.#identity = parts.identity;
    this.#clock = parts.clock;
    this.#config = parts.config;
  }

  /** Runs alone among messages and officers' acts. */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return await done;
  }

  /** The charter under which is ordered now: the newest of those whose dates hold. Throws Refusal. */
  get charter(): Charter {
    const found = this.#log.catalogue.charterInForce(dayOf(this.#clock.now()));
    if (found === undefined)
      throw new Refusal("unknown-charter", "no charter is in force: nothing can be ordered");
    return found;
  }

  /**
   * The charters under whose labels people wrote: of the kind of the one in force, that and those before it. What was written
   * opens under its own charter only, so orders and tasks come for all of them (HI1-20, HI1-36). Throws Refusal.
   */
  get charters(): readonly Charter[] {
    const { kind } = this.charter;
    return this.#log.catalogue.verifiedCharters.filter((one) => one.kind === kind);
  }

  /** One of {@link charters}; undefined for any other. */
  charterOf(id: CharterId): Charter | undefined {
    return this.charters.find((one) => one.id === id);
  }

  /** One of the log's, or the one in force, as it was signed. Throws Refusal. */
  charterDocument(id: CharterId = this.charter.id): Json {
    const logged = this.#log.catalogue.charters.find(
      ({ document }) => charterIdOfDocument(unverifiedPayload(document)) === id,
    );
    if (logged === undefined) throw new Refusal("unknown-charter", "the charter is not in this server's log");
    const { payload, signatures } = logged.document;
    return { payload, signatures: signatures.map((made) => ({ ...made })) };
  }

  get now(): number {
    return this.#clock.now();
  }

  get config(): Hi1Config {
    if (this.#config === null) throw new Refusal("not-found", "this provider takes no orders of TS 103 120");
    return this.#config;
  }

  get profile(): Profile {
    const { country, endpoint, disclosureDays: _, emergencyHours: __, ...rules } = this.config;
    const { charters } = this;
    return {
      endpoint: { CountryCode: country, UniqueIdentifier: endpoint },
      legalBases: [...new Set(charters.flatMap((one) => one.legalBases))],
      offenceCategories: [...new Set(charters.flatMap((one) => one.offenceCategories))],
      ...rules,
    };
  }

  /**
   * The answer to a message, as bytes; durable with what it changed when this resolves (HI1-7). Throws Refusal for what is no
   * message at all.
   */
  async take(bytes: Uint8Array): Promise<Uint8Array> {
    const { profile } = this;
    const message = read(bytes);
    const { UniqueIdentifier, CountryCode } = message.header.SenderIdentifier;
    const registered = (await this.#registrations.keys()).get(UniqueIdentifier);
    // Of another country than it was registered for, a sender is unknown.
    const keys = new Map(
      registered?.country === CountryCode ? [[UniqueIdentifier, registered.key] as const] : [],
    );
    const now = this.#clock.now();
    const context: DeskContext = { profile, keys, resolve: () => null, now, takes: "orders" };
    const refused = checkMessage(message, context);
    if (refused !== null) return this.#failure(message.header, refused);
    const { payload } = message;
    if (payload.kind !== "request") return this.#failure(message.header, refusal("malformed", "Payload"));
    return await this.alone(async () => await this.#answer(message.header, payload.actions, bytes, context));
  }

  async #answer(
    header: Header,
    actions: ReadonlyMap<number, Action>,
    bytes: Uint8Array,
    context: DeskContext,
  ): Promise<Uint8Array> {
    const sender = header.SenderIdentifier.UniqueIdentifier;
    const id = header.TransactionIdentifier;
    const digest = createHash("sha256").update(bytes).digest();
    const known = await this.#store.transaction(this.#database, sender, id);
    if (known !== null) {
      if (known.digest === hex(digest)) return known.answer;
      return this.#failure(header, refusal("transaction-reused"));
    }
    await this.#following.run(sender);
    return await this.#database.transaction(async (transaction) => {
      const resolve = await resolveTargets(actions, this.charters, transaction, this.#persons);
      const { before, cut } = await this.#needed(transaction, actions, sender);
      // HI1-27 is of what is created: who only asks or lists costs no counting. Not counted, nothing has room.
      const creates = [...actions.values()].some(({ kind }) => kind === "create");
      const counted = creates
        ? await this.#store.counted(transaction, sender, context.now)
        : Number.POSITIVE_INFINITY;
      const shelf = {
        get: (object: string) => before.get(object)?.held,
        of: (owner: string) =>
          [...before.values()].flatMap(({ held }) => (held.owner === owner ? [held] : [])),
        counted: () => counted,
      };
      const asked = new Map(
        [...actions].map(([number, action]) => [
          number,
          action.kind === "get" && cut.has(action.id) ? NO_ROOM : action,
        ]),
      );
      const { responses, changes } = answerActions(asked, sender, shelf, { ...context, resolve });
      for (const held of changes) {
        const object = held.object.ObjectIdentifier;
        const kept = before.get(object);
        const fresh: Kept = { held, received: context.now, logged: null, preserved: [] };
        await this.#store.put(transaction, kept === undefined ? fresh : { ...kept, held }, context.now);
        const act = kept === undefined ? "received" : `changed: ${statusOf(held.object) ?? ""}`;
        await this.#store.note(transaction, object, context.now, { by: sender, act, words: `message ${id}` });
      }
      const payload = { ResponsePayload: { ActionResponses: { ActionResponse: responses } } };
      const answer = this.#message(header, payload);
      await this.#store.keepTransaction(transaction, sender, id, digest, answer, context.now);
      return answer;
    });
  }

  /**
   * What the actions can see: what they name and belong to, and for a list everything of the sender's. Documents and
   * deliveries have what they hold as far as one answer carries it (HI1-8); `cut`: those that were asked for and have not.
   */
  async #needed(
    queries: Queries,
    actions: ReadonlyMap<number, Action>,
    sender: string,
  ): Promise<{ readonly before: Map<string, Kept>; readonly cut: ReadonlySet<string> }> {
    const all = [...actions].sort(([a], [b]) => a - b).map(([, action]) => action);
    const got = all.flatMap((action) => (action.kind === "get" ? [action.id] : []));
    const others = all.flatMap((action) =>
      "object" in action ? [action.object.ObjectIdentifier, ...associatedWith(action.object)] : [],
    );
    const sizes = await this.#store.contentSizes(queries, sender, got);
    const whole = new Set<string>();
    let left = MAX_MESSAGE_BYTES;
    for (const id of new Set(got)) {
      const size = sizes.get(id);
      if (size === undefined || size > left) continue;
      left -= size;
      whole.add(id);
    }
    const listed = all.some(({ kind }) => kind === "list") ? await this.#store.of(queries, sender) : [];
    const bare = [...got, ...others].filter((id) => !whole.has(id));
    const named = [
      ...(await this.#store.bare(queries, bare)),
      ...(await this.#store.get(queries, [...whole])),
    ];
    return {
      before: new Map([...listed, ...named].map((kept) => [kept.held.object.ObjectIdentifier, kept])),
      cut: new Set([...sizes.keys()].filter((id) => !whole.has(id))),
    };
  }

  #failure(header: Header, refused: Hi1Refusal): Uint8Array {
    return this.#message(header, { ResponsePayload: { ErrorInformation: errorOf(refused) } });
  }

  #message(request: Header, payload: object): Uint8Array {
    const { endpoint: sender, owner, version } = this.profile;
    const receiver = request.SenderIdentifier;
    const transaction = request.TransactionIdentifier;
    const between = { sender, receiver, transaction, owner, version };
    return signedMessage(between, payload, unixSeconds(this.#clock.now()), this.#identity.provider.seed);
  }
}

function read(bytes: Uint8Array): Message {
  try {
    return parseMessage(bytes);
  } catch (cause) {
    if (!(cause instanceof Hi1Error)) throw cause;
    const { code, description, field } = cause.refusal;
    const where = field === undefined ? "" : ` (${field})`;
    throw new Refusal(code === "too-large" ? "too-large" : "malformed", `${description}${where}`, {
      reason: code,
      cause,
    });
  }
}
