import { type AccountId, type ConversationId, hex, idBytes } from "@porchlight/encoding";
import { LIMITS, type StoredItem } from "@porchlight/wire";
import type { Device } from "../conversation-state.ts";
import { asBuffer, itemOf } from "../conversation-store.ts";
import { type Database, fromRow } from "../database.ts";

/** An account's time in a conversation: it reads the items after `from`, up to and including `until` (DEL-33). */
export type Interval = { readonly from: number; readonly until: number | null };
export type Standing = { readonly head: number; readonly intervals: readonly Interval[] };
export type Slice = {
  readonly items: readonly StoredItem[];
  /** Seq up to which this is everything. */
  readonly upTo: number;
  /** Whether there was nothing more when it was read. */
  readonly isLast: boolean;
};

/** Reads under way at a time: delivery's transactions need connections too. */
const READERS = 4;

/** What streams read from the database. */
export class Backlog {
  readonly #database: Database;
  #free = READERS;
  readonly #queue: (() => void)[] = [];

  constructor(database: Database) {
    this.#database = database;
  }

  /** Heads, and an account's times in these conversations; those that it never was in are left out. */
  async standings(
    account: AccountId,
    conversations: readonly ConversationId[],
  ): Promise<Map<ConversationId, Standing>> {
    const ids = conversations.map((id) => Buffer.from(idBytes(id)));
    const where = "m.account = $1 and m.conversation = any($2::bytea[])";
    return await this.#standings("conversation", where, [Buffer.from(idBytes(account)), ids]);
  }

  /** The times of these accounts in one conversation. */
  async members(
    conversation: ConversationId,
    accounts: readonly AccountId[],
  ): Promise<Map<AccountId, Standing>> {
    const ids = accounts.map((id) => Buffer.from(idBytes(id)));
    const where = "m.conversation = $1 and m.account = any($2::bytea[])";
    return await this.#standings("account", where, [Buffer.from(idBytes(conversation)), ids]);
  }

  async #standings<Id extends ConversationId | AccountId>(
    by: "conversation" | "account",
    where: string,
    values: readonly unknown[],
  ): Promise<Map<Id, Standing>> {
    const rows = await this.#read({
      name: `stream-standings-${by}`,
      text: `select m.${by} as id, m.from_seq, m.until_seq, c.head from memberships m join conversations c using (conversation)
        where ${where} order by m.from_seq`,
      values: [...values],
    });
    const found = new Map<Id, { head: number; intervals: Interval[] }>();
    for (const row of rows) {
      const id = hex(fromRow(row["id"])) as Id;
      const standing = found.get(id) ?? { head: row["head"] as number, intervals: [] };
      const [from, until] = [row["from_seq"] as number, row["until_seq"] as number | null];
      standing.intervals.push({ from, until });
      found.set(id, standing);
    }
    return found;
  }

  /** Where the account is a member now, with the heads. */
  async heads(account: AccountId): Promise<{ conversation: ConversationId; head: number; from: number }[]> {
    const rows = await this.#read({
      name: "stream-heads",
      text: `select m.conversation, m.from_seq, c.head from memberships m join conversations c using (conversation)
        where m.account = $1 and m.until_seq is null`,
      values: [Buffer.from(idBytes(account))],
    });
    return rows.map((row) => ({
      conversation: hex(fromRow(row["conversation"])) as ConversationId,
      head: row["head"] as number,
      from: row["from_seq"] as number,
    }));
  }

  async head(conversation: ConversationId): Promise<number> {
    const rows = await this.#read({
      name: "stream-head",
      text: "select head from conversations where conversation = $1",
      values: [Buffer.from(idBytes(conversation))],
    });
    return (rows[0]?.["head"] as number | undefined) ?? 0;
  }

  /**
   * Items after a seq, whoever may read them: at least one, and as many as have `bytes` together. What retention
   * deleted is missing.
   */
  async slice(conversation: ConversationId, after: number, bytes: number): Promise<Slice> {
    // No item is shorter than some hundred bytes: rows that cannot fit are not even looked at.
    const rowLimit = Math.min(LIMITS.page, Math.ceil(bytes / 256) + 1);
    const values = [Buffer.from(idBytes(conversation)), after, rowLimit, bytes];
    const rows = await this.#read({
      name: "stream-slice",
      text: `with head as (select head from conversations where conversation = $1),
          sized as (
            select i.seq, i.kind, i.epoch, i.submitter, i.at, i.bytes,
              sum(octet_length(i.bytes)) over (order by i.seq) - octet_length(i.bytes) as before
            from (select * from items where conversation = $1 and seq > $2 order by seq limit $3) i)
        select head.head, sized.* from head left join sized on sized.before < $4 order by sized.seq`,
      values,
    });
    const head = (rows[0]?.["head"] as number | undefined) ?? 0;
    const items = rows.flatMap((row) => (row["seq"] === null ? [] : [itemOf(row)]));
    const last = items.at(-1);
    // An empty page: everything up to the head is deleted, or there is nothing.
    const upTo = last === undefined ? Math.max(after, head) : last.seq;
    return { items, upTo, isLast: upTo >= head };
  }

  /** Ids of the Welcomes that wait for a device. */
  async welcomes({ account, deviceKey }: Device): Promise<string[]> {
    const rows = await this.#read({
      name: "stream-welcomes",
      text: `select welcome from welcome_recipients where account = $1 and device_key in ($2, ''::bytea) limit 1000`,
      values: [Buffer.from(idBytes(account)), asBuffer(deviceKey)],
    });
    return rows.map((row) => hex(fromRow(row["welcome"])));
  }

  async #read(config: Parameters<Database["query"]>[0]): ReturnType<Database["query"]> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#queue.push(resolve));
    else this.#free--;
    try {
      return await this.#database.query(config);
    } finally {
      const next = this.#queue.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
