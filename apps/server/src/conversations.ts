import {
  type AccountId,
  accountIdOf,
  type ConversationId,
  charterIdOf,
  conversationIdOf,
  idBytes,
} from "@porchlight/encoding";
import type { Clock } from "@porchlight/runtime";
import {
  type Conversation,
  type ItemPage,
  LIMITS,
  type NewConversation,
  type PendingWelcome,
  type StoredItem,
} from "@porchlight/wire";
import type { Charters } from "./charters.ts";
import { type ConversationState, checkToday, type Device, firstGroupId } from "./conversation-state.ts";
import { asBuffer, itemOf, shellOf } from "./conversation-store.ts";
import { type Database, fromRow, type Row } from "./database.ts";
import { unknownConversation } from "./delivery.ts";
import { type Meter, silentMeter } from "./meter.ts";
import { Refusal } from "./refusal.ts";
import type { Waiters } from "./waiters.ts";

/** What an account may see: the items after it was added, up to the one that removed it (DEL-33). */
const VISIBLE = `exists (select from memberships m where m.conversation = i.conversation and m.account = $2
  and i.seq > m.from_seq and (m.until_seq is null or i.seq <= m.until_seq))`;

/** Reading and creating conversations. Everything is asked of the database: the lanes' memory is not looked at. */
export class Conversations {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #waiters: Waiters;
  readonly #charters: Charters;
  readonly #meter: Meter;

  constructor(
    database: Database,
    clock: Clock,
    waiters: Waiters,
    charters: Charters,
    meter: Meter = silentMeter,
  ) {
    this.#meter = meter;
    this.#database = database;
    this.#clock = clock;
    this.#waiters = waiters;
    this.#charters = charters;
  }

  /** The caller's device becomes leaf 0 of epoch 0. Idempotent; throws Refusal. */
  async create(creator: Device, asked: NewConversation): Promise<Conversation> {
    const { conversation, charter, day } = asked;
    await this.#charters.know([charter]);
    const { dates } = this.#charters;
    if (charter !== null && dates(charter) === undefined) {
      throw new Refusal("unknown-charter", "this charter is not in the log of this server");
    }
    const id = Buffer.from(idBytes(conversation));
    const account = Buffer.from(idBytes(creator.account));
    const charterBytes = charter === null ? null : Buffer.from(idBytes(charter));
    const existing = await this.#row(conversation);
    if (existing === null) checkToday(day, charter, this.#clock.now(), dates);
    await this.#database.transaction(async (transaction) => {
      const made = await transaction.query({
        text: `insert into conversations values ($1, $2, $3, $4, 0, 0, $5, 0, null, null)
          on conflict do nothing returning 1`,
        values: [id, account, charterBytes, Buffer.from(firstGroupId(conversation)), day],
      });
      if (made.length === 0) return;
      await transaction.query({
        text: "insert into leaves values ($1, 0, $2, $3)",
        values: [id, account, Buffer.from(creator.deviceKey)],
      });
      await transaction.query({
        text: "insert into memberships values ($1, $2, 0, null)",
        values: [id, account],
      });
    });
    const row = await this.#row(conversation);
    const same =
      row !== null &&
      account.equals(fromRow(row["creator"])) &&
      (row["generation"] !== 0 || sameBytes(row["charter"], charterBytes));
    if (!same) throw new Refusal("exists", "a conversation with this id exists: make a new group");
    return describe(shellOf(row));
  }

  /** Those that the account is a member of now. */
  async list(account: AccountId): Promise<Conversation[]> {
    const rows = await this.#database.query({
      text: `select c.* from memberships m join conversations c using (conversation)
        where m.account = $1 and m.until_seq is null order by c.conversation`,
      values: [Buffer.from(idBytes(account))],
    });
    return rows.map((row) => describe(shellOf(row)));
  }

  /** Throws Refusal "forbidden" for whoever is no member now. */
  async get(conversation: ConversationId, account: AccountId): Promise<Conversation> {
    const found = (await this.list(account)).find((one) => one.conversation === conversation);
    if (found === undefined) throw unknownConversation();
    return found;
  }

  /** Items after a seq as far as the account may read; waits for the first. Throws Refusal "forbidden". */
  async items(
    conversation: ConversationId,
    account: AccountId,
    { after, limit, wait }: { after: number; limit: number; wait: number },
    signal: AbortSignal,
  ): Promise<ItemPage> {
    const values = [Buffer.from(idBytes(conversation)), Buffer.from(idBytes(account))];
    const head = await this.#visibleHead(values);
    if (head === null) throw unknownConversation();
    const items = await this.#waiters.until(`conversation ${conversation}`, wait, signal, async () => {
      const page = await this.#page(values, after, Math.min(limit, LIMITS.page));
      return page.length > 0 ? page : null;
    });
    this.#meter.delivered(items?.length ?? 0);
    return { items: items ?? [], head: Math.max(head, (items ?? []).at(-1)?.seq ?? 0) };
  }

  async #visibleHead(values: readonly Buffer[]): Promise<number | null> {
    const rows = await this.#database.query<{ head: number | null }>({
      name: "visible-head",
      text: `select max(coalesce(m.until_seq, c.head)) as head from memberships m join conversations c using (conversation)
        where m.conversation = $1 and m.account = $2`,
      values: [...values],
    });
    return rows[0]?.head ?? null;
  }

  async #page(values: readonly Buffer[], after: number, limit: number): Promise<StoredItem[]> {
    // Lengths first: a page of a thousand commits must not be read into memory to be cut.
    const sizes = await this.#database.query<{ seq: number; length: number }>({
      name: "item-sizes",
      text: `select i.seq, octet_length(i.bytes) as length from items i
        where i.conversation = $1 and i.seq > $3 and ${VISIBLE} order by i.seq limit $4`,
      values: [...values, after, limit],
    });
    let total = 0;
    let last: number | undefined;
    for (const { seq, length } of sizes) {
      total += length;
      if (last !== undefined && total > LIMITS.pageBytes) break;
      last = seq;
    }
    if (last === undefined) return [];
    const rows = await this.#database.query({
      name: "items",
      text: `select i.seq, i.kind, i.epoch, i.submitter, i.at, i.bytes from items i
        where i.conversation = $1 and i.seq > $3 and i.seq <= $4 and ${VISIBLE} order by i.seq`,
      values: [...values, after, last],
    });
    return rows.map(itemOf);
  }

  /** Welcomes that the device has not acknowledged; waits for the first. */
  async welcomes(
    { account, deviceKey }: Device,
    wait: number,
    signal: AbortSignal,
  ): Promise<PendingWelcome[]> {
    const found = await this.#waiters.until(`welcomes ${account}`, wait, signal, async () => {
      const rows = await this.#database.query({
        name: "welcomes",
        text: `select * from (
            select w.*, row_number() over pages as place,
              sum(octet_length(w.bytes) + coalesce(octet_length(w.tree), 0)) over pages as total
            from welcome_recipients r join welcomes w on w.id = r.welcome where r.account = $1
              and r.device_key in ($3, ''::bytea)
            window pages as (order by w.conversation, w.seq)) pending
          where place = 1 or (place <= 20 and total <= $2) order by place`,
        values: [Buffer.from(idBytes(account)), LIMITS.pageBytes, asBuffer(deviceKey)],
      });
      return rows.length > 0 ? rows.map(welcomeOf) : null;
    });
    return found ?? [];
  }

  /** The device has saved what the Welcomes lead to; the last recipient's word deletes them. */
  async acknowledge({ account, deviceKey }: Device, ids: readonly string[]): Promise<void> {
    const welcomes = ids.filter((id) => /^[0-9a-f]{32}$/.test(id)).map((id) => Buffer.from(id, "hex"));
    await this.#database.transaction(async (transaction) => {
      await transaction.query({
        text: `delete from welcome_recipients
          where account = $1 and welcome = any($2::bytea[]) and device_key in ($3, ''::bytea)`,
        values: [Buffer.from(idBytes(account)), welcomes, asBuffer(deviceKey)],
      });
      await transaction.query({
        text: `delete from welcomes w where w.id = any($1::bytea[])
          and not exists (select from welcome_recipients r where r.welcome = w.id)`,
        values: [welcomes],
      });
    });
  }

  async #row(conversation: ConversationId): Promise<Row | null> {
    const rows = await this.#database.query({
      text: "select * from conversations where conversation = $1",
      values: [Buffer.from(idBytes(conversation))],
    });
    return rows[0] ?? null;
  }
}

function sameBytes(stored: unknown, expected: Buffer | null): boolean {
  return stored === null || expected === null ? stored === expected : expected.equals(fromRow(stored));
}

function describe({ conversation, charter, groupId, epoch, day, head }: ConversationState): Conversation {
  return { conversation, charter, groupId, epoch, day, head };
}

function welcomeOf(row: Row): PendingWelcome {
  return {
    id: Buffer.from(fromRow(row["id"])).toString("hex"),
    conversation: conversationIdOf(fromRow(row["conversation"])),
    charter: row["charter"] === null ? null : charterIdOf(fromRow(row["charter"])),
    seq: row["seq"] as number,
    epoch: row["epoch"] as number,
    sender: accountIdOf(fromRow(row["sender"])),
    bytes: fromRow(row["bytes"]),
    tree: row["tree"] === null ? null : fromRow(row["tree"]),
  };
}
