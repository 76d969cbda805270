import { createHash, randomBytes } from "node:crypto";
import {
  type AccountId,
  accountIdOf,
  type CharterId,
  type ConversationId,
  charterIdOf,
  dayNumber,
  hex,
  idBytes,
} from "@porchlight/encoding";
import type { Clock } from "@porchlight/runtime";
import { type ItemKind, type NewItem } from "@porchlight/wire";
import {
  type Accepted,
  accept,
  type CharterDates,
  type ConversationState,
  type Device,
} from "./conversation-state.ts";
import { type Database, fromRow, isDatabaseOutage, placeholders, type Queries } from "./database.ts";
import { Refusal } from "./refusal.ts";
import type { Waiters } from "./waiters.ts";

export const KIND_CODES: Readonly<Record<ItemKind, number>> = { commit: 1, envelope: 2, message: 3 };

/** Milliseconds for which a transaction waits for company. */
const WAIT = 2;
/** Transactions at a time; a conversation is in one of them at most. */
const WRITERS = 2;
const MAX_ITEMS = 1024;
/** Submissions that may wait for one conversation. */
const MAX_QUEUE = 256;
/** Conversations whose members are kept in memory. */
const MAX_CACHED = 2000;
/** Rows of one insert; each has a prepared statement of its own. */
const INSERT_SIZES = [64, 16, 4, 1] as const;

type Submission = {
  readonly sender: Device;
  readonly items: readonly NewItem[];
  readonly resolve: (seqs: number[]) => void;
  readonly reject: (error: unknown) => void;
};

type Lane = { readonly conversation: ConversationId; queue: Submission[]; busy: boolean };

/** The rows that one transaction writes. */
type Writes = {
  readonly items: unknown[][];
  readonly envelopes: unknown[][];
  readonly welcomes: { readonly row: unknown[]; readonly accounts: readonly AccountId[] }[];
  readonly memberships: { conversation: Uint8Array; account: AccountId; seq: number; joins: boolean }[];
};

type Outcome = { readonly submission: Submission; readonly result: number[] | Refusal };

/**
 * Puts what members hand in into one order per conversation (DEL-21). Each conversation has one lane: a transaction
 * takes a lane's whole queue, assigns seqs inside, and only when it is committed are the submissions acknowledged and
 * the lane free again. Lanes of different conversations share transactions.
 */
export class Delivery {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #waiters: Waiters;
  readonly #dates: CharterDates;
  readonly #lanes = new Map<ConversationId, Lane>();
  /** States as the last transaction left them; believed only where the database says the same epoch and head. */
  readonly #cache = new Map<ConversationId, ConversationState>();
  #writing = 0;
  #timer: NodeJS.Timeout | null = null;
  #idle: (() => void) | null = null;
  #closed = false;

  constructor(database: Database, clock: Clock, waiters: Waiters, dates: CharterDates) {
    this.#database = database;
    this.#clock = clock;
    this.#waiters = waiters;
    this.#dates = dates;
  }

  /** Resolves with the items' seqs when they are durable. Throws Refusal; nothing of the batch is taken then. */
  submit(conversation: ConversationId, sender: Device, items: readonly NewItem[]): Promise<number[]> {
    const lane = this.#lanes.get(conversation) ?? { conversation, queue: [], busy: false };
    if (this.#closed || lane.queue.length >= MAX_QUEUE) {
      return Promise.reject(new Refusal("unavailable", "too much is waiting here: try again in a moment"));
    }
    this.#lanes.set(conversation, lane);
    return new Promise((resolve, reject) => {
      lane.queue.push({ sender, items, resolve, reject });
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#timer !== null || this.#writing >= WRITERS) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#start();
    }, WAIT);
  }

  #start(): void {
    const taken: { lane: Lane; submissions: Submission[] }[] = [];
    let items = 0;
    for (const lane of this.#lanes.values()) {
      if (lane.busy || lane.queue.length === 0) continue;
      if (items >= MAX_ITEMS) break;
      let count = 0;
      while (count < lane.queue.length && (count === 0 || items < MAX_ITEMS)) {
        items += (lane.queue[count] as Submission).items.length;
        count++;
      }
      lane.busy = true;
      taken.push({ lane, submissions: lane.queue.splice(0, count) });
    }
    if (taken.length === 0) return;
    this.#writing++;
    void this.#write(taken).finally(() => {
      this.#writing--;
      for (const { lane } of taken) {
        lane.busy = false;
        if (lane.queue.length === 0) this.#lanes.delete(lane.conversation);
      }
      if (this.#lanes.size > 0) this.#schedule();
      else if (this.#writing === 0) this.#idle?.();
    });
    this.#schedule();
  }

  async #write(taken: readonly { lane: Lane; submissions: Submission[] }[]): Promise<void> {
    const conversations = taken.map(({ lane }) => lane.conversation);
    try {
      const { outcomes, states, welcomed } = await this.#database.transaction(async (transaction) => {
        const before = await this.#load(transaction, conversations);
        const known = await knownItems(transaction, taken);
        return await this.#decide(transaction, taken, before, known);
      });
      for (const state of states) this.#remember(state);
      for (const { submission, result } of outcomes) {
        if (result instanceof Refusal) submission.reject(result);
        else submission.resolve(result);
      }
      for (const account of welcomed) this.#waiters.notify(`welcomes ${account}`);
      for (const { conversation } of states) this.#waiters.notify(`conversation ${conversation}`);
    } catch (error) {
      // Whether a commit whose answer was lost took effect is unknown: forget, and read again.
      for (const conversation of conversations) this.#cache.delete(conversation);
      const outcome = isDatabaseOutage(error)
        ? new Refusal("unavailable", "the store is away: repeat the request with the same keys", {
            cause: error,
          })
        : error;
      for (const { submissions } of taken) for (const { reject } of submissions) reject(outcome);
    }
  }

  async #decide(
    transaction: Queries,
    taken: readonly { lane: Lane; submissions: Submission[] }[],
    before: ReadonlyMap<ConversationId, ConversationState>,
    known: ReadonlyMap<string, KnownItem>,
  ): Promise<{ outcomes: Outcome[]; states: ConversationState[]; welcomed: AccountId[] }> {
    const now = this.#clock.now();
    const writes: Writes = { items: [], envelopes: [], welcomes: [], memberships: [] };
    const outcomes: Outcome[] = [];
    const changed: { before: ConversationState; after: ConversationState }[] = [];
    for (const { lane, submissions } of taken) {
      const first = before.get(lane.conversation);
      let state = first;
      // Keys that this very transaction takes count as known too.
      const fresh = new Map<string, KnownItem>();
      for (const submission of submissions) {
        if (state === undefined) {
          outcomes.push({ submission, result: unknownConversation() });
          continue;
        }
        try {
          const made = takeSubmission(
            state,
            submission,
            now,
            this.#dates,
            (key) => fresh.get(key) ?? known.get(key),
          );
          for (const [key, item] of made.fresh) fresh.set(key, item);
          writes.items.push(...made.writes.items);
          writes.envelopes.push(...made.writes.envelopes);
          writes.welcomes.push(...made.writes.welcomes);
          writes.memberships.push(...made.writes.memberships);
          state = made.state;
          outcomes.push({ submission, result: made.seqs });
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          outcomes.push({ submission, result: error });
        }
      }
      if (first !== undefined && state !== undefined && state !== first) {
        changed.push({ before: first, after: state });
      }
    }
    await writeItems(transaction, writes);
    for (const { before: old, after } of changed) await writeState(transaction, old, after);
    return {
      outcomes,
      states: changed.map(({ after }) => after),
      welcomed: writes.welcomes.flatMap(({ accounts }) => accounts),
    };
  }

  /** Locks the conversations' rows and gives their states; unknown conversations are left out. */
  async #load(
    transaction: Queries,
    conversations: readonly ConversationId[],
  ): Promise<Map<ConversationId, ConversationState>> {
    const rows = await transaction.query({
      name: "lock-conversations",
      text: `select * from conversations where conversation = any($1::bytea[]) order by conversation for update`,
      values: [conversations.map((id) => Buffer.from(idBytes(id)))],
    });
    const states = new Map<ConversationId, ConversationState>();
    for (const row of rows) {
      const shell = shellOf(row);
      const cached = this.#cache.get(shell.conversation);
      const usable =
        cached !== undefined && cached.head === shell.head && cached.generation === shell.generation;
      states.set(shell.conversation, usable ? cached : await loadMembers(transaction, shell));
    }
    return states;
  }

  #remember(state: ConversationState): void {
    this.#cache.delete(state.conversation);
    this.#cache.set(state.conversation, state);
    for (const oldest of this.#cache.keys()) {
      if (this.#cache.size <= MAX_CACHED) break;
      this.#cache.delete(oldest);
    }
  }

  /** Takes nothing more, and waits for what is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#lanes.size === 0 && this.#writing === 0) return;
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
  }
}

type KnownItem = { readonly seq: number; readonly digest: string };

type Made = {
  readonly state: ConversationState;
  readonly seqs: number[];
  readonly writes: Writes;
  readonly fresh: Map<string, KnownItem>;
};

function takeSubmission(
  first: ConversationState,
  { sender, items }: Submission,
  now: ReturnType<Clock["now"]>,
  dates: CharterDates,
  find: (key: string) => KnownItem | undefined,
): Made {
  const writes: Writes = { items: [], envelopes: [], welcomes: [], memberships: [] };
  const fresh = new Map<string, KnownItem>();
  const conversation = Buffer.from(idBytes(first.conversation));
  const submitter = Buffer.from(idBytes(sender.account));
  let state = first;
  const seqs = items.map((item, position) => {
    const key = itemKey(first.conversation, sender.account, item.key);
    const digest = digestOf(item);
    const known = fresh.get(key) ?? find(key);
    if (known !== undefined) {
      if (known.digest === hex(digest)) return known.seq;
      throw new Refusal("idempotency-mismatch", "this key was used for something else: take a new one", {
        item: position,
      });
    }
    let accepted: Accepted;
    try {
      accepted = accept(state, sender, item, now, dates);
    } catch (error) {
      throw error instanceof Refusal ? error.ofItem(position) : error;
    }
    const { seq, generation, epoch, acceptance } = accepted;
    writes.items.push([
      conversation,
      seq,
      generation,
      epoch,
      KIND_CODES[item.kind],
      submitter,
      item.key,
      digest,
      now,
      asBuffer(item.bytes),
    ]);
    if (acceptance.kind === "envelope") {
      const { label, deviceKey } = acceptance.header;
      const account = Buffer.from(idBytes(label.account));
      const charter = Buffer.from(idBytes(label.charter));
      writes.envelopes.push([
        conversation,
        generation,
        epoch,
        asBuffer(deviceKey),
        account,
        label.day,
        charter,
        seq,
      ]);
    }
    if (acceptance.kind === "commit") {
      for (const account of acceptance.after) {
        if (!acceptance.before.has(account))
          writes.memberships.push({ conversation, account, seq, joins: true });
      }
      for (const account of acceptance.before) {
        if (!acceptance.after.has(account))
          writes.memberships.push({ conversation, account, seq, joins: false });
      }
    }
    if (item.kind === "commit" && item.welcome !== null) {
      const { welcome } = item;
      const charter = accepted.state.charter === null ? null : Buffer.from(idBytes(accepted.state.charter));
      const tree = welcome.tree === null ? null : asBuffer(welcome.tree);
      const id = randomBytes(16);
      const row = [
        id,
        conversation,
        charter,
        seq,
        accepted.state.epoch,
        submitter,
        asBuffer(welcome.bytes),
        tree,
      ];
      writes.welcomes.push({ row, accounts: welcome.accounts });
    }
    fresh.set(key, { seq, digest: hex(digest) });
    state = accepted.state;
    return seq;
  });
  return { state, seqs, writes, fresh };
}

function itemKey(conversation: ConversationId, account: AccountId, key: string): string {
  return `${conversation} ${account} ${key}`;
}

/** What a repeated item must equal. */
function digestOf(item: NewItem): Buffer {
  const digest = createHash("sha256")
    .update(`${item.kind} ${item.epoch} ${item.bytes.length} `)
    .update(item.bytes);
  if (item.kind === "commit" && item.welcome !== null) digest.update(item.welcome.bytes);
  return digest.digest();
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

export function unknownConversation(): Refusal {
  // The same answer to who is no member: whether a conversation exists is nobody else's business.
  return new Refusal("forbidden", "this account is not a member of the conversation");
}

async function knownItems(
  transaction: Queries,
  taken: readonly { lane: Lane; submissions: Submission[] }[],
): Promise<Map<string, KnownItem>> {
  const keys = taken.flatMap(({ lane, submissions }) =>
    submissions.flatMap(({ sender, items }) =>
      items.map(({ key }) => ({ conversation: lane.conversation, account: sender.account, key })),
    ),
  );
  const rows = await transaction.query({
    name: "known-items",
    text: `select i.conversation, i.submitter, i.key, i.seq, i.digest
      from unnest($1::bytea[], $2::bytea[], $3::text[]) as asked (conversation, submitter, key)
      join items i using (conversation, submitter, key)`,
    values: [
      keys.map(({ conversation }) => Buffer.from(idBytes(conversation))),
      keys.map(({ account }) => Buffer.from(idBytes(account))),
      keys.map(({ key }) => key),
    ],
  });
  return new Map(
    rows.map((row) => [
      `${hex(fromRow(row["conversation"]))} ${hex(fromRow(row["submitter"]))} ${row["key"] as string}`,
      { seq: row["seq"] as number, digest: hex(fromRow(row["digest"])) },
    ]),
  );
}

/** The state without members and envelopes. */
export function shellOf(row: Readonly<Record<string, unknown>>): ConversationState {
  const optionalCharter = (value: unknown): CharterId | null =>
    value === null ? null : charterIdOf(fromRow(value));
  return {
    conversation: hex(fromRow(row["conversation"])) as ConversationId,
    charter: optionalCharter(row["charter"]),
    groupId: fromRow(row["group_id"]),
    generation: row["generation"] as number,
    epoch: row["epoch"] as number,
    day: dayNumber(row["day"] as number),
    head: row["head"] as number,
    next:
      row["next_group"] === null
        ? null
        : { groupId: fromRow(row["next_group"]), charter: optionalCharter(row["next_charter"]) },
    leaves: new Map(),
    envelopes: new Set(),
  };
}

async function loadMembers(queries: Queries, shell: ConversationState): Promise<ConversationState> {
  const conversation = Buffer.from(idBytes(shell.conversation));
  const leaves = await queries.query({
    name: "leaves",
    text: "select leaf, account, device_key from leaves where conversation = $1 order by leaf",
    values: [conversation],
  });
  const envelopes = await queries.query({
    name: "epoch-envelopes",
    text: "select device_key from envelopes where conversation = $1 and generation = $2 and epoch = $3",
    values: [conversation, shell.generation, shell.epoch],
  });
  return {
    ...shell,
    leaves: new Map(
      leaves.map((row) => [
        row["leaf"] as number,
        { account: accountIdOf(fromRow(row["account"])), deviceKey: fromRow(row["device_key"]) },
      ]),
    ),
    envelopes: new Set(envelopes.map((row) => hex(fromRow(row["device_key"])))),
  };
}

async function insert(transaction: Queries, table: string, rows: readonly unknown[][]): Promise<void> {
  let at = 0;
  for (const size of INSERT_SIZES) {
    while (rows.length - at >= size) {
      const part = rows.slice(at, at + size);
      const columns = part[0]?.length ?? 0;
      await transaction.query({
        name: `insert-${table}-${size}`,
        text: `insert into ${table} values ${placeholders(size, columns)}`,
        values: part.flat(),
      });
      at += size;
    }
  }
}

async function writeItems(transaction: Queries, writes: Writes): Promise<void> {
  await insert(transaction, "items", writes.items);
  await insert(transaction, "envelopes", writes.envelopes);
  for (const { row, accounts } of writes.welcomes) {
    await insert(transaction, "welcomes", [row]);
    const recipients = accounts.map((account) => [Buffer.from(idBytes(account)), row[0]]);
    await insert(transaction, "welcome_recipients", recipients);
  }
  for (const { conversation, account, seq, joins } of writes.memberships) {
    const id = Buffer.from(idBytes(account));
    await transaction.query(
      joins
        ? {
            name: "join",
            text: "insert into memberships values ($1, $2, $3, null)",
            values: [conversation, id, seq],
          }
        : {
            name: "leave",
            text: `update memberships set until_seq = $3
              where conversation = $1 and account = $2 and until_seq is null`,
            values: [conversation, id, seq],
          },
    );
  }
}

async function writeState(
  transaction: Queries,
  before: ConversationState,
  after: ConversationState,
): Promise<void> {
  const conversation = Buffer.from(idBytes(after.conversation));
  const id = (charter: CharterId | null): Buffer | null =>
    charter === null ? null : Buffer.from(idBytes(charter));
  await transaction.query({
    name: "advance",
    text: `update conversations set charter = $2, group_id = $3, generation = $4, epoch = $5, day = $6, head = $7,
        next_group = $8, next_charter = $9 where conversation = $1`,
    values: [
      conversation,
      id(after.charter),
      asBuffer(after.groupId),
      after.generation,
      after.epoch,
      after.day,
      after.head,
      after.next === null ? null : asBuffer(after.next.groupId),
      after.next === null ? null : id(after.next.charter),
    ],
  });
  if (before.leaves === after.leaves) return;
  const gone = [...before.leaves].filter(([leaf, device]) => after.leaves.get(leaf) !== device);
  const come = [...after.leaves].filter(([leaf, device]) => before.leaves.get(leaf) !== device);
  await transaction.query({
    name: "drop-leaves",
    text: "delete from leaves where conversation = $1 and leaf = any($2::bigint[])",
    values: [conversation, gone.map(([leaf]) => leaf)],
  });
  const rows = come.map(([leaf, { account, deviceKey }]) => [
    conversation,
    leaf,
    Buffer.from(idBytes(account)),
    asBuffer(deviceKey),
  ]);
  await insert(transaction, "leaves", rows);
}
