// The few structures of RFC 9420 that a header carries and an opener reads, byte for byte.
import { concat, EncodingError, Reader, utf8, Writer } from "@porchlight/encoding";
import type { CipherSuite } from "./cipher-suite.ts";
import { EnvelopeError, parsing } from "./error.ts";

/** ProtocolVersion mls10. */
export const MLS10 = 1;
/** MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519. */
const MLS_CIPHER_SUITE = 1;

const MAX_VECTOR = 2 ** 30 - 1;

/** `opaque<V>`, RFC 9420 §2.1.2: length in 1, 2 or 4 bytes, the shortest that holds it. */
export function vector(bytes: Uint8Array): Uint8Array {
  const { length } = bytes;
  if (length > MAX_VECTOR) throw new EnvelopeError("malformed", "vector");
  if (length < 64) return concat(Uint8Array.of(length), bytes);
  if (length < 2 ** 14) return concat(Uint8Array.of(0x40 | (length >> 8), length & 0xff), bytes);
  return concat(new Writer().uint(2 ** 31 + length, 4).finish(), bytes);
}

/**
 * Reads an `opaque<V>`; refuses a length in more bytes than it needs. "lax" takes those as well: for what recipients'
 * MLS library has accepted (ENV-52).
 */
export function readVector(
  reader: Reader,
  field: string,
  lengths: "canonical" | "lax" = "canonical",
): Uint8Array {
  const first = reader.uint(1, field);
  const prefix = first >> 6;
  if (prefix === 3) throw new EncodingError("out-of-range", field);
  let length = first & 0x3f;
  for (let more = 2 ** prefix - 1; more > 0; more--) length = length * 256 + reader.uint(1, field);
  const long = (prefix === 1 && length < 64) || (prefix === 2 && length < 2 ** 14);
  if (long && lengths === "canonical") throw new EncodingError("not-canonical", field);
  return reader.fixed(length, field);
}

export type Extension = { readonly type: number; readonly data: Uint8Array };

/** RFC 9420 §8.1, this protocol's version and cipher suite only. */
export type GroupContext = {
  readonly groupId: Uint8Array;
  readonly epoch: number;
  readonly treeHash: Uint8Array;
  readonly confirmedTranscriptHash: Uint8Array;
  readonly extensions: readonly Extension[];
};

/** Strict: canonical lengths, no extension twice, nothing after the end. "suite-unsupported" for another suite. */
export function parseGroupContext(bytes: Uint8Array): GroupContext {
  return parsing("GroupContext", () => {
    const reader = new Reader(bytes);
    if (reader.uint(2, "version") !== MLS10) throw new EnvelopeError("version-unsupported", "GroupContext");
    if (reader.uint(2, "cipher suite") !== MLS_CIPHER_SUITE) {
      throw new EnvelopeError("suite-unsupported", "GroupContext");
    }
    const groupId = readVector(reader, "group id");
    const epoch = reader.u64("epoch");
    const treeHash = readVector(reader, "tree hash");
    const confirmedTranscriptHash = readVector(reader, "confirmed transcript hash");
    const list = new Reader(readVector(reader, "extensions"));
    reader.end("GroupContext");
    const extensions: Extension[] = [];
    while (list.remaining > 0) {
      const type = list.uint(2, "extension type");
      if (extensions.some((extension) => extension.type === type)) {
        throw new EncodingError("duplicate-key", "extension type");
      }
      extensions.push({ type, data: readVector(list, "extension data") });
    }
    return { groupId, epoch, treeHash, confirmedTranscriptHash, extensions };
  });
}

/** What MLS' SignWithLabel signs, RFC 9420 §5.1.2: SignContent of "MLS 1.0 " ‖ label and content. */
export function signContent(label: string, content: Uint8Array): Uint8Array {
  return concat(vector(utf8(`MLS 1.0 ${label}`)), vector(content));
}

/** KDFLabel of ExpandWithLabel, RFC 9420 §8. */
function kdfLabel(label: string, context: Uint8Array, length: number): Uint8Array {
  return concat(Uint8Array.of(length >> 8, length & 0xff), vector(utf8(`MLS 1.0 ${label}`)), vector(context));
}

/** ExpandWithLabel, RFC 9420 §8. */
export function expandWithLabel(
  suite: CipherSuite,
  secret: Uint8Array,
  label: string,
  context: Uint8Array,
  length: number,
): Uint8Array {
  return suite.hkdfExpand(secret, kdfLabel(label, context, length), length);
}
