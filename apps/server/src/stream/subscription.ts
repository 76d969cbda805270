import type { AccountId, ConversationId } from "@porchlight/encoding";
import type { StoredItem } from "@porchlight/wire";
import type { Interval, Standing } from "./backlog.ts";
import type { Parcel } from "./outgoing.ts";

/** An item with the frame that says it, which is made once for all readers. */
export type FramedItem = {
  readonly seq: number;
  readonly kind: StoredItem["kind"];
  readonly frame: Uint8Array;
};

/** The connection that a subscription is of. */
export type Reader = {
  readonly account: AccountId;
  /** Bytes that it takes before it declares some consumed; below 1 nothing more. */
  readonly room: number;
  readonly send: (frame: Uint8Array) => void;
  readonly sendParcel: (parcel: Parcel, items: number) => void;
  readonly sendEnded: (conversation: ConversationId, seq: number) => void;
  /** Something waits that has to be read from the database: now, or when there is room again. */
  readonly readOn: (subscription: Subscription) => void;
};

/** One conversation on one stream: what has been sent of it, and what its account may read. */
export class Subscription {
  readonly conversation: ConversationId;
  readonly reader: Reader;
  /** Everything up to here has been sent, or is not for this account. */
  cursor: number;
  readonly #after: number;
  #intervals: readonly Interval[];
  /** Whether it gets what is committed as it comes; otherwise it reads from the database first. */
  isLive = false;
  isOver = false;

  /** `after`: as the client says it; `standing`: as the database did a moment ago. */
  constructor(conversation: ConversationId, reader: Reader, after: number, { head, intervals }: Standing) {
    this.conversation = conversation;
    this.reader = reader;
    // Never beyond the head: commits since then say whether the account is still a member.
    this.cursor = Math.min(after, head);
    this.#after = after;
    this.#intervals = intervals;
  }

  set intervals(intervals: readonly Interval[]) {
    this.#intervals = intervals;
  }

  get isMember(): boolean {
    return this.#intervals.some(({ until }) => until === null);
  }

  /** Seq after which there is nothing for this account, `null` while it is a member. */
  get end(): number | null {
    return this.isMember ? null : Math.max(...this.#intervals.map(({ until }) => until ?? 0));
  }

  mayRead(seq: number): boolean {
    if (seq <= this.#after) return false;
    return this.#intervals.some(({ from, until }) => seq > from && (until === null || seq <= until));
  }

  /** The first seq after the cursor that the account may read, as far as is known. */
  get next(): number {
    const possible = this.#intervals
      .filter(({ until }) => until === null || until > this.cursor)
      .map(({ from }) => Math.max(from, this.cursor) + 1);
    return possible.length === 0 ? this.cursor + 1 : Math.min(...possible);
  }

  /**
   * Sends what of these items, all in a row, is new and may be read, as far as there is room. `upTo`: seq up to which
   * they are everything. Whether all of it was sent.
   */
  take(items: readonly FramedItem[], parcel: Parcel | null, upTo: number): boolean {
    const { reader } = this;
    const [first] = items;
    const last = items.at(-1);
    if (first !== undefined && last !== undefined && parcel !== null) {
      const isWhole = this.cursor < first.seq && this.mayRead(first.seq) && this.mayRead(last.seq);
      // One item may exceed the window, not more (DEL-86).
      if (isWhole && reader.room > parcel.length - last.frame.length) {
        reader.sendParcel(parcel, items.length);
        this.cursor = upTo;
        return true;
      }
    }
    for (const { seq, frame } of items) {
      if (seq <= this.cursor) continue;
      if (this.mayRead(seq)) {
        if (reader.room <= 0) return false;
        reader.send(frame);
      }
      this.cursor = seq;
    }
    this.cursor = Math.max(this.cursor, upTo);
    return true;
  }

  /** Tells the reader that it left, once everything before that has been sent. */
  endIfOver(): boolean {
    const { end } = this;
    if (this.isOver || end === null || this.cursor < end) return this.isOver;
    this.isOver = true;
    this.reader.sendEnded(this.conversation, end);
    return true;
  }
}
