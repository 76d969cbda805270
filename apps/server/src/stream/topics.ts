import type { AccountId, ConversationId } from "@porchlight/encoding";
import type { Logger } from "@porchlight/runtime";
import { encodeServerFrame, type StoredItem } from "@porchlight/wire";
import { isDatabaseOutage } from "../database.ts";
import type { Waiters } from "../waiters.ts";
import type { Backlog } from "./backlog.ts";
import { Parcel } from "./outgoing.ts";
import type { FramedItem, Subscription } from "./subscription.ts";

/** Who is told of heads, as long as its account is a member. */
export type HeadWatcher = {
  readonly account: AccountId;
  readonly moved: (conversation: ConversationId, head: number) => void;
  /** The account was removed: nothing more is told. */
  readonly left: (conversation: ConversationId) => void;
};

/** Bytes of one look into the database for all who follow. */
const SLICE = 1024 * 1024;
/** Milliseconds until a look that failed is repeated. */
const RETRY = 500;

/** What this process' streams follow of one conversation. */
class Topic {
  readonly conversation: ConversationId;
  /** Those who are live have been sent everything up to here. */
  head = 0;
  readonly live = new Set<Subscription>();
  /** Everybody who is subscribed, live or not. */
  readonly all = new Set<Subscription>();
  readonly watchers = new Set<HeadWatcher>();
  isLooking = false;
  /** The newest seq that this process committed. */
  wanted = 0;
  /** Times that another process was heard of: who goes live in the meantime looks again. */
  heard = 0;
  unwatch: () => void = () => {};

  constructor(conversation: ConversationId) {
    this.conversation = conversation;
  }

  get isIdle(): boolean {
    return this.all.size === 0 && this.watchers.size === 0;
  }
}

/**
 * Hands what is committed to those who follow it: here at once, from memory, and with one frame for all; what other
 * processes took after one look into the database. Nobody is sent anything that is not durable (DEL-85).
 */
export class Topics {
  readonly #topics = new Map<ConversationId, Topic>();
  readonly #backlog: Backlog;
  readonly #waiters: Waiters;
  readonly #log: Logger;
  #isClosed = false;

  constructor(backlog: Backlog, waiters: Waiters, log: Logger) {
    this.#backlog = backlog;
    this.#waiters = waiters;
    this.#log = log;
  }

  #topic(conversation: ConversationId): Topic {
    const known = this.#topics.get(conversation);
    if (known !== undefined) return known;
    const topic = new Topic(conversation);
    this.#topics.set(conversation, topic);
    topic.unwatch = this.#waiters.watch(`conversation ${conversation}`, () => {
      topic.heard++;
      this.#look(topic);
    });
    return topic;
  }

  #dropIfIdle(topic: Topic): void {
    if (!topic.isIdle || topic.isLooking) return;
    topic.unwatch();
    this.#topics.delete(topic.conversation);
  }

  /** Items that this process has just committed: in a row, and durable. */
  committed(conversation: ConversationId, items: readonly StoredItem[]): void {
    const topic = this.#topics.get(conversation);
    const [first] = items;
    if (topic === undefined || first === undefined) return;
    const head = first.seq + items.length - 1;
    const follows = topic.live.size === 0 || topic.head === first.seq - 1;
    // A commit changes who may read what comes after it: the database says it for all processes alike.
    topic.wanted = Math.max(topic.wanted, head);
    if (topic.isLooking || !follows || items.some(({ kind }) => kind === "commit")) {
      this.#look(topic);
      return;
    }
    topic.head = Math.max(topic.head, head);
    if (topic.live.size > 0) this.#hand(topic, framed(conversation, items), head);
    for (const watcher of topic.watchers) watcher.moved(conversation, head);
  }

  /** How often another process was heard of, to be handed to {@link goLive}. */
  heard(subscription: Subscription): number {
    return this.#topic(subscription.conversation).heard;
  }

  add(subscription: Subscription): void {
    this.#topic(subscription.conversation).all.add(subscription);
  }

  /**
   * Nothing more to read: from here on the subscription gets what is committed. `false` where more has happened since
   * `heard` and the head that was read: then it reads on.
   */
  goLive(subscription: Subscription, heard: number): boolean {
    const topic = this.#topic(subscription.conversation);
    if (topic.heard !== heard || subscription.cursor < Math.max(topic.head, topic.wanted)) return false;
    if (topic.live.size === 0) topic.head = subscription.cursor;
    topic.live.add(subscription);
    subscription.isLive = true;
    return true;
  }

  remove(subscription: Subscription): void {
    const topic = this.#topics.get(subscription.conversation);
    if (topic === undefined) return;
    topic.live.delete(subscription);
    topic.all.delete(subscription);
    subscription.isLive = false;
    subscription.isOver = true;
    this.#dropIfIdle(topic);
  }

  watch(conversation: ConversationId, watcher: HeadWatcher): void {
    this.#topic(conversation).watchers.add(watcher);
  }

  unwatch(conversation: ConversationId, watcher: HeadWatcher): void {
    const topic = this.#topics.get(conversation);
    if (topic === undefined) return;
    topic.watchers.delete(watcher);
    this.#dropIfIdle(topic);
  }

  /** Present members who are subscribed here. */
  *present(conversation: ConversationId): Generator<Subscription> {
    for (const subscription of this.#topics.get(conversation)?.all ?? []) {
      if (subscription.isMember && !subscription.isOver) yield subscription;
    }
  }

  #hand(topic: Topic, items: readonly FramedItem[], upTo: number): void {
    const parcel = items.length === 0 ? null : new Parcel(items.map(({ frame }) => frame));
    for (const subscription of topic.live) {
      if (subscription.take(items, parcel, upTo)) continue;
      topic.live.delete(subscription);
      subscription.isLive = false;
      subscription.reader.readOn(subscription);
    }
  }

  #look(topic: Topic): void {
    if (topic.isLooking || this.#isClosed) return;
    topic.isLooking = true;
    this.#lookAll(topic)
      .catch((error: unknown) => {
        if (!isDatabaseOutage(error)) this.#log.failure("stream-look-failed", error);
        // Nobody may be left behind because the database was away for a moment.
        setTimeout(() => this.#look(topic), RETRY).unref();
      })
      .finally(() => {
        topic.isLooking = false;
        this.#dropIfIdle(topic);
      });
  }

  async #lookAll(topic: Topic): Promise<void> {
    const { conversation } = topic;
    for (;;) {
      const { heard } = topic;
      if (topic.live.size === 0) {
        // Who is not live reads by itself; heads are for the others.
        const head = await this.#backlog.head(conversation);
        if (topic.live.size > 0) continue;
        topic.head = Math.max(topic.head, head);
        await this.#checkMembers(topic);
        for (const watcher of topic.watchers) watcher.moved(conversation, head);
        if (topic.heard === heard && topic.head >= topic.wanted) return;
        continue;
      }
      const { items, upTo, isLast } = await this.#backlog.slice(conversation, topic.head, SLICE);
      if (items.some(({ kind }) => kind === "commit")) await this.#checkMembers(topic);
      if (upTo > topic.head) {
        topic.head = upTo;
        this.#hand(topic, framed(conversation, items), upTo);
        for (const subscription of [...topic.live]) {
          if (subscription.endIfOver()) this.remove(subscription);
        }
        for (const watcher of topic.watchers) watcher.moved(conversation, upTo);
      }
      if (isLast && topic.heard === heard && topic.head >= topic.wanted) return;
    }
  }

  async #checkMembers(topic: Topic): Promise<void> {
    const readers = [...topic.all].map(({ reader }) => reader);
    const accounts = new Set([...readers, ...topic.watchers].map(({ account }) => account));
    if (accounts.size === 0) return;
    const standings = await this.#backlog.members(topic.conversation, [...accounts]);
    for (const subscription of topic.all) {
      const standing = standings.get(subscription.reader.account);
      if (standing !== undefined) subscription.intervals = standing.intervals;
    }
    for (const watcher of topic.watchers) {
      const intervals = standings.get(watcher.account)?.intervals ?? [];
      if (intervals.some(({ until }) => until === null)) continue;
      topic.watchers.delete(watcher);
      const end = intervals.at(-1)?.until ?? 0;
      watcher.moved(topic.conversation, end);
      watcher.left(topic.conversation);
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const topic of this.#topics.values()) topic.unwatch();
    this.#topics.clear();
  }
}

export function framed(conversation: ConversationId, items: readonly StoredItem[]): FramedItem[] {
  return items.map((item) => ({
    seq: item.seq,
    kind: item.kind,
    frame: encodeServerFrame({ type: "item", conversation, item }),
  }));
}
