import type { AccountId, ConversationId, UnixSeconds } from "@porchlight/encoding";
import type { Clock } from "@porchlight/runtime";
import type { NewItem, StoredItem } from "@porchlight/wire";
import type { Charters } from "./charters.ts";
import type { ConversationState, Device } from "./conversation-state.ts";
import {
  appendItems,
  idBuffer,
  knownItems,
  loadMembers,
  shellOf,
  type Writes,
  writeItems,
  writeState,
} from "./conversation-store.ts";
import { type Database, isDatabaseOutage, type Queries } from "./database.ts";
import { type Meter, silentMeter } from "./meter.ts";
import type { NoticeCards } from "./notice-cards.ts";
import { Refusal } from "./refusal.ts";
import { type KnownItems, type Submission, takeSubmission } from "./submission.ts";
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

type Lane = { readonly conversation: ConversationId; queue: Submission[]; busy: boolean };

type Taken = { readonly lane: Lane; readonly submissions: readonly Submission[] };

type Outcome = { readonly submission: Submission; readonly result: number[] | Refusal };

type Change = {
  readonly before: ConversationState;
  readonly after: ConversationState;
  readonly stored: readonly StoredItem[];
};

type Decided = {
  readonly now: UnixSeconds;
  readonly outcomes: readonly Outcome[];
  readonly changed: readonly Change[];
  readonly writes: Writes;
};

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
  readonly #noticeCards: NoticeCards;

  constructor(
    database: Database,
    clock: Clock,
    waiters: Waiters,
    charters: Charters,
    noticeCards: NoticeCards,
    meter: Meter = silentMeter,
  ) {
    this.#meter = meter;
    this.#noticeCards = noticeCards;
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
    const taken: Taken[] = [];
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

  async #write(taken: readonly Taken[]): Promise<void> {
    const conversations = taken.map(({ lane }) => lane.conversation);
    const started = performance.now();
    try {
      const decided =
        (await this.#append(taken)) ??
        (await this.#database.transaction(async (transaction) => {
          const before = await this.#load(transaction, conversations);
          const known = await knownItems(transaction, keysOf(taken));
          const told = await this.#noticeCards.among(transaction, escrowing(taken));
          const made = this.#decide(taken, before, known, told);
          await writeItems(transaction, made.writes, made.now);
          for (const { before: old, after } of made.changed) await writeState(transaction, old, after);
          return made;
        }));
      this.#meter.committed(decided.writes.items.length, (performance.now() - started) / 1000);
      this.#announce(decided);
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

  #announce({ changed, outcomes, writes }: Decided): void {
    for (const { after } of changed) this.#remember(after);
    // First who reads, then who wrote: an acknowledged item is on its way to everybody.
    for (const { after, stored } of changed) this.#follower?.committed(after.conversation, stored);
    for (const { submission, result } of outcomes) {
      if (result instanceof Refusal) submission.reject(result);
      else submission.resolve(result);
    }
    for (const { account } of writes.welcomes.flatMap(({ devices }) => devices)) {
      this.#follower?.welcomed(account);
      this.#waiters.notify(`welcomes ${account}`);
    }
    for (const { after } of changed) this.#waiters.notify(`conversation ${after.conversation}`);
  }

  /**
   * Messages to conversations that are as this process remembers them: decided from memory, and stored by one statement
   * that has no effect where the memory is wrong. `null`: it takes a transaction that looks first.
   */
  async #append(taken: readonly Taken[]): Promise<Decided | null> {
    const before = new Map<ConversationId, ConversationState>();
    for (const { lane, submissions } of taken) {
      const state = this.#cache.get(lane.conversation);
      const areMessages = submissions.every(({ items }) => items.every(({ kind }) => kind === "message"));
      if (state === undefined || !areMessages) return null;
      before.set(lane.conversation, state);
    }
    // Messages only: nothing is escrowed here.
    const decided = this.#decide(taken, before, null, new Set());
    // Whoever is refused is so by the database's word, not by this memory.
    if (decided.outcomes.some(({ result }) => result instanceof Refusal)) return null;
    const advances = decided.changed.map(({ before: old, after }) => ({
      conversation: idBuffer(after.conversation),
      before: old.head,
      after: after.head,
    }));
    const isStored = await appendItems(this.#database, advances, decided.writes.items, decided.now);
    return isStored ? decided : null;
  }

  #decide(
    taken: readonly Taken[],
    before: ReadonlyMap<ConversationId, ConversationState>,
    known: KnownItems | null,
    told: ReadonlySet<AccountId>,
  ): Decided {
    const now = this.#clock.now();
    const writes: Writes = { items: [], envelopes: [], welcomes: [], memberships: [] };
    const outcomes: Outcome[] = [];
    const changed: Change[] = [];
    for (const { lane, submissions } of taken) {
      const first = before.get(lane.conversation);
      let state = first;
      const stored: StoredItem[] = [];
      for (const submission of submissions) {
        if (state === undefined) {
          outcomes.push({ submission, result: unknownConversation() });
          continue;
        }
        try {
          demandNoticeKey(submission, told);
          const made = takeSubmission(state, submission, now, this.#charters.dates, known);
          stored.push(...made.stored);
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
        changed.push({ before: first, after: state, stored });
      }
    }
    return { now, outcomes, changed, writes };
  }

  /** Locks the conversations' rows and gives their states; unknown conversations are left out. */
  async #load(
    transaction: Queries,
    conversations: readonly ConversationId[],
  ): Promise<Map<ConversationId, ConversationState>> {
    const rows = await transaction.query({
      name: "lock-conversations",
      text: `select * from conversations where conversation = any($1::bytea[]) order by conversation for update`,
      values: [conversations.map(idBuffer)],
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

function keysOf(taken: readonly Taken[]): Parameters<typeof knownItems>[1] {
  return taken.flatMap(({ lane, submissions }) =>
    submissions.flatMap(({ sender, items }) =>
      items.map(({ key }) => ({ conversation: lane.conversation, account: sender.account, key })),
    ),
  );
}

/** Senders of envelopes among what is to be written. */
function escrowing(taken: readonly { readonly submissions: readonly Submission[] }[]): Set<AccountId> {
  const submissions = taken.flatMap((one) => one.submissions);
  const envelopes = submissions.filter(({ items }) => items.some(({ kind }) => kind === "envelope"));
  return new Set(envelopes.map(({ sender }) => sender.account));
}

/** DEL-15: nothing is escrowed of an account that could not be told. */
function demandNoticeKey({ sender, items }: Submission, told: ReadonlySet<AccountId>): void {
  const item = items.findIndex(({ kind }) => kind === "envelope");
  if (item >= 0 && !told.has(sender.account)) {
    throw new Refusal("notice-key-required", "publish this account's notice key first", { item });
  }
}

export function unknownConversation(): Refusal {
  // The same answer to who is no member: whether a conversation exists is nobody else's business.
  return new Refusal("forbidden", "this account is not a member of the conversation");
}
