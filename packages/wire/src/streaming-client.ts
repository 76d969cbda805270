import type { AccountId, ConversationId } from "@porchlight/encoding";
import type { ItemPage, NewItem, PendingWelcome, StoredItem } from "./delivery.ts";
import { WireError } from "./error.ts";
import type { StreamItem } from "./frames.ts";
import type { ClientOptions } from "./http.ts";
import { LIMITS } from "./limits.ts";
import { ServerClient } from "./server-client.ts";
import { fitsStream, Stream, type StreamState } from "./stream.ts";

/** What an application hears without asking. Nothing here may throw. */
export type StreamingListener = {
  /** Something new is there to be read with `items`. */
  readonly moved?: (conversation: ConversationId) => void;
  /** There may be Welcomes to fetch. */
  readonly welcomes?: () => void;
  readonly ephemeral?: (conversation: ConversationId, sender: AccountId, body: Uint8Array) => void;
  readonly state?: (state: StreamState) => void;
};

export type StreamingOptions = ClientOptions & {
  readonly listener?: StreamingListener;
  readonly window?: number;
  readonly open?: (address: string) => WebSocket;
  /** After which what nobody reads is let go, long before the server loses its patience (DEL-86); 10,000 by default. */
  readonly idleMilliseconds?: number;
};

/** A conversation whose items arrive by the stream, from `base` on. */
type Following = {
  /** The reader has dealt with everything up to here. */
  base: number;
  /** The newest seq that is known to exist. */
  head: number;
  isSubscribed: boolean;
  isEnded: boolean;
  buffer: { readonly item: StoredItem; readonly done: () => void }[];
  /** Milliseconds of real time. */
  lastRead: number;
};

const DEFAULT_IDLE = 10_000;
/** Milliseconds for which a stream that is being connected is waited for before HTTP is used. */
const CONNECTING = 2_000;

/**
 * {@link ServerClient} whose members' part goes over the stream: items arrive by themselves, submissions share one
 * connection. Where there is no stream at the moment, the same calls go by HTTP.
 */
export class StreamingClient extends ServerClient {
  readonly #options: StreamingOptions;
  readonly #idleLimit: number;
  readonly #following = new Map<ConversationId, Following>();
  readonly #waiting = new Set<() => void>();
  #stream: Stream | null = null;
  #welcomesTold = 0;
  #idle: ReturnType<typeof setInterval> | null = null;

  constructor(options: StreamingOptions) {
    super(options);
    this.#options = options;
    this.#idleLimit = options.idleMilliseconds ?? DEFAULT_IDLE;
  }

  /** Opens the stream; to be called once there is a session. Again it does nothing. */
  connect(): void {
    if (this.#stream !== null) return;
    const { url, window, open, listener } = this.#options;
    this.#idle = setInterval(() => this.#letGo(), this.#idleLimit / 2);
    (this.#idle as { unref?: () => void }).unref?.();
    this.#stream = new Stream({
      url,
      all: true,
      token: (renew) => this.token(renew),
      ...(window === undefined ? {} : { window }),
      ...(open === undefined ? {} : { open }),
      listener: {
        item: (conversation, item, done) => this.#item(conversation, item, done),
        head: (conversation, seq) => this.#head(conversation, seq),
        ended: (conversation, seq) => this.#ended(conversation, seq),
        forbidden: (conversation) => this.#ended(conversation, 0),
        welcomes: () => {
          this.#welcomesTold++;
          this.#wake();
          listener?.welcomes?.();
        },
        ephemeral: (conversation, sender, body) => listener?.ephemeral?.(conversation, sender, body),
        state: (state) => {
          if (state !== "open") for (const one of this.#following.values()) one.isSubscribed = false;
          this.#wake();
          listener?.state?.(state);
        },
      },
    });
  }

  get streamState(): StreamState {
    return this.#stream?.state ?? "closed";
  }

  /** Ends the stream; what was not acknowledged is "unreachable". */
  disconnect(): void {
    if (this.#idle !== null) clearInterval(this.#idle);
    this.#stream?.close();
    this.#stream = null;
    this.#following.clear();
    this.#wake();
  }

  /** Tells the members who are there; nothing is stored, and it may be lost. At most 1 KiB. */
  tell(conversation: ConversationId, body: Uint8Array): void {
    this.#stream?.tell(conversation, body);
  }

  /** Connects now rather than after the pause: for who hears that the network is back. */
  hurry(): void {
    this.#stream?.hurry();
  }

  override async submit(conversation: ConversationId, items: readonly NewItem[]): Promise<number[]> {
    const stream = this.#stream;
    try {
      const seqs =
        stream?.state === "open" && fitsStream(items)
          ? await stream.submit(conversation, items as readonly StreamItem[])
          : await super.submit(conversation, items);
      this.#known(conversation, Math.max(0, ...seqs));
      return seqs;
    } catch (error) {
      // What another device did first is to be read next.
      if (error instanceof WireError && error.head !== undefined) this.#known(conversation, error.head.seq);
      throw error;
    }
  }

  override async items(
    conversation: ConversationId,
    after: number,
    options: { readonly limit?: number; readonly wait?: number; readonly signal?: AbortSignal } = {},
  ): Promise<ItemPage> {
    const { limit = LIMITS.page, wait = 0, signal } = options;
    const end = Date.now() + 1000 * wait;
    const patience = Date.now() + CONNECTING;
    for (;;) {
      const stream = this.#stream;
      const isUsable = stream !== null && (stream.state === "open" || stream.state === "connecting");
      if (stream === null || !isUsable) break;
      const following = this.#follow(stream, conversation, after);
      const page = following.buffer.slice(0, limit).map(({ item }) => item);
      const last = page.at(-1);
      if (last !== undefined) return { items: page, head: Math.max(following.head, last.seq) };
      // Refused, or over: by HTTP the server says which.
      if (following.isEnded) break;
      const isCurrent = following.isSubscribed && following.base >= following.head;
      if (isCurrent && Date.now() >= end) {
        // Who asks again and again must not keep the answer from arriving.
        await new Promise((resolve) => setTimeout(resolve));
        if (following.buffer.length === 0) return { items: [], head: following.head };
        continue;
      }
      if (!isCurrent && Date.now() >= patience) break;
      await this.#next(isCurrent ? Math.min(end, Date.now() + this.#idleLimit / 2) : patience, signal);
      signal?.throwIfAborted();
    }
    const left = Math.max(0, Math.ceil((end - Date.now()) / 1000));
    return await super.items(conversation, after, {
      limit,
      wait: left,
      ...(signal === undefined ? {} : { signal }),
    });
  }

  override async welcomes(
    options: { readonly wait?: number; readonly signal?: AbortSignal } = {},
  ): Promise<PendingWelcome[]> {
    const { wait = 0, signal } = options;
    const end = Date.now() + 1000 * wait;
    for (;;) {
      const told = this.#welcomesTold;
      const isStreaming = this.#stream?.state === "open";
      const left = isStreaming ? 0 : Math.max(0, Math.ceil((end - Date.now()) / 1000));
      const found = await super.welcomes({ wait: left, ...(signal === undefined ? {} : { signal }) });
      if (found.length > 0 || Date.now() >= end) return found;
      while (this.#welcomesTold === told && this.#stream?.state === "open" && Date.now() < end) {
        await this.#next(end, signal);
        signal?.throwIfAborted();
      }
    }
  }

  #follow(stream: Stream, conversation: ConversationId, after: number): Following {
    const known = this.#following.get(conversation);
    const isFollowed = stream.cursors.has(conversation) || known?.isEnded === true;
    if (known !== undefined && after >= known.base && isFollowed) {
      known.lastRead = Date.now();
      known.base = after;
      while ((known.buffer[0]?.item.seq ?? Number.POSITIVE_INFINITY) <= after) known.buffer.shift()?.done();
      return known;
    }
    for (const { done } of known?.buffer ?? []) done();
    const following = {
      base: after,
      head: known?.head ?? 0,
      isSubscribed: false,
      isEnded: false,
      buffer: [],
      lastRead: Date.now(),
    };
    this.#following.set(conversation, following);
    stream.follow([[conversation, after]]);
    return following;
  }

  #item(conversation: ConversationId, item: StoredItem, done: () => void): void {
    const following = this.#following.get(conversation);
    if (following === undefined || item.seq <= following.base) return done();
    following.buffer.push({ item, done });
    following.head = Math.max(following.head, item.seq);
    this.#wake();
    this.#options.listener?.moved?.(conversation);
  }

  #head(conversation: ConversationId, seq: number): void {
    const following = this.#following.get(conversation);
    if (following !== undefined) {
      following.head = Math.max(following.head, seq);
      following.isSubscribed ||= this.#stream?.cursors.has(conversation) === true;
      this.#wake();
    }
    if (following === undefined || seq > following.base) this.#options.listener?.moved?.(conversation);
  }

  #known(conversation: ConversationId, seq: number): void {
    const following = this.#following.get(conversation);
    if (following !== undefined) following.head = Math.max(following.head, seq);
  }

  #ended(conversation: ConversationId, seq: number): void {
    const following = this.#following.get(conversation);
    if (following === undefined) return;
    following.isEnded = true;
    following.head = Math.max(following.head, seq);
    this.#wake();
    this.#options.listener?.moved?.(conversation);
  }

  /** What nobody reads must not fill the window for the others: it is fetched again when somebody asks. */
  #letGo(): void {
    const late = Date.now() - this.#idleLimit;
    for (const [conversation, { buffer, lastRead }] of this.#following) {
      if (buffer.length === 0 || lastRead > late) continue;
      this.#stream?.unfollow(conversation);
      this.#following.delete(conversation);
      for (const { done } of buffer) done();
    }
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  async #next(until: number, signal: AbortSignal | undefined): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(finish, Math.max(0, until - Date.now()));
      const waiting = this.#waiting;
      function finish(): void {
        clearTimeout(timer);
        signal?.removeEventListener("abort", finish);
        waiting.delete(finish);
        resolve();
      }
      waiting.add(finish);
      signal?.addEventListener("abort", finish);
      if (signal?.aborted === true) finish();
    });
  }
}
