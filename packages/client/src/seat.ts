import {
  type AccountId,
  type CharterId,
  type ConversationId,
  type DayNumber,
  equalBytes,
  hex,
} from "@porchlight/encoding";
import {
  type ActiveConversation,
  attachTerms,
  CLOCK_TOLERANCE,
  type Conversation,
  commitDue,
  continueConversation,
  deviceDay,
  deviceOfKeyPackage,
  encryptMessage,
  epochOf,
  hasEnvelope,
  type Member,
  MlsError,
  makeEnvelope,
  membersOf,
  type PreparedCommit,
  type ProposedCharter,
  prepareCommit,
  prepareReinit,
  type Spent,
} from "@porchlight/mls";
import {
  type ClaimedKeyPackage,
  LIMITS,
  type NewItem,
  type StoredItem,
  type WelcomeParcel,
  WireError,
} from "@porchlight/wire";
import { type Content, formatContent, parseContent } from "./content.ts";
import type { DeviceContext } from "./context.ts";
import { ClientError } from "./error.ts";
import type { ConversationEvent } from "./events.ts";
import { type Arrival, bookOf, takeItem } from "./intake.ts";
import { type ConversationRecord, formatRecord, parseRecord, requeued } from "./record.ts";

/** Times that an act begins again after another device committed first. */
const ATTEMPTS = 8;
/** Messages encrypted and handed in at once: below the server's limits with an envelope in front. */
const BATCH_MESSAGES = 200;
const BATCH_BYTES = 4 * 1024 * 1024;

/** Refusals that mean "the conversation has moved on": drop what was made, read, and make it again. */
const MOVED_ON = new Set(["conflict", "stale-epoch", "unknown-epoch", "wrong-group"]);

/** A device by the account that it is of and its MLS signature key. */
export type Device = { readonly account: AccountId; readonly deviceKey: Uint8Array };

/** Where a conversation is entered. `welcome`: SHA-256, hex, of the Welcome. */
type Joining = Pick<ConversationRecord, "cursor" | "events" | "welcome">;

type Claimed = { readonly account: AccountId; readonly deviceKey: string; readonly keyPackage: Uint8Array };

/** Name of a conversation's record in the storage. */
export function recordName(conversation: string): string {
  return `conversation-${conversation}`;
}

/**
 * This device's place in one conversation: its state, what it has under way, and its part in the order that the server
 * keeps. Calls run one after the other. State is saved before anything made with it is handed to the server, and
 * before its events are returned (MLS-6).
 */
export class Seat {
  readonly #context: DeviceContext;
  #record: ConversationRecord;
  /** Secrets of steps whose result is not saved yet. */
  #spent: Spent[] = [];
  #pendingSpent: Spent | null = null;
  #busy: Promise<unknown> = Promise.resolve();

  private constructor(context: DeviceContext, record: ConversationRecord) {
    this.#context = context;
    this.#record = record;
  }

  /** A conversation that this device has just created, or joined as `joining` says; saved. */
  static async begin(
    context: DeviceContext,
    conversation: ActiveConversation,
    joining: Joining = { cursor: 0, events: [], welcome: null },
  ): Promise<Seat> {
    const seat = new Seat(context, emptyRecord(conversation, joining));
    await seat.#save();
    return seat;
  }

  /** A conversation from its saved record. Throws ClientError "state-corrupt". */
  static restore(context: DeviceContext, record: Uint8Array): Seat {
    return new Seat(context, parseRecord(context.suite, record));
  }

  get id(): ConversationId {
    return this.#record.conversation.id;
  }

  get charter(): CharterId | null {
    return this.#record.conversation.charter;
  }

  get kind(): Conversation["kind"] {
    return this.#record.conversation.kind;
  }

  get day(): DayNumber {
    return this.#record.conversation.day;
  }

  /** Seq up to which everything was applied. */
  get cursor(): number {
    return this.#record.cursor;
  }

  /** Every device that is in the conversation, in leaf order; empty once this one was removed. */
  get members(): readonly Member[] {
    const { conversation } = this.#record;
    return conversation.kind === "removed" ? [] : membersOf(conversation);
  }

  /** The MLS state, for who verifies or measures. Do not encrypt with it. */
  get conversation(): Conversation {
    return this.#record.conversation;
  }

  /** The charter of a ReInit that waits for this person's answer, and who proposes it. */
  get proposed(): (ProposedCharter & { readonly by: AccountId }) | null {
    return this.#record.proposal;
  }

  /** SHA-256, hex, of the Welcome that this device joined by; `null` where it began the group. */
  get welcome(): string | null {
    return this.#record.welcome;
  }

  /** How many messages wait to be sent. */
  get waiting(): number {
    return this.#record.outbox.length;
  }

  /** Events that were not acknowledged, oldest first. They are kept, also over a restart, until {@link handled}. */
  get events(): readonly ConversationEvent[] {
    return this.#record.events;
  }

  /** How many events were forgotten: the number of the first of {@link events}, counted from the beginning. */
  get firstEvent(): number {
    return this.#record.handled;
  }

  /** The application has dealt with the first `count` of {@link events}: they are forgotten. */
  handled(count: number): Promise<void> {
    return this.#alone(async () => {
      const { events, handled } = this.#record;
      this.#change({ events: events.slice(count), handled: handled + count });
      await this.#save();
    });
  }

  /**
   * Applies items of the conversation in their order; those up to {@link cursor} are skipped, so that one fetched page
   * can serve many members of a process. `reads: false` follows membership only, for a device that does not read.
   * Returns what happened, after saving it.
   */
  apply(
    items: readonly StoredItem[],
    options: { readonly arrival?: Arrival; readonly reads?: boolean } = {},
  ): Promise<readonly ConversationEvent[]> {
    return this.#alone(() => this.#apply(items, options.arrival ?? "stored", options.reads ?? true));
  }

  /** Fetches and applies everything up to the newest item; where there was nothing, waits up to `wait` seconds. */
  sync(
    options: { readonly wait?: number; readonly signal?: AbortSignal } = {},
  ): Promise<readonly ConversationEvent[]> {
    return this.#alone(async () => {
      const before = await this.#pull();
      if (before.length > 0 || options.wait === undefined || this.kind === "removed") return before;
      const { server, clock } = this.#context;
      const start = clock.now();
      const page = await server.items(this.id, this.cursor, { limit: LIMITS.page, ...options });
      // This device was at the head, and these came while it waited. If it slept meanwhile, nobody knows when.
      const slept = clock.now() - start > options.wait + CLOCK_TOLERANCE;
      const events = await this.#apply(page.items, slept ? "stored" : "live", true);
      return [...events, ...(await this.#pull())];
    });
  }

  /**
   * Sends messages in this order. Before that it commits if the day is new or the own leaf is old, and posts the own
   * envelope if the epoch is new; where another device was faster it begins again. Resolves when all of them are in the
   * server's order. After an error they stay in the outbox: {@link flush} tries again.
   */
  send(contents: readonly Content[]): Promise<void> {
    return this.#alone(async () => {
      const outbox = contents.map(formatContent);
      this.#active();
      this.#change({ outbox: [...this.#record.outbox, ...outbox] });
      await this.#save();
      await this.#flush();
    });
  }

  /** Ids of the contents that {@link send} has taken, until their "delivered" is {@link handled}. */
  get underway(): ReadonlySet<string> {
    const { outbox, sent, events } = this.#record;
    const waiting = [...outbox, ...sent.map(({ content }) => content)].map((bytes) => parseContent(bytes).id);
    return new Set([
      ...waiting,
      ...events.flatMap((event) => (event.kind === "delivered" ? [event.content.id] : [])),
    ]);
  }

  /** Takes contents out of the outbox again; those that were handed to the server already stay. */
  withdraw(ids: ReadonlySet<string>): Promise<void> {
    return this.#alone(async () => {
      const outbox = this.#record.outbox.filter((bytes) => !ids.has(parseContent(bytes).id));
      if (outbox.length === this.#record.outbox.length) return;
      this.#change({ outbox });
      await this.#save();
    });
  }

  /** Sends what is left from before a crash or a lost connection. */
  flush(): Promise<void> {
    return this.#alone(() => this.#flush());
  }

  /**
   * Adds all devices of these accounts that are not there yet and removes all devices of those, in one commit, which
   * also opens the day where it is new. Key packages are claimed once; where another commit was first, it is made again.
   * `addDevices`, `removeDevices`: single devices, by MLS signature key.
   */
  changeMembers(change: {
    readonly adds?: readonly AccountId[];
    readonly removes?: readonly AccountId[];
    readonly addDevices?: readonly Device[];
    readonly removeDevices?: readonly Uint8Array[];
  }): Promise<void> {
    return this.#alone(async () => {
      await this.#settle();
      this.#active();
      const there = new Set(membersOf(this.#active()).map(({ deviceKey }) => hex(deviceKey)));
      const single = (change.addDevices ?? []).filter(({ deviceKey }) => !there.has(hex(deviceKey)));
      const claimed = [
        ...(await this.#claim(change.adds ?? [])),
        ...(await Promise.all(single.map((device) => this.#claimDevice(device)))),
      ];
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        if (attempt > 0) await this.#settle();
        const active = this.#active();
        const present = membersOf(active);
        const devices = new Set(present.map(({ deviceKey }) => hex(deviceKey)));
        const accounts = new Set(present.map(({ account }) => account));
        const missing = claimed.filter(({ deviceKey }) => !devices.has(deviceKey));
        const removes = (change.removes ?? []).filter((account) => accounts.has(account));
        const removeDevices = (change.removeDevices ?? []).filter((key) => devices.has(hex(key)));
        if (missing.length === 0 && removes.length === 0 && removeDevices.length === 0) return;
        const day = await this.#today(active);
        const prepared = await prepareCommit(active, {
          adds: missing.map(({ keyPackage }) => keyPackage),
          removes,
          removeDevices,
          day,
          update: commitDue(active, day) !== null,
        });
        if (await this.#commit(prepared, missing)) return;
      }
      throw gaveUp();
    });
  }

  /**
   * Proposes another charter to everybody (MLS-60), and opens the next group with all who have a key package. Those
   * that have not accepted it stay outside.
   */
  proposeCharter(charter: CharterId | null): Promise<void> {
    return this.#alone(async () => {
      if (charter !== null) await bookOf(this.#context).charter(charter);
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        await this.#settle();
        const active = this.#active();
        const prepared = await prepareReinit(active, {
          charter,
          day: await this.#today(active),
          random: this.#context.random,
        });
        if (await this.#commit(prepared, [])) return this.#continue();
      }
      throw gaveUp();
    });
  }

  /** This person's yes to a proposed charter, which is verified first. The conversation then waits for its Welcome. */
  acceptCharter(charter: CharterId | null): Promise<readonly ConversationEvent[]> {
    return this.#alone(async () => {
      const { proposal } = this.#record;
      if (proposal === null || proposal.charter !== charter) {
        throw new ClientError("nothing-proposed", "no such change is proposed: look again at what is");
      }
      if (charter !== null) await bookOf(this.#context).charter(charter);
      this.#change({ accepted: { charter } });
      await this.#save();
      return this.#pull();
    });
  }

  /** Takes the next group, or the same one after a removal, in place of what was. Unsent messages are kept. */
  rejoin(conversation: ActiveConversation, joining: Joining): Promise<void> {
    return this.#alone(async () => {
      const { outbox } = requeued(this.#record, (bytes) => this.#digest(bytes));
      const { handled } = this.#record;
      const events = [...this.#record.events, ...joining.events];
      const next = emptyRecord(conversation, { ...joining, events });
      this.#record = { ...next, outbox, handled };
      await this.#save();
    });
  }

  // Everything below runs inside #alone.

  #alone<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#busy.then(run);
    this.#busy = result.catch(() => {});
    return result;
  }

  #change(change: Partial<ConversationRecord>): void {
    this.#record = { ...this.#record, ...change };
  }

  /** Saved first; only then are the secrets of the steps so far erased, and only after that may anything leave. */
  async #save(): Promise<void> {
    await this.#context.storage.save(recordName(this.id), formatRecord(this.#record));
    for (const spent of this.#spent.splice(0)) spent.erase();
  }

  #digest(bytes: Uint8Array): string {
    return hex(this.#context.suite.primitives.hash(bytes));
  }

  #key(): string {
    return hex(this.#context.random(16));
  }

  #active(): ActiveConversation {
    const { conversation, proposal } = this.#record;
    if (conversation.kind === "removed") {
      throw new ClientError("not-in-conversation", "this device was removed from the conversation");
    }
    if (conversation.kind === "suspended") {
      throw new ClientError(
        "charter-change-pending",
        "the conversation rests until its members meet under the new charter",
      );
    }
    if (proposal !== null) {
      throw new ClientError(
        "charter-change-pending",
        "another charter is proposed: accept it, or leave the conversation",
      );
    }
    return conversation;
  }

  /** The day by this device's clock, after a look at the log where a new one is to be opened (MLS-31). */
  async #today(conversation: ActiveConversation): Promise<DayNumber> {
    const { charters, clock } = this.#context;
    if (charters !== null && conversation.charter !== null && deviceDay(clock.now()) > conversation.day) {
      await charters.demandFresh();
    }
    try {
      return deviceDay(clock.now(), charters?.checkpointTime);
    } catch (cause) {
      if (!(cause instanceof MlsError)) throw cause;
      throw new ClientError("clock-wrong", "this device's clock is behind the public log: set it right", {
        cause,
      });
    }
  }

  /** Hands in what was under way, then reads everything: afterwards nothing is under way. */
  async #settle(): Promise<void> {
    const { pending, inFlight } = this.#record;
    if (pending !== null) await this.#hand([pending.item]);
    else if (inFlight.length > 0) await this.#hand(inFlight);
    await this.#pull();
    if (this.#record.pending !== null || this.#record.inFlight.length > 0) {
      // Made again they might be there twice: rather wait until the server's order shows what it acknowledged.
      throw new ClientError("gave-up", "the server does not show what it acknowledged: try again later");
    }
  }

  /** Whether the server took the items. Where the conversation has moved on they are dropped, their messages queued. */
  async #hand(items: readonly NewItem[]): Promise<boolean> {
    try {
      await this.#context.server.submit(this.id, items);
      return true;
    } catch (error) {
      if (!(error instanceof WireError) || error.code !== "refused" || error.retryable) throw error;
      this.#record = { ...requeued(this.#record, (bytes) => this.#digest(bytes)), pending: null };
      this.#pendingSpent = null;
      await this.#save();
      if (error.refusal !== undefined && MOVED_ON.has(error.refusal)) return false;
      if (error.refusal !== "wrong-day") throw error;
      throw new ClientError(
        "clock-wrong",
        "the server's clock shows another day: is this device's set right?",
        {
          cause: error,
        },
      );
    }
  }

  async #pull(): Promise<readonly ConversationEvent[]> {
    const events: ConversationEvent[] = [];
    if (this.kind === "removed") return events;
    for (;;) {
      const before = this.cursor;
      const page = await this.#context.server.items(this.id, before, { limit: LIMITS.page });
      events.push(...(await this.#apply(page.items, "stored", true)));
      if (page.items.length === 0 || this.cursor === before || this.cursor >= page.head) return events;
    }
  }

  async #apply(
    items: readonly StoredItem[],
    arrival: Arrival,
    reads: boolean,
  ): Promise<readonly ConversationEvent[]> {
    const events: ConversationEvent[] = [];
    const before = this.#record;
    try {
      for (const item of items) {
        if (item.seq <= this.cursor) continue;
        const taken = await takeItem(this.#context, this.#record, item, { arrival, reads });
        this.#record = taken.record;
        this.#spent.push(...taken.spent);
        if (taken.adopted && this.#pendingSpent !== null) this.#spent.push(this.#pendingSpent);
        if (this.#record.pending === null) this.#pendingSpent = null;
        events.push(...taken.events);
        if (taken.held) break;
      }
    } finally {
      // Also where an item could not be looked at yet: what was read before it is kept.
      if (this.#record !== before) {
        this.#change({ events: [...this.#record.events, ...events] });
        await this.#save();
      }
    }
    return events;
  }

  async #flush(): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; ) {
      await this.#settle();
      if (this.#record.outbox.length === 0) return;
      const active = this.#active();
      const day = await this.#today(active);
      if (commitDue(active, day) !== null) {
        await this.#commit(await prepareCommit(active, { day, update: true }), []);
        attempt++;
        continue;
      }
      await this.#encryptBatch(active);
      if (await this.#hand(this.#record.inFlight)) this.#change({ inFlight: [] });
      else attempt++;
    }
    throw gaveUp();
  }

  /** Encrypts from the outbox, the envelope in front where the epoch needs one, and saves. */
  async #encryptBatch(active: ActiveConversation): Promise<void> {
    const { clock, random } = this.#context;
    const epoch = epochOf(active);
    const items: NewItem[] = [];
    const sent = [...this.#record.sent];
    let conversation = active;
    let { envelope } = this.#record;
    if (active.charter !== null && !hasEnvelope(active)) {
      const made = makeEnvelope(active, await bookOf(this.#context).keys(active.charter, active.day));
      conversation = made.conversation;
      envelope = made.envelope;
    }
    if (envelope !== null) items.push({ kind: "envelope", key: this.#key(), epoch, bytes: envelope });
    let bytes = 0;
    let count = 0;
    for (const content of this.#record.outbox) {
      if (count >= BATCH_MESSAGES || bytes >= BATCH_BYTES) break;
      const message = { content, frankingKey: random(32), now: clock.now() };
      const made = await encryptMessage(conversation, message);
      // Midnight may come between two messages; what is encrypted by then still belongs to the day before.
      if (made.kind === "commit-first" && count > 0) break;
      if (made.kind !== "encrypted") throw cannotSend(made.kind);
      conversation = made.conversation;
      this.#spent.push(made.spent);
      items.push({ kind: "message", key: this.#key(), epoch, bytes: made.wire });
      sent.push({ digest: this.#digest(made.wire), content });
      bytes += made.wire.length;
      count++;
    }
    this.#change({ conversation, envelope, inFlight: items, sent, outbox: this.#record.outbox.slice(count) });
    await this.#save();
  }

  /** Saves, hands in and adopts an own commit. `false`: another was first, and has been applied instead. */
  async #commit(prepared: PreparedCommit<Conversation>, added: readonly Claimed[]): Promise<boolean> {
    const { conversation } = this.#record;
    if (conversation.kind === "removed") {
      throw new ClientError("not-in-conversation", "this device was removed from the conversation");
    }
    const { welcome, ratchetTree, commit, pending, spent } = prepared;
    const accounts = [...new Set(added.map(({ account }) => account))];
    const parcel: WelcomeParcel | null =
      welcome === undefined ? null : { accounts, bytes: welcome, tree: ratchetTree };
    // The first commit of a group that follows a ReInit is made in its epoch 0.
    const epoch = conversation.kind === "suspended" ? 0 : epochOf(conversation);
    const item = { kind: "commit" as const, key: this.#key(), epoch, bytes: commit, welcome: parcel };
    this.#pendingSpent = spent;
    this.#change({ pending: { item, next: pending } });
    await this.#save();
    const taken = await this.#hand([item]);
    // Messages of the epoch that ends may stand before the commit: they are read first, then it is adopted.
    await this.#pull();
    return taken && this.#record.pending === null;
  }

  /** After the own ReInit was taken: opens the next group with everybody who has a key package left. */
  async #continue(): Promise<void> {
    const { conversation } = this.#record;
    if (conversation.kind !== "suspended") return;
    const { device, clock, charters } = this.#context;
    const accounts = [...new Set(membersOf(conversation).map(({ account }) => account))];
    const own = hex(device.deviceKey);
    const claimed = (await this.#claim(accounts, true)).filter(({ deviceKey }) => deviceKey !== own);
    const now = clock.now();
    const prepared = await continueConversation(conversation, {
      device,
      keyPackages: claimed.map(({ keyPackage }) => keyPackage),
      day: deviceDay(now, charters?.checkpointTime),
      now,
    });
    const { pending } = prepared;
    const terms =
      pending.charter === null ? null : (await bookOf(this.#context).charter(pending.charter)).terms;
    const next = terms === null ? pending : attachTerms(pending, terms);
    await this.#commit({ ...prepared, pending: next }, claimed);
  }

  /** MLS-15: one key package, of exactly this device. */
  async #claimDevice({ account, deviceKey }: Device): Promise<Claimed> {
    const [one, ...others] = await this.#context.server.claimKeyPackages(account, [deviceKey]);
    if (one === undefined) throw noKeyPackage();
    if (others.length > 0 || !equalBytes(one.deviceKey, deviceKey)) throw keyPackageRefused();
    await this.#checkKeyPackage(account, one);
    return { account, deviceKey: hex(deviceKey), keyPackage: one.keyPackage };
  }

  /** One key package for each device of each account. `lenient`: accounts that have none are left out. */
  async #claim(accounts: readonly AccountId[], lenient = false): Promise<Claimed[]> {
    const claimed: Claimed[] = [];
    for (const account of accounts) {
      try {
        const found = await this.#context.server.claimKeyPackages(account);
        for (const one of found) await this.#checkKeyPackage(account, one);
        claimed.push(
          ...found.map(({ deviceKey, keyPackage }) => ({ account, deviceKey: hex(deviceKey), keyPackage })),
        );
      } catch (cause) {
        if (!(cause instanceof WireError) || cause.refusal !== "no-key-package") throw cause;
        if (lenient) continue;
        throw noKeyPackage(cause);
      }
    }
    return claimed;
  }

  /** MLS-15: the server hands key packages out; whose they are, the account's own signature says. */
  async #checkKeyPackage(account: AccountId, claimed: ClaimedKeyPackage): Promise<void> {
    let cause: unknown;
    try {
      const device = await deviceOfKeyPackage(this.#context.suite, claimed.keyPackage);
      if (device.account === account && equalBytes(device.deviceKey, claimed.deviceKey)) return;
    } catch (error) {
      if (!(error instanceof MlsError)) throw error;
      cause = error;
    }
    throw keyPackageRefused(cause);
  }
}

function noKeyPackage(cause?: unknown): ClientError {
  return new ClientError(
    "no-key-package",
    "an account has no key packages left: its device has to come online",
    cause === undefined ? {} : { cause },
  );
}

function keyPackageRefused(cause?: unknown): ClientError {
  return new ClientError(
    "key-package-refused",
    "the server handed out another key package than that of the device to be added: nobody was added",
    cause === undefined ? {} : { cause },
  );
}

function emptyRecord(conversation: ActiveConversation, joining: Joining): ConversationRecord {
  return {
    conversation,
    ...joining,
    handled: 0,
    refused: 0,
    pending: null,
    inFlight: [],
    envelope: null,
    sent: [],
    outbox: [],
    proposal: null,
    accepted: null,
  };
}

function gaveUp(): ClientError {
  return new ClientError("gave-up", "other devices committed first every time: try again in a moment");
}

function cannotSend(
  why: "commit-first" | "envelope-first" | "clock-behind" | "charter-unknown" | "charter-over",
): ClientError {
  if (why === "charter-over") {
    return new ClientError(
      "charter-over",
      "the charter of this conversation is not in force today: a new one is needed",
    );
  }
  if (why === "charter-unknown") {
    return new ClientError("charter-unknown", "the charter of this conversation was not verified here yet");
  }
  return new ClientError(
    "clock-wrong",
    "this device's clock and the conversation's day differ: set the clock right",
  );
}
