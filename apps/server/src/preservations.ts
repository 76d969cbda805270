import { randomBytes } from "node:crypto";
import {
  type Charter,
  CharterError,
  checkExtension,
  formatEntry,
  formatSignedDocument,
  parsePreservation,
  parsePreservationLift,
  parseSignedDocument,
  preservationCommitment,
  type SignedDocument,
  signIntake,
  unverifiedPayload,
  type VerifiedPreservation,
  verifyPreservation,
  verifyPreservationLift,
} from "@porchlight/charter";
import {
  type AccountId,
  base64,
  type CharterId,
  type Commitment,
  type ConversationId,
  type DayNumber,
  dayNumber,
  dayOf,
  EncodingError,
  Fields,
  fromBase64,
  fromHex,
  hex,
  idBytes,
  parseJson,
  periodOf,
  type UnixSeconds,
  unixSeconds,
  utf8,
} from "@porchlight/encoding";
import { CHECKPOINT_TOLERANCE } from "@porchlight/gate";
import { openFrom, sealTo, XWING_SEED_LENGTH } from "@porchlight/quorum";
import type { Clock } from "@porchlight/runtime";
import { type LogIndex, leafHash, parsePolicy, TlogError, verifyProof } from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import type { PreservationAnswer } from "@porchlight/wire";
import { type Database, fromRow, type Row } from "./database.ts";
import type { Identity } from "./identity.ts";
import type { Log } from "./log.ts";
import { OpenedRows } from "./opened-rows.ts";
import { Refusal } from "./refusal.ts";

const AT_REST_INFO = utf8("porchlight-v1/preservation-at-rest");
const LIFT_INFO = utf8("porchlight-v1/preservation-lift-at-rest");
const MAX_DOCUMENT = 2 ** 20;
/** Days over which a charter's cap on orders counts (PRES-9). */
const RATE_WINDOW_DAYS = 30;

/** What a running preservation holds back from deletion: rows of one account that were there when it was taken. */
export type Held = {
  /** Index of its entry in the log. */
  readonly entry: LogIndex;
  readonly charter: CharterId;
  readonly account: AccountId;
  readonly conversations: readonly ConversationId[] | "all";
  readonly firstDay: DayNumber;
  readonly lastDay: DayNumber;
  /** What came later is not held. */
  readonly taken: UnixSeconds;
  readonly until: DayNumber;
};

/** An order to preserve, and whether it holds anything now. */
export type KnownPreservation = {
  readonly commitment: Commitment;
  readonly document: VerifiedPreservation["document"];
  readonly state: "logged" | "held" | "expired" | "lifted";
};

type Stored = {
  readonly commitment: Commitment;
  readonly preservation: VerifiedPreservation;
  readonly taken: UnixSeconds | null;
};

/**
 * Takes orders to preserve, logs them, and holds back what they name once their place in the witnessed log is proven
 * (spec/preservation.md). It opens nothing: what is kept is ciphertext.
 */
export class Preservations {
  readonly #database: Database;
  readonly #log: Log;
  readonly #identity: Identity;
  readonly #clock: Clock;
  readonly #opened = new OpenedRows<Stored>(async (row) => await this.#open(row));
  /** One after the other: whether a reference is taken is asked and answered in one go. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: {
    readonly database: Database;
    readonly log: Log;
    readonly identity: Identity;
    readonly clock: Clock;
  }) {
    this.#database = parts.database;
    this.#log = parts.log;
    this.#identity = parts.identity;
    this.#clock = parts.clock;
  }

  /**
   * Without a proof: verifies and logs the order. With the proof that its entry is witnessed: holds back from now on
   * (PRES-8). Each is idempotent. Throws Refusal.
   */
  async take(text: string, opening: Uint8Array, proof: string | null): Promise<PreservationAnswer> {
    const taken = this.#last.then(() => this.#take(text, opening, proof));
    this.#last = taken.catch(() => {});
    return await taken;
  }

  /** Logs that an order to preserve ends early (PRES-14). Idempotent. Throws Refusal. */
  async lift(document: SignedDocument): Promise<LogIndex> {
    const lifted = this.#last.then(() => this.#lift(document));
    this.#last = lifted.catch(() => {});
    return await lifted;
  }

  /**
   * Runs while no order begins or ends to hold, with those that hold on `today` (RET-7). Throws where a stored order does not
   * verify: nobody guesses then.
   */
  async whileTheyStand<T>(today: DayNumber, work: (held: readonly Held[]) => Promise<T>): Promise<T> {
    const done = this.#last.then(async () => await work(await this.#running(today)));
    this.#last = done.catch(() => {});
    return await done;
  }

  async #lift(document: SignedDocument): Promise<LogIndex> {
    let commitment: Commitment;
    try {
      commitment = parsePreservationLift(unverifiedPayload(document)).preservation;
    } catch (cause) {
      if (!(cause instanceof CharterError || cause instanceof EncodingError)) throw cause;
      throw refused(cause.code, `this is no lift of an order to preserve (${cause.message})`, cause);
    }
    const stored = (await this.#all()).find((one) => one.commitment === commitment);
    if (stored === undefined || this.#log.catalogue.preservation(commitment) === undefined) {
      throw refused("not-logged", "the log does not hold the order that this lifts");
    }
    const { charter } = stored.preservation;
    const { issued } = await verifiedLift(document, stored);
    const now = this.#clock.now();
    if (issued > now + CHECKPOINT_TOLERANCE) {
      throw refused("not-yet-valid", "the lift was issued in the future: see whose clock is wrong");
    }
    const known = this.#log.catalogue.lift(commitment);
    if (known !== undefined) return known;
    const name = Buffer.from(idBytes(commitment));
    const seed = new Uint8Array(randomBytes(XWING_SEED_LENGTH));
    const sealed = sealTo(
      this.#identity.xwing.publicKey,
      formatSignedDocument(document),
      LIFT_INFO,
      name,
      seed,
    );
    await this.#database.query({
      text: "insert into preservation_lifts values ($1, $2) on conflict do nothing",
      values: [name, Buffer.from(sealed)],
    });
    const entry = signIntake(
      { type: "preservation-lift", charter: charter.id, day: dayOf(now), commitment },
      this.#identity.intake.seed,
    );
    return await this.#log.append(formatEntry(entry));
  }

  /** An order that its issuer lifted, or that prolongs such a one. */
  #isLifted({ commitment, preservation }: Stored): boolean {
    const { extends: before } = preservation.document;
    const { catalogue } = this.#log;
    return (
      catalogue.lift(commitment) !== undefined || (before !== null && catalogue.lift(before) !== undefined)
    );
  }

  async #take(text: string, opening: Uint8Array, proof: string | null): Promise<PreservationAnswer> {
    const preservation = await this.#verify(utf8(text));
    const commitment = preservationCommitment(opening, preservation.bytes);
    if (proof !== null) return await this.#hold(preservation, commitment, proof);
    const known = this.#log.catalogue.preservation(commitment);
    if (known !== undefined) return { state: "logged", index: known.index };
    await this.#check(preservation);
    await this.#keep(preservation, commitment, opening);
    const entry = signIntake(
      {
        type: "preservation",
        charter: preservation.charter.id,
        day: dayOf(this.#clock.now()),
        commitment,
        until: periodOf(preservation.document.until),
      },
      this.#identity.intake.seed,
    );
    return { state: "logged", index: await this.#log.append(formatEntry(entry)) };
  }

  async #verify(bytes: Uint8Array): Promise<VerifiedPreservation> {
    try {
      const { charter: id } = parsePreservation(
        unverifiedPayload(parseSignedDocument(bytes, "preservation")),
      );
      const charter = this.#log.charter(id);
      if (charter === undefined) {
        throw new Refusal("unknown-charter", "the order names a charter that is not in this server's log");
      }
      return await verifyPreservation(bytes, charter);
    } catch (cause) {
      if (!(cause instanceof CharterError || cause instanceof EncodingError)) throw cause;
      throw refused(cause.code, `this is no order to preserve by who may give it (${cause.message})`, cause);
    }
  }

  /** PRES-9: what is asked of a new one before it is logged. */
  async #check(preservation: VerifiedPreservation): Promise<void> {
    const { document, charter } = preservation;
    const now = this.#clock.now();
    if (document.issued > now + CHECKPOINT_TOLERANCE) {
      throw refused("not-yet-valid", "the order was issued in the future: see whose clock is wrong");
    }
    if (document.until < dayOf(now)) throw refused("expired", "the day on which the order ends is over");
    await this.#checkTarget(preservation);
    const all = await this.#all();
    const logged = all.filter(({ commitment }) => this.#log.catalogue.preservation(commitment) !== undefined);
    const again = logged.some(
      ({ preservation: { document: other } }) =>
        other.charter === document.charter &&
        other.reference === document.reference &&
        (other.extends === null) === (document.extends === null),
    );
    if (again) throw refused("preserved-already", "an order with this reference was logged before");
    if (document.extends !== null) this.#extended(preservation, all);
    if (this.#recent(charter) >= charter.caps.warrantsPer30Days) {
      throw refused("cap-rate", "the charter allows no further order within these thirty days");
    }
  }

  /** The account, and it was in each of the conversations. */
  async #checkTarget({ document: { account, conversations } }: VerifiedPreservation): Promise<void> {
    const named = conversations === "all" ? [] : conversations.map((id) => Buffer.from(idBytes(id)));
    const [row] = await this.#database.query<{ known: boolean; took: number }>({
      text: `select exists (select from notice_cards where account = $1) as known,
        (select count(distinct conversation)::integer from memberships
          where account = $1 and conversation = any($2::bytea[])) as took`,
      values: [Buffer.from(idBytes(account)), named],
    });
    if (row?.known !== true) throw refused("account-unknown", "nothing was ever escrowed of such an account");
    if (row.took !== named.length) {
      throw refused("out-of-scope", "the account took no part in one of these conversations");
    }
  }

  /** The order that this one prolongs: it holds, and runs still. */
  #extended(preservation: VerifiedPreservation, all: readonly Stored[]): Stored & { taken: UnixSeconds } {
    const before = all.find(({ commitment }) => commitment === preservation.document.extends);
    if (before === undefined || before.taken === null) {
      throw refused("extends-unknown", "the order that this one prolongs holds nothing here");
    }
    if (this.#isLifted(before)) throw refused("lifted", "the order that this one prolongs was lifted");
    if (before.preservation.document.until < dayOf(this.#clock.now())) {
      throw refused("expired", "the order that this one prolongs has ended");
    }
    try {
      checkExtension(preservation, before.preservation);
    } catch (cause) {
      if (!(cause instanceof CharterError)) throw cause;
      throw refused(cause.code, `this is no extension of that order (${cause.message})`, cause);
    }
    return { ...before, taken: before.taken };
  }

  #recent(charter: Charter): number {
    const since = dayOf(this.#clock.now()) - RATE_WINDOW_DAYS;
    return this.#log.catalogue
      .dated(charter.id, Number.MAX_SAFE_INTEGER)
      .filter(({ entry }) => entry.type === "preservation" && entry.day > since).length;
  }

  async #hold(
    preservation: VerifiedPreservation,
    commitment: Commitment,
    proof: string,
  ): Promise<PreservationAnswer> {
    const all = await this.#all();
    const stored = all.find((one) => one.commitment === commitment);
    const logged = this.#log.catalogue.preservation(commitment);
    if (stored === undefined || logged === undefined) {
      throw refused("not-logged", "the log does not hold this order: hand it in without a proof first");
    }
    const { until } = preservation.document;
    const held = { state: "held", index: logged.index, until } as const;
    if (this.#isLifted(stored)) throw refused("lifted", "the order was lifted by its issuer");
    if (stored.taken !== null) return held;
    const now = this.#clock.now();
    const time = this.#provenAt(preservation.charter, commitment, proof);
    if (Math.abs(now - time) > CHECKPOINT_TOLERANCE) {
      throw refused("checkpoint-stale", "the proof is under an old checkpoint: fetch a new one");
    }
    if (until < dayOf(now)) throw refused("expired", "the day on which the order ends is over");
    // An extension keeps what the first order found, and nothing that came since.
    const taken = preservation.document.extends === null ? now : this.#extended(preservation, all).taken;
    await this.#database.query({
      text: "update preservations set taken = $2, proof = $3 where commitment = $1",
      values: [Buffer.from(idBytes(commitment)), taken, proof],
    });
    return held;
  }

  /** Witnessed time of the checkpoint under which the entry of this commitment is proven. Throws Refusal. */
  #provenAt(charter: Charter, commitment: Commitment, proof: string): UnixSeconds {
    const logged = this.#log.catalogue.preservation(commitment);
    if (logged === undefined) throw refused("not-logged", "the log does not hold this order");
    try {
      const policy = parsePolicy(charter.log.policy, nodeSuite);
      const leaf = leafHash(formatEntry(logged.entry), nodeSuite);
      const { index, checkpoint } = verifyProof(proof, policy, leaf, nodeSuite);
      if (index === logged.index && checkpoint.origin === charter.log.origin) return checkpoint.time;
    } catch (cause) {
      if (!(cause instanceof TlogError || cause instanceof EncodingError)) throw cause;
      throw refused(cause.code, `the proof does not show the order in the log (${cause.message})`, cause);
    }
    throw refused("proof-mismatch", "the proof is of another entry of the log");
  }

  /** Every order that is kept here, as it stands: for who answers an authority's task with one. */
  async known(): Promise<KnownPreservation[]> {
    const today = dayOf(this.#clock.now());
    return (await this.#all()).map((stored) => {
      const { commitment, preservation, taken } = stored;
      const { document } = preservation;
      const isOver = document.until < today;
      const state = this.#isLifted(stored)
        ? "lifted"
        : isOver
          ? "expired"
          : taken === null
            ? "logged"
            : "held";
      return { commitment, document, state };
    });
  }

  async #running(today: DayNumber): Promise<Held[]> {
    const held: Held[] = [];
    for (const stored of await this.#all()) {
      const { commitment, preservation, taken } = stored;
      const { document, charter } = preservation;
      const logged = this.#log.catalogue.preservation(commitment);
      if (taken === null || logged === undefined || document.until < today) continue;
      if (this.#isLifted(stored)) continue;
      // Beyond this the keyholders' shares are gone: what nobody can open is not kept.
      const oldest = today - charter.retentionDays - charter.longestPreservationDays;
      held.push({
        entry: logged.index,
        charter: charter.id,
        account: document.account,
        conversations: document.conversations,
        firstDay: dayNumber(Math.max(document.firstDay, oldest)),
        lastDay: document.lastDay,
        taken,
        until: document.until,
      });
    }
    return held.sort((a, b) => a.entry - b.entry);
  }

  async #keep({ bytes, charter }: VerifiedPreservation, commitment: Commitment, opening: Uint8Array) {
    const name = Buffer.from(idBytes(commitment));
    const plaintext = utf8(
      JSON.stringify({ version: 1, preservation: base64(bytes), opening: hex(opening) }),
    );
    const seed = new Uint8Array(randomBytes(XWING_SEED_LENGTH));
    const sealed = sealTo(this.#identity.xwing.publicKey, plaintext, AT_REST_INFO, name, seed);
    await this.#database.query({
      text: "insert into preservations values ($1, $2, $3, null, null) on conflict do nothing",
      values: [name, Buffer.from(idBytes(charter.id)), Buffer.from(sealed)],
    });
  }

  async #all(): Promise<Stored[]> {
    const rows = await this.#database.query({
      text: "select commitment, sealed, taken, proof from preservations",
    });
    return await this.#opened.of(rows);
  }

  /** Charters and entries that it is held against stay in the log for good: the same row opens alike at all times. */
  async #open(row: Row): Promise<Stored> {
    const name = Buffer.from(fromRow(row["commitment"]));
    const opened = openFrom(this.#identity.xwing.secretKey, fromRow(row["sealed"]), AT_REST_INFO, name);
    const fields = new Fields(parseJson(opened, "preservation"), "preservation");
    fields.literal("version", 1);
    const bytes = fromBase64(fields.string("preservation", MAX_DOCUMENT), undefined, "preservation");
    const commitment = preservationCommitment(fromHex(fields.string("opening"), 32), bytes);
    const preservation = await this.#verify(bytes);
    if (row["taken"] === null) return { commitment, preservation, taken: null };
    this.#provenAt(preservation.charter, commitment, row["proof"] as string);
    return { commitment, preservation, taken: unixSeconds(row["taken"] as number) };
  }
}

async function verifiedLift(document: SignedDocument, { preservation, commitment }: Stored) {
  try {
    return await verifyPreservationLift(document, preservation, commitment);
  } catch (cause) {
    if (!(cause instanceof CharterError || cause instanceof EncodingError)) throw cause;
    throw refused(cause.code, `this is no lift by who issued the order (${cause.message})`, cause);
  }
}

function refused(reason: string, message: string, cause?: unknown): Refusal {
  return new Refusal("preservation-refused", message, { reason, cause });
}
