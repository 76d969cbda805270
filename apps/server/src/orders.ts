import {
  type Charter,
  CharterError,
  type DirectionEntry,
  formatEntry,
  orderEntryType,
  parseSignedDocument,
  type SignedDocument,
  signIntake,
  unverifiedPayload,
} from "@porchlight/charter";
import {
  type AccountId,
  accountIdOf,
  type Commitment,
  type DayNumber,
  dayNumber,
  dayOf,
  EncodingError,
  idBytes,
  periodOf,
  utf8,
} from "@porchlight/encoding";
import {
  checkDirectionDraft,
  checkWarrant,
  commitmentOf,
  type DirectionKind,
  directionHash,
  GateError,
  noticesOf,
  type OrderNotices,
  orderIdOf,
  parseWarrant,
  publicCommitment,
  publicKeyOfOrder,
  publicPartOf,
  secretUntilOf,
  type VerifiedDirection,
  type VerifiedOrder,
  type VerifiedWarrant,
  verifyDirection,
  verifyOrder,
  verifyWarrant,
} from "@porchlight/gate";
import { NoticeError } from "@porchlight/notice";
import type { Clock } from "@porchlight/runtime";
import type { LogIndex } from "@porchlight/tlog";
import type { OrderAnswer } from "@porchlight/wire";
import { type Database, fromRow } from "./database.ts";
import type { Identity } from "./identity.ts";
import type { Log } from "./log.ts";
import type { LoggedKeys } from "./logged-keys.ts";
import type { OrderStore, StoredOrder } from "./order-store.ts";
import type { Persons } from "./persons.ts";
import { Refusal } from "./refusal.ts";

type DaysNotices = {
  readonly day: DayNumber;
  readonly notices: ReturnType<typeof makeNotices>;
  /** As they stand in the log. */
  readonly entries: readonly Uint8Array[];
};

/** Days back for which a crash between notices and order is looked for. */
const RESUMED_DAYS = 31;

/** Takes orders in and logs them, and what their issuers say of them later (DEL-50, DEL-51). */
export class Orders {
  readonly #database: Database;
  readonly #store: OrderStore;
  readonly #log: Log;
  readonly #keys: LoggedKeys;
  readonly #identity: Identity;
  readonly #clock: Clock;
  readonly #persons: Persons;
  readonly #submitting = new Map<Commitment, Promise<OrderAnswer>>();

  constructor(parts: {
    readonly database: Database;
    readonly store: OrderStore;
    readonly log: Log;
    readonly keys: LoggedKeys;
    readonly identity: Identity;
    readonly clock: Clock;
    readonly persons: Persons;
  }) {
    this.#database = parts.database;
    this.#store = parts.store;
    this.#log = parts.log;
    this.#keys = parts.keys;
    this.#identity = parts.identity;
    this.#clock = parts.clock;
    this.#persons = parts.persons;
  }

  /** Verifies, keeps and logs an order (DEL-50). Idempotent. Throws Refusal. */
  async submit(text: string, others: string | null, opening: Uint8Array): Promise<OrderAnswer> {
    const charter = this.#charterOf(utf8(text));
    const documents = { warrant: utf8(text), others: others === null ? null : utf8(others) };
    const warrant = await refusing(async () => await verifyOrder(documents, charter));
    const commitment = commitmentOf(opening, warrant.core);
    let pending = this.#submitting.get(commitment);
    if (pending === undefined) {
      pending = this.#logOrder(warrant, opening, commitment).finally(() =>
        this.#submitting.delete(commitment),
      );
      this.#submitting.set(commitment, pending);
    }
    return await pending;
  }

  #charterOf(warrant: Uint8Array) {
    let id: ReturnType<typeof parseWarrant>["charter"];
    try {
      id = parseWarrant(unverifiedPayload(parseSignedDocument(warrant, "warrant"))).charter;
    } catch (error) {
      if (!(error instanceof EncodingError || error instanceof CharterError)) throw error;
      throw new Refusal("warrant-refused", `not of the agreed form (${error.message})`, {
        reason: error.code,
        cause: error,
      });
    }
    const charter = this.#log.charter(id);
    if (charter === undefined) {
      throw new Refusal("unknown-charter", "the order names a charter that is not in this server's log");
    }
    return charter;
  }

  async #logOrder(warrant: VerifiedOrder, opening: Uint8Array, commitment: Commitment): Promise<OrderAnswer> {
    const orderId = orderIdOf(opening);
    const known = this.#log.catalogue.order(commitment);
    const index = known ?? (await this.#append(warrant, opening, commitment));
    // Kept after it is logged: a crash in between is mended when the requester asks again, as it has no answer yet.
    await this.#store.keep({ orderId, warrant, opening, index, commitment });
    return { index, orderId };
  }

  /** NOT-16: first the notices, then the order that names their hash. What a crash left half done is gone on with. */
  async #append(warrant: VerifiedOrder, opening: Uint8Array, commitment: Commitment): Promise<LogIndex> {
    const { charter, document } = warrant;
    const { day, notices, entries } = this.#log.catalogue.hasNotices(commitment)
      ? await this.#begun(warrant, opening)
      : await this.#notices(warrant, opening, dayOf(this.#clock.now()));
    for (const bytes of entries) await this.#log.append(bytes);
    const entry = signIntake(
      {
        type: orderEntryType(charter.kind),
        charter: charter.id,
        day,
        commitment,
        public: publicCommitment(publicKeyOfOrder(opening), publicPartOf(warrant)),
        notices: notices.hash,
        secretUntil: secretUntilOf(document, day),
      },
      this.#identity.intake.seed,
    );
    return await this.#log.append(formatEntry(entry));
  }

  /** Notices as they are logged on a day. Throws Refusal where the month's keys are not there yet. */
  async #notices(warrant: VerifiedOrder, opening: Uint8Array, day: DayNumber): Promise<DaysNotices> {
    const keys = await this.#keys.of(warrant.charter, periodOf(day));
    if (keys === null) {
      throw new Refusal("unavailable", "there are no keys of this month yet: hand the order in again later");
    }
    const notices = makeNotices(warrant, opening, day, keys);
    const { seed } = this.#identity.intake;
    return { day, notices, entries: notices.entries.map((one) => formatEntry(signIntake(one, seed))) };
  }

  /**
   * Notices depend on the day, and a second set of them would spoil the order for good (GATE-40): after a crash the order is
   * logged with the day on which its first notice was.
   */
  async #begun(warrant: VerifiedOrder, opening: Uint8Array): Promise<DaysNotices> {
    const today = dayOf(this.#clock.now());
    for (let day = today; day >= Math.max(0, today - RESUMED_DAYS); day = dayNumber(day - 1)) {
      const found = await this.#notices(warrant, opening, day).catch((error: unknown) => {
        if (error instanceof Refusal) return null;
        throw error;
      });
      const [first] = found?.entries ?? [];
      if (found !== null && first !== undefined && this.#log.catalogue.find(first) !== undefined)
        return found;
    }
    throw new Refusal(
      "conflict",
      "notices of this order were logged long ago and the order never was: have it signed again",
    );
  }

  /** Logs what the issuer says of its order (DEL-51). Idempotent. Throws Refusal. */
  async direct(orderId: string, kind: DirectionKind, document: SignedDocument): Promise<LogIndex> {
    const order = await this.#store.find(orderId);
    const { warrant, commitment } = order;
    let direction: VerifiedDirection;
    try {
      direction = await verifyDirection(kind, document, warrant, commitment);
    } catch (error) {
      if (!(error instanceof GateError || error instanceof EncodingError || error instanceof CharterError))
        throw error;
      throw new Refusal("direction-refused", `this is no ${kind} of the order by who issued it`, {
        reason: error.code,
        cause: error,
      });
    }
    if (kind === "revocation") {
      const known = this.#log.catalogue.revocation(commitment);
      if (known !== undefined) return known;
      const day = dayOf(this.#clock.now());
      const entry = { type: kind, charter: warrant.charter.id, day, commitment };
      return await this.#log.append(formatEntry(signIntake(entry, this.#identity.intake.seed)));
    }
    const known = this.#log.catalogue.direction(directionHash(order.opening, direction.bytes));
    if (known !== undefined) return known;
    await this.#checkDraft(order, direction);
    await this.#store.keepDirection(order, direction);
    return await this.#log.append(formatEntry(this.#directionEntry(order, direction)));
  }

  /** What every keyholder would not count is not logged either. */
  async #checkDraft(order: StoredOrder, direction: VerifiedDirection): Promise<void> {
    const input = await this.#store.input(order, this.#clock.now());
    if (input === null) {
      throw new Refusal("not-witnessed", "no witnessed checkpoint covers the order yet: try again");
    }
    const result = checkDirectionDraft(input, direction);
    if (result.kind === "refused") {
      throw new Refusal("direction-refused", result.reason, { reason: result.code });
    }
  }

  #directionEntry({ warrant, opening, commitment }: StoredOrder, { direction, bytes }: VerifiedDirection) {
    const common = {
      charter: warrant.charter.id,
      day: dayOf(this.#clock.now()),
      commitment,
      direction: directionHash(opening, bytes),
    };
    const entry =
      direction.kind === "extension"
        ? { type: direction.kind, ...common, secretUntil: periodOf(direction.until) }
        : { type: direction.kind as Exclude<DirectionEntry["type"], "extension">, ...common };
    return signIntake(entry, this.#identity.intake.seed);
  }

  /**
   * The provider's signed word on everyone else whom an order over both sides would open (DEL-55): who sent in its
   * conversations while a person whom it names was there and, for days to come, who is there now. `only` narrows it.
   * An operator's act, on a signed warrant. Throws Refusal.
   */
  async others(text: string, only: readonly AccountId[] | null): Promise<SignedDocument> {
    const { charter, accounts } = await this.whomElse(text, only);
    return await this.#persons.statement(charter, accounts);
  }

  /** Whom {@link others} would state, and under which charter. Throws Refusal. */
  async whomElse(
    text: string,
    only: readonly AccountId[] | null,
  ): Promise<{ readonly charter: Charter; readonly accounts: readonly AccountId[] }> {
    const bytes = utf8(text);
    const charter = this.#charterOf(bytes);
    const warrant = await refusing(async () => await verifyWarrant(bytes, charter));
    const now = this.#clock.now();
    const result = checkWarrant(warrant, now);
    if (result.kind === "refused") {
      throw new Refusal("warrant-refused", result.reason, { reason: result.code });
    }
    if (warrant.document.mode !== "both-sides") {
      throw new Refusal("warrant-refused", "the order is over one side only", { reason: "others-mismatch" });
    }
    const found = await this.#otherAccounts(warrant);
    const unknown = only?.find((account) => !found.includes(account));
    if (unknown !== undefined) {
      throw new Refusal("not-found", "one of these accounts took no part in the order's conversations");
    }
    const accounts = only ?? found;
    if (accounts.length === 0) {
      throw new Refusal("not-found", "nobody else took part in the order's conversations on its days");
    }
    return { charter, accounts };
  }

  async #otherAccounts({ document, charter }: VerifiedWarrant): Promise<AccountId[]> {
    const { accounts, conversations, firstDay, lastDay } = document;
    const named = accounts.map((account) => Buffer.from(idBytes(account)));
    const among = conversations === "all" ? null : conversations.map((id) => Buffer.from(idBytes(id)));
    const rows = await this.#database.query({
      text: `select e.account from kept_envelopes e
          where e.day between $3 and $4 and e.charter = $5 and ($2::bytea[] is null or e.conversation = any($2::bytea[]))
            and exists (select from memberships m where m.conversation = e.conversation
              and m.account = any($1::bytea[]) and m.from_seq < e.seq and (m.until_seq is null or m.until_seq > e.seq))
        union
        select o.account from memberships o join memberships m using (conversation) join conversations c using (conversation)
          where $6 and o.until_seq is null and m.until_seq is null and m.account = any($1::bytea[])
            and c.charter = $5 and ($2::bytea[] is null or conversation = any($2::bytea[]))`,
      values: [
        named,
        among,
        firstDay,
        lastDay,
        Buffer.from(idBytes(charter.id)),
        lastDay >= dayOf(this.#clock.now()),
      ],
    });
    return rows
      .map((row) => accountIdOf(fromRow(row["account"])))
      .filter((account) => !accounts.includes(account))
      .sort();
  }
}

function makeNotices(...order: Parameters<typeof noticesOf>): OrderNotices {
  try {
    return noticesOf(...order);
  } catch (error) {
    if (!(error instanceof NoticeError)) throw error;
    throw new Refusal("warrant-refused", error.message, { reason: "notice-too-long", cause: error });
  }
}

async function refusing<T>(verify: () => Promise<T>): Promise<T> {
  try {
    return await verify();
  } catch (error) {
    if (!(error instanceof GateError)) throw error;
    throw new Refusal("warrant-refused", error.refusal.reason, { reason: error.code, cause: error });
  }
}
