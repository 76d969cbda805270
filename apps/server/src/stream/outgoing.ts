import type { Socket } from "node:net";

/** One unfragmented binary WebSocket message, as a server sends it: without a mask (RFC 6455 §5.2). */
function webSocketMessage(frames: readonly Uint8Array[], length: number): Buffer {
  const header = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const message = Buffer.allocUnsafe(header + length);
  message[0] = 0x82;
  if (header === 2) message[1] = length;
  else if (header === 4) {
    message[1] = 126;
    message.writeUInt16BE(length, 2);
  } else {
    message[1] = 127;
    message.writeBigUInt64BE(BigInt(length), 2);
  }
  let at = header;
  for (const frame of frames) {
    message.set(frame, at);
    at += frame.length;
  }
  return message;
}

/** Frames that go to many streams: laid out as one WebSocket message once, by whoever needs it first. */
export class Parcel {
  readonly frames: readonly Uint8Array[];
  readonly length: number;
  #message: Buffer | null = null;

  constructor(frames: readonly Uint8Array[]) {
    this.frames = frames;
    this.length = frames.reduce((sum, frame) => sum + frame.length, 0);
  }

  get message(): Buffer {
    this.#message ??= webSocketMessage(this.frames, this.length);
    return this.#message;
  }
}

/** Below this, several messages are copied into one buffer: cheaper than handing the kernel a list. */
const COPY_LIMIT = 64 * 1024;

/** Writes what all streams have to say once per turn of the event loop and connection. */
export class Turn {
  #waiting: Outgoing[] = [];

  add(outgoing: Outgoing): void {
    if (this.#waiting.length === 0) setImmediate(() => this.flush());
    this.#waiting.push(outgoing);
  }

  flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const outgoing of waiting) outgoing.flush();
  }
}

/** What one connection is about to be sent. */
export class Outgoing {
  readonly #socket: Socket;
  readonly #turn: Turn;
  /** Whole messages, and after them frames that are still to become one. */
  #messages: Buffer[] = [];
  #frames: Uint8Array[] = [];
  #frameBytes = 0;
  #isWaiting = false;

  constructor(socket: Socket, turn: Turn) {
    this.#socket = socket;
    this.#turn = turn;
  }

  frame(frame: Uint8Array): void {
    this.#frames.push(frame);
    this.#frameBytes += frame.length;
    this.#wait();
  }

  parcel(parcel: Parcel): void {
    this.#closeMessage();
    this.#messages.push(parcel.message);
    this.#wait();
  }

  /** Bytes that the connection has not taken yet. */
  get held(): number {
    return this.#socket.writableLength;
  }

  /** Bytes that it has taken so far. */
  get taken(): number {
    return this.#socket.bytesWritten - this.#socket.writableLength;
  }

  flush(): void {
    this.#isWaiting = false;
    this.#closeMessage();
    const messages = this.#messages;
    this.#messages = [];
    if (!this.#socket.writable) return;
    const [first] = messages;
    if (first === undefined) return;
    if (messages.length === 1) {
      this.#socket.write(first);
      return;
    }
    const length = messages.reduce((sum, message) => sum + message.length, 0);
    if (length <= COPY_LIMIT) {
      this.#socket.write(Buffer.concat(messages, length));
      return;
    }
    this.#socket.cork();
    for (const message of messages) this.#socket.write(message);
    this.#socket.uncork();
  }

  #closeMessage(): void {
    if (this.#frames.length === 0) return;
    this.#messages.push(webSocketMessage(this.#frames, this.#frameBytes));
    this.#frames = [];
    this.#frameBytes = 0;
  }

  #wait(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#turn.add(this);
  }
}
