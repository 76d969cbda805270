import type { Socket } from "node:net";
import { type AccountId, type ConversationId, EncodingError } from "@porchlight/encoding";
import type { Clock, Logger } from "@porchlight/runtime";
import {
  CLOSE,
  type ClientFrame,
  type Cursor,
  encodeServerFrame,
  LIMITS,
  type NewItem,
  readClientFrames,
  type ServerFrame,
} from "@porchlight/wire";
import type { WebSocket } from "ws";
import type { OpenSession } from "../accounts.ts";
import { unknownConversation } from "../delivery.ts";
import { refusalOf } from "../http.ts";
import type { Meter } from "../meter.ts";
import { Refusal } from "../refusal.ts";
import type { Backlog, Standing } from "./backlog.ts";
import { Outgoing, type Parcel, type Turn } from "./outgoing.ts";
import { type Reader, Subscription } from "./subscription.ts";
import { framed, type HeadWatcher, type Topics } from "./topics.ts";

/** What all streams of a process share. */
export type Host = {
  readonly turn: Turn;
  readonly topics: Topics;
  readonly backlog: Backlog;
  readonly clock: Clock;
  readonly meter: Meter;
  /** Milliseconds for which the closing handshake is waited for. */
  readonly closeMilliseconds: number;
  /** Opens the stream for a session. Throws Refusal "session-expired" or "too-many-requests". */
  readonly greet: (stream: Stream, token: string) => Promise<OpenSession>;
  readonly submit: (
    session: OpenSession,
    conversation: ConversationId,
    items: readonly NewItem[],
  ) => Promise<number[]>;
  readonly ephemeral: (from: Stream, conversation: ConversationId, body: Uint8Array) => void;
  readonly watchWelcomes: (stream: Stream) => void;
  readonly closed: (stream: Stream) => void;
};

/** Unanswered requests, in bytes, from which on nothing more is read (DEL-86). */
const MAX_UNANSWERED = 4 * 1024 * 1024;
/** Bytes that one look into the database brings for one reader. */
const SLICE = 512 * 1024;

type Answered = Extract<ClientFrame, { readonly request: number }>;

/** One connection of one device: what DEL-80 to DEL-89 say of it. */
export class Stream implements Reader, HeadWatcher {
  readonly #streams: Host;
  readonly #ws: WebSocket;
  readonly #out: Outgoing;
  readonly #log: Logger;
  #session: OpenSession | null = null;
  #isGreeting = false;
  #window = 0;
  /** Bytes of items and ephemerals that were sent, and of those, what the client is done with. */
  #sent = 0;
  #consumed = 0;
  #unanswered = 0;
  #isPaused = false;
  readonly #subscriptions = new Map<ConversationId, Subscription>();
  /** Subscriptions that have to read from the database, in the order in which they fell behind. */
  readonly #behind = new Set<Subscription>();
  #isReading = false;
  /** Subscribing and unsubscribing happen in the client's order. */
  #work: Promise<void> = Promise.resolve();
  /** Conversations whose heads this stream follows, with the newest that it told; `null` without "all". */
  #heads: Map<ConversationId, number> | null = null;
  readonly #moved = new Map<ConversationId, number>();
  readonly #welcomesTold = new Set<string>();
  #isAskingWelcomes = false;
  #askWelcomesAgain = false;
  /** Since when something waits that the client makes no room for, in milliseconds of real time; `null`: nothing. */
  #stalledSince: number | null = null;
  /** Bytes that the connection had taken when that was last looked at. */
  #taken = 0;
  #isClosed = false;
  #stopping: (() => void) | null = null;

  /** Where the client is, for the limits. */
  readonly address: string;

  constructor(streams: Host, ws: WebSocket, socket: Socket, address: string, log: Logger) {
    this.address = address;
    this.#streams = streams;
    this.#ws = ws;
    this.#log = log;
    this.#out = new Outgoing(socket, streams.turn);
    ws.on("message", (data, isBinary) => this.#receive(data as Buffer, isBinary));
    ws.on("close", () => this.#closed());
    // What breaks the connection also closes it.
    ws.on("error", () => {});
    socket.on("drain", () => this.#holdBack());
  }

  get session(): OpenSession | null {
    return this.#session;
  }

  get account(): AccountId {
    if (this.#session === null) throw new Error("no session");
    return this.#session.account;
  }

  get room(): number {
    return this.#window - (this.#sent - this.#consumed);
  }

  // Sending

  #say(frame: ServerFrame): void {
    this.#out.frame(encodeServerFrame(frame));
  }

  send(frame: Uint8Array): void {
    this.#sent += frame.length;
    this.#streams.meter.delivered(1);
    this.#out.frame(frame);
  }

  sendParcel(parcel: Parcel, items: number): void {
    this.#sent += parcel.length;
    this.#streams.meter.delivered(items);
    this.#out.parcel(parcel);
  }

  sendEnded(conversation: ConversationId, seq: number): void {
    this.#subscriptions.delete(conversation);
    this.#say({ type: "ended", conversation, seq });
  }

  sendEphemeral(frame: Uint8Array): void {
    if (this.#isClosed || this.room <= 0) return;
    this.#sent += frame.length;
    this.#out.frame(frame);
  }

  #refuse(request: number, error: unknown): void {
    const refusal = refusalOf(error as Error);
    if (refusal.code === "internal" || refusal.code === "unavailable") {
      this.#log.failure("stream-request-failed", error);
    }
    this.#streams.meter.refused(refusal.code);
    const { code, message, reason, item, head, retryAfter } = refusal;
    this.#say({ type: "refused", request, refusal: { code, message, reason, item, head, retryAfter } });
  }

  // Receiving

  #receive(data: Buffer, isBinary: boolean): void {
    if (this.#isClosed) return;
    let frames: ClientFrame[];
    try {
      if (!isBinary) throw new EncodingError("wrong-type", "message");
      frames = readClientFrames(data);
    } catch (error) {
      if (!(error instanceof EncodingError)) throw error;
      return this.close(CLOSE.malformed, "malformed");
    }
    for (const frame of frames) {
      if (this.#isClosed) return;
      this.#take(frame);
    }
  }

  #take(frame: ClientFrame): void {
    if (this.#session === null) {
      if (frame.type !== "hello" || this.#isGreeting) return this.close(CLOSE.malformed, "hello first");
      this.#isGreeting = true;
      void this.#greet(frame);
      return;
    }
    switch (frame.type) {
      case "hello":
        return this.close(CLOSE.malformed, "hello twice");
      case "subscribe":
        return this.#answer(frame, 16 + 40 * frame.cursors.length, () =>
          this.#inOrder(() => this.#subscribe(frame)),
        );
      case "unsubscribe":
        void this.#inOrder(() => this.#unsubscribe(frame.conversation));
        return;
      case "submit": {
        const bytes = frame.items.reduce((sum, item) => sum + item.bytes.length + 100, 0);
        return this.#answer(frame, bytes, () => this.#submit(frame));
      }
      case "credit":
        return this.#credit(frame.consumed);
      case "ephemeral":
        return this.#streams.ephemeral(this, frame.conversation, frame.body);
      case "ping":
        return this.#say({ type: "pong", nonce: frame.nonce });
    }
  }

  /** Runs what a request asks for; counts what waits for an answer. */
  #answer(frame: Answered, bytes: number, run: () => Promise<void>): void {
    this.#unanswered += bytes;
    this.#holdBack();
    run()
      .catch((error: unknown) => {
        if (!this.#isClosed) this.#refuse(frame.request, error);
      })
      .finally(() => {
        this.#unanswered -= bytes;
        this.#holdBack();
        if (this.#unanswered === 0) this.#stopping?.();
      });
  }

  /** Reads no more of who has too much under way, or does not read the answers. */
  #holdBack(): void {
    const tooMuch = this.#unanswered >= MAX_UNANSWERED || this.#out.held > this.#window + MAX_UNANSWERED;
    if (tooMuch === this.#isPaused) return;
    this.#isPaused = tooMuch;
    if (tooMuch) this.#ws.pause();
    else this.#ws.resume();
  }

  #inOrder(run: () => Promise<void> | void): Promise<void> {
    const result = this.#work.then(run);
    this.#work = result.catch(() => {});
    return result;
  }

  async #greet({ request, token, window }: Extract<ClientFrame, { type: "hello" }>): Promise<void> {
    try {
      const session = await this.#streams.greet(this, token);
      if (this.#isClosed) return;
      this.#window = Math.min(Math.max(window, LIMITS.windowMinimum), LIMITS.windowMaximum);
      this.#session = session;
      const { account, expires } = session;
      this.#say({ type: "ready", request, account, expires, now: this.#streams.clock.now() });
    } catch (error) {
      if (this.#isClosed) return;
      this.#refuse(request, error);
      this.#out.flush();
      const code = error instanceof Refusal ? error.code : "internal";
      if (code === "too-many-requests") this.close(CLOSE.tooMany, "too many");
      else if (code === "session-expired" || code === "unauthenticated") {
        this.close(CLOSE.unauthenticated, "log in first");
      } else this.close(1013, "try again later");
    }
  }

  async #submit({ request, conversation, items }: Extract<ClientFrame, { type: "submit" }>): Promise<void> {
    const session = this.#session;
    if (session === null) return;
    const seqs = await this.#streams.submit(session, conversation, items);
    if (!this.#isClosed) this.#say({ type: "acknowledged", request, seqs });
  }

  #credit(consumed: number): void {
    if (consumed < this.#consumed || consumed > this.#sent) return this.close(CLOSE.malformed, "credit");
    if (consumed > this.#consumed) this.#stalledSince = null;
    this.#consumed = consumed;
    this.#readBehind();
  }

  // Subscriptions

  async #subscribe({ request, all, cursors }: Extract<ClientFrame, { type: "subscribe" }>): Promise<void> {
    const ids = cursors.map(({ conversation }) => conversation);
    if (new Set(ids).size !== ids.length) {
      throw new Refusal("malformed", "a conversation is named twice: name it once");
    }
    if (this.#subscriptions.size + ids.length > LIMITS.subscriptions) {
      throw new Refusal("too-many-requests", "this stream follows as much as one may: open another");
    }
    // Followed before the heads are read, so that nothing is missed in between.
    const standings = await this.#streams.backlog.standings(this.account, ids);
    if (this.#isClosed) return;
    const found = cursors.map((cursor) => {
      const standing = standings.get(cursor.conversation);
      if (standing === undefined) throw unknownConversation();
      return { cursor, standing };
    });
    const heads = found.map(({ standing }) => visibleHead(standing));
    this.#say({ type: "subscribed", request, heads });
    for (const { cursor, standing } of found) this.#follow(cursor, standing);
    if (all && this.#heads === null) {
      this.#heads = new Map();
      this.#streams.watchWelcomes(this);
    }
    if (all) await this.#watchHeads();
    this.#readBehind();
  }

  #follow({ conversation, after }: Cursor, standing: Standing): void {
    const before = this.#subscriptions.get(conversation);
    if (before !== undefined) this.#drop(before);
    const subscription = new Subscription(conversation, this, after, standing);
    this.#subscriptions.set(conversation, subscription);
    this.#streams.topics.add(subscription);
    this.#behind.add(subscription);
    this.#moved.delete(conversation);
  }

  #unsubscribe(conversation: ConversationId): void {
    const subscription = this.#subscriptions.get(conversation);
    if (subscription === undefined) return;
    this.#drop(subscription);
    this.#subscriptions.delete(conversation);
  }

  #drop(subscription: Subscription): void {
    this.#behind.delete(subscription);
    this.#streams.topics.remove(subscription);
  }

  readOn(subscription: Subscription): void {
    this.#behind.add(subscription);
    this.#readBehind();
  }

  /** One look into the database at a time; stops while the window is full, and goes on with the next credit. */
  #readBehind(): void {
    if (this.#isClosed || this.#isReading || this.room <= 0) return;
    const [subscription] = this.#behind;
    if (subscription === undefined) return;
    this.#isReading = true;
    this.#behind.delete(subscription);
    this.#readSome(subscription)
      .then(
        (isDone) => {
          if (!isDone && !subscription.isOver) this.#behind.add(subscription);
        },
        (error: unknown) => {
          // The client goes on from its cursor at another time.
          this.#log.failure("stream-read-failed", error);
          this.close(1013, "try again later");
        },
      )
      .finally(() => {
        this.#isReading = false;
        this.#readBehind();
      });
  }

  /** Whether there is nothing left to read. */
  async #readSome(subscription: Subscription): Promise<boolean> {
    const { topics, backlog } = this.#streams;
    const { conversation } = subscription;
    if (subscription.isOver) return true;
    const heard = topics.heard(subscription);
    const from = subscription.next - 1;
    const { items, upTo, isLast } = await backlog.slice(conversation, from, Math.min(this.room, SLICE));
    if (items.some(({ kind }) => kind === "commit")) {
      // Who may read what follows a commit is known where the commit is (DEL-84).
      const standing = (await backlog.members(conversation, [this.account])).get(this.account);
      if (standing !== undefined) subscription.intervals = standing.intervals;
    }
    if (this.#isClosed || subscription.isOver) return true;
    const isSent = subscription.take(framed(conversation, items), null, upTo);
    if (subscription.endIfOver()) {
      topics.remove(subscription);
      return true;
    }
    return isSent && isLast && topics.goLive(subscription, heard);
  }

  // Heads and Welcomes of the account

  async #watchHeads(): Promise<void> {
    const heads = this.#heads;
    if (heads === null) return;
    const present = await this.#streams.backlog.heads(this.account);
    if (this.#isClosed) return;
    const ids = new Set(present.map(({ conversation }) => conversation));
    for (const conversation of heads.keys()) {
      if (ids.has(conversation)) continue;
      heads.delete(conversation);
      this.#streams.topics.unwatch(conversation, this);
    }
    for (const { conversation, head } of present) {
      if (!heads.has(conversation)) {
        heads.set(conversation, 0);
        this.#streams.topics.watch(conversation, this);
      }
      this.moved(conversation, head);
    }
    this.welcomesWait();
  }

  moved(conversation: ConversationId, head: number): void {
    const told = this.#heads?.get(conversation);
    if (told === undefined || head <= told || this.#subscriptions.has(conversation)) return;
    if (this.#moved.size === 0) setImmediate(() => this.#tellMoved());
    this.#moved.set(conversation, head);
  }

  left(conversation: ConversationId): void {
    this.#heads?.delete(conversation);
  }

  #tellMoved(): void {
    for (const [conversation, seq] of this.#moved) {
      if (this.#heads?.has(conversation) === true) this.#heads.set(conversation, seq);
      this.#say({ type: "head", conversation, seq });
    }
    this.#moved.clear();
  }

  /** There may be a Welcome for this device, and so a conversation more. */
  welcomesWait(): void {
    this.#askWelcomesAgain = true;
    if (this.#isAskingWelcomes || this.#heads === null) return;
    this.#isAskingWelcomes = true;
    this.#askWelcomes()
      .catch((error: unknown) => this.#log.failure("stream-welcomes-failed", error))
      .finally(() => {
        this.#isAskingWelcomes = false;
      });
  }

  async #askWelcomes(): Promise<void> {
    while (this.#askWelcomesAgain && !this.#isClosed && this.#session !== null) {
      this.#askWelcomesAgain = false;
      const ids = await this.#streams.backlog.welcomes(this.#session);
      const isNew = ids.some((id) => !this.#welcomesTold.has(id));
      this.#welcomesTold.clear();
      for (const id of ids) this.#welcomesTold.add(id);
      if (!isNew || this.#isClosed) continue;
      this.#say({ type: "welcomes" });
      const present = await this.#streams.backlog.heads(this.account);
      for (const { conversation } of present) {
        if (this.#isClosed || this.#heads === null || this.#heads.has(conversation)) continue;
        // What there is of it so far, the Welcome leads to.
        this.#heads.set(conversation, 0);
        this.#streams.topics.watch(conversation, this);
      }
    }
  }

  // The end

  /** Whether the client has left something waiting for as long, without consuming or reading any (DEL-86). */
  isSlow(milliseconds: number): boolean {
    const now = performance.now();
    const { held, taken } = this.#out;
    if (taken !== this.#taken && this.room > 0) this.#stalledSince = null;
    this.#taken = taken;
    if (held > 0 || (this.#behind.size > 0 && this.room <= 0)) this.#stalledSince ??= now;
    else this.#stalledSince = null;
    return this.#stalledSince !== null && now - this.#stalledSince > milliseconds;
  }

  /** Ends the connection; what was said before is sent first. */
  close(code: number, reason: string): void {
    if (this.#isClosed) return;
    this.#out.flush();
    this.#isClosed = true;
    this.#release();
    if (this.#isPaused) this.#ws.resume();
    this.#ws.close(code, reason);
    // Who does not answer the closing handshake is not waited for.
    setTimeout(() => this.#ws.terminate(), this.#streams.closeMilliseconds).unref();
  }

  /** Answers what is under way, then ends. */
  async stop(): Promise<void> {
    this.#ws.pause();
    this.#isPaused = true;
    if (this.#unanswered > 0) {
      await new Promise<void>((resolve) => {
        this.#stopping = resolve;
        setTimeout(resolve, this.#streams.closeMilliseconds * 2).unref();
      });
    }
    const gone = new Promise<void>((resolve) => this.#ws.once("close", () => resolve()));
    this.close(1001, "the server stops");
    await gone;
  }

  #closed(): void {
    this.#isClosed = true;
    this.#release();
    this.#streams.closed(this);
  }

  #release(): void {
    for (const subscription of this.#subscriptions.values()) this.#drop(subscription);
    this.#subscriptions.clear();
    this.#behind.clear();
    for (const conversation of this.#heads?.keys() ?? []) this.#streams.topics.unwatch(conversation, this);
    this.#heads = null;
    this.#moved.clear();
  }
}

function visibleHead({ head, intervals }: Standing): number {
  return Math.max(...intervals.map(({ until }) => until ?? head));
}
