// Frames of the stream: one of each type, and what a reader has to refuse.
import { accountId, conversationId, hex, unixSeconds } from "../../packages/encoding/src/index.ts";
import {
  type ClientFrame,
  encodeClientFrame,
  encodeServerFrame,
  type ServerFrame,
} from "../../packages/wire/src/index.ts";

const CONVERSATION = conversationId("c0".repeat(32));
const ACCOUNT = accountId("a1".repeat(32));
const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i % 256);

const CLIENT: readonly ClientFrame[] = [
  { type: "hello", request: 1, token: "A".repeat(43), window: 1_048_576 },
  {
    type: "subscribe",
    request: 2,
    all: true,
    cursors: [{ conversation: CONVERSATION, after: 4_294_967_297 }],
  },
  { type: "subscribe", request: 3, all: false, cursors: [] },
  { type: "unsubscribe", conversation: CONVERSATION },
  {
    type: "submit",
    request: 4_294_967_295,
    conversation: CONVERSATION,
    items: [
      { kind: "envelope", key: "envelope-1", epoch: 7, bytes: bytes(3) },
      { kind: "message", key: "message_1", epoch: 7, bytes: bytes(300) },
    ],
  },
  { type: "credit", consumed: Number.MAX_SAFE_INTEGER },
  { type: "ephemeral", conversation: CONVERSATION, body: bytes(5) },
  { type: "ping", nonce: 99 },
];

const SERVER: readonly ServerFrame[] = [
  {
    type: "ready",
    request: 1,
    account: ACCOUNT,
    expires: unixSeconds(1_800_000_000),
    now: unixSeconds(1_790_000_000),
  },
  { type: "subscribed", request: 2, heads: [4_294_967_300] },
  { type: "acknowledged", request: 4, seqs: [1, 2, 3] },
  {
    type: "refused",
    request: 4,
    refusal: { code: "stale-epoch", message: "encrypt again", item: 0, head: { seq: 9, epoch: 8 } },
  },
  {
    type: "item",
    conversation: CONVERSATION,
    item: {
      seq: 8,
      kind: "message",
      epoch: 7,
      submitter: ACCOUNT,
      at: unixSeconds(1_790_000_001),
      bytes: bytes(20),
    },
  },
  { type: "head", conversation: CONVERSATION, seq: 8 },
  { type: "ended", conversation: CONVERSATION, seq: 9 },
  { type: "welcomes" },
  { type: "ephemeral", conversation: CONVERSATION, sender: ACCOUNT, body: bytes(5) },
  { type: "pong", nonce: 99 },
];

/** The frame as JSON: bytes are hexadecimal. */
function shown(frame: ClientFrame | ServerFrame): unknown {
  return JSON.parse(
    JSON.stringify(frame, (_, value: unknown) => (value instanceof Uint8Array ? hex(value) : value)),
  );
}

function changed(frame: Uint8Array, change: (copy: Uint8Array) => void): string {
  const copy = frame.slice();
  change(copy);
  return hex(copy);
}

export function make(): unknown {
  const ping = encodeClientFrame({ type: "ping", nonce: 1 });
  const subscribe = encodeClientFrame({ type: "subscribe", request: 1, all: false, cursors: [] });
  return {
    description: "Frames of the stream (spec/delivery.md, DEL-80 to DEL-89). Bytes are hexadecimal.",
    client: CLIENT.map((frame) => ({ frame: shown(frame), bytes: hex(encodeClientFrame(frame)) })),
    server: SERVER.map((frame) => ({ frame: shown(frame), bytes: hex(encodeServerFrame(frame)) })),
    refusedByServer: [
      { why: "no frame at all", bytes: "", code: "truncated" },
      { why: "a header that is cut", bytes: hex(ping.slice(0, 11)), code: "truncated" },
      { why: "a body that is cut", bytes: hex(ping.slice(0, -1)), code: "truncated" },
      { why: "bytes after the frame", bytes: `${hex(ping)}00`, code: "out-of-range" },
      { why: "another version", bytes: changed(ping, (copy) => (copy[0] = 2)), code: "out-of-range" },
      { why: "an unknown type", bytes: changed(ping, (copy) => (copy[1] = 99)), code: "out-of-range" },
      {
        why: "a type that only the server sends",
        bytes: changed(ping, (copy) => (copy[1] = 0x8a)),
        code: "out-of-range",
      },
      { why: "a reserved byte", bytes: changed(ping, (copy) => (copy[3] = 1)), code: "not-canonical" },
      {
        why: "a request number where there is no answer",
        bytes: changed(ping, (copy) => (copy[7] = 1)),
        code: "out-of-range",
      },
      {
        why: "no request number where there is one",
        bytes: changed(subscribe, (copy) => (copy[7] = 0)),
        code: "out-of-range",
      },
      {
        why: "a number beyond 2^53 − 1",
        bytes: changed(ping, (copy) => (copy[12] = 0x80)),
        code: "out-of-range",
      },
      {
        why: "a truth value of 2",
        bytes: changed(subscribe, (copy) => (copy[12] = 2)),
        code: "not-canonical",
      },
    ],
  };
}
