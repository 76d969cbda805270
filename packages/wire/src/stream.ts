import { type AccountId, type ConversationId, EncodingError, type UnixSeconds } from "@porchlight/encoding";
import type { StoredItem } from "./delivery.ts";
import { WireError } from "./error.ts";
import {
  CLOSE,
  type ClientFrame,
  encodeClientFrame,
  FRAME_HEADER,
  readServerFrames,
  type ServerFrame,
  type StreamItem,
  type StreamRefusal,
} from "./frames.ts";
import { LIMITS } from "./limits.ts";

/** "waiting": between two attempts to connect. */
export type StreamState = "connecting" | "open" | "waiting" | "closed";

/** What a stream tells. Nothing here may throw. */
export type StreamListener = {
  /**
   * In the conversation's order, each item once. `done` is to be called when the item has been dealt with: until then
   * it counts against the window, and who leaves too much lying is sent no more.
   */
  readonly item: (conversation: ConversationId, item: StoredItem, done: () => void) => void;
  /** There is something up to this seq, in a conversation that is followed or, with `all`, in any other. */
  readonly head?: (conversation: ConversationId, seq: number) => void;
  /** The account has left; nothing of the conversation follows. */
  readonly ended?: (conversation: ConversationId, seq: number) => void;
  /** Nobody may follow this conversation with this account. */
  readonly forbidden?: (conversation: ConversationId) => void;
  readonly welcomes?: () => void;
  readonly ephemeral?: (conversation: ConversationId, sender: AccountId, body: Uint8Array) => void;
  readonly state?: (state: StreamState) => void;
  /** The server's clock, at each connection. */
  readonly time?: (now: UnixSeconds) => void;
};

export type StreamOptions = {
  /** The server's address as for HTTP. */
  readonly url: string;
  /** A session's token; with `renew` the last one opened nothing, and the device logs in first. */
  readonly token: (renew: boolean) => Promise<string>;
  readonly listener: StreamListener;
  /** Heads of all other conversations of the account, and word of Welcomes. */
  readonly all?: boolean;
  /** Bytes that may lie here without being dealt with, 1 MiB by default. */
  readonly window?: number;
  readonly open?: (address: string) => WebSocket;
  /** 0 up to 1, for the pauses between attempts. */
  readonly random?: () => number;
};

type Pending = {
  readonly conversation: ConversationId;
  readonly items: readonly StreamItem[];
  readonly bytes: number;
  readonly resolve: (seqs: number[]) => void;
  readonly reject: (error: unknown) => void;
};

const DEFAULT_WINDOW = 1024 * 1024;
/** Bytes of submissions that are under way at a time; more wait here. */
const MAX_UNANSWERED = 2 * LIMITS.streamSubmit;
/** Milliseconds. */
const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 30_000;
const QUIET = 25_000;
const PATIENCE = 15_000;
const OPEN_LIMIT = 20_000;

/** Whether the items fit the stream; others, and commits, go by HTTP (DEL-81). */
export function fitsStream(items: readonly { readonly kind: string; readonly bytes: Uint8Array }[]): boolean {
  const length = items.reduce((sum, { bytes }) => sum + bytes.length + 80, 64);
  return items.every(({ kind }) => kind !== "commit") && length <= LIMITS.streamSubmit;
}

/**
 * The server's stream (DEL-80 to DEL-89) in a browser and in Node: one connection that is made again whenever it is
 * lost, later each time and at random; subscriptions go on where they were, and what was not acknowledged is handed in
 * again with the same keys.
 */
export class Stream {
  readonly #options: StreamOptions;
  readonly #address: string;
  readonly #window: number;
  /** Seq up to which each conversation was handed on. */
  readonly #cursors = new Map<ConversationId, number>();
  /** Answers that are waited for, by request. */
  readonly #submitted = new Map<number, Pending>();
  #waiting: Pending[] = [];
  #unanswered = 0;
  readonly #subscribing = new Map<number, readonly ConversationId[]>();
  #connection: Connection | null = null;
  #state: StreamState = "waiting";
  #request = 0;
  #attempts = 0;
  #renew = false;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#address = `${options.url.replace(/^http/, "ws").replace(/\/+$/, "")}/v1/stream`;
    this.#window = options.window ?? DEFAULT_WINDOW;
    this.#connect();
  }

  get state(): StreamState {
    return this.#state;
  }

  /** Conversations that are followed, with the seq up to which each was handed on. */
  get cursors(): ReadonlyMap<ConversationId, number> {
    return this.#cursors;
  }

  /** Follows conversations, each from the seq after which it goes on; again for one that is followed: from there. */
  follow(cursors: Iterable<readonly [ConversationId, number]>): void {
    const fresh = [...cursors];
    for (const [conversation, after] of fresh) this.#cursors.set(conversation, after);
    if (this.#state === "open") this.#subscribe(fresh.map(([conversation]) => conversation));
  }

  unfollow(conversation: ConversationId): void {
    if (!this.#cursors.delete(conversation)) return;
    if (this.#state === "open") this.#send({ type: "unsubscribe", conversation });
  }

  /**
   * Hands items in, all or none; resolves with their seqs when they are durable, over as many connections as it takes.
   * Throws WireError "refused"; "unreachable" when the stream is closed before there was an answer: whether they were
   * taken is unknown then.
   */
  submit(conversation: ConversationId, items: readonly StreamItem[]): Promise<number[]> {
    if (this.#state === "closed") return Promise.reject(gone());
    const bytes = items.reduce((sum, item) => sum + item.bytes.length, 0);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ conversation, items, bytes, resolve, reject });
      this.#submitWaiting();
    });
  }

  /** Tells who is there; lost where the connection is down. */
  tell(conversation: ConversationId, body: Uint8Array): void {
    if (this.#state === "open") this.#send({ type: "ephemeral", conversation, body });
  }

  /** Connects now rather than after the pause: for who hears that the network is back. */
  hurry(): void {
    if (this.#state !== "waiting") return;
    this.#attempts = 0;
    this.#connect();
  }

  close(): void {
    if (this.#state === "closed") return;
    this.#change("closed");
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#connection?.end();
    this.#connection = null;
    const pending = [...this.#submitted.values(), ...this.#waiting];
    this.#submitted.clear();
    this.#waiting = [];
    for (const { reject } of pending) reject(gone());
  }

  #change(state: StreamState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#options.listener.state?.(state);
  }

  #connect(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#change("connecting");
    void this.#options.token(this.#renew).then(
      (token) => {
        if (this.#state !== "connecting") return;
        this.#renew = false;
        const { open = (address) => new WebSocket(address) } = this.#options;
        const connection = new Connection(open(this.#address), this.#window, {
          frame: (frame, bytes) => {
            if (this.#connection === connection) this.#take(connection, frame, bytes);
          },
          lost: (code) => {
            if (this.#connection === connection) this.#lost(code);
          },
        });
        this.#connection = connection;
        connection.greet(this.#nextRequest(), token);
      },
      () => {
        if (this.#state === "connecting") this.#pause();
      },
    );
  }

  #lost(code: number): void {
    this.#connection = null;
    if (code === CLOSE.unauthenticated || code === CLOSE.sessionOver) this.#renew = true;
    // The order in which they were handed in is kept.
    this.#waiting = [...this.#submitted.values(), ...this.#waiting];
    this.#submitted.clear();
    this.#subscribing.clear();
    this.#unanswered = 0;
    this.#pause();
  }

  #pause(): void {
    this.#change("waiting");
    const { random = Math.random } = this.#options;
    const longest = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(this.#attempts, 10));
    this.#attempts++;
    this.#timer = setTimeout(() => this.#connect(), longest * (0.5 + random() / 2));
  }

  #nextRequest(): number {
    this.#request = this.#request >= 0xffff_ffff ? 1 : this.#request + 1;
    return this.#request;
  }

  #send(frame: ClientFrame): void {
    this.#connection?.send(frame);
  }

  #subscribe(conversations: readonly ConversationId[]): void {
    const { all = false } = this.#options;
    for (let at = 0; at === 0 || at < conversations.length; at += LIMITS.cursors) {
      const part = conversations.slice(at, at + LIMITS.cursors);
      const request = this.#nextRequest();
      this.#subscribing.set(request, part);
      const cursors = part.map((conversation) => ({
        conversation,
        after: this.#cursors.get(conversation) ?? 0,
      }));
      this.#send({ type: "subscribe", request, all, cursors });
    }
  }

  #submitWaiting(): void {
    while (this.#state === "open") {
      const [next] = this.#waiting;
      if (next === undefined) return;
      if (this.#unanswered > 0 && this.#unanswered + next.bytes > MAX_UNANSWERED) return;
      this.#waiting.shift();
      const request = this.#nextRequest();
      const { conversation, items } = next;
      try {
        this.#send({ type: "submit", request, conversation, items });
      } catch (cause) {
        if (!(cause instanceof EncodingError)) throw cause;
        next.reject(new WireError("request-malformed", "the items break the stream's limits", { cause }));
        continue;
      }
      this.#submitted.set(request, next);
      this.#unanswered += next.bytes;
    }
  }

  #answered(request: number): Pending | undefined {
    const pending = this.#submitted.get(request);
    if (pending === undefined) return undefined;
    this.#submitted.delete(request);
    this.#unanswered -= pending.bytes;
    return pending;
  }

  #take(connection: Connection, frame: ServerFrame, bytes: number): void {
    const { listener } = this.#options;
    switch (frame.type) {
      case "ready":
        this.#attempts = 0;
        this.#change("open");
        listener.time?.(frame.now);
        this.#subscribe([...this.#cursors.keys()]);
        this.#submitWaiting();
        return;
      case "subscribed": {
        const conversations = this.#subscribing.get(frame.request) ?? [];
        this.#subscribing.delete(frame.request);
        conversations.forEach((conversation, place) => {
          listener.head?.(conversation, frame.heads[place] ?? 0);
        });
        return;
      }
      case "acknowledged":
        this.#answered(frame.request)?.resolve([...frame.seqs]);
        this.#submitWaiting();
        return;
      case "refused":
        return this.#refused(frame.request, frame.refusal);
      case "item": {
        const { conversation, item } = frame;
        const cursor = this.#cursors.get(conversation);
        // On its way before an `unfollow` or another `follow` was heard of.
        if (cursor === undefined || item.seq <= cursor) return connection.consume(bytes);
        this.#cursors.set(conversation, item.seq);
        let isDone = false;
        listener.item(conversation, item, () => {
          if (isDone) return;
          isDone = true;
          connection.consume(bytes);
        });
        return;
      }
      case "head":
        return listener.head?.(frame.conversation, frame.seq);
      case "ended":
        this.#cursors.delete(frame.conversation);
        return listener.ended?.(frame.conversation, frame.seq);
      case "welcomes":
        return listener.welcomes?.();
      case "ephemeral":
        connection.consume(bytes);
        return listener.ephemeral?.(frame.conversation, frame.sender, frame.body);
      case "pong":
        return;
    }
  }

  #refused(request: number, refusal: StreamRefusal): void {
    const pending = this.#answered(request);
    if (pending !== undefined) {
      const { code, message, ...facts } = refusal;
      pending.reject(new WireError("refused", message, { refusal: code, ...facts }));
      this.#submitWaiting();
      return;
    }
    const conversations = this.#subscribing.get(request);
    this.#subscribing.delete(request);
    if (conversations === undefined) return;
    // One of them is refused, and with it all: ask for each alone.
    const [only] = conversations;
    if (conversations.length > 1) for (const one of conversations) this.#subscribe([one]);
    else if (only !== undefined && refusal.code === "forbidden") {
      this.#cursors.delete(only);
      this.#options.listener.forbidden?.(only);
    } else this.#connection?.drop();
  }
}

type Events = {
  readonly frame: (frame: ServerFrame, bytes: number) => void;
  /** Once. `code`: why the server ended it, 1006 where it did not say. */
  readonly lost: (code: number) => void;
};

/** One WebSocket: frames, credit, and whether the other side is still there. */
class Connection {
  readonly #socket: WebSocket;
  readonly #window: number;
  readonly #events: Events;
  #consumed = 0;
  #credited = 0;
  #heard = Date.now();
  #pinged = 0;
  readonly #watch: ReturnType<typeof setInterval>;
  readonly #late: ReturnType<typeof setTimeout>;
  #isLost = false;
  /** Frames of this turn, to be sent as one message. */
  #outgoing: Uint8Array[] = [];

  constructor(socket: WebSocket, window: number, events: Events) {
    this.#socket = socket;
    this.#window = window;
    this.#events = events;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => this.#receive(data));
    socket.addEventListener("close", ({ code }) => this.#lose(code));
    socket.addEventListener("error", () => this.drop());
    this.#watch = setInterval(() => this.#look(), PATIENCE / 3);
    this.#late = setTimeout(() => this.drop(), OPEN_LIMIT);
  }

  greet(request: number, token: string): void {
    const say = (): void => {
      const hello = encodeClientFrame({ type: "hello", request, token, window: this.#window });
      this.#socket.send(hello as Uint8Array<ArrayBuffer>);
    };
    if (this.#socket.readyState === 1) say();
    else this.#socket.addEventListener("open", say);
  }

  /** Throws EncodingError for what breaks the format's limits. */
  send(frame: ClientFrame): void {
    const bytes = encodeClientFrame(frame);
    if (this.#outgoing.length === 0) queueMicrotask(() => this.#flush());
    this.#outgoing.push(bytes);
  }

  #flush(): void {
    const frames = this.#outgoing;
    this.#outgoing = [];
    if (this.#isLost || this.#socket.readyState !== 1) return;
    let at = 0;
    while (at < frames.length) {
      let length = 0;
      let end = at;
      while (
        end < frames.length &&
        (end === at || length + (frames[end]?.length ?? 0) <= LIMITS.streamMessage)
      ) {
        length += frames[end]?.length ?? 0;
        end++;
      }
      const message = new Uint8Array(length);
      let place = 0;
      for (const frame of frames.slice(at, end)) {
        message.set(frame, place);
        place += frame.length;
      }
      this.#socket.send(message);
      at = end;
    }
  }

  #receive(data: unknown): void {
    this.#heard = Date.now();
    let frames: ServerFrame[];
    try {
      if (!(data instanceof ArrayBuffer)) throw new EncodingError("wrong-type", "message");
      frames = readServerFrames(new Uint8Array(data));
    } catch (error) {
      if (!(error instanceof EncodingError)) throw error;
      // Not of this protocol: nothing that follows it can be believed.
      return this.drop();
    }
    for (const frame of frames) {
      if (this.#isLost) return;
      if (frame.type === "ready") clearTimeout(this.#late);
      this.#events.frame(frame, bytesOf(frame));
    }
  }

  /** What the window is measured in: an item's or ephemeral's frame, header included. */
  consume(bytes: number): void {
    this.#consumed += bytes;
    if (this.#isLost || this.#consumed - this.#credited < this.#window / 4) return;
    this.#credited = this.#consumed;
    this.send({ type: "credit", consumed: this.#consumed });
  }

  #look(): void {
    const now = Date.now();
    if (this.#pinged > this.#heard && now - this.#pinged > PATIENCE) return this.drop();
    if (now - this.#heard < QUIET || this.#pinged > this.#heard || this.#socket.readyState !== 1) return;
    this.#pinged = now;
    this.send({ type: "ping", nonce: now });
  }

  /** The other side is gone, or is none that is understood. */
  drop(): void {
    this.end();
    this.#lose(1006);
  }

  end(): void {
    this.#release();
    if (this.#socket.readyState < 2) this.#socket.close();
  }

  #lose(code: number): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#release();
    this.#events.lost(code);
  }

  #release(): void {
    clearInterval(this.#watch);
    clearTimeout(this.#late);
  }
}

function bytesOf(frame: ServerFrame): number {
  if (frame.type === "item") return ITEM_FRAME + frame.item.bytes.length;
  return frame.type === "ephemeral" ? FRAME_HEADER + 64 + frame.body.length : 0;
}

/** An item's frame without its bytes (DEL-80). */
const ITEM_FRAME = FRAME_HEADER + 32 + 8 + 1 + 8 + 32 + 8;

function gone(): WireError {
  return new WireError("unreachable", "the stream was closed: hand the same items in again later");
}
