import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, utf8, Writer } from "@porchlight/encoding";
import { webAttachmentSuite as aes } from "./attachment-suite.ts";
import { ClientError } from "./error.ts";

const DOMAIN = utf8("porchlight-v1/stream\0");
const VERSION = 1;
const HEADER = 34;
const NONCE = new Uint8Array(12);
/** Bytes of content in a chunk. */
const CONTENT = 1024 * 1024;
const MAX_RECORD = 16 * 1024 * 1024;

/** Where a stream stands: how many chunks there are, and the digest of the last one. */
export type StreamPlace = { readonly number: number; readonly digest: Uint8Array };

export const STREAM_START: StreamPlace = { number: 0, digest: sha256(new Uint8Array(0)) };

/** Which stream it is. Of one key, each purpose is used once. */
export type StreamKey = { readonly key: Uint8Array; readonly purpose: Uint8Array };

/** ACC-41. `salt`: 32 fresh bytes. */
export async function sealChunk(
  stream: StreamKey,
  place: StreamPlace,
  content: Uint8Array,
  options: { readonly last: boolean; readonly salt: Uint8Array },
): Promise<Uint8Array> {
  const { last, salt } = options;
  const sealed = await aes.seal(chunkKey(stream, place, last, salt), NONCE, content);
  return concat(
    new Writer()
      .uint(VERSION, 1)
      .uint(last ? 1 : 0, 1)
      .fixed(salt, 32)
      .finish(),
    sealed,
  );
}

/** Throws ClientError "stream-corrupt" for a chunk that is not the next of this stream, whole and unaltered. */
export async function openChunk(
  stream: StreamKey,
  place: StreamPlace,
  chunk: Uint8Array,
): Promise<{ readonly content: Uint8Array; readonly last: boolean }> {
  const [version, last] = chunk;
  if (chunk.length < HEADER || version !== VERSION || (last !== 0 && last !== 1)) throw corrupt();
  const key = chunkKey(stream, place, last === 1, chunk.slice(2, HEADER));
  const content = await aes.open(key, NONCE, chunk.slice(HEADER));
  if (content === null) throw corrupt();
  return { content, last: last === 1 };
}

/** Where the stream stands after a chunk. */
export function after(place: StreamPlace, chunk: Uint8Array): StreamPlace {
  return { number: place.number + 1, digest: sha256(chunk) };
}

function chunkKey(stream: StreamKey, place: StreamPlace, last: boolean, salt: Uint8Array): Uint8Array {
  const info = new Writer()
    .opaque(stream.purpose, 1)
    .u64(place.number)
    .uint(last ? 1 : 0, 1)
    .fixed(place.digest, 32)
    .fixed(salt, 32)
    .finish();
  return hkdf(sha256, stream.key, undefined, concat(DOMAIN, info), 32);
}

/** Records one behind the other, cut into contents of chunks (ACC-40). At least one, which may be empty. */
export async function* contentsOf(
  records: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let waiting: Uint8Array[] = [];
  let length = 0;
  for await (const record of records) {
    if (record.length > MAX_RECORD) throw new ClientError("stream-corrupt", "a record is larger than 16 MiB");
    waiting.push(new Writer().uint(record.length, 4).finish(), record);
    length += 4 + record.length;
    while (length >= CONTENT) {
      const whole = concat(...waiting);
      yield whole.slice(0, CONTENT);
      waiting = [whole.slice(CONTENT)];
      length -= CONTENT;
    }
  }
  yield concat(...waiting);
}

/**
 * Inverse of {@link contentsOf}. A stream with a last chunk ends behind a whole record, else it throws ClientError
 * "stream-corrupt"; one without may end "anywhere", and half a record there is left out.
 */
export async function* recordsOf(
  contents: AsyncIterable<Uint8Array>,
  options: { readonly end: "whole" | "anywhere" },
): AsyncGenerator<Uint8Array> {
  let rest: Uint8Array = new Uint8Array(0);
  for await (const content of contents) {
    rest = rest.length === 0 ? content : concat(rest, content);
    let at = 0;
    for (;;) {
      if (rest.length - at < 4) break;
      const length = new DataView(rest.buffer, rest.byteOffset + at, 4).getUint32(0);
      if (length > MAX_RECORD) throw corrupt();
      if (rest.length - at < 4 + length) break;
      yield rest.slice(at + 4, at + 4 + length);
      at += 4 + length;
    }
    rest = rest.slice(at);
  }
  if (rest.length > 0 && options.end === "whole") throw corrupt();
}

function corrupt(): ClientError {
  return new ClientError("stream-corrupt", "what arrived is not what was sent: ask for it again");
}
