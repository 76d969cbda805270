import type { AttachmentReference } from "@porchlight/attachment";
import type { AccountId, CharterId, ConversationId, UnixSeconds } from "@porchlight/encoding";
import type { Content } from "../content.ts";
import { ClientError, type ClientErrorCode } from "../error.ts";
import type { ConversationEvent } from "../events.ts";
import type { Storage } from "../storage.ts";
import { type Scene, viewsOf } from "./entry-view.ts";
import { History } from "./history.ts";
import type { People } from "./people.ts";
import { type DueReceipt, dueReceipt } from "./receipt.ts";
import { type StoredEvent, type StoredMessage, type StoredRefusal, threadRecord } from "./stored-entry.ts";
import { appendEvent, type Desk, refuse, see, setLeaving, takeEvent } from "./thread-intake.ts";
import {
  contentOf,
  formatThread,
  isSpeech,
  newThread,
  type Pending,
  parseThread,
  type ThreadRecord,
} from "./thread-record.ts";
import type { EntryView, ReplacementView, ThreadChange } from "./view.ts";

/** What may be changed of a record without an entry. */
export type ThreadSettings = Partial<
  Pick<
    ThreadRecord,
    "draft" | "pinned" | "muted" | "archived" | "left" | "nameDue" | "waitingFor" | "told" | "owed"
  >
>;

export type ThreadContext = {
  readonly storage: Storage;
  readonly me: AccountId;
  readonly people: People;
};

/**
 * One conversation as its person knows it: its history, what waits to be sent, how far everybody has read. Calls run one
 * after the other, and what they changed is saved when they resolve.
 */
export class Thread {
  readonly id: ConversationId;
  readonly #storage: Storage;
  readonly #desk: Desk;
  #busy: Promise<unknown> = Promise.resolve();
  #touched: { from: number; to: number }[] = [];
  #total: number;
  /** Accounts of the conversation without the own; from the group's state. */
  others: () => ReadonlySet<AccountId> = () => new Set();
  /** Whether the person is shown who has read; {@link redraw} after a change. */
  showsRead: () => boolean = () => true;
  /** Called after each save. */
  onChange: (change: ThreadChange) => void = () => {};

  private constructor(id: ConversationId, record: ThreadRecord, context: ThreadContext) {
    const { storage, me, people } = context;
    this.id = id;
    this.#storage = storage;
    this.#desk = {
      me,
      people,
      history: new History(storage, id, record.count),
      record,
      touch: (from, to) => {
        if (to > from) this.#touched.push({ from, to });
      },
    };
    this.#total = this.count;
  }

  static begin(
    id: ConversationId,
    charter: CharterId | null,
    now: UnixSeconds,
    context: ThreadContext,
  ): Thread {
    return new Thread(id, newThread(charter, now), context);
  }

  /** Throws ClientError "state-corrupt". */
  static restore(id: ConversationId, record: Uint8Array, context: ThreadContext): Thread {
    return new Thread(id, parseThread(record), context);
  }

  get me(): AccountId {
    return this.#desk.me;
  }

  get record(): ThreadRecord {
    return this.#desk.record;
  }

  /** Entries, with those that wait. */
  get count(): number {
    return this.#desk.history.count + this.#desk.record.pending.filter(isSpeech).length;
  }

  get firstUnread(): number | null {
    const { unread, seen } = this.#desk.record;
    return unread > 0 ? seen : null;
  }

  entries(from: number, to: number): Promise<readonly EntryView[]> {
    return this.#alone(() => viewsOf(this.#scene, Math.max(0, from), Math.min(to, this.count)));
  }

  find(message: string): Promise<number | null> {
    return this.#alone(() => this.#find(message));
  }

  /** A message that is in the order, as it is kept. Throws ClientError "unknown-message". */
  message(id: string): Promise<StoredMessage> {
    return this.#alone(() => this.#message(id));
  }

  /**
   * Takes what happened, in its order; `number` is that of the first event. Those that were taken already, before a crash
   * and before the seat was told, are passed over.
   */
  take(events: readonly ConversationEvent[], number: number): Promise<void> {
    return this.#alone(async () => {
      const first = this.#desk.history.count;
      const fresh = events.slice(Math.max(0, this.#desk.record.taken - number));
      if (fresh.length === 0) return;
      for (const event of fresh) await takeEvent(this.#desk, event);
      this.#desk.record = { ...this.#desk.record, taken: number + events.length };
      // What waits stands behind the history, so it has moved.
      this.#desk.touch(first, this.count);
      await this.#save();
    });
  }

  /** Every entry is to be shown anew, though nothing of it was changed. */
  redraw(): void {
    this.onChange({ count: this.count, ranges: [{ from: 0, to: this.count }] });
  }

  /** An event, or a refusal, that this device knows of by itself. */
  note(entry: Omit<StoredEvent, "seq"> | Omit<StoredRefusal, "seq">): Promise<void> {
    return this.#alone(async () => {
      const first = this.#desk.history.count;
      if (entry.kind === "refused") await refuse(this.#desk, { seq: 0, ...entry });
      else await appendEvent(this.#desk, { seq: 0, ...entry });
      this.#desk.touch(first, this.count);
      await this.#save();
    });
  }

  /**
   * Tells of every keyholder of its charter that was replaced while the conversation ran under it. `replacements` are all
   * of a charter, in the order of the log; those of before stand in "Who can open this".
   */
  tellReplaced(
    replacements: (charter: CharterId) => readonly ReplacementView[],
    at: UnixSeconds,
  ): Promise<void> {
    return this.#alone(async () => {
      const { charter, replaced, left } = this.#desk.record;
      if (charter === null || left) return;
      const all = replacements(charter);
      const told = replaced?.charter === charter ? replaced.told : null;
      if (told === all.length) return;
      const first = this.#desk.history.count;
      for (const replacement of told === null ? [] : all.slice(told)) {
        const event = { kind: "keyholder-replaced", charter, replacement } as const;
        await appendEvent(this.#desk, { seq: 0, at, by: this.me, event });
      }
      this.#desk.record = { ...this.#desk.record, replaced: { charter, told: all.length } };
      this.#desk.touch(first, this.count);
      await this.#save();
    });
  }

  change(settings: ThreadSettings): Promise<void> {
    return this.#alone(async () => {
      this.#desk.record = { ...this.#desk.record, ...settings };
      await this.#save();
    });
  }

  /** The account asked to be let go: its removal that comes is its own leaving (CON-14). */
  letsGo(account: AccountId): Promise<void> {
    return this.#alone(async () => {
      setLeaving(this.#desk, account);
      await this.#save();
    });
  }

  markRead(upTo: number): Promise<void> {
    return this.#alone(async () => {
      const before = this.#desk.record;
      await see(this.#desk, Math.min(upTo + 1, this.#desk.history.count));
      if (this.#desk.record !== before) await this.#save();
    });
  }

  /** Saved when it resolves; sending it is the messenger's. */
  queue(pending: Omit<Pending, "refused">, options: { readonly clearsDraft?: boolean } = {}): Promise<void> {
    return this.#alone(async () => {
      const { record } = this.#desk;
      this.#desk.touch(this.count, this.count + 1);
      if (pending.content.target !== undefined) await this.#touchMessage(pending.content.target);
      const before = record.pending.filter((one) => !isOvertaken(one, pending.content));
      this.#desk.record = {
        ...record,
        draft: options.clearsDraft === true ? "" : record.draft,
        pending: [...before, { ...pending, refused: null }],
      };
      await this.#save();
    });
  }

  /** Contents that can be handed over now, in order: what refers to one that still waits for its files waits with it. */
  get ready(): readonly Content[] {
    const held = new Set<string>();
    return this.#desk.record.pending.flatMap((pending) => {
      const { content, files, refused } = pending;
      const waits =
        refused !== null ||
        files.some(({ reference }) => reference === null) ||
        (content.target !== undefined && held.has(content.target));
      if (!waits) return [contentOf(pending)];
      held.add(content.id);
      return [];
    });
  }

  /** The file of this upload is at the server. */
  uploaded(upload: string, reference: AttachmentReference): Promise<void> {
    return this.#changePending(
      ({ files }) => files.some((file) => file.upload === upload),
      (pending) => ({
        ...pending,
        files: pending.files.map((file) => (file.upload === upload ? { ...file, reference } : file)),
      }),
    );
  }

  /** It will not be sent as things are, or (`null`) is tried again. */
  refuse(messages: ReadonlySet<string>, refused: ClientErrorCode | null): Promise<void> {
    return this.#changePending(
      ({ content }) => messages.has(content.id),
      (pending) => ({ ...pending, refused }),
    );
  }

  /** Forgets what waits. */
  drop(messages: ReadonlySet<string>): Promise<void> {
    return this.#alone(async () => {
      const { record } = this.#desk;
      const pending = record.pending.filter(({ content }) => !messages.has(content.id));
      for (const { content } of record.pending) {
        if (messages.has(content.id) && content.target !== undefined)
          await this.#touchMessage(content.target);
      }
      this.#desk.touch(this.#desk.history.count, this.count);
      this.#desk.record = { ...record, pending };
      await this.#save();
    });
  }

  /**
   * Takes a file that is not at the server yet out of its message, which goes without it; the message too, where nothing
   * is left of it. Gives the place that the file had; `null` where it waits no more.
   */
  async dropFile(message: string, upload: string): Promise<number | null> {
    const pending = this.record.pending.find(({ content }) => content.id === message);
    const place = pending?.files.findIndex((file) => file.upload === upload && file.reference === null) ?? -1;
    if (pending === undefined || place === -1) return null;
    if (pending.files.length === 1 && pending.content.text === "") await this.drop(new Set([message]));
    else {
      await this.#changePending(
        ({ content }) => content.id === message,
        (one) => ({ ...one, files: one.files.filter((file) => file.upload !== upload), refused: null }),
      );
    }
    return place;
  }

  /** {@link change} what it has `told` once it is handed over. */
  receipt(): Promise<DueReceipt | null> {
    return this.#alone(() => dueReceipt(this.#desk));
  }

  /** Entries from the oldest, for an export. */
  async *all(): AsyncGenerator<EntryView> {
    for (let from = 0; from < this.count; from += 500) yield* await this.entries(from, from + 500);
  }

  #alone<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#busy.then(run);
    this.#busy = result.catch(() => {});
    return result;
  }

  get #scene(): Scene {
    const { me, history, record } = this.#desk;
    return { me, history, record, others: this.others(), showsRead: this.showsRead() };
  }

  async #find(message: string): Promise<number | null> {
    const place = await this.#desk.history.find(message);
    if (place !== null) return place;
    const waiting = this.#desk.record.pending.filter(isSpeech);
    const at = waiting.findIndex(({ content }) => content.id === message);
    return at === -1 ? null : this.#desk.history.count + at;
  }

  async #message(id: string): Promise<StoredMessage> {
    const place = await this.#desk.history.find(id);
    const entry = place === null ? null : await this.#desk.history.at(place);
    if (entry?.kind === "message") return entry;
    throw new ClientError("unknown-message", "this message is not on this device");
  }

  async #touchMessage(id: string): Promise<void> {
    const place = await this.#find(id);
    if (place !== null) this.#desk.touch(place, place + 1);
  }

  #changePending(test: (pending: Pending) => boolean, change: (pending: Pending) => Pending): Promise<void> {
    return this.#alone(async () => {
      const { record, history } = this.#desk;
      if (!record.pending.some(test)) return;
      const pending = record.pending.map((one) => (test(one) ? change(one) : one));
      for (const { content } of record.pending.filter(test)) {
        if (content.target !== undefined) await this.#touchMessage(content.target);
      }
      this.#desk.record = { ...record, pending };
      this.#desk.touch(history.count, this.count);
      await this.#save();
    });
  }

  /** People first and the record last: it says how many entries there are, and a crash before it undoes them. */
  async #save(): Promise<void> {
    const { people, history } = this.#desk;
    await people.save();
    await history.save();
    this.#desk.record = { ...this.#desk.record, count: history.count };
    await this.#storage.save(threadRecord(this.id), formatThread(this.#desk.record));
    const ranges = merged(this.#touched.splice(0), this.count);
    const isShorter = this.count < this.#total;
    this.#total = this.count;
    this.onChange({ count: this.count, ranges: isShorter || ranges.length > 0 ? ranges : [] });
  }
}

/** Refused, and done anew meanwhile: tried again, it would undo what its person wants now. */
function isOvertaken({ content, refused }: Pending, { kind, target }: Pending["content"]): boolean {
  if (refused === null) return false;
  if (kind === "title") return content.kind === "title";
  return target !== undefined && content.target === target && (content.kind === kind || kind === "deletion");
}

/** Ranges in order, those that meet made one, none beyond the end. */
function merged(
  ranges: readonly { readonly from: number; readonly to: number }[],
  count: number,
): { readonly from: number; readonly to: number }[] {
  const result: { from: number; to: number }[] = [];
  for (const { from, to } of [...ranges].sort((a, b) => a.from - b.from)) {
    const last = result.at(-1);
    const end = Math.min(to, count);
    if (from >= end) continue;
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, end);
    else result.push({ from, to: end });
  }
  return result;
}
