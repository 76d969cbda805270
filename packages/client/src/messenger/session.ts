import {
  type AccountId,
  type CharterId,
  type ConversationId,
  dayOf,
  hex,
  type UnixSeconds,
} from "@porchlight/encoding";
import { LogError, type StreamingListener, WireError } from "@porchlight/wire";
import { Account } from "../account.ts";
import { type AccountRecord, type Attendance, loadAccount, loadIdentity } from "../account-record.ts";
import { Attachments } from "../attachments.ts";
import type { CharterBook } from "../charter-book.ts";
import type { AccountContext } from "../context.ts";
import { ClientError, type ClientErrorCode } from "../error.ts";
import { KeyholderDoors } from "../keyholder-doors.ts";
import { Member } from "../member.ts";
import type { Seat } from "../seat.ts";
import type { Storage } from "../storage.ts";
import { BackupKeeper } from "./backup-keeper.ts";
import { charterView } from "./charter-view.ts";
import { conversationView } from "./conversation-view.ts";
import { type DeviceList, loadDevices, saveDevices } from "./device-list.ts";
import { NotedStorage } from "./noted-storage.ts";
import { allClearView, noticeViews } from "./notice-view.ts";
import { openBook } from "./open-book.ts";
import { Outbox } from "./outbox.ts";
import { People } from "./people.ts";
import type { MessengerConfig, MessengerServer, Platform } from "./platform.ts";
import { Profile } from "./profile.ts";
import { codeOf } from "./refusal.ts";
import { fingerprintOf, formatContactCode, grouped } from "./safety-number.ts";
import { conversationOfThread, threadRecord } from "./stored-entry.ts";
import { Thread } from "./thread.ts";
import { Transfers } from "./transfers.ts";
import { Typing } from "./typing.ts";
import type { LogView, ReadyState, ThreadChange } from "./view.ts";

/** Key packages that others find of this device. */
const KEY_PACKAGES = 20;
/** Conversations that are worked on at once. */
const LANES = 4;
/** Milliseconds after which a look is taken although nothing was heard, with a stream of news and without. */
const ROUND = 20_000;
const ROUND_WITHOUT_NEWS = 2_000;
/** Rounds that come sooner where somebody says that they leave: their request follows it to the server (ACC-60). */
const ROUNDS_FOR_LEAVING = 3;
/** Seconds for which a device that may be coming in is looked for. */
const EXPECTED = 600;
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 30_000;

const NOBODY: ReadonlySet<AccountId> = new Set();

/** How a device becomes one of an account. */
export type Enter = (context: AccountContext) => Promise<Account>;

/**
 * An unlocked device at work: joins, reads, sends and keeps, in whatever order news and intents come. Everything that
 * it has promised is in the storage; stopped at any moment, a new one goes on from there.
 */
export class Session {
  readonly platform: Platform;
  readonly config: MessengerConfig;
  readonly storage: NotedStorage;
  readonly server: MessengerServer;
  readonly member: Member;
  readonly book: CharterBook;
  readonly people: People;
  readonly profile: Profile;
  readonly transfers: Transfers;
  readonly backup: BackupKeeper;
  readonly threads = new Map<ConversationId, Thread>();
  readonly #fingerprint: string;
  /** Conversations with work to do, and those that are being worked on. */
  readonly #due = new Set<ConversationId>();
  readonly #working = new Map<ConversationId, Promise<void>>();
  readonly #outbox: Outbox;
  readonly #doors: KeyholderDoors;
  #isAsking = false;
  readonly typing: Typing;
  #state: ReadyState;
  readonly #ending = new AbortController();
  #isRunning = false;
  #hasNews = false;
  #hasSwept = false;
  #finished: Promise<void> = Promise.resolve();
  #wakeUp: () => void = () => {};
  /** Rounds that are not to be waited for as long as others. */
  #soon = 0;
  #isWoken = false;
  #fatal: (error: unknown) => void = () => {};

  /** The account's devices, as the server listed them last. */
  #devices: DeviceList;
  #hasListed = false;
  /** Until then each round lists them. */
  #expectedUntil = 0;
  readonly #holdsIdentity: boolean;
  #account: Account | null;

  onState: (state: ReadyState) => void = () => {};
  onName: (name: string) => void = () => {};
  onThread: (conversation: ConversationId, change: ThreadChange) => void = () => {};

  private constructor(parts: {
    readonly platform: Platform;
    readonly config: MessengerConfig;
    readonly storage: NotedStorage;
    readonly server: MessengerServer;
    readonly member: Member;
    readonly book: CharterBook;
    readonly people: People;
    readonly profile: Profile;
    readonly account: Account | null;
    readonly devices: DeviceList;
    readonly holdsIdentity: boolean;
    readonly record: AccountRecord;
    readonly listener: { current: StreamingListener };
  }) {
    const { platform, config, storage, server, member, book, people, profile } = parts;
    this.platform = platform;
    this.config = config;
    this.storage = storage;
    this.server = server;
    this.member = member;
    this.book = book;
    this.people = people;
    this.profile = profile;
    this.#account = parts.account === null ? null : this.#heeded(parts.account);
    this.#devices = parts.devices;
    this.#holdsIdentity = parts.holdsIdentity;
    const { random, attachmentSuite } = platform;
    this.transfers = new Transfers(
      new Attachments({
        server,
        storage,
        random,
        ...(attachmentSuite === undefined ? {} : { suite: attachmentSuite }),
      }),
      storage,
    );
    this.backup = new BackupKeeper(storage, {
      now: () => this.now(),
      changed: () => this.#set({ me: this.#meView() }),
      failed: (error) => this.#fatal(error),
    });
    this.backup.remember(parts.record);
    this.#outbox = new Outbox({
      profile,
      transfers: this.transfers,
      now: () => this.now(),
      newId: () => this.newId(),
      absorb: (thread, seat) => this.#absorb(thread, seat),
      kick: (conversation) => this.kick(conversation),
      failed: (error) => this.failed(error),
    });
    this.#doors = new KeyholderDoors(book, () => this.now());
    this.typing = new Typing({
      settings: () => profile.settings,
      others: (conversation) => this.threads.get(conversation)?.others() ?? NOBODY,
      tell: (conversation, body) => server.tell(conversation, body),
      changed: (conversation) => this.#conversationChanged(conversation),
    });
    this.#fingerprint = grouped(fingerprintOf(member.account));
    this.#state = {
      kind: "ready",
      deployment: { url: config.url, origin: config.origin },
      me: this.#meView(),
      connection: { kind: "connecting", since: platform.clock.now() },
      settings: profile.settings,
      conversations: {},
      contacts: people.contacts(profile.name),
      charters: {},
      log: { kind: "unknown" },
      notices: [],
      allClear: null,
      transfers: {},
      pairing: null,
    };
    people.onChange = () => this.#peopleChanged();
    profile.onChange = () => {
      const { receipts } = this.#state.settings;
      this.#set({ me: this.#meView(), settings: profile.settings });
      if (receipts !== profile.settings.receipts) for (const thread of this.threads.values()) thread.redraw();
      this.#peopleChanged();
      this.#noticesChanged();
    };
    this.transfers.onChange = (transfers) => this.#set({ transfers });
    parts.listener.current = this.#listener();
  }

  /**
   * Reads everything that was saved; nothing is sent or received before {@link start}. `enter`: how a new device becomes
   * one of an account, with the server's help; without it the device is there already, and no connection is needed.
   */
  static async open(
    platform: Platform,
    config: MessengerConfig,
    plain: Storage,
    options: { readonly name: string; readonly enter?: Enter },
  ): Promise<Session> {
    const { clock, random, suite } = platform;
    const storage = await NotedStorage.open(plain);
    const listener: { current: StreamingListener } = { current: {} };
    const server = platform.connect(config.url, {
      moved: (conversation) => listener.current.moved?.(conversation),
      welcomes: () => listener.current.welcomes?.(),
      ephemeral: (...heard) => listener.current.ephemeral?.(...heard),
      state: (state) => listener.current.state?.(state),
    });
    const book = await openBook(platform, config, storage);
    const context = { server, storage, clock, random, suite, charters: book };
    const account = options.enter === undefined ? null : await options.enter(context);
    const member = account?.member ?? (await Member.open(context));
    const people = await People.open(storage, member.account);
    const profile = await Profile.open(storage, options.name);
    const session = new Session({
      platform,
      config,
      storage,
      server,
      member,
      book,
      people,
      profile,
      account,
      devices: await loadDevices(storage),
      holdsIdentity: (await loadIdentity(storage)) !== null,
      record: await loadAccount(storage),
      listener,
    });
    for (const name of await storage.list()) {
      const id = conversationOfThread(name);
      if (id !== null) await session.#adopt(id, null);
    }
    for (const seat of member.seats) await session.#adopt(seat.id, seat.charter);
    session.#chartersChanged();
    return session;
  }

  get state(): ReadyState {
    return this.#state;
  }

  get me(): AccountId {
    return this.member.account;
  }

  /** For what waits long: aborted when this session stops. */
  get ended(): AbortSignal {
    return this.#ending.signal;
  }

  now(): UnixSeconds {
    return this.platform.clock.now();
  }

  /** Begins to receive and send. `onFatal`: the storage or this program failed; only a new start goes on. */
  start(onFatal: (error: unknown) => void): void {
    this.#fatal = onFatal;
    this.#isRunning = true;
    this.#finished = this.#run();
  }

  /** Ends after what is being saved is saved. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    this.#ending.abort();
    this.server.disconnect();
    this.wake();
    this.typing.stop();
    await this.transfers.close();
    await this.#finished;
    // What a server that is away keeps from being done goes on at the next start, and keeps nobody from closing.
    await Promise.allSettled([...this.#working.values(), this.backup.stop()]);
  }

  /** Throws ClientError "unknown-conversation". */
  thread(conversation: ConversationId): Thread {
    const thread = this.threads.get(conversation);
    if (thread !== undefined) return thread;
    throw new ClientError("unknown-conversation", "there is no such conversation on this device");
  }

  /** Takes a conversation in: one that the device has created or joined, or that another device of the person kept. */
  async #adopt(id: ConversationId, charter: CharterId | null): Promise<Thread> {
    const known = this.threads.get(id);
    if (known !== undefined) return known;
    const context = { storage: this.storage, me: this.me, people: this.people };
    const saved = await this.storage.load(threadRecord(id));
    const thread =
      saved === null ? Thread.begin(id, charter, this.now(), context) : Thread.restore(id, saved, context);
    thread.others = () => this.#others(id);
    thread.showsRead = () => this.profile.settings.receipts;
    thread.onChange = (change) => {
      this.#conversationChanged(id);
      this.onThread(id, change);
    };
    this.threads.set(id, thread);
    // What came before it is nothing new to its people.
    if (saved === null) await this.#tellReplaced(thread);
    this.#conversationChanged(id);
    return thread;
  }

  async #tellReplaced(thread: Thread): Promise<void> {
    await thread.tellReplaced((charter) => this.book.replacements(charter), this.now());
  }

  /** A new conversation of this device. */
  begun(seat: Seat): Promise<Thread> {
    return this.#adopt(seat.id, seat.charter);
  }

  /** `null`: only its history is here; this device has not been let in (yet). */
  seatOf(conversation: ConversationId): Seat | null {
    return this.member.seats.find(({ id }) => id === conversation) ?? null;
  }

  /** There is something to send or to look at in this conversation: now, not at the next round. */
  kick(conversation: ConversationId): void {
    this.#due.add(conversation);
    if (this.#state.connection.kind === "online") void this.work(conversation).catch(() => {});
    else this.wake();
  }

  wake(): void {
    this.#isWoken = true;
    this.#wakeUp();
  }

  /** The network is back, as somebody says who should know. */
  hurry(): void {
    this.server.hurry();
    this.wake();
  }

  /** Brings one conversation up to date, both ways. Throws what keeps it from that. */
  work(conversation: ConversationId): Promise<void> {
    this.#due.add(conversation);
    const running = this.#working.get(conversation);
    if (running !== undefined) return running;
    const run = (async () => {
      try {
        // What is asked for meanwhile is done before it ends.
        while (this.#isRunning && this.#due.delete(conversation)) await this.#workOnce(conversation);
      } catch (error) {
        this.#due.add(conversation);
        this.failed(error);
        throw error;
      } finally {
        this.#working.delete(conversation);
      }
    })();
    this.#working.set(conversation, run);
    return run;
  }

  async #run(): Promise<void> {
    let pause = FIRST_PAUSE;
    while (this.#isRunning) {
      this.#isWoken = false;
      try {
        await this.#round();
        pause = FIRST_PAUSE;
        this.#connected({ kind: "online" });
        const isSoon = this.#soon > 0;
        if (isSoon) this.#soon--;
        await this.#sleep(this.#hasNews && !isSoon ? ROUND : ROUND_WITHOUT_NEWS);
      } catch (error) {
        if (!this.#isRunning) return;
        this.failed(error);
        await this.#sleep(pause * (0.5 + Math.random()));
        pause = Math.min(LONGEST_PAUSE, pause * 2);
      }
    }
  }

  /** CON-14: nobody reads that they removed somebody who asked for it. */
  #heeded(account: Account): Account {
    account.onLetGo = async (id, who) => await this.threads.get(id)?.letsGo(who);
    return account;
  }

  async #round(): Promise<void> {
    // Before anything that takes the server: where it is away, the log is read elsewhere.
    await this.#readLog();
    if (this.#account === null) {
      const options = { audience: this.config.origin };
      this.#account = this.#heeded(await Account.attach(this.#context(), this.member, options));
    }
    // What was kept may have changed meanwhile.
    if (!this.#hasListed || this.now() < this.#expectedUntil) await this.refreshDevices();
    this.server.connect();
    await this.member.replenishKeyPackages(KEY_PACKAGES);
    const welcomed = await this.member.join();
    for (const seat of this.member.seats) await this.#adopt(seat.id, seat.charter);
    for (const event of welcomed) {
      if (event.kind !== "refused" || event.item !== "welcome") continue;
      const { received: at, item, code, submitter: from, conversation } = event;
      await this.threads.get(conversation)?.note({ kind: "refused", at, item, code, from });
    }
    if (!this.#hasSwept) await this.#sweep();
    const left = [...this.threads.keys()];
    const errors: unknown[] = [];
    const lane = async (): Promise<void> => {
      for (let next = left.pop(); next !== undefined; next = left.pop()) {
        await this.work(next).catch((error: unknown) => errors.push(error));
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    const { isHealing } = this.#account;
    const attendance = await this.#account.attend();
    if (isHealing) await this.refreshDevices();
    await this.tellRefused(attendance);
    for (const { conversation } of attendance.done) await this.work(conversation);
    void this.backup.add(this.#account);
    if (errors.length > 0) throw errors[0];
  }

  /** CON-14: it is another's device that lets go of this account. Where nothing can be said, it is left without a word. */
  async sayLeaving(thread: Thread): Promise<void> {
    const seat = this.seatOf(thread.id);
    if (seat === null || seat.kind !== "active" || seat.proposed !== null || thread.others().size === 0)
      return;
    const id = this.newId();
    await thread.queue({ content: { id, at: this.now(), text: "", kind: "leaving" }, files: [] });
    await this.work(thread.id).catch(() => thread.drop(new Set([id])));
  }

  get account(): Account | null {
    return this.#account;
  }

  /** MLS-15: where the server tried to put somebody else in, in place of a device that was to be added. */
  async tellRefused({ refused }: Attendance): Promise<void> {
    for (const { conversation, account: from } of refused) {
      const code = "key-package-refused";
      const entry = { kind: "refused", at: this.now(), item: "key-package", code, from } as const;
      await this.threads.get(conversation)?.note(entry);
    }
  }

  #context(): AccountContext {
    const { server, storage, book } = this;
    const { clock, random, suite } = this.platform;
    return { server, storage, clock, random, suite, charters: book };
  }

  async refreshDevices(): Promise<void> {
    const account = this.#account;
    if (account === null) return;
    const devices = (await account.devices())
      .filter(({ revoked }) => revoked === null)
      .map(({ deviceKey, name, created, current, sessions }) => ({
        key: hex(deviceKey),
        name,
        since: created,
        isThis: current,
        sessions: sessions.map((one) => ({ id: one.id, lastUsed: one.lastUsed, isThis: one.current })),
      }));
    this.#devices = { at: this.now(), devices };
    this.#hasListed = true;
    await saveDevices(this.storage, this.#devices);
    this.backup.look(account);
    this.#set({ me: this.#meView() });
  }

  /** A device may come in: the list shows it as soon as it is there, now or once there is a connection. */
  expectDevice(): void {
    this.#expectedUntil = this.now() + EXPECTED;
    this.wake();
  }

  showPairing(pairing: ReadyState["pairing"]): void {
    this.#set({ pairing });
  }

  async #workOnce(conversation: ConversationId): Promise<void> {
    const thread = this.threads.get(conversation);
    if (thread === undefined) return;
    const seat = this.seatOf(conversation);
    if (seat === null) return;
    await this.#absorb(thread, seat);
    if (this.#account === null) return;
    try {
      await seat.sync();
    } finally {
      await this.#absorb(thread, seat);
    }
    if (seat.kind === "removed") return await this.#outbox.refuseAll(thread);
    if (seat.kind !== "active" || seat.proposed !== null) return;
    if (await this.#outbox.send(thread, seat)) this.#due.add(conversation);
  }

  /** Takes what happened into the history; only then may the seat forget it. */
  async #absorb(thread: Thread, seat: Seat): Promise<void> {
    const { events } = seat;
    if (events.length === 0) return this.#conversationChanged(seat.id);
    const before = thread.record.pending;
    await thread.take(events, seat.firstEvent);
    if (events.some(({ kind }) => kind === "members" || kind === "removed")) await this.#forgetGone();
    for (const event of events) {
      if (event.kind !== "message") continue;
      this.typing.over(seat.id, event.sender);
      if (event.content.kind === "leaving") {
        this.#soon = ROUNDS_FOR_LEAVING;
        this.wake();
      }
    }
    await seat.handled(events.length);
    const left = new Set(thread.record.pending.map(({ content }) => content.id));
    for (const { content, files } of before) {
      if (left.has(content.id)) continue;
      for (const { upload } of files) await this.transfers.forget(upload, { atServer: false });
    }
    this.#conversationChanged(seat.id);
  }

  /** CON-22 */
  async #forgetGone(): Promise<void> {
    const devices = this.member.seats.flatMap(({ members }) =>
      members.map(({ deviceKey }) => hex(deviceKey)),
    );
    this.people.keepNew(new Set(devices));
    await this.people.save();
  }

  async #sweep(): Promise<void> {
    const wanted = [...this.threads.values()].flatMap(({ record }) =>
      record.pending.flatMap(({ files }) => files.map(({ upload }) => upload)),
    );
    await this.transfers.sweep(new Set(wanted));
    this.#hasSwept = true;
  }

  /** Uploads that nothing names any more are taken back at the next round. */
  sweepLater(): void {
    this.#hasSwept = false;
    this.wake();
  }

  newId(): string {
    return hex(this.platform.random(16));
  }

  #listener(): StreamingListener {
    return {
      moved: (conversation) => {
        if (this.threads.has(conversation)) this.kick(conversation);
      },
      welcomes: () => this.wake(),
      ephemeral: (conversation, sender, body) => this.typing.heard(conversation, sender, body),
      state: (state) => {
        this.#hasNews = state === "open";
        // Open: what came before is read. Broken off: whether the server is there at all is found out.
        if (this.#isRunning && (state === "open" || state === "waiting")) this.wake();
      },
    };
  }

  /** What the log does is told, and stops nothing but what needs it: a new day, a new conversation, a new charter. */
  async #readLog(): Promise<void> {
    let log: LogView;
    try {
      const kind = await this.book.refresh();
      log = { kind, asOf: this.book.checkpointTime ?? this.now(), place: this.book.place };
    } catch (error) {
      // Nobody has the log now; orders that it showed before may be told all the same.
      if (error instanceof WireError) this.#askKeyholders(null);
      if (!(error instanceof LogError) || error.code === "state-corrupt") throw error;
      log = { kind: "refused", code: error.code };
    }
    if (JSON.stringify(log) !== JSON.stringify(this.#state.log)) this.#set({ log });
    this.#chartersChanged();
    for (const thread of this.threads.values()) await this.#tellReplaced(thread);
    this.#askKeyholders(log);
  }

  /** Beside everything else: a keyholder that does not answer holds up nothing. */
  #askKeyholders(log: LogView | null): void {
    const isProviderHere = log?.kind === "fresh" && log.place.kind === "provider";
    if (this.#isAsking) return;
    this.#isAsking = true;
    void this.#doors
      .look(isProviderHere)
      .then(
        (isAnything) => {
          if (isAnything && this.#isRunning) this.#noticesChanged();
        },
        (error: unknown) => this.failed(error),
      )
      .finally(() => {
        this.#isAsking = false;
      });
  }

  /** Of what goes on by itself. */
  failed(error: unknown): void {
    if (!this.#isRunning) return;
    const code = codeOf(error);
    // Nothing that a server or another member does gets here: the storage failed, or this program is wrong.
    if (code === "internal" || code === "state-corrupt") return this.#fatal(error);
    this.#connected({ kind: "offline", code });
    this.wakeLater();
  }

  /** A failure outside the loop: the loop tries again after its pause. */
  wakeLater(): void {
    if (!this.#isWoken) this.#wakeUp();
  }

  #connected(connection: { kind: "online" } | { kind: "offline"; code: ClientErrorCode }): void {
    const before = this.#state.connection;
    const isSame =
      before.kind === connection.kind &&
      (before.kind !== "offline" || (connection.kind === "offline" && before.code === connection.code));
    if (!isSame) this.#set({ connection: { ...connection, since: this.now() } });
  }

  #sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isWoken || !this.#isRunning) return resolve();
      const timer = setTimeout(done, milliseconds);
      (timer as { unref?: () => void }).unref?.();
      const wakeUp = (): void => done();
      this.#wakeUp = wakeUp;
      function done(): void {
        clearTimeout(timer);
        resolve();
      }
    });
  }

  #others(id: ConversationId): ReadonlySet<AccountId> {
    const seat = this.seatOf(id);
    if (seat === null) return NOBODY;
    const { conversation } = seat;
    const known = this.#accounts.get(conversation);
    if (known !== undefined) return known;
    const others = new Set(seat.members.map(({ account }) => account));
    others.delete(this.me);
    this.#accounts.set(conversation, others);
    return others;
  }
  readonly #accounts = new WeakMap<object, ReadonlySet<AccountId>>();

  #set(change: Partial<ReadyState>): void {
    this.#state = { ...this.#state, ...change };
    this.onState(this.#state);
  }

  #conversationChanged(id: ConversationId): void {
    const thread = this.threads.get(id);
    if (thread === undefined) return;
    const view = conversationView({
      seat: this.seatOf(id),
      thread,
      others: this.#others(id),
      people: this.people,
      typing: this.typing.of(id),
    });
    this.#set({ conversations: { ...this.#state.conversations, [id]: view } });
  }

  #peopleChanged(): void {
    this.#set({ contacts: this.people.contacts(this.profile.name) });
    for (const id of this.threads.keys()) this.#conversationChanged(id);
  }

  #chartersChanged(): void {
    const today = dayOf(this.now());
    const asOf = this.book.checkpointTime;
    const charters = this.book.known.map((charter) =>
      charterView(this.book.present(charter), today, {
        history: asOf === undefined ? null : { ...this.book.ordersOf(charter.id), asOf },
        replacements: this.book.replacements(charter.id),
      }),
    );
    this.#set({ charters: Object.fromEntries(charters.map((view) => [view.id, view])) });
    this.#noticesChanged();
  }

  /** From the log as far as this device has read and verified it; no server is asked who was opened. */
  #noticesChanged(): void {
    const { noticeKey } = this.member;
    const { checkpointTime, notices: log, known } = this.book;
    if (checkpointTime === undefined) return;
    const clearance = log.clearance(checkpointTime);
    const notices = noticeViews(log, noticeKey.seed, known, this.profile);
    const allClear = clearance === null ? null : allClearView(clearance);
    if (JSON.stringify([notices, allClear]) === JSON.stringify([this.#state.notices, this.#state.allClear]))
      return;
    this.#set({ notices, allClear });
  }

  #meView(): ReadyState["me"] {
    const { account } = this.member;
    const { name } = this.profile;
    return {
      account,
      name,
      fingerprint: this.#fingerprint,
      contactCode: formatContactCode(account, name),
      holdsIdentity: this.#holdsIdentity,
      backup: this.backup.view,
      devices: this.#devices.devices,
      devicesAt: this.#devices.at,
    };
  }
}
