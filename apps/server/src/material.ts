import { randomBytes } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";
import type { Charter } from "@porchlight/charter";
import {
  type AccountId,
  accountIdOf,
  type CharterId,
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
  LIMITS,
  MATERIAL_INFO,
  type Material,
  type MaterialRequest,
  materialValue,
  ORDER_CONVERSATIONS_INFO,
  OTHER_SIDES_INFO,
  orderConversationsValue,
  otherSidesValue,
} from "@porchlight/wire";
import { z } from "zod";
import type { Attachments } from "./attachments.ts";
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

/** No charter has this id, so that what was sent without any lies in no order's scope. */
const NO_CHARTER = "0".repeat(64) as CharterId;

type Place = MaterialRequest["labels"][number];
type MaterialLabel = Material["labels"][number];

type FoundEnvelope = {
  readonly seq: number;
  /** Of the conversation's MLS groups, which epochs number anew. */
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
  readonly #attachments: Attachments;
  readonly #given: (order: Commitment) => Promise<void>;

  constructor(parts: {
    readonly database: Database;
    readonly store: OrderStore;
    readonly log: Log;
    readonly identity: Identity;
    readonly clock: Clock;
    readonly attachments: Attachments;
    /** Told before material of an order leaves. */
    readonly given: (order: Commitment) => Promise<void>;
  }) {
    this.#database = parts.database;
    this.#orders = parts.store;
    this.#log = parts.log;
    this.#identity = parts.identity;
    this.#clock = parts.clock;
    this.#attachments = parts.attachments;
    this.#given = parts.given;
  }

  /**
   * Of each label its account's envelopes and messages, the provider's layer off (DEL-53), as many labels as fit into
   * one answer (DEL-73). The gate is asked once, for all of them: one that it refuses refuses them all. Of the other
   * side only epochs in which a person whom the warrant names took part. Throws Refusal.
   */
  async material(orderId: string, request: MaterialRequest, signal: AbortSignal): Promise<Uint8Array> {
    const order = await this.#orders.find(orderId);
    const { charter, document } = order.warrant;
    const labels: LabelRequest[] = request.labels.map((place) => ({ charter: charter.id, ...place }));
    await this.#freshCheckpoint(order, signal);
    const found = await this.#envelopes(charter, request.labels);
    const held = labels.map((label) =>
      found.filter(({ stored }) => envelopeFits(stored, [label], document.accounts)),
    );
    const toProve = held.flatMap(([first], i) =>
      first === undefined || document.accounts.includes((labels[i] as LabelRequest).account) ? [] : [first],
    );
    // An order that opens nothing now makes no work of it.
    if (toProve.length > 0) await this.#allow(order, listAllowed);
    const otherSides: VerifiedOtherSide[] = [];
    for (const first of toProve) {
      otherSides.push(this.#prove(first).verified);
      await turn();
    }
    const envelopes = held.flat().map(({ stored }) => stored);
    await this.#allow(order, (input) => materialAllowed({ ...input, labels, otherSides, envelopes }));
    const answer = await this.#answer(request, held);
    // DEL-51: what was revoked while the answer was made stays here.
    this.#refuseRevoked(order);
    await this.#given(order.commitment);
    return this.#sealFor(order, MATERIAL_INFO, z.encode(materialValue, { version: 2, labels: answer }));
  }

  /** The labels from the first on, until the answer is full. */
  async #answer(
    { labels, after }: MaterialRequest,
    held: readonly (readonly FoundEnvelope[])[],
  ): Promise<MaterialLabel[]> {
    const answer: MaterialLabel[] = [];
    let room: number = LIMITS.materialBytes;
    for (const [position, place] of labels.entries()) {
      const behind = position === 0 ? after : undefined;
      const found = held[position] as readonly FoundEnvelope[];
      const envelopes = behind === undefined ? found.map((one) => this.#peel(one)) : [];
      room -= envelopes.reduce((sum, { envelope }) => sum + envelope.length, 0);
      const messages = await this.#messages(place, found, behind ?? 0, room);
      room -= messages.reduce((sum, { wire }) => sum + wire.length, 0);
      const complete = room > 0;
      answer.push({ ...place, envelopes, messages, complete });
      if (!complete) break;
      // To peel is work of milliseconds: members' messages go in between.
      await turn();
    }
    return answer;
  }

  #peel({ seq, epoch, at, envelope }: FoundEnvelope): MaterialLabel["envelopes"][number] {
    const inner = peelOuter(parseEnvelope(envelope), this.#identity.xwing.secretKey);
    return { seq, epoch, at, envelope, inner };
  }

  /**
   * One part of a file that a message names, encrypted as its sender uploaded it (ATT-25): where the order opens who
   * uploaded it, the conversation and the day. What the message says of it, its key too, is unknown here. Throws
   * Refusal: "not-found" where the file, or this part of it, is not here (any more).
   */
  async attachmentPart(orderId: string, id: string, part: number, signal: AbortSignal): Promise<Uint8Array> {
    const order = await this.#orders.find(orderId);
    const { charter, document } = order.warrant;
    await this.#freshCheckpoint(order, signal);
    const places = await this.#attachments.placesOf(id);
    const { firstDay, lastDay } = document;
    const place = places.find(({ day }) => firstDay <= day && day <= lastDay) ?? places[0];
    if (place === undefined) {
      await this.#allow(order, listAllowed);
      throw new Refusal("not-found", "the file is not here, or not any more");
    }
    const { size, conversation, account, day } = place;
    const label: LabelRequest = { charter: place.charter ?? NO_CHARTER, conversation, account, day };
    const isOther = !document.accounts.includes(account);
    const first = isOther
      ? (await this.#envelopes(charter, [label])).find(({ stored }) =>
          envelopeFits(stored, [label], document.accounts),
        )
      : undefined;
    const otherSides = first === undefined ? [] : [this.#prove(first).verified];
    await this.#allow(order, (input) =>
      materialAllowed({ ...input, labels: [label], otherSides, envelopes: [] }),
    );
    const bytes = await this.#attachments.readPart(place.held ?? id, size, part);
    this.#refuseRevoked(order);
    await this.#given(order.commitment);
    return bytes;
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
      const found = await this.#envelopes(warrant.charter, [query]);
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

  /** Known to the log is enough, witnessed or not: the provider's own word is as good as it gets here. */
  #refuseRevoked({ commitment }: StoredOrder): void {
    if (this.#log.catalogue.revocation(commitment) === undefined) return;
    throw new Refusal("revoked", "The order was revoked.", { reason: "revoked" });
  }

  async #allow(order: StoredOrder, ask: (input: OrderInput) => MaterialAllowed | Refused): Promise<void> {
    this.#refuseRevoked(order);
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

  async #envelopes(charter: Charter, places: readonly Place[]): Promise<FoundEnvelope[]> {
    const rows = await this.#database.query({
      text: `select e.seq, e.generation, e.epoch, i.at, i.bytes,
          array(select m.account from memberships m where m.conversation = e.conversation
            and m.from_seq < e.seq and (m.until_seq is null or m.until_seq > e.seq)) as members
        from unnest($1::bytea[], $2::bigint[], $3::bytea[]) as asked (account, day, conversation)
        join kept_envelopes e using (account, day, conversation) join kept_items i using (conversation, seq)
        where e.charter = $4 order by e.conversation, e.account, e.day, e.seq`,
      values: [
        places.map(({ account }) => Buffer.from(idBytes(account))),
        places.map(({ day }) => day),
        places.map(({ conversation }) => Buffer.from(idBytes(conversation))),
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

  /** Behind `after`, until they reach `room` bytes, the message with which they do included. */
  async #messages(
    { conversation, account }: Place,
    envelopes: readonly FoundEnvelope[],
    after: number,
    room: number,
  ): Promise<MaterialLabel["messages"]> {
    const [first] = envelopes;
    if (first === undefined) return [];
    const rows = await this.#database.query({
      text: `select seq, epoch, submitter, at, bytes from (
          select i.seq, i.epoch, i.submitter, i.at, i.bytes,
            sum(octet_length(i.bytes)) over (order by i.seq) - octet_length(i.bytes) as before
          from kept_items i
          where i.conversation = $1 and i.submitter = $2 and i.kind = $5 and i.seq > $6
            and (i.generation, i.epoch) in (select * from unnest($3::int[], $4::bigint[]))) sized
        where before < $7 order by seq`,
      values: [
        Buffer.from(idBytes(conversation)),
        Buffer.from(idBytes(account)),
        envelopes.map(({ generation }) => generation),
        envelopes.map(({ epoch }) => epoch),
        KIND_CODES.message,
        // Nothing of an epoch comes before its envelope.
        Math.max(after, first.seq),
        room,
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
      text: `select distinct account, conversation, day from kept_envelopes
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
      text: `select distinct account, conversation from kept_envelopes
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
