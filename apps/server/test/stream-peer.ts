// A client of the stream that does nothing by itself: every frame is the test's. For tests only.
import { once } from "node:events";
import type { ConversationId } from "@porchlight/encoding";
import {
  type ClientFrame,
  encodeClientFrame,
  encodeServerFrame,
  readServerFrames,
  ServerClient,
  type ServerFrame,
} from "@porchlight/wire";
import WebSocket from "ws";
import type { Person } from "./people.ts";

export type ItemFrame = Extract<ServerFrame, { type: "item" }>;

/** The session's token, which the client keeps to itself. */
export class TokenReader extends ServerClient {
  read(): Promise<string> {
    return this.token(false);
  }
}

export async function tokenOf(person: Person): Promise<string> {
  const client = new TokenReader({ url: person.server.url });
  await person.login(client);
  return await client.read();
}

export class StreamPeer {
  readonly ws: WebSocket;
  readonly frames: ServerFrame[] = [];
  /** WebSocket messages so far. */
  messages = 0;
  closed: { code: number } | null = null;
  /** Bytes of items and ephemerals, as DEL-86 counts them. */
  received = 0;
  #request = 0;
  #wake: (() => void)[] = [];

  constructor(url: string) {
    this.ws = new WebSocket(`${url.replace("http", "ws")}/v1/stream`, { perMessageDeflate: true });
    this.ws.on("message", (data: Buffer) => {
      this.messages++;
      for (const frame of readServerFrames(data)) {
        if (frame.type === "item" || frame.type === "ephemeral")
          this.received += encodeServerFrame(frame).length;
        this.frames.push(frame);
      }
      this.#notify();
    });
    this.ws.on("close", (code) => {
      this.closed = { code };
      this.#notify();
    });
    this.ws.on("error", () => {});
  }

  static async connect(url: string): Promise<StreamPeer> {
    const peer = new StreamPeer(url);
    await once(peer.ws, "open");
    return peer;
  }

  /** Connected, and greeted with this person's session. */
  static async of(
    person: Person,
    window = 1024 * 1024,
    url: string = person.server.url,
  ): Promise<StreamPeer> {
    // Before there is a connection, which is expected to greet at once.
    const token = await tokenOf(person);
    const peer = await StreamPeer.connect(url);
    peer.send({ type: "hello", request: peer.next(), token, window });
    await peer.until(({ type }) => type === "ready");
    return peer;
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }

  next(): number {
    return ++this.#request;
  }

  send(...frames: ClientFrame[]): void {
    this.ws.send(Buffer.concat(frames.map(encodeClientFrame)));
  }

  /** The first frame that fits, as soon as there is one. */
  async until<F extends ServerFrame = ServerFrame>(fits: (frame: ServerFrame) => boolean): Promise<F> {
    for (;;) {
      const found = this.frames.find(fits);
      if (found !== undefined) return found as F;
      if (this.closed !== null) throw new Error(`closed with ${this.closed.code}`);
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  answer(request: number): Promise<ServerFrame> {
    return this.until((frame) => "request" in frame && frame.request === request);
  }

  async ask(frame: ClientFrame & { request: number }): Promise<ServerFrame> {
    this.send(frame);
    return await this.answer(frame.request);
  }

  async subscribe(conversation: ConversationId, after: number, all = false): Promise<ServerFrame> {
    return await this.ask({
      type: "subscribe",
      request: this.next(),
      all,
      cursors: [{ conversation, after }],
    });
  }

  get items(): ItemFrame[] {
    return this.frames.filter((frame) => frame.type === "item");
  }

  get seqs(): number[] {
    return this.items.map(({ item }) => item.seq);
  }

  /** Waits until the item of this seq is there. */
  async read(seq: number): Promise<void> {
    await this.until((frame) => frame.type === "item" && frame.item.seq === seq);
  }

  /** What has come before the answer to a ping has come. */
  async settled(): Promise<void> {
    const nonce = this.next();
    this.send({ type: "ping", nonce });
    await this.until((frame) => frame.type === "pong" && frame.nonce === nonce);
  }

  async end(): Promise<number> {
    while (this.closed === null) await new Promise<void>((resolve) => this.#wake.push(resolve));
    return this.closed.code;
  }

  close(): void {
    this.ws.terminate();
  }
}
