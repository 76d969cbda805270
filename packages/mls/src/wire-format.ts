import { equalBytes } from "@porchlight/encoding";
import { decodeMlsMessage, encodeMlsMessage, type MLSMessage } from "ts-mls";
import type { Decoder } from "ts-mls/codec/tlsDecoder.js";
import type { Encoder } from "ts-mls/codec/tlsEncoder.js";
import { decodeRatchetTree, encodeRatchetTree, type RatchetTree } from "ts-mls/ratchetTree.js";
import { MlsError } from "./error.ts";

/**
 * Strict decoding (MLS-1): the library's decoders accept bytes after the end, lengths in more bytes than needed and
 * any octet but 1 for "absent". Whatever does not encode back to the same bytes is refused.
 */
export function decodeStrictly<T>(
  decode: Decoder<T>,
  encode: Encoder<T>,
  bytes: Uint8Array,
  what: string,
): T {
  let decoded: [T, number] | undefined;
  try {
    decoded = decode(bytes, 0);
  } catch (cause) {
    throw new MlsError("malformed", what, { cause });
  }
  if (decoded === undefined) throw new MlsError("malformed", what);
  const [value, consumed] = decoded;
  if (consumed !== bytes.length) throw new MlsError("malformed", `${what} (trailing bytes)`);
  if (!equalBytes(encode(value), bytes)) throw new MlsError("malformed", `${what} (not canonical)`);
  return value;
}

type Wireformat = MLSMessage["wireformat"];
type MessageOf<W extends Wireformat> = Extract<MLSMessage, { wireformat: W }>;

/** An MLSMessage of exactly this wire format; "unsupported" for another one. */
export function parseMessage<W extends Wireformat>(bytes: Uint8Array, wireformat: W): MessageOf<W> {
  const message = decodeStrictly(decodeMlsMessage, encodeMlsMessage, bytes, wireformat);
  if (message.wireformat !== wireformat) throw new MlsError("unsupported", message.wireformat);
  return message as MessageOf<W>;
}

/** `optional<Node> ratchet_tree<V>`, RFC 9420 §12.4.3.3. */
export function parseRatchetTree(bytes: Uint8Array): RatchetTree {
  return decodeStrictly(decodeRatchetTree, encodeRatchetTree, bytes, "ratchet tree");
}
