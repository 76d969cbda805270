import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, hex, utf8, Writer } from "@porchlight/encoding";
import type { AccountClient } from "@porchlight/wire";
import { ClientError } from "./error.ts";
import { Patience } from "./patience.ts";
import {
  after,
  contentsOf,
  openChunk,
  recordsOf,
  STREAM_START,
  type StreamKey,
  type StreamPlace,
  sealChunk,
} from "./sealed-stream.ts";

/** Opens one transfer of history between two devices of an account; both have it from their pairing. */
export type HistoryKey = Uint8Array;

type Transfer = {
  readonly signal?: AbortSignal;
  /** Bytes of content so far. */
  readonly onProgress?: (bytes: number) => void;
};

/** Seconds of one wait for the next chunk. */
const WAIT = 25;
const SALT_INFO = utf8("porchlight-v1/history-salt\0");

function streamOf(key: HistoryKey): StreamKey {
  return { key, purpose: utf8("history") };
}

/** ACC-42. */
function transferId(key: HistoryKey): string {
  return hex(hkdf(sha256, key, undefined, utf8("porchlight-v1/transfer\0"), 16));
}

/** ACC-42: the same content at the same place has the same salt, another content another one: no key serves twice. */
function saltOf(key: HistoryKey, place: StreamPlace, content: Uint8Array): Uint8Array {
  const info = concat(SALT_INFO, new Writer().u64(place.number).finish(), sha256(content));
  return hkdf(sha256, key, undefined, info, 32);
}

/**
 * Sends records, whatever the caller wrote, to the other device: outside every conversation (ACC-43). A server that cannot
 * be reached is tried again for ten minutes, or until `hurry`. After an error it can be repeated with the same records:
 * what is there already is not changed.
 */
export async function sendHistory(
  server: AccountClient,
  key: HistoryKey,
  records: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: Transfer & { readonly hurry?: AbortSignal } = {},
): Promise<void> {
  const impatient = [options.signal, options.hurry].filter((signal) => signal !== undefined);
  const patience = new Patience(AbortSignal.any(impatient));
  const stream = streamOf(key);
  const transfer = transferId(key);
  let place = STREAM_START;
  let bytes = 0;
  const put = async (content: Uint8Array, last: boolean): Promise<void> => {
    options.signal?.throwIfAborted();
    const chunk = await sealChunk(stream, place, content, { last, salt: saltOf(key, place, content) });
    await patience.through(() => server.putRelay(transfer, place.number, chunk));
    place = after(place, chunk);
    bytes += content.length;
    options.onProgress?.(bytes);
  };
  // One behind: only when there is no next one is it known to be the last.
  let held: Uint8Array | null = null;
  for await (const content of contentsOf(records)) {
    if (held !== null) await put(held, false);
    held = content;
  }
  if (held !== null) await put(held, true);
}

/**
 * Records in the order in which they were sent, each as soon as it is there; afterwards the server forgets them. Stopped
 * by the signal, it ends with what has come. Throws ClientError "stream-corrupt", or "pairing-over" where nothing came of
 * the other device for ten minutes, be it silent or the server out of reach.
 */
export async function* receiveHistory(
  server: AccountClient,
  key: HistoryKey,
  options: Transfer = {},
): AsyncGenerator<Uint8Array> {
  try {
    yield* recordsOf(chunksOf(server, key, options), { end: "whole" });
  } catch (error) {
    if (options.signal?.aborted !== true) throw error;
  }
  // Best effort: everything has come, and the relay forgets by itself (ACC-42). Who is in a hurry does not wait for it.
  const dropped = server.dropRelay(transferId(key)).catch(() => {});
  if (options.signal?.aborted !== true) await dropped;
}

async function* chunksOf(
  server: AccountClient,
  key: HistoryKey,
  { signal, onProgress }: Transfer,
): AsyncGenerator<Uint8Array> {
  const stream = streamOf(key);
  let place = STREAM_START;
  let bytes = 0;
  const patience = new Patience(signal);
  while (!patience.isOver) {
    let chunk: Uint8Array | null;
    try {
      chunk = await server.relay(transferId(key), place.number, { wait: WAIT, signal });
    } catch (error) {
      await patience.bear(error, WAIT);
      continue;
    }
    if (chunk === null) {
      patience.waited(WAIT);
      continue;
    }
    patience.heard();
    const { content, last } = await openChunk(stream, place, chunk);
    place = after(place, chunk);
    bytes += content.length;
    onProgress?.(bytes);
    yield content;
    if (last) return;
  }
  throw new ClientError("pairing-over", "the other device sends nothing more: open it, and pair again");
}
