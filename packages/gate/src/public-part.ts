import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { formatPublicPart, type PublicPart } from "@porchlight/charter";
import { hex } from "@porchlight/encoding";
import { daysBetween } from "./labels.ts";
import { derivedFrom } from "./order.ts";
import { openedAccounts, type VerifiedOrder } from "./verify-order.ts";

/** ENT-10: what may be public of an order when its secrecy is over. */
export function publicPartOf(order: Pick<VerifiedOrder, "document" | "others">): PublicPart {
  const { issuer, legalBasis, offenceCategory, firstDay, lastDay } = order.document;
  const accounts = openedAccounts(order).length;
  return { issuer, legalBasis, offenceCategory, accounts, days: daysBetween(firstDay, lastDay) };
}

/** The key that opens an order entry's `public`: published with the part, it tells nothing of the opening. 32 B. */
export function publicKeyOfOrder(opening: Uint8Array): Uint8Array {
  return derivedFrom(opening, "public");
}

/** What an order's entry shows as `public`, 64 hex digits. */
export function publicCommitment(key: Uint8Array, part: PublicPart): string {
  return hex(hmac(sha256, key, formatPublicPart(part)));
}
