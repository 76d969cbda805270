import type { ConversationId } from "@porchlight/encoding";
import type { Further, OtherSide } from "@porchlight/gate";
import { LIMITS } from "@porchlight/wire";

/** Of a request: word, names and brackets around what is added. */
const FRAME_BYTES = 4096;
/** Of an other side at most, beside header (base64) and members: three values in hexadecimal, and all names. */
const SIDE_BYTES = 400;
/** An account id in quotes, and a comma. */
const MEMBER_BYTES = 67;

/**
 * What is added to an order, in requests that a keyholder takes (KEY-32): in the order given, each with as much as fits.
 * The same things in the same order are cut at the same places, so that what a keyholder has it knows again.
 */
export function additionsOf(
  conversations: readonly ConversationId[],
  otherSides: readonly OtherSide[],
): Further[] {
  const additions: Further[] = [];
  for (let from = 0; from < conversations.length; from += LIMITS.furtherItems) {
    additions.push({ conversations: conversations.slice(from, from + LIMITS.furtherItems), otherSides: [] });
  }
  let room = 0;
  let sides: OtherSide[] = [];
  for (const side of otherSides) {
    const size = SIDE_BYTES + 4 * Math.ceil(side.header.length / 3) + MEMBER_BYTES * side.members.length;
    if (size > room || sides.length === LIMITS.furtherItems) {
      sides = [];
      additions.push({ conversations: [], otherSides: sides });
      room = LIMITS.keyholderRequest - FRAME_BYTES;
    }
    sides.push(side);
    room -= size;
  }
  return additions;
}
