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
  /** Of an order over both sides: the provider's signed statement of the further accounts, its exact bytes. */
  readonly others?: Uint8Array;
  /** 32 random bytes. Whoever has them can recognise the order in the log. */
  readonly opening: Uint8Array;
  readonly index: LogIndex;
  /** Where the warrant says "all": the account's conversations that the requester learnt of. Absent otherwise. */
  readonly conversations?: readonly ConversationId[];
};

const OPENING_LENGTH = 32;
const MAX_CONVERSATIONS = 10_000;

/**
 * WAR-13: what a commitment covers, and so what is fixed before an order is logged: the warrant, and of an order over
 * both sides everyone else whom it opens. Neither document holds a line feed.
 */
export function coreOf({ warrant, others }: { warrant: Uint8Array; others?: Uint8Array | null }): Uint8Array {
  return others == null ? warrant.slice() : concat(warrant, utf8("\n"), others);
}

/** HMAC-SHA-256(opening, core): what the log shows of an order (WAR-13). */
export function commitmentOf(opening: Uint8Array, core: Uint8Array): Commitment {
  checkOpening(opening);
  return commitment(hex(hmac(sha256, opening, core)));
}

/**
 * HMAC-SHA-256(opening, domain 00 ‖ bytes), 32 B: what else follows from an opening (ENT-9, ENT-10). A signed document
 * begins with a brace, so no domain can be taken for a core.
 */
export function derivedFrom(
  opening: Uint8Array,
  domain: string,
  bytes: Uint8Array = new Uint8Array(),
): Uint8Array {
  checkOpening(opening);
  return hmac(sha256, opening, concat(utf8(`porchlight-v1/${domain}\0`), bytes));
}

// HMAC pads short keys with zeroes, so only one length gives one opening for one commitment.
function checkOpening(opening: Uint8Array): void {
  if (opening.length !== OPENING_LENGTH) throw new EncodingError("out-of-range", "opening");
}

/** The name of an order between its parties: a capability, never public (WAR-15). 64 hex digits. */
export function orderIdOf(opening: Uint8Array): string {
  checkOpening(opening);
  return hex(sha256(concat(utf8("porchlight-v1/order\0"), opening)));
}

export function formatOrder({ warrant, others, opening, index, conversations }: Order): Uint8Array {
  return utf8(
    JSON.stringify({
      warrant: fromUtf8(warrant, "order.warrant"),
      ...(others === undefined ? {} : { others: fromUtf8(others, "order.others") }),
      opening: hex(opening),
      index,
      ...(conversations === undefined ? {} : { conversations }),
    }),
  );
}

/** Strict inverse of {@link formatOrder}; the warrant inside is not looked at. Throws EncodingError. */
export function parseOrder(bytes: Uint8Array): Order {
  const fields = new Fields(parseJson(bytes, "order"), "order");
  const has = (member: string): boolean => fields.optional(member) !== undefined;
  const order: Order = {
    warrant: utf8(fields.string("warrant", 2 ** 20)),
    ...(has("others") ? { others: utf8(fields.string("others", 2 ** 20)) } : {}),
    opening: fromHex(fields.string("opening"), OPENING_LENGTH, "order.opening"),
    index: logIndex(fields.integer("index")),
    ...(has("conversations") ? { conversations: readConversations(fields) } : {}),
  };
  fields.end();
  if (!equalBytes(formatOrder(order), bytes)) throw new EncodingError("not-canonical", "order");
  return order;
}

function readConversations(fields: Fields): ConversationId[] {
  return fields.array(
    "conversations",
    (item, where) => conversationId(asString(item, where, 64)),
    MAX_CONVERSATIONS,
  );
}
