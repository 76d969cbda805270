import { randomBytes } from "node:crypto";
import type { Charter } from "@porchlight/charter";
import {
  type AccountId,
  accountIdOf,
  type Commitment,
  type ConversationId,
  conversationIdOf,
  type DayNumber,
  dayNumber,
  dayOf,
  fromHex,
  idBytes,
  type UnixSeconds,
  unixSeconds,
  utf8,
} from "@porchlight/encoding";
import { attestEnvelope, parseEnvelope, peelOuter } from "@porchlight/envelope";
import { nodeSuite } from "@porchlight/envelope/node";
import {
  envelopeFits,
  type LabelRequest,
  listAllowed,
  type MaterialAllowed,
  materialAllowed,
  type OrderInput,
  type OtherSide,
  otherAccounts,
  type Refused,
  releasableFrom,
  type StoredEnvelope,
  sortedLabels,
  type VerifiedOrder,
  type VerifiedOtherSide,
  verifyOtherSide,
} from "@porchlight/gate";
import { sealTo, XWING_SEED_LENGTH } from "@porchlight/quorum";
import type { Clock } from "@porchlight/runtime";
import {
  MATERIAL_INFO,
  type MaterialQuery,
  materialValue,
  ORDER_CONVERSATIONS_INFO,
  OTHER_SIDES_INFO,
  orderConversationsValue,
  otherSidesValue,
} from "@porchlight/wire";
import { z } from "zod";
import { KIND_CODES } from "./conversation-store.ts";
import { type Database, fromRow } from "./database.ts";
import type { Identity } from "./identity.ts";
import type { Log } from "./log.ts";
import type { OrderStore, StoredOrder } from "./order-store.ts";
import { Refusal, type RefusalFacts } from "./refusal.ts";

/** Real seconds for which an answer waits for a witnessed checkpoint that is fresh enough. */
const FRESH_WAIT = 20;
/** Seconds by which a checkpoint may be older than the clock before a newer one is asked for: half of GATE-2's. */
const FRESH_ENOUGH = 300;

/** What the gate's codes mean to a requester. */
const GATE_REFUSALS: Readonly<
  Record<string, "revoked" | "suspended" | "expired" | "notice-period" | "day-not-over" | "not-witnessed">
> = {
  revoked: "revoked",
  suspended: "suspended",
  expired: "expired",
  "notice-period": "notice-period",
  "day-not-over": "day-not-over",
  "not-witnessed": "not-witnessed",
  "checkpoint-stale": "not-witnessed",
  "not-logged": "not-witnessed",
  "day-in-future": "not-witnessed",
};

type FoundEnvelope = {
  readonly seq: number;
  readonly generation: number;
  readonly epoch: number;
  readonly at: UnixSeconds;
  readonly envelope: Uint8Array;
  readonly stored: StoredEnvelope;
};

/** Answers orders with what the provider holds, sealed to their requester: nothing that it could open itself. */
export class MaterialDesk {
  readonly #database: Database;
  readonly #orders: OrderStore;
  readonly #log: Log;
  readonly #identity: Identity;
  readonly #clock: Clock;
  readonly #given: (order: Commitment) => Promise<void>;

  constructor(parts: {
    readonly database: Database;
    readonly store: OrderStore;
    readonly log: Log;
    readonly identity: Identity;
    readonly clock: Clock;
    /** Told before material of an order leaves. */
    readonly given: (order: Commitment) => Promise<void>;
  }) {
    this.#database = parts.database;
    this.#orders = parts.store;
    this.#log = parts.log;
    this.#identity = parts.identity;
    this.#clock = parts.clock;
    this.#given = parts.given;
  }

  /**
   * One account's envelopes and messages of one conversation and day, the provider's layer off (DEL-53). Of the other
   * side only epochs in which a person whom the warrant names took part. Throws Refusal.
   */
  async material(orderId: string, query: MaterialQuery, signal: AbortSignal): Promise<Uint8Array> {
    const order = await this.#orders.find(orderId);
    const { charter, document } = order.warrant;
    const labels: LabelRequest[] = [{ charter: charter.id, ...query }];
    await this.#freshCheckpoint(order, signal);
    const found = await this.#envelopes(charter, query);
    const fitting = found.filter(({ stored }) => envelopeFits(stored, labels, document.accounts));
    const isOther = !document.accounts.includes(query.account);
    const proofs = isOther ? fitting.slice(0, 1).map((one) => this.#prove(one)) : [];
    await this.#allow(order, (input) =>
      materialAllowed({
        ...input,
        labels,
        otherSides: proofs.map(({ verified }) => verified),
        envelopes: fitting.map(({ stored }) => stored),
      }),
    );
    const envelopes = fitting.map(({ seq, epoch, at, envelope }) => ({
      seq,
      epoch,
      at,
      envelope,
      inner: peelOuter(parseEnvelope(envelope), this.#identity.xwing.secretKey),
    }));
    const messages = await this.#messages(query, fitting);
    await this.#given(order.commitment);
    const value = z.encode(materialValue, { version: 1, ...query, envelopes, messages });
    return this.#sealFor(order, MATERIAL_INFO, value);
  }

  /** For an order over all of an account's conversations: where and when there is anything (DEL-54). Throws Refusal. */
  async conversations(orderId: string, signal: AbortSignal): Promise<Uint8Array> {
    const order = await this.#orders.find(orderId);
    const { warrant } = order;
    await this.#freshCheckpoint(order, signal);
    await this.#allow(order, listAllowed);
    const today = dayOf(this.#clock.now());
    const labels = (await this.#heldLabels(warrant)).filter(
      ({ day }) => releasableFrom(warrant.document, day) <= today,
    );
    return this.#sealFor(
      order,
      ORDER_CONVERSATIONS_INFO,
      z.encode(orderConversationsValue, { version: 1, labels }),
    );
  }

  /**
   * For an order over both sides: what shows of each other account that it took part on that day, one envelope's
   * attestation for each conversation (DEL-56). Throws Refusal.
   */
  async otherSides(orderId: string, day: DayNumber, signal: AbortSignal): Promise<Uint8Array> {
    const order = await this.#orders.find(orderId);
    const { warrant } = order;
    await this.#freshCheckpoint(order, signal);
    const queries = await this.#otherLabels(warrant, day);
    const proofs = new Map<LabelRequest, { side: OtherSide; verified: VerifiedOtherSide }>();
    for (const query of queries) {
      const label = { charter: warrant.charter.id, ...query };
      const found = await this.#envelopes(warrant.charter, query);
      const first = found.find(({ stored }) => envelopeFits(stored, [label], warrant.document.accounts));
      if (first !== undefined) proofs.set(label, this.#prove(first));
    }
    const labels = sortedLabels([...proofs.keys()]);
    const otherSides = [...proofs.values()].map(({ verified }) => verified);
    await this.#allow(order, (input) =>
      labels.length === 0
        ? listAllowed(input)
        : materialAllowed({ ...input, labels, otherSides, envelopes: [] }),
    );
    const sides = [...proofs.values()].map(({ side }) => side);
    const value = z.encode(otherSidesValue, {
      version: 1,
      day,
      sides: sides.map((side) => ({ ...side, members: [...side.members] })),
    });
    return this.#sealFor(order, OTHER_SIDES_INFO, value);
  }

  /** The attestation of a stored envelope, with the members that the server itself saw in its epoch. */
  #prove({ envelope, stored }: FoundEnvelope): { side: OtherSide; verified: VerifiedOtherSide } {
    const parsed = parseEnvelope(envelope);
    const attestation = attestEnvelope(parsed, peelOuter(parsed, this.#identity.xwing.secretKey));
    const side = { ...attestation, members: [...stored.members].sort() };
    return { side, verified: verifyOtherSide(side, nodeSuite) };
  }

  /** The gate asks for a checkpoint of the last ten minutes that covers the order. */
  async #freshCheckpoint({ index }: StoredOrder, signal: AbortSignal): Promise<void> {
    const since = unixSeconds(Math.max(0, this.#clock.now() - FRESH_ENOUGH));
    await this.#log.waitFor(index + 1, since, FRESH_WAIT, signal);
  }

  async #allow(order: StoredOrder, ask: (input: OrderInput) => MaterialAllowed | Refused): Promise<void> {
    // Known to the log is enough, witnessed or not: the provider's own word is as good as it gets here.
    if (this.#log.catalogue.revocation(order.commitment) !== undefined) {
      throw new Refusal("revoked", "The order was revoked.", { reason: "revoked" });
    }
    const input = await this.#orders.input(order, this.#clock.now());
    if (input === null) {
      throw new Refusal(
        "not-witnessed",
        "no witnessed checkpoint covers the order yet: try again in a moment",
      );
    }
    const result = ask(input);
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
    warrant: VerifiedOrder,
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

  /** Where and when the further accounts of an order sent anything on a day, in its conversations. */
  async #otherLabels(
    { document, charter, others }: VerifiedOrder,
    day: DayNumber,
  ): Promise<{ account: AccountId; conversation: ConversationId; day: DayNumber }[]> {
    const { conversations, firstDay, lastDay } = document;
    if (day < firstDay || day > lastDay) return [];
    const rows = await this.#database.query({
      text: `select distinct account, conversation from envelopes
        where account = any($1::bytea[]) and day = $2 and charter = $3
          and ($4::bytea[] is null or conversation = any($4::bytea[]))
        order by conversation, account`,
      values: [
        otherAccounts(others).map((account) => Buffer.from(idBytes(account))),
        day,
        Buffer.from(idBytes(charter.id)),
        conversations === "all" ? null : conversations.map((id) => Buffer.from(idBytes(id))),
      ],
    });
    return rows.map((row) => ({
      account: accountIdOf(fromRow(row["account"])),
      conversation: conversationIdOf(fromRow(row["conversation"])),
      day,
    }));
  }

  #sealFor({ warrant, orderId }: StoredOrder, info: string, value: unknown): Uint8Array {
    const plaintext = utf8(JSON.stringify(value));
    return sealTo(warrant.document.requester.xwing, plaintext, utf8(info), fromHex(orderId, 32), seed());
  }
}

function seed(): Uint8Array {
  return new Uint8Array(randomBytes(XWING_SEED_LENGTH));
}
