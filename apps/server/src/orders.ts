import { createHash, randomBytes } from "node:crypto";
import {
  type Charter,
  CharterError,
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
  base64,
  type Commitment,
  type ConversationId,
  conversationIdOf,
  type DayNumber,
  dayNumber,
  dayOf,
  EncodingError,
  Fields,
  fromHex,
  hex,
  idBytes,
  parseJson,
  type UnixSeconds,
  unixSeconds,
  utf8,
} from "@porchlight/encoding";
import { parseEnvelope, peelOuter } from "@porchlight/envelope";
import {
  commitmentOf,
  envelopeFits,
  GateError,
  type LabelRequest,
  labelsOf,
  materialAllowed,
  orderIdOf,
  parseWarrant,
  type StoredEnvelope,
  secretUntilOf,
  type VerifiedWarrant,
  verifyRevocation,
  verifyWarrant,
} from "@porchlight/gate";
import { openFrom, sealTo, XWING_SEED_LENGTH } from "@porchlight/quorum";
import type { Clock } from "@porchlight/runtime";
import { type LogIndex, logIndex } from "@porchlight/tlog";
import {
  MATERIAL_INFO,
  type MaterialQuery,
  materialValue,
  ORDER_CONVERSATIONS_INFO,
  type OrderAnswer,
  orderConversationsValue,
} from "@porchlight/wire";
import { z } from "zod";
import { KIND_CODES } from "./conversation-store.ts";
import { type Database, fromRow } from "./database.ts";
import type { Identity } from "./identity.ts";
import type { Log } from "./log.ts";
import { Refusal, type RefusalFacts } from "./refusal.ts";

const AT_REST_INFO = utf8("porchlight-v1/order-at-rest");
/** Real seconds for which the material route waits for a witnessed checkpoint that is fresh enough. */
const FRESH_WAIT = 20;
/** Seconds by which a checkpoint may be older than the clock before a newer one is asked for: half of GATE-2's. */
const FRESH_ENOUGH = 300;

type StoredOrder = {
  readonly warrant: VerifiedWarrant;
  readonly opening: Uint8Array;
  readonly index: LogIndex;
  readonly commitment: Commitment;
};

/** What the gate's codes mean to a requester. */
const GATE_REFUSALS: Readonly<Record<string, "revoked" | "expired" | "notice-period" | "not-witnessed">> = {
  revoked: "revoked",
  expired: "expired",
  "notice-period": "notice-period",
  "not-witnessed": "not-witnessed",
  "checkpoint-stale": "not-witnessed",
  "not-logged": "not-witnessed",
  "day-in-future": "not-witnessed",
};

/** Takes orders in, logs them, and answers them with what the provider holds: nothing that it could open itself. */
export class Orders {
  readonly #database: Database;
  readonly #log: Log;
  readonly #identity: Identity;
  readonly #clock: Clock;
  /** Verified orders by hash of their id: verification costs pairings. */
  readonly #verified = new Map<string, StoredOrder>();
  readonly #submitting = new Map<Commitment, Promise<OrderAnswer>>();

  constructor(database: Database, log: Log, identity: Identity, clock: Clock) {
    this.#database = database;
    this.#log = log;
    this.#identity = identity;
    this.#clock = clock;
  }

  /** Verifies, keeps and logs an order (DEL-50). Idempotent. Throws Refusal. */
  async submit(text: string, opening: Uint8Array): Promise<OrderAnswer> {
    const warrant = await this.#verify(utf8(text));
    const commitment = commitmentOf(opening, warrant.bytes);
    let pending = this.#submitting.get(commitment);
    if (pending === undefined) {
      pending = this.#logOrder(warrant, opening, commitment).finally(() =>
        this.#submitting.delete(commitment),
      );
      this.#submitting.set(commitment, pending);
    }
    return await pending;
  }

  async #verify(bytes: Uint8Array): Promise<VerifiedWarrant> {
    try {
      const { charter: id } = parseWarrant(unverifiedPayload(parseSignedDocument(bytes, "warrant")));
      const charter = this.#log.charter(id);
      if (charter === undefined) {
        throw new Refusal("unknown-charter", "the order names a charter that is not in this server's log");
      }
      return await verifyWarrant(bytes, charter);
    } catch (error) {
      if (error instanceof GateError) {
        throw new Refusal("warrant-refused", error.refusal.reason, { reason: error.code, cause: error });
      }
      if (error instanceof EncodingError || error instanceof CharterError) {
        throw new Refusal("warrant-refused", `not of the agreed form (${error.message})`, {
          reason: error.code,
          cause: error,
        });
      }
      throw error;
    }
  }

  async #logOrder(
    warrant: VerifiedWarrant,
    opening: Uint8Array,
    commitment: Commitment,
  ): Promise<OrderAnswer> {
    const orderId = orderIdOf(opening);
    const known = this.#log.catalogue.order(commitment);
    const index = known ?? (await this.#log.append(this.#entryOf(warrant, commitment)));
    // Kept after it is logged: a crash in between is mended when the requester asks again, as it has no answer yet.
    const idHash = hashOf(orderId);
    const sealed = this.#seal(warrant.bytes, opening, idHash);
    const charter = Buffer.from(idBytes(warrant.charter.id));
    const rows = await this.#database.query({
      text: `insert into orders values ($1, $2, $3, $4, $5)
        on conflict (id_hash) do update set index = orders.index returning commitment`,
      values: [idHash, Buffer.from(idBytes(commitment)), index, charter, Buffer.from(sealed)],
    });
    // One opening for two warrants would give both the same name.
    if (hex(fromRow(rows[0]?.["commitment"])) !== commitment) {
      throw new Refusal("warrant-refused", "this opening belongs to another order: draw a new one", {
        reason: "opening-reused",
      });
    }
    return { index, orderId };
  }

  #entryOf(warrant: VerifiedWarrant, commitment: Commitment): Uint8Array {
    const { charter, document } = warrant;
    const day = dayOf(this.#clock.now());
    const entry = signIntake(
      {
        type: orderEntryType(charter.kind),
        charter: charter.id,
        day,
        commitment,
        secretUntil: secretUntilOf(document, day),
      },
      this.#identity.intake.seed,
    );
    return formatEntry(entry);
  }

  #seal(warrant: Uint8Array, opening: Uint8Array, idHash: Buffer): Uint8Array {
    const plaintext = utf8(JSON.stringify({ version: 1, warrant: base64(warrant), opening: hex(opening) }));
    return sealTo(this.#identity.xwing.publicKey, plaintext, AT_REST_INFO, idHash, seed());
  }

  async #find(orderId: string): Promise<StoredOrder> {
    const idHash = hashOf(orderId);
    const name = idHash.toString("hex");
    const verified = this.#verified.get(name);
    if (verified !== undefined) return verified;
    const rows = await this.#database.query({
      text: "select commitment, index, sealed from orders where id_hash = $1",
      values: [idHash],
    });
    const row = rows[0];
    if (row === undefined) throw new Refusal("order-unknown", "no order with this id was handed in here");
    const opened = openFrom(this.#identity.xwing.secretKey, fromRow(row["sealed"]), AT_REST_INFO, idHash);
    const fields = new Fields(parseJson(opened, "order"), "order");
    const order: StoredOrder = {
      warrant: await this.#verify(Buffer.from(fields.string("warrant", 2 ** 20), "base64")),
      opening: fromHex(fields.string("opening"), 32),
      index: logIndex(row["index"] as number),
      commitment: hex(fromRow(row["commitment"])) as Commitment,
    };
    this.#verified.set(name, order);
    return order;
  }

  /** Logs the issuer's revocation (DEL-51). Idempotent. Throws Refusal. */
  async revoke(orderId: string, document: SignedDocument): Promise<LogIndex> {
    const { warrant, commitment } = await this.#find(orderId);
    try {
      await verifyRevocation(document, warrant, commitment);
    } catch (error) {
      if (!(error instanceof GateError || error instanceof EncodingError || error instanceof CharterError))
        throw error;
      throw new Refusal("revocation-refused", "this is no revocation of the order by who issued it", {
        reason: error.code,
        cause: error,
      });
    }
    const known = this.#log.catalogue.revocation(commitment);
    if (known !== undefined) return known;
    const entry = signIntake(
      { type: "revocation", charter: warrant.charter.id, day: dayOf(this.#clock.now()), commitment },
      this.#identity.intake.seed,
    );
    return await this.#log.append(formatEntry(entry));
  }

  /**
   * One account's envelopes and messages of one conversation and day, the provider's layer off, sealed to the requester
   * (DEL-53). Throws Refusal unless the provider's gate allows exactly this.
   */
  async material(orderId: string, query: MaterialQuery, signal: AbortSignal): Promise<Uint8Array> {
    const order = await this.#find(orderId);
    const { charter } = order.warrant;
    const labels: LabelRequest[] = [{ charter: charter.id, ...query }];
    await this.#freshCheckpoint(order, signal);
    const found = await this.#envelopes(charter, query);
    const fitting = found.filter(({ stored }) => envelopeFits(stored, labels));
    this.#allow(
      order,
      labels,
      fitting.map(({ stored }) => stored),
    );
    const envelopes = fitting.map(({ seq, epoch, at, envelope }) => ({
      seq,
      epoch,
      at,
      envelope,
      inner: peelOuter(parseEnvelope(envelope), this.#identity.xwing.secretKey),
    }));
    const messages = await this.#messages(query, fitting);
    const value = z.encode(materialValue, { version: 1, ...query, envelopes, messages });
    return this.#sealFor(order, MATERIAL_INFO, orderId, value);
  }

  /** For an order over all of an account's conversations: where and when there is anything (DEL-54). Throws Refusal. */
  async conversations(orderId: string, signal: AbortSignal): Promise<Uint8Array> {
    const order = await this.#find(orderId);
    const { warrant } = order;
    await this.#freshCheckpoint(order, signal);
    const labels = await this.#heldLabels(warrant);
    const conversations = [...new Set(labels.map(({ conversation }) => conversation))];
    // Judged as what it is a list of; without any label, as the order itself names them.
    this.#allow(
      order,
      conversations.length === 0 ? placeholderLabels(warrant) : labelsOf(warrant, conversations),
      [],
    );
    const value = z.encode(orderConversationsValue, { version: 1, labels });
    return this.#sealFor(order, ORDER_CONVERSATIONS_INFO, orderId, value);
  }

  /** The gate asks for a checkpoint of the last ten minutes that covers the order. */
  async #freshCheckpoint({ index }: StoredOrder, signal: AbortSignal): Promise<void> {
    const since = unixSeconds(Math.max(0, this.#clock.now() - FRESH_ENOUGH));
    await this.#log.waitFor(index + 1, since, FRESH_WAIT, signal);
  }

  #allow(order: StoredOrder, labels: readonly LabelRequest[], envelopes: readonly StoredEnvelope[]): void {
    const { warrant, opening, index } = order;
    // Known to the log is enough, witnessed or not: the provider's own word is as good as it gets here.
    if (this.#log.catalogue.revocation(order.commitment) !== undefined) {
      throw new Refusal("revoked", "The order was revoked.", { reason: "revoked" });
    }
    const view = this.#log.view(warrant.charter.id);
    if (view === null || view.checkpoint.size <= index) {
      throw new Refusal(
        "not-witnessed",
        "no witnessed checkpoint covers the order yet: try again in a moment",
      );
    }
    const now = this.#clock.now();
    const result = materialAllowed({ warrant, opening, index, view, now, labels, envelopes });
    if (result.kind === "allowed") return;
    const facts: RefusalFacts = { reason: result.code };
    throw new Refusal(GATE_REFUSALS[result.code] ?? "out-of-scope", result.reason, facts);
  }

  async #envelopes(charter: Charter, query: MaterialQuery): Promise<FoundEnvelope[]> {
    const rows = await this.#database.query({
      text: `select e.seq, e.generation, e.epoch, i.at, i.bytes,
          array(select m.account from memberships m where m.conversation = e.conversation
            and m.from_seq < e.seq and (m.until_seq is null or m.until_seq > e.seq)) as members
        from envelopes e join items i using (conversation, seq)
        where e.account = $1 and e.day = $2 and e.conversation = $3 and e.charter = $4 order by e.seq`,
      values: [
        Buffer.from(idBytes(query.account)),
        query.day,
        Buffer.from(idBytes(query.conversation)),
        Buffer.from(idBytes(charter.id)),
      ],
    });
    return rows.map((row) => {
      const envelope = fromRow(row["bytes"]);
      const { header } = parseEnvelope(envelope);
      return {
        seq: row["seq"] as number,
        generation: row["generation"] as number,
        epoch: row["epoch"] as number,
        at: unixSeconds(row["at"] as number),
        envelope,
        stored: {
          label: header.label,
          roster: header.roster,
          members: (row["members"] as Buffer[]).map((account) => accountIdOf(fromRow(account))),
        },
      };
    });
  }

  async #messages(query: MaterialQuery, envelopes: readonly FoundEnvelope[]) {
    const rows = await this.#database.query({
      text: `select distinct i.seq, i.epoch, i.submitter, i.at, i.bytes
        from unnest($3::int[], $4::bigint[]) as asked (generation, epoch)
        join items i using (generation, epoch)
        where i.conversation = $1 and i.submitter = $2 and i.kind = $5 order by i.seq`,
      values: [
        Buffer.from(idBytes(query.conversation)),
        Buffer.from(idBytes(query.account)),
        envelopes.map(({ generation }) => generation),
        envelopes.map(({ epoch }) => epoch),
        KIND_CODES.message,
      ],
    });
    return rows.map((row) => ({
      seq: row["seq"] as number,
      epoch: row["epoch"] as number,
      submitter: accountIdOf(fromRow(row["submitter"])),
      at: unixSeconds(row["at"] as number),
      wire: fromRow(row["bytes"]),
    }));
  }

  async #heldLabels(
    warrant: VerifiedWarrant,
  ): Promise<{ account: AccountId; conversation: ConversationId; day: DayNumber }[]> {
    const { accounts, conversations, firstDay, lastDay } = warrant.document;
    const rows = await this.#database.query({
      text: `select distinct account, conversation, day from envelopes
        where account = any($1::bytea[]) and day between $2 and $3 and charter = $4
          and ($5::bytea[] is null or conversation = any($5::bytea[]))
        order by conversation, account, day`,
      values: [
        accounts.map((account) => Buffer.from(idBytes(account))),
        firstDay,
        lastDay,
        Buffer.from(idBytes(warrant.charter.id)),
        conversations === "all" ? null : conversations.map((id) => Buffer.from(idBytes(id))),
      ],
    });
    return rows.map((row) => ({
      account: accountIdOf(fromRow(row["account"])),
      conversation: conversationIdOf(fromRow(row["conversation"])),
      day: dayNumber(row["day"] as number),
    }));
  }

  #sealFor({ warrant }: StoredOrder, info: string, orderId: string, value: unknown): Uint8Array {
    const plaintext = utf8(JSON.stringify(value));
    return sealTo(warrant.document.requester.xwing, plaintext, utf8(info), fromHex(orderId, 32), seed());
  }
}

type FoundEnvelope = {
  readonly seq: number;
  readonly generation: number;
  readonly epoch: number;
  readonly at: UnixSeconds;
  readonly envelope: Uint8Array;
  readonly stored: StoredEnvelope;
};

/** An order for which nothing is held is judged by a label that stands for any conversation. */
function placeholderLabels(warrant: VerifiedWarrant): LabelRequest[] {
  const { conversations } = warrant.document;
  return labelsOf(warrant, conversations === "all" ? [conversationIdOf(new Uint8Array(32))] : conversations);
}

/** The order's id is a capability: the database holds its hash only. */
function hashOf(orderId: string): Buffer {
  return createHash("sha256").update(fromHex(orderId, 32)).digest();
}

function seed(): Uint8Array {
  return new Uint8Array(randomBytes(XWING_SEED_LENGTH));
}
