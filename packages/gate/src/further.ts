import { sha256 } from "@noble/hashes/sha2.js";
import { type ConversationId, concat, fromHex, utf8 } from "@porchlight/encoding";
import { type OtherSide, otherSideMembers } from "./other-side.ts";

/** What a requester adds to an order that it handed in (WAR-22). */
export type Further = {
  readonly conversations: readonly ConversationId[];
  readonly otherSides: readonly OtherSide[];
};

/**
 * WAR-22: what the requester's word (REL-12) on an addition to the order `orderId` (64 hex digits) covers, 32 B. Throws
 * EncodingError for another id.
 */
export function furtherContext(orderId: string, { conversations, otherSides }: Further): Uint8Array {
  const said = JSON.stringify({ conversations, otherSides: otherSides.map(otherSideMembers) });
  return sha256(concat(utf8("porchlight-v1/further\0"), fromHex(orderId, 32, "order"), sha256(utf8(said))));
}
