import {
  type AccountId,
  type ConversationId,
  EncodingError,
  fromUtf8,
  hex,
  type UnixSeconds,
  unixSeconds,
  utf8,
} from "@porchlight/encoding";
import * as z from "zod";
import { type ItemKind, type NewItem, refusalBody, type StoredItem } from "./delivery.ts";
import { LIMITS } from "./limits.ts";

/** What a stream carries of new items: a commit, with its Welcome of up to megabytes, goes by HTTP (DEL-81). */
export type StreamItem = Extract<NewItem, { kind: "message" | "envelope" }>;
export type Cursor = { readonly conversation: ConversationId; readonly after: number };
export type StreamRefusal = z.output<typeof refusalBody>;

/** From the client. `request`: 1 to 2^32 − 1, comes back in the answer. */
export type ClientFrame =
  /** `token`: the session's; `window`: bytes that the client takes without a further `credit`. */
  | { readonly type: "hello"; readonly request: number; readonly token: string; readonly window: number }
  /** `all`: heads of the account's other conversations too. */
  | {
      readonly type: "subscribe";
      readonly request: number;
      readonly all: boolean;
      readonly cursors: readonly Cursor[];
    }
  | { readonly type: "unsubscribe"; readonly conversation: ConversationId }
  | {
      readonly type: "submit";
      readonly request: number;
      readonly conversation: ConversationId;
      readonly items: readonly StreamItem[];
    }
  /** `consumed`: bytes of frames that the client is done with, since the beginning of the stream. */
  | { readonly type: "credit"; readonly consumed: number }
  /** Handed to the members who are there, and never stored. */
  | { readonly type: "ephemeral"; readonly conversation: ConversationId; readonly body: Uint8Array }
  | { readonly type: "ping"; readonly nonce: number };

/** From the server. */
export type ServerFrame =
  | {
      readonly type: "ready";
      readonly request: number;
      readonly account: AccountId;
      readonly expires: UnixSeconds;
      readonly now: UnixSeconds;
    }
  /** Heads in the order of the request's cursors. */
  | { readonly type: "subscribed"; readonly request: number; readonly heads: readonly number[] }
  | { readonly type: "acknowledged"; readonly request: number; readonly seqs: readonly number[] }
  | { readonly type: "refused"; readonly request: number; readonly refusal: StreamRefusal }
  | { readonly type: "item"; readonly conversation: ConversationId; readonly item: StoredItem }
  /** There is something up to this seq in a conversation that the stream is not subscribed to by a cursor. */
  | { readonly type: "head"; readonly conversation: ConversationId; readonly seq: number }
  /** The account has left the conversation: nothing of it follows. */
  | { readonly type: "ended"; readonly conversation: ConversationId; readonly seq: number }
  /** There are Welcomes to fetch. */
  | { readonly type: "welcomes" }
  | {
      readonly type: "ephemeral";
      readonly conversation: ConversationId;
      readonly sender: AccountId;
      readonly body: Uint8Array;
    }
  | { readonly type: "pong"; readonly nonce: number };

/** Why a server ends a stream; 1001 is that it stops (DEL-89). */
export const CLOSE = {
  malformed: 4400,
  unauthenticated: 4401,
  helloTimeout: 4408,
  slow: 4409,
  sessionOver: 4410,
  tooMany: 4429,
} as const;

const VERSION = 1;
/** version 1 ‖ type 1 ‖ zero 2 ‖ request 4 ‖ length of the body 4. */
export const FRAME_HEADER = 12;
const ITEM_FIXED = 32 + 8 + 1 + 8 + 32 + 8;
const TOKEN = /^[A-Za-z0-9_-]{43}$/;
const KEY = /^[A-Za-z0-9_-]{8,64}$/;

const CLIENT = {
  hello: 1,
  subscribe: 2,
  unsubscribe: 3,
  submit: 4,
  credit: 5,
  ephemeral: 6,
  ping: 7,
} as const;
const SERVER = {
  ready: 0x81,
  subscribed: 0x82,
  acknowledged: 0x83,
  refused: 0x84,
  item: 0x85,
  head: 0x86,
  ended: 0x87,
  welcomes: 0x88,
  ephemeral: 0x89,
  pong: 0x8a,
} as const;

const KIND_OF: Readonly<Record<number, ItemKind>> = { 1: "commit", 2: "envelope", 3: "message" };
const CODE_OF: Readonly<Record<ItemKind, number>> = { commit: 1, envelope: 2, message: 3 };

/** One frame of a size that is known before: every body is laid out once, in place. */
class FrameWriter {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = FRAME_HEADER;

  constructor(type: number, request: number, length: number) {
    this.#bytes = new Uint8Array(FRAME_HEADER + length);
    this.#view = new DataView(this.#bytes.buffer);
    this.#view.setUint8(0, VERSION);
    this.#view.setUint8(1, type);
    this.#view.setUint32(4, bounded(request, 0xffff_ffff, "request"));
    this.#view.setUint32(8, length);
  }

  u8(value: number): this {
    this.#view.setUint8(this.#at++, bounded(value, 0xff, "u8"));
    return this;
  }

  u16(value: number): this {
    this.#view.setUint16(this.#at, bounded(value, 0xffff, "u16"));
    this.#at += 2;
    return this;
  }

  u32(value: number): this {
    this.#view.setUint32(this.#at, bounded(value, 0xffff_ffff, "u32"));
    this.#at += 4;
    return this;
  }

  u64(value: number): this {
    bounded(value, Number.MAX_SAFE_INTEGER, "u64");
    this.#view.setUint32(this.#at, Math.floor(value / 2 ** 32));
    this.#view.setUint32(this.#at + 4, value >>> 0);
    this.#at += 8;
    return this;
  }

  id(id: ConversationId | AccountId): this {
    for (let i = 0; i < 64; i += 2) {
      this.#bytes[this.#at++] = (digit(id.charCodeAt(i)) << 4) | digit(id.charCodeAt(i + 1));
    }
    return this;
  }

  bytes(bytes: Uint8Array): this {
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
    return this;
  }

  finish(): Uint8Array {
    if (this.#at !== this.#bytes.length) throw new EncodingError("out-of-range", "frame");
    return this.#bytes;
  }
}

function bounded(value: number, maximum: number, field: string): number {
  if (!Number.isSafeInteger(value) || value < 0 || value > maximum) {
    throw new EncodingError("out-of-range", field);
  }
  return value;
}

/** Of a branded id, which is lower-case hexadecimal. */
function digit(code: number): number {
  return code < 58 ? code - 48 : code - 87;
}

/** Reads in place: what it gives are views of the message. */
class FrameReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at: number;
  #end: number;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#at = 0;
    this.#end = bytes.length;
  }

  get left(): number {
    return this.#end - this.#at;
  }

  #take(length: number, field: string): number {
    if (length > this.left) throw new EncodingError("truncated", field);
    const at = this.#at;
    this.#at += length;
    return at;
  }

  u8(field: string): number {
    return this.#view.getUint8(this.#take(1, field));
  }

  u16(field: string): number {
    return this.#view.getUint16(this.#take(2, field));
  }

  u32(field: string): number {
    return this.#view.getUint32(this.#take(4, field));
  }

  u64(field: string): number {
    const at = this.#take(8, field);
    const value = this.#view.getUint32(at) * 2 ** 32 + this.#view.getUint32(at + 4);
    if (!Number.isSafeInteger(value)) throw new EncodingError("out-of-range", field);
    return value;
  }

  id<Id extends ConversationId | AccountId>(field: string): Id {
    return hexOf(this.bytes(32, field)) as Id;
  }

  bytes(length: number, field: string): Uint8Array {
    const at = this.#take(length, field);
    return this.#bytes.subarray(at, at + length);
  }

  rest(maximum: number, field: string): Uint8Array {
    if (this.left > maximum) throw new EncodingError("too-long", field);
    return this.bytes(this.left, field);
  }

  ascii(pattern: RegExp, length: number, field: string): string {
    let text = "";
    for (const byte of this.bytes(length, field)) text += String.fromCharCode(byte);
    if (!pattern.test(text)) throw new EncodingError("not-canonical", field);
    return text;
  }

  /** Calls `read` with the header of the next frame while only its body can be read; all of it has to be. */
  frame<T>(read: (type: number, request: number) => T): T {
    if (this.u8("version") !== VERSION) throw new EncodingError("out-of-range", "version");
    const type = this.u8("type");
    if (this.u16("reserved") !== 0) throw new EncodingError("not-canonical", "reserved");
    const request = this.u32("request");
    const length = this.u32("length");
    if (length > this.left) throw new EncodingError("truncated", "frame");
    const end = this.#end;
    this.#end = this.#at + length;
    const frame = read(type, request);
    if (this.left !== 0) throw new EncodingError("trailing-bytes", "frame");
    this.#end = end;
    return frame;
  }
}

// The engine's own conversion where there is one: ten times as fast.
function hexOf(bytes: Uint8Array): string {
  if (typeof Buffer !== "function") return hex(bytes);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
}

/** Throws EncodingError for what breaks the format's limits. */
export function encodeClientFrame(frame: ClientFrame): Uint8Array {
  const type = CLIENT[frame.type];
  switch (frame.type) {
    case "hello":
      if (!TOKEN.test(frame.token)) throw new EncodingError("not-canonical", "token");
      return new FrameWriter(type, frame.request, 43 + 4).bytes(utf8(frame.token)).u32(frame.window).finish();
    case "subscribe": {
      const writer = new FrameWriter(type, frame.request, 3 + 40 * frame.cursors.length);
      writer.u8(frame.all ? 1 : 0).u16(bounded(frame.cursors.length, LIMITS.cursors, "cursors"));
      for (const { conversation, after } of frame.cursors) writer.id(conversation).u64(after);
      return writer.finish();
    }
    case "unsubscribe":
      return new FrameWriter(type, 0, 32).id(frame.conversation).finish();
    case "submit":
      return encodeSubmit(type, frame);
    case "credit":
      return new FrameWriter(type, 0, 8).u64(frame.consumed).finish();
    case "ephemeral":
      bounded(frame.body.length, LIMITS.ephemeral, "body");
      return new FrameWriter(type, 0, 32 + frame.body.length)
        .id(frame.conversation)
        .bytes(frame.body)
        .finish();
    case "ping":
      return new FrameWriter(type, 0, 8).u64(frame.nonce).finish();
  }
}

function encodeSubmit(type: number, frame: Extract<ClientFrame, { type: "submit" }>): Uint8Array {
  const { request, conversation, items } = frame;
  let length = 32 + 2;
  for (const { key, bytes } of items) length += 1 + 1 + key.length + 8 + 4 + bytes.length;
  bounded(length, LIMITS.streamSubmit, "submit");
  const writer = new FrameWriter(type, request, length).id(conversation);
  writer.u16(bounded(items.length, LIMITS.batchItems, "items"));
  for (const { kind, key, epoch, bytes } of items) {
    if (!KEY.test(key)) throw new EncodingError("not-canonical", "key");
    writer.u8(CODE_OF[kind]).u8(key.length).bytes(utf8(key)).u64(epoch).u32(bytes.length).bytes(bytes);
  }
  return writer.finish();
}

/** All frames of one WebSocket message, to its last byte. Throws EncodingError. */
export function readClientFrames(message: Uint8Array): ClientFrame[] {
  const reader = new FrameReader(message);
  const frames: ClientFrame[] = [];
  do frames.push(reader.frame((type, request) => readClientFrame(reader, type, request)));
  while (reader.left > 0);
  return frames;
}

function readClientFrame(reader: FrameReader, type: number, request: number): ClientFrame {
  const answered = type === CLIENT.hello || type === CLIENT.subscribe || type === CLIENT.submit;
  if (answered !== request > 0) throw new EncodingError("out-of-range", "request");
  switch (type) {
    case CLIENT.hello:
      return {
        type: "hello",
        request,
        token: reader.ascii(TOKEN, 43, "token"),
        window: reader.u32("window"),
      };
    case CLIENT.subscribe: {
      const all = reader.u8("all");
      const count = reader.u16("cursors");
      if (all > 1) throw new EncodingError("not-canonical", "all");
      if (count > LIMITS.cursors) throw new EncodingError("too-long", "cursors");
      const cursors = Array.from({ length: count }, () => ({
        conversation: reader.id<ConversationId>("conversation"),
        after: reader.u64("after"),
      }));
      return { type: "subscribe", request, all: all === 1, cursors };
    }
    case CLIENT.unsubscribe:
      return { type: "unsubscribe", conversation: reader.id("conversation") };
    case CLIENT.submit:
      return {
        type: "submit",
        request,
        conversation: reader.id("conversation"),
        items: readNewItems(reader),
      };
    case CLIENT.credit:
      return { type: "credit", consumed: reader.u64("consumed") };
    case CLIENT.ephemeral:
      return {
        type: "ephemeral",
        conversation: reader.id("conversation"),
        body: reader.rest(LIMITS.ephemeral, "body"),
      };
    case CLIENT.ping:
      return { type: "ping", nonce: reader.u64("nonce") };
    default:
      throw new EncodingError("out-of-range", "type");
  }
}

function readNewItems(reader: FrameReader): StreamItem[] {
  const count = reader.u16("items");
  if (count === 0 || count > LIMITS.batchItems) throw new EncodingError("out-of-range", "items");
  return Array.from({ length: count }, () => {
    const kind = KIND_OF[reader.u8("kind")];
    if (kind !== "message" && kind !== "envelope") throw new EncodingError("out-of-range", "kind");
    const key = reader.ascii(KEY, reader.u8("key"), "key");
    const epoch = reader.u64("epoch");
    const length = reader.u32("length");
    if (length > LIMITS[kind]) throw new EncodingError("too-long", kind);
    return { kind, key, epoch, bytes: reader.bytes(length, kind) };
  });
}

/** Throws EncodingError for what breaks the format's limits. */
export function encodeServerFrame(frame: ServerFrame): Uint8Array {
  const type = SERVER[frame.type];
  switch (frame.type) {
    case "ready":
      return new FrameWriter(type, frame.request, 48)
        .id(frame.account)
        .u64(frame.expires)
        .u64(frame.now)
        .finish();
    case "subscribed":
      return listOf(type, frame.request, frame.heads);
    case "acknowledged":
      return listOf(type, frame.request, frame.seqs);
    case "refused": {
      const body = utf8(JSON.stringify(frame.refusal));
      return new FrameWriter(type, frame.request, body.length).bytes(body).finish();
    }
    case "item": {
      const { seq, kind, epoch, submitter, at, bytes } = frame.item;
      return new FrameWriter(type, 0, ITEM_FIXED + bytes.length)
        .id(frame.conversation)
        .u64(seq)
        .u8(CODE_OF[kind])
        .u64(epoch)
        .id(submitter)
        .u64(at)
        .bytes(bytes)
        .finish();
    }
    case "head":
    case "ended":
      return new FrameWriter(type, 0, 40).id(frame.conversation).u64(frame.seq).finish();
    case "welcomes":
      return new FrameWriter(type, 0, 0).finish();
    case "ephemeral":
      bounded(frame.body.length, LIMITS.ephemeral, "body");
      return new FrameWriter(type, 0, 64 + frame.body.length)
        .id(frame.conversation)
        .id(frame.sender)
        .bytes(frame.body)
        .finish();
    case "pong":
      return new FrameWriter(type, 0, 8).u64(frame.nonce).finish();
  }
}

function listOf(type: number, request: number, numbers: readonly number[]): Uint8Array {
  const writer = new FrameWriter(type, request, 2 + 8 * numbers.length).u16(numbers.length);
  for (const one of numbers) writer.u64(one);
  return writer.finish();
}

/** All frames of one WebSocket message, to its last byte. Throws EncodingError. */
export function readServerFrames(message: Uint8Array): ServerFrame[] {
  const reader = new FrameReader(message);
  const frames: ServerFrame[] = [];
  do frames.push(reader.frame((type, request) => readServerFrame(reader, type, request)));
  while (reader.left > 0);
  return frames;
}

const ANSWERS: ReadonlySet<number> = new Set([SERVER.ready, SERVER.subscribed, SERVER.acknowledged]);

function readServerFrame(reader: FrameReader, type: number, request: number): ServerFrame {
  // What refuses no request in particular has none.
  if (type !== SERVER.refused && ANSWERS.has(type) !== request > 0) {
    throw new EncodingError("out-of-range", "request");
  }
  switch (type) {
    case SERVER.ready:
      return {
        type: "ready",
        request,
        account: reader.id("account"),
        expires: unixSeconds(reader.u64("expires")),
        now: unixSeconds(reader.u64("now")),
      };
    case SERVER.subscribed:
      return { type: "subscribed", request, heads: readList(reader, LIMITS.cursors, "heads") };
    case SERVER.acknowledged:
      return { type: "acknowledged", request, seqs: readList(reader, LIMITS.batchItems, "seqs") };
    case SERVER.refused:
      return { type: "refused", request, refusal: readRefusal(reader) };
    case SERVER.item:
      return { type: "item", conversation: reader.id("conversation"), item: readItem(reader) };
    case SERVER.head:
      return { type: "head", conversation: reader.id("conversation"), seq: reader.u64("seq") };
    case SERVER.ended:
      return { type: "ended", conversation: reader.id("conversation"), seq: reader.u64("seq") };
    case SERVER.welcomes:
      return { type: "welcomes" };
    case SERVER.ephemeral:
      return {
        type: "ephemeral",
        conversation: reader.id("conversation"),
        sender: reader.id("sender"),
        body: reader.rest(LIMITS.ephemeral, "body"),
      };
    case SERVER.pong:
      return { type: "pong", nonce: reader.u64("nonce") };
    default:
      throw new EncodingError("out-of-range", "type");
  }
}

function readList(reader: FrameReader, maximum: number, field: string): number[] {
  const count = reader.u16(field);
  if (count > maximum) throw new EncodingError("too-long", field);
  return Array.from({ length: count }, () => reader.u64(field));
}

function readRefusal(reader: FrameReader): StreamRefusal {
  let body: unknown;
  try {
    body = JSON.parse(fromUtf8(reader.rest(LIMITS.refusal, "refusal")));
  } catch (error) {
    if (error instanceof EncodingError) throw error;
    throw new EncodingError("not-json", "refusal");
  }
  const found = refusalBody.safeParse(body);
  if (!found.success) throw new EncodingError("wrong-type", "refusal");
  return found.data;
}

function readItem(reader: FrameReader): StoredItem {
  const seq = reader.u64("seq");
  const kind = KIND_OF[reader.u8("kind")];
  if (kind === undefined) throw new EncodingError("out-of-range", "kind");
  return {
    seq,
    kind,
    epoch: reader.u64("epoch"),
    submitter: reader.id("submitter"),
    at: unixSeconds(reader.u64("at")),
    bytes: reader.rest(LIMITS[kind], kind),
  };
}
