import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import {
  asString,
  type Commitment,
  type ConversationId,
  commitment,
  concat,
  conversationId,
  EncodingError,
  equalBytes,
  Fields,
  fromHex,
  fromUtf8,
  hex,
  parseJson,
  utf8,
} from "@porchlight/encoding";
import { type LogIndex, logIndex } from "@porchlight/tlog";

/** What a requester brings to a keyholder (WAR-14): the signed warrant, what opens its commitment, where it is logged. */
export type Order = {
  /** The signed document's exact bytes. */
  readonly warrant: Uint8Array;
  /** 32 random bytes. Whoever has them can recognise the order in the log. */
  readonly opening: Uint8Array;
  readonly index: LogIndex;
  /** Where the warrant says "all": the account's conversations that the requester learnt of. Absent otherwise. */
  readonly conversations?: readonly ConversationId[];
};

const OPENING_LENGTH = 32;
const MAX_CONVERSATIONS = 10_000;

/** HMAC-SHA-256(opening, signed bytes): what the log shows of an order (WAR-13). */
export function commitmentOf(opening: Uint8Array, warrant: Uint8Array): Commitment {
  // HMAC pads short keys with zeroes, so only one length gives one opening for one commitment.
  if (opening.length !== OPENING_LENGTH) throw new EncodingError("out-of-range", "opening");
  return commitment(hex(hmac(sha256, opening, warrant)));
}

/** The name of an order between its parties: a capability, never public (WAR-15). 64 hex digits. */
export function orderIdOf(opening: Uint8Array): string {
  if (opening.length !== OPENING_LENGTH) throw new EncodingError("out-of-range", "opening");
  return hex(sha256(concat(utf8("porchlight-v1/order\0"), opening)));
}

export function formatOrder({ warrant, opening, index, conversations }: Order): Uint8Array {
  const members = { warrant: fromUtf8(warrant, "order.warrant"), opening: hex(opening), index };
  return utf8(JSON.stringify(conversations === undefined ? members : { ...members, conversations }));
}

/** Strict inverse of {@link formatOrder}; the warrant inside is not looked at. Throws EncodingError. */
export function parseOrder(bytes: Uint8Array): Order {
  const fields = new Fields(parseJson(bytes, "order"), "order");
  const required = {
    warrant: utf8(fields.string("warrant", 2 ** 20)),
    opening: fromHex(fields.string("opening"), OPENING_LENGTH, "order.opening"),
    index: logIndex(fields.integer("index")),
  };
  const order: Order =
    fields.optional("conversations") === undefined
      ? required
      : {
          ...required,
          conversations: fields.array(
            "conversations",
            (item, where) => conversationId(asString(item, where, 64)),
            MAX_CONVERSATIONS,
          ),
        };
  fields.end();
  if (!equalBytes(formatOrder(order), bytes)) throw new EncodingError("not-canonical", "order");
  return order;
}
