import { type AccountId, dayStart, equalBytes, hex, SECONDS_PER_DAY } from "@porchlight/encoding";
import {
  type ActiveConversation,
  acceptEnvelope,
  applyCommit,
  CLOCK_TOLERANCE,
  decryptMessage,
  type Member,
  MlsError,
  memberAt,
  membersOf,
  type Spent,
} from "@porchlight/mls";
import type { StoredItem } from "@porchlight/wire";
import type { CharterBook } from "./charter-book.ts";
import { type Content, parseContent } from "./content.ts";
import type { DeviceContext } from "./context.ts";
import { ClientError } from "./error.ts";
import type { ConversationEvent, KnownDevice } from "./events.ts";
import { type ConversationRecord, requeued } from "./record.ts";

/** Whether an item was pushed to a device that is online, or waited for it (MLS-35). */
export type Arrival = "live" | "stored";

/** What one item of the server's order led to. Nothing of it is saved yet. */
export type Taken = {
  readonly record: ConversationRecord;
  readonly events: readonly ConversationEvent[];
  readonly spent: readonly Spent[];
  /** It is the own pending commit: its secrets of before are spent too. */
  readonly adopted: boolean;
  /** It waits for the person's answer, and with it everything after it. */
  readonly held: boolean;
};

type RefusedCode = Extract<ConversationEvent, { kind: "refused" }>["code"];

/**
 * Takes one item of the conversation's order, with every check of spec/mls.md. What breaks a rule becomes a "refused"
 * event and changes nothing else. `reads: false` looks at commits and at own messages only.
 */
export async function takeItem(
  context: DeviceContext,
  record: ConversationRecord,
  item: StoredItem,
  options: { readonly arrival: Arrival; readonly reads: boolean },
): Promise<Taken> {
  const intake = new Intake(context, record, item);
  const held = await intake.run(options.arrival, options.reads);
  return intake.taken(held);
}

class Intake {
  readonly #context: DeviceContext;
  readonly #item: StoredItem;
  readonly #events: ConversationEvent[] = [];
  readonly #spent: Spent[] = [];
  #record: ConversationRecord;
  #adopted = false;

  constructor(context: DeviceContext, record: ConversationRecord, item: StoredItem) {
    this.#context = context;
    this.#record = record;
    this.#item = item;
  }

  taken(held: boolean): Taken {
    const record = held ? this.#record : { ...this.#record, cursor: this.#item.seq };
    return { record, events: this.#events, spent: this.#spent, adopted: this.#adopted, held };
  }

  async run(arrival: Arrival, reads: boolean): Promise<boolean> {
    const { conversation } = this.#record;
    const { kind } = this.#item;
    try {
      if (kind === "commit" && this.#takeOwnCommit()) return false;
      if (conversation.kind !== "active") return false;
      if (kind === "commit") return await this.#takeCommit(conversation, arrival);
      if (kind === "message" && this.#takeOwnMessage()) return false;
      if (kind === "envelope" && this.#takeOwnEnvelope()) return false;
      if (!reads) return false;
      if (kind === "envelope") await this.#takeEnvelope(conversation);
      else await this.#takeMessage(conversation, arrival);
    } catch (error) {
      if (!(error instanceof MlsError)) throw error;
      this.#refuse(error.code);
    }
    return false;
  }

  get #at() {
    return { conversation: this.#record.conversation.id, seq: this.#item.seq, received: this.#item.at };
  }

  #refuse(code: RefusedCode): void {
    const { kind, submitter } = this.#item;
    this.#events.push({ kind: "refused", ...this.#at, item: kind, code, submitter });
  }

  /** A message that is left out: its place in its sender's count stays empty. */
  #passOver(code: RefusedCode): void {
    this.#record = { ...this.#record, refused: this.#record.refused + 1 };
    this.#refuse(code);
  }

  #digest(bytes: Uint8Array): string {
    return hex(this.#context.suite.primitives.hash(bytes));
  }

  #takeOwnCommit(): boolean {
    const { pending, conversation } = this.#record;
    if (pending === null || conversation.kind === "removed") return false;
    const { submitter, bytes } = this.#item;
    if (submitter !== conversation.account || this.#digest(bytes) !== this.#digest(pending.item.bytes))
      return false;
    const { next } = pending;
    this.#adopted = true;
    this.#record = {
      ...this.#record,
      conversation: next,
      pending: null,
      envelope: null,
      proposal: null,
      refused: 0,
    };
    if (next.kind === "removed") return true;
    const by = conversation.account;
    // Whoever proposes another charter is told what came of it like everybody else (MLS-60).
    if (next.kind === "suspended")
      this.#events.push({ kind: "charter-proposed", ...this.#at, by, charter: next.next.charter });
    else if (conversation.kind === "suspended")
      this.#events.push({
        kind: "joined",
        ...this.#at,
        inviter: by,
        charter: next.charter,
        members: membersOf(next).map(knownDevice),
      });
    this.#announce(by, membersOf(conversation), membersOf(next));
    if (next.day > conversation.day) this.#events.push({ kind: "new-day", ...this.#at, day: next.day });
    return true;
  }

  async #takeCommit(conversation: ActiveConversation, arrival: Arrival): Promise<boolean> {
    const { accepted, proposal } = this.#record;
    const { bytes, submitter } = this.#item;
    const { clock } = this.#context;
    let applied: Awaited<ReturnType<typeof applyCommit>>;
    try {
      applied = await applyCommit(conversation, bytes, {
        submitter,
        now: clock.now(),
        arrival,
        ...(accepted === null ? {} : { accept: accepted }),
      });
    } catch (error) {
      if (error instanceof MlsError && error.code === "day-ahead") {
        // Passed over it could never be read again, and the fault may be this clock's: nothing is passed over.
        throw new ClientError(
          "clock-wrong",
          "this device's clock is behind its conversation's: set it right",
          {
            cause: error,
          },
        );
      }
      if (!(error instanceof MlsError) || error.code !== "charter-change-not-accepted") throw error;
      const charter = error.proposed?.charter ?? null;
      if (proposal?.seq !== this.#item.seq) {
        this.#events.push({ kind: "charter-proposed", ...this.#at, by: submitter, charter });
        this.#record = { ...this.#record, proposal: { charter, seq: this.#item.seq, by: submitter } };
      }
      return true;
    }
    const { change } = applied;
    this.#spent.push(applied.spent);
    // What was made for the epoch that has just ended was not taken, or it would stand before this commit.
    this.#record = {
      ...requeued(this.#record, (item) => this.#digest(item)),
      conversation: applied.conversation,
      pending: null,
      envelope: null,
      proposal: null,
      accepted: null,
      refused: 0,
    };
    const by = change.committer.account;
    const next = applied.conversation;
    if (next.kind === "removed") this.#events.push({ kind: "removed", ...this.#at, by });
    else if (next.kind === "suspended") {
      this.#events.push({ kind: "charter-accepted", ...this.#at, charter: next.next.charter });
    } else {
      this.#announce(by, membersOf(conversation), membersOf(next));
      if (change.day > conversation.day) this.#events.push({ kind: "new-day", ...this.#at, day: change.day });
    }
    return false;
  }

  #announce(by: AccountId, before: readonly Member[], after: readonly Member[]): void {
    const [were, are] = [before.map(knownDevice), after.map(knownDevice)];
    const without = (
      these: readonly KnownDevice[],
      those: readonly KnownDevice[],
    ): readonly KnownDevice[] => {
      const keys = new Set(those.map(({ deviceKey }) => deviceKey));
      return these.filter(({ deviceKey }) => !keys.has(deviceKey));
    };
    const [added, removed] = [without(are, were), without(were, are)];
    if (added.length === 0 && removed.length === 0) return;
    const accounts = new Set(were.map(({ account }) => account));
    const newDevices = added.filter(({ account }) => accounts.has(account));
    const stay = new Set(are.map(({ account }) => account));
    const left = [...new Set(removed.map(({ account }) => account))].filter((account) => !stay.has(account));
    this.#events.push({ kind: "members", ...this.#at, by, added, removed, newDevices, left });
  }

  async #takeEnvelope(conversation: ActiveConversation): Promise<void> {
    if (conversation.charter === null) throw new MlsError("no-charter");
    const keys = await bookOf(this.#context).keys(conversation.charter, conversation.day);
    const { bytes, submitter } = this.#item;
    this.#record = {
      ...this.#record,
      conversation: acceptEnvelope(conversation, bytes, keys, { submitter }),
    };
  }

  #takeOwnEnvelope(): boolean {
    const { envelope, conversation } = this.#record;
    const { submitter, bytes } = this.#item;
    if (envelope === null || submitter !== conversation.account || !equalBytes(envelope, bytes)) return false;
    this.#record = { ...this.#record, envelope: null };
    return true;
  }

  #takeOwnMessage(): boolean {
    const { sent, inFlight, conversation } = this.#record;
    if (this.#item.submitter !== conversation.account) return false;
    const digest = this.#digest(this.#item.bytes);
    const own = sent.find((message) => message.digest === digest);
    if (own === undefined) return false;
    this.#record = {
      ...this.#record,
      sent: sent.filter((message) => message !== own),
      // A batch is taken whole: one of it in the order means that all of it is.
      inFlight: inFlight.some(({ bytes }) => this.#digest(bytes) === digest) ? [] : inFlight,
    };
    this.#events.push({ kind: "delivered", ...this.#at, content: parseContent(own.content) });
    return true;
  }

  async #takeMessage(conversation: ActiveConversation, arrival: Arrival): Promise<void> {
    const { bytes, submitter, at } = this.#item;
    const now = this.#context.clock.now();
    const opened = await decryptMessage(conversation, bytes, { submitter, now, arrival });
    if (opened.kind === "refused") return this.#passOver(opened.code);
    const start = dayStart(opened.day);
    if (at < start - CLOCK_TOLERANCE || at >= start + SECONDS_PER_DAY + CLOCK_TOLERANCE) {
      return this.#passOver("stamp-refused");
    }
    const { sender, day, leaf, skipped } = opened;
    // What was refused is missing in its sender's count, and was told already.
    const { refused } = this.#record;
    const deviceKey = hex(memberAt(conversation, leaf).deviceKey);
    if (skipped > Math.max(0, refused)) this.#events.push({ kind: "missing", ...this.#at, sender });
    // Who sent what was refused is the server's word: it does not say that this sender lost nothing else.
    if (skipped > 0) this.#events.push({ kind: "skipped", ...this.#at, sender, deviceKey });
    this.#record = {
      ...this.#record,
      conversation: opened.conversation,
      refused: refused - skipped,
    };
    this.#spent.push(opened.spent);
    let content: Content;
    try {
      content = parseContent(opened.content);
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      return this.#refuse("content-malformed");
    }
    this.#events.push({ kind: "message", ...this.#at, sender, deviceKey, day, content });
  }
}

/** Throws ClientError "charter-unknown" where this client follows no log. */
export function bookOf({ charters }: DeviceContext): CharterBook {
  if (charters !== null) return charters;
  throw new ClientError("charter-unknown", "this client follows no log, so it cannot verify a charter");
}

export function knownDevice({ account, deviceKey }: Member): KnownDevice {
  return { account, deviceKey: hex(deviceKey) };
}
