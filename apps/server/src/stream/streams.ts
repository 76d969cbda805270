import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import {
  type AccountId,
  accountId,
  type ConversationId,
  conversationId,
  equalBytes,
} from "@porchlight/encoding";
import type { Clock, Logger } from "@porchlight/runtime";
import { CLOSE, encodeServerFrame, LIMITS, type NewItem } from "@porchlight/wire";
import { type WebSocket, WebSocketServer } from "ws";
import type { Accounts, OpenSession } from "../accounts.ts";
import type { Addresses } from "../addresses.ts";
import type { StreamConfig } from "../config.ts";
import { type Database, isDatabaseOutage } from "../database.ts";
import type { Delivery } from "../delivery.ts";
import type { Hints } from "../hints.ts";
import type { Meter } from "../meter.ts";
import type { PushSubscriptions } from "../push/subscriptions.ts";
import type { RateLimits } from "../rate-limits.ts";
import { Refusal } from "../refusal.ts";
import type { Waiters } from "../waiters.ts";
import { Backlog } from "./backlog.ts";
import { Turn } from "./outgoing.ts";
import { Stream } from "./stream.ts";
import { Topics } from "./topics.ts";

const STREAM_PATH = "/v1/stream";
const EPHEMERAL = "ephemeral";
/** Ephemerals of one stream a second, and how many may come at once; what exceeds them is dropped. */
const EPHEMERAL_RATE = 10;
const EPHEMERAL_BURST = 30;

type Parts = {
  readonly accounts: Accounts;
  readonly delivery: Delivery;
  readonly database: Database;
  readonly waiters: Waiters;
  readonly hints: Hints;
  readonly clock: Clock;
  readonly meter: Meter;
  readonly addresses: Addresses;
  readonly limits: RateLimits;
  readonly push: PushSubscriptions;
  readonly log: Logger;
  readonly config: StreamConfig;
};

/** All streams of this process. */
export class Streams {
  readonly turn = new Turn();
  readonly topics: Topics;
  readonly backlog: Backlog;
  readonly clock: Clock;
  readonly meter: Meter;
  /** Milliseconds for which the closing handshake is waited for. */
  readonly closeMilliseconds = 2_000;
  readonly #accounts: Accounts;
  readonly #delivery: Delivery;
  readonly #waiters: Waiters;
  readonly #hints: Hints;
  readonly #addresses: Addresses;
  readonly #limits: RateLimits;
  readonly #push: PushSubscriptions;
  readonly #log: Logger;
  readonly #config: StreamConfig;
  readonly #server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: LIMITS.streamMessage,
    clientTracking: false,
    skipUTF8Validation: true,
  });
  /** Every stream, with when it began in milliseconds of real time. */
  readonly #streams = new Map<Stream, number>();
  readonly #bySession = new Map<string, Set<Stream>>();
  readonly #byAccount = new Map<AccountId, Set<Stream>>();
  readonly #unwatch = new Map<AccountId, () => void>();
  readonly #allowances = new WeakMap<Stream, { tokens: number; at: number }>();
  readonly #timers: NodeJS.Timeout[];
  #isStopping = false;

  constructor(parts: Parts) {
    const { accounts, delivery, database, waiters, hints, clock, meter, addresses } = parts;
    const { limits, push, log, config } = parts;
    this.#accounts = accounts;
    this.#delivery = delivery;
    this.#waiters = waiters;
    this.#hints = hints;
    this.clock = clock;
    this.meter = meter;
    this.#addresses = addresses;
    this.#limits = limits;
    this.#push = push;
    this.#log = log;
    this.#config = config;
    this.backlog = new Backlog(database);
    this.topics = new Topics(this.backlog, waiters, log);
    delivery.follow({
      committed: (conversation, items) => this.topics.committed(conversation, items),
      welcomed: (account) => this.#welcomed(account),
    });
    accounts.onSessionOver((session) => this.#endSession(session));
    hints.subscribe(EPHEMERAL, (body) => this.#takeEphemeral(body));
    const every = (seconds: number, run: () => void): NodeJS.Timeout =>
      setInterval(run, 1000 * seconds).unref();
    this.#timers = [
      every(Math.min(1, config.helloSeconds / 4), () => this.#endLate()),
      every(Math.min(5, config.slowSeconds / 4), () => this.#endSlow()),
      every(config.sessionSeconds, () => void this.#checkSessions()),
    ];
  }

  get count(): number {
    return this.#streams.size;
  }

  /** Answers the upgrade of a connection to a WebSocket. */
  readonly upgrade = (request: IncomingMessage, duplex: Duplex, head: Buffer): void => {
    const socket = duplex as Socket;
    socket.on("error", () => {});
    if (request.url !== STREAM_PATH) return reject(socket, "404 Not Found");
    if (this.#isStopping) return reject(socket, "503 Service Unavailable");
    if (this.#streams.size >= this.#config.total) return reject(socket, "503 Service Unavailable");
    // Half-open connections are the kernel's to find.
    socket.setKeepAlive(true, 60_000);
    socket.setNoDelay(true);
    socket.setTimeout(0);
    const address = this.#addresses.of(request);
    this.#server.handleUpgrade(request, socket, head, (ws) => this.#begin(ws, socket, address));
  };

  #begin(ws: WebSocket, socket: Socket, address: string): void {
    this.#streams.set(new Stream(this, ws, socket, address, this.#log), performance.now());
  }

  /** Opens the stream for a session. Throws Refusal "session-expired" or "too-many-requests". */
  async greet(stream: Stream, token: string): Promise<OpenSession> {
    await this.#limits.entry(stream.address);
    const session = await this.#accounts.sessionOf(token);
    if (!this.#streams.has(stream)) return session;
    const ofAccount = this.#byAccount.get(session.account) ?? new Set();
    if (ofAccount.size >= this.#config.perAccount) {
      throw new Refusal("too-many-requests", "this account has as many streams as it may: close one");
    }
    this.#byAccount.set(session.account, ofAccount.add(stream));
    this.#bySession.set(session.tokenHash, (this.#bySession.get(session.tokenHash) ?? new Set()).add(stream));
    this.#note(this.#push.streaming([session]));
    return session;
  }

  async submit(
    session: OpenSession,
    conversation: ConversationId,
    items: readonly NewItem[],
  ): Promise<number[]> {
    await this.#limits.items(session.account, items.length);
    return await this.#delivery.submit(conversation, session, items);
  }

  // Welcomes

  watchWelcomes({ account }: Stream): void {
    if (this.#unwatch.has(account)) return;
    this.#unwatch.set(
      account,
      this.#waiters.watch(`welcomes ${account}`, () => this.#welcomed(account)),
    );
  }

  #welcomed(account: AccountId): void {
    for (const stream of this.#byAccount.get(account) ?? []) stream.welcomesWait();
  }

  // Ephemerals (DEL-87)

  ephemeral(from: Stream, conversation: ConversationId, body: Uint8Array): void {
    const { account } = from;
    const isPresent = [...this.topics.present(conversation)].some(({ reader }) => reader === from);
    if (!isPresent || !this.#allows(from)) return;
    this.#handEphemeral(conversation, account, body, from);
    if (this.#hints.shared) {
      this.#hints.publish(EPHEMERAL, `${conversation} ${account} ${Buffer.from(body).toString("base64")}`);
    }
  }

  #allows(stream: Stream): boolean {
    const now = performance.now() / 1000;
    const allowance = this.#allowances.get(stream) ?? { tokens: EPHEMERAL_BURST, at: now };
    const tokens = Math.min(EPHEMERAL_BURST, allowance.tokens + (now - allowance.at) * EPHEMERAL_RATE);
    this.#allowances.set(stream, { tokens: tokens < 1 ? tokens : tokens - 1, at: now });
    return tokens >= 1;
  }

  #takeEphemeral(hint: string): void {
    const [conversation = "", sender = "", body = ""] = hint.split(" ");
    this.#handEphemeral(conversationId(conversation), accountId(sender), Buffer.from(body, "base64"), null);
  }

  #handEphemeral(
    conversation: ConversationId,
    sender: AccountId,
    body: Uint8Array,
    from: Stream | null,
  ): void {
    const frame = encodeServerFrame({ type: "ephemeral", conversation, sender, body });
    for (const { reader } of this.topics.present(conversation)) {
      if (reader !== from && reader instanceof Stream) reader.sendEphemeral(frame);
    }
  }

  // Ends

  /** The stream's connection is gone. */
  closed(stream: Stream): void {
    this.#streams.delete(stream);
    const { session } = stream;
    if (session === null) return;
    remove(this.#bySession, session.tokenHash, stream);
    remove(this.#byAccount, session.account, stream);
    const others = [...(this.#byAccount.get(session.account) ?? [])];
    if (
      !others.some(
        (other) => other.session !== null && equalBytes(other.session.deviceKey, session.deviceKey),
      )
    ) {
      this.#note(this.#push.gone(session));
    }
    if (this.#byAccount.has(session.account)) return;
    this.#unwatch.get(session.account)?.();
    this.#unwatch.delete(session.account);
  }

  #endSession(tokenHash: string): void {
    for (const stream of this.#bySession.get(tokenHash) ?? [])
      stream.close(CLOSE.sessionOver, "the session is over");
  }

  /** Sessions that another process ended. */
  async #checkSessions(): Promise<void> {
    try {
      await this.#accounts.recheck([...this.#bySession.keys()]);
      await this.#push.streaming([...this.#streams.keys()].flatMap(({ session }) => session ?? []));
    } catch (error) {
      if (!isDatabaseOutage(error)) this.#log.failure("stream-sessions-failed", error);
    }
  }

  /** What push messages depend on; a failure delays or doubles one. */
  #note(writing: Promise<void>): void {
    writing.catch((error: unknown) => {
      if (!isDatabaseOutage(error)) this.#log.failure("push-presence-failed", error);
    });
  }

  #endLate(): void {
    const latest = performance.now() - 1000 * this.#config.helloSeconds;
    for (const [stream, began] of this.#streams) {
      if (stream.session === null && began < latest) stream.close(CLOSE.helloTimeout, "no hello");
    }
  }

  #endSlow(): void {
    for (const stream of this.#streams.keys()) {
      if (stream.isSlow(1000 * this.#config.slowSeconds)) stream.close(CLOSE.slow, "too slow");
    }
  }

  /** Takes no more, answers what is under way, and ends every stream with 1001. */
  async close(): Promise<void> {
    this.#isStopping = true;
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.all([...this.#streams.keys()].map((stream) => stream.stop()));
    this.topics.close();
  }
}

function remove<Key>(map: Map<Key, Set<Stream>>, key: Key, stream: Stream): void {
  const set = map.get(key);
  if (set === undefined) return;
  set.delete(stream);
  if (set.size === 0) map.delete(key);
}

function reject(socket: Socket, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
