import { sha256 } from "@noble/hashes/sha2.js";
import {
  type ConversationId,
  compareBytes,
  concat,
  type DayNumber,
  dayNumber,
  EncodingError,
  hex,
  utf8,
  Writer,
} from "@porchlight/encoding";
import { type AccessLabel, accessLabel } from "@porchlight/envelope";
import type { VerifiedWarrant } from "./verify-warrant.ts";

/** One key that an order asks for: one account's own messages in one conversation on one UTC day. */
export type LabelRequest = AccessLabel;

/** WAR-16. More are an order to be split: up to here a release is tested, in memory, journal and bundle. */
export const MAX_LABELS = 10_000;

/**
 * WAR-16: one label for each account × conversation × day of the warrant, ascending by their bytes. `conversations` is
 * needed where the warrant says "all", and can narrow it where it names them. Throws EncodingError where there are
 * none, or more than {@link MAX_LABELS}. Whether they lie in the scope is for the gate to say.
 */
export function labelsOf(
  { document, charter }: Pick<VerifiedWarrant, "document" | "charter">,
  conversations: readonly ConversationId[] = document.conversations === "all" ? [] : document.conversations,
): LabelRequest[] {
  const days = daysBetween(document.firstDay, document.lastDay);
  const count = document.accounts.length * conversations.length * days;
  if (count === 0) throw new EncodingError("missing-field", "conversations");
  if (count > MAX_LABELS) throw new EncodingError("too-long", "labels");
  const labels = conversations.flatMap((conversation) =>
    document.accounts.flatMap((account) =>
      Array.from({ length: days }, (_, i) => ({
        charter: charter.id,
        conversation,
        account,
        day: dayNumber(document.firstDay + i),
      })),
    ),
  );
  return sortedLabels(labels);
}

/** A label's bytes in hexadecimal: by what it is looked up among many. */
export function nameOfLabel(label: LabelRequest): string {
  return hex(accessLabel(label));
}

/** Labels in the one order in which a set of them is written. */
export function sortedLabels(labels: readonly LabelRequest[]): LabelRequest[] {
  return labels
    .map((label) => ({ label, bytes: accessLabel(label) }))
    .sort((a, b) => compareBytes(a.bytes, b.bytes))
    .map(({ label }) => label);
}

/**
 * GATE-19: the day on which a label's key may be released at the earliest: the day after it, or the day itself where the
 * order is live.
 */
export function releasableFrom({ live }: { readonly live: boolean }, day: DayNumber): DayNumber {
  return dayNumber(live ? day : day + 1);
}

/** Days from the first to the last, both included. */
export function daysBetween(first: DayNumber, last: DayNumber): number {
  return last - first + 1;
}

/** Whether labels are distinct and ascend by their bytes: the one order in which a set of labels is written. */
export function areCanonical(labels: readonly LabelRequest[]): boolean {
  const encoded = labels.map(accessLabel);
  return encoded.every((label, i) => i === 0 || compareBytes(encoded[i - 1] as Uint8Array, label) < 0);
}

/** SHA-256 over the number of labels and the labels (BUN-2): how an intent names them. 32 B. */
export function labelsHash(labels: readonly LabelRequest[]): Uint8Array {
  const count = new Writer().uint(labels.length, 4).finish();
  return sha256(concat(utf8("porchlight-v1/labels\0"), count, ...labels.map(accessLabel)));
}
