import { createHash, randomBytes } from "node:crypto";
import { type AccountId, type ConversationId, hex, idBytes } from "@porchlight/encoding";
import type { Clock } from "@porchlight/runtime";
import type { NewItem, StoredItem } from "@porchlight/wire";
import type { Charters } from "./charters.ts";
import {
  type Accepted,
  accept,
  type CharterDates,
  type ConversationState,
  type Device,
} from "./conversation-state.ts";
import {
  asBuffer,
  itemKey,
  KIND_CODES,
  type KnownItem,
  knownItems,
  loadMembers,
  shellOf,
  type Writes,
  writeItems,
  writeState,
} from "./conversation-store.ts";
import { type Database, isDatabaseOutage, type Queries } from "./database.ts";
import { type Meter, silentMeter } from "./meter.ts";
import { Refusal } from "./refusal.ts";
import type { Waiters } from "./waiters.ts";

/** Who is told of what has just been committed, before it is acknowledged. */
export type Follower = {
  /** Items of one conversation in a row, durable. */
  readonly committed: (conversation: ConversationId, items: readonly StoredItem[]) => void;
  /** A Welcome waits for a device of this account. */
  readonly welcomed: (account: AccountId) => void;
};

/** Milliseconds for which a transaction waits for company. */
const WAIT = 2;
/** Transactions at a time; a conversation is in one of them at most. */
const WRITERS = 2;
const MAX_ITEMS = 1024;
/** Submissions that may wait for one conversation. */
const MAX_QUEUE = 256;
/** Conversations whose members are kept in memory. */
const MAX_CACHED = 2000;

type Submission = {
  readonly sender: Device;
  readonly items: readonly NewItem[];
  readonly resolve: (seqs: number[]) => void;
  readonly reject: (error: unknown) => void;
};

type Lane = { readonly conversation: ConversationId; queue: Submission[]; busy: boolean };

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
  readonly #charters: Charters;
  readonly #lanes = new Map<ConversationId, Lane>();
  /** States as the last transaction left them; believed only where the database says the same epoch and head. */
  readonly #cache = new Map<ConversationId, ConversationState>();
  #writing = 0;
  #timer: NodeJS.Timeout | null = null;
  #idle: (() => void) | null = null;
  #closed = false;

  readonly #meter: Meter;
  #follower: Follower | null = null;

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

  follow(follower: Follower): void {
    this.#follower = follower;
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
    const started = performance.now();
    try {
      const { outcomes, states, welcomed, stored, items } = await this.#database.transaction(
        async (transaction) => {
          const before = await this.#load(transaction, conversations);
          const known = await knownItems(transaction, keysOf(taken));
          return await this.#decide(transaction, taken, before, known);
        },
      );
      this.#meter.committed(stored, (performance.now() - started) / 1000);
      for (const state of states) this.#remember(state);
      // First who reads, then who wrote: an acknowledged item is on its way to everybody.
      for (const [conversation, added] of items) this.#follower?.committed(conversation, added);
      for (const { submission, result } of outcomes) {
        if (result instanceof Refusal) submission.reject(result);
        else submission.resolve(result);
      }
      for (const account of welcomed) {
        this.#follower?.welcomed(account);
        this.#waiters.notify(`welcomes ${account}`);
      }
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
  ): Promise<{
    outcomes: Outcome[];
    states: ConversationState[];
    welcomed: AccountId[];
    stored: number;
    items: Map<ConversationId, StoredItem[]>;
  }> {
    const now = this.#clock.now();
    const writes: Writes = { items: [], envelopes: [], welcomes: [], memberships: [] };
    const outcomes: Outcome[] = [];
    const items = new Map<ConversationId, StoredItem[]>();
    const changed: { before: ConversationState; after: ConversationState }[] = [];
    for (const { lane, submissions } of taken) {
      const first = before.get(lane.conversation);
      let state = first;
      const added: StoredItem[] = [];
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
            this.#charters.dates,
            (key) => fresh.get(key) ?? known.get(key),
          );
          for (const [key, item] of made.fresh) fresh.set(key, item);
          added.push(...made.stored);
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
        items.set(lane.conversation, added);
      }
    }
    await writeItems(transaction, writes);
    for (const { before: old, after } of changed) await writeState(transaction, old, after);
    return {
      outcomes,
      states: changed.map(({ after }) => after),
      stored: writes.items.length,
      items,
      welcomed: writes.welcomes.flatMap(({ devices }) => devices.map(({ account }) => account)),
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
    await this.#charters.know(
      [...states.values()].flatMap(({ charter, next }) => [charter, next?.charter ?? null]),
    );
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

  /** Conversations with submissions under way, and submissions that wait for a transaction. */
  get load(): { readonly lanes: number; readonly queued: number } {
    let queued = 0;
    for (const { queue } of this.#lanes.values()) queued += queue.length;
    return { lanes: this.#lanes.size, queued };
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

function keysOf(
  taken: readonly { lane: Lane; submissions: Submission[] }[],
): Parameters<typeof knownItems>[1] {
  return taken.flatMap(({ lane, submissions }) =>
    submissions.flatMap(({ sender, items }) =>
      items.map(({ key }) => ({ conversation: lane.conversation, account: sender.account, key })),
    ),
  );
}

type Made = {
  readonly state: ConversationState;
  readonly seqs: number[];
  readonly writes: Writes;
  readonly stored: StoredItem[];
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
  const stored: StoredItem[] = [];
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
    stored.push({ seq, kind: item.kind, epoch, submitter: sender.account, at: now, bytes: item.bytes });
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
    if (acceptance.kind === "commit" && item.kind === "commit" && item.welcome !== null) {
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
      writes.welcomes.push({ row, devices: acceptance.added });
    }
    fresh.set(key, { seq, digest: hex(digest) });
    state = accepted.state;
    return seq;
  });
  return { state, seqs, writes, stored, fresh };
}

/** What a repeated item must equal. */
function digestOf(item: NewItem): Buffer {
  const digest = createHash("sha256")
    .update(`${item.kind} ${item.epoch} ${item.bytes.length} `)
    .update(item.bytes);
  if (item.kind === "commit" && item.welcome !== null) digest.update(item.welcome.bytes);
  return digest.digest();
}

export function unknownConversation(): Refusal {
  // The same answer to who is no member: whether a conversation exists is nobody else's business.
  return new Refusal("forbidden", "this account is not a member of the conversation");
}
