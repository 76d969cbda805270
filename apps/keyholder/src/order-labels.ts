// Which keys an order asks for, which of them may be released by a day, and what shows that the other side took part.
import { type DayNumber, EncodingError } from "@porchlight/encoding";
import { EnvelopeError, parseHeader } from "@porchlight/envelope";
import { nodeSuite } from "@porchlight/envelope/node";
import {
  type LabelRequest,
  labelsOf,
  MAX_LABELS,
  type OtherSide,
  otherAccounts,
  releasableFrom,
  sortedLabels,
  type VerifiedOrder,
  type VerifiedOtherSide,
  verifyOtherSide,
} from "@porchlight/gate";
import { KeyholderError } from "./error.ts";
import type { KeptOrder } from "./order-book.ts";

type Asked = Pick<KeptOrder, "received" | "further">;

/**
 * Every key that an order asks for, as far as it is known what that is; `otherSides`: the other sides' labels. Throws EncodingError where it is too much.
 */
export function labelsFor(
  order: VerifiedOrder,
  { received, further }: Asked,
  otherSides: readonly LabelRequest[],
): LabelRequest[] {
  const listed =
    received.conversations === null
      ? undefined
      : [...new Set([...received.conversations, ...further.conversations])];
  const own = listed?.length === 0 ? [] : labelsOf(order, listed);
  const labels = new Map([...own, ...otherSides].map((one) => [nameOf(one), one]));
  if (labels.size > MAX_LABELS) throw new EncodingError("too-long", "labels");
  return sortedLabels([...labels.values()]);
}

/** KEY-25: those whose day has come and that no intent of this order names yet. */
export function dueLabels(
  labels: readonly LabelRequest[],
  order: VerifiedOrder,
  { releases }: Pick<KeptOrder, "releases">,
  today: DayNumber,
): LabelRequest[] {
  const named = new Set(releases.flatMap((release) => release.labels.map(nameOf)));
  return labels.filter(
    (label) => releasableFrom(order.document, label.day) <= today && !named.has(nameOf(label)),
  );
}

/** Whether days of the order are still to come. */
export function goesOn({ document }: VerifiedOrder, today: DayNumber): boolean {
  return releasableFrom(document, document.lastDay) > today;
}

/**
 * KEY-32: the other side's attestation, verified, of a label that the order can ask for. Throws KeyholderError
 * "other-side-refused", GateError where it does not hold.
 */
export function readOtherSideFor(order: VerifiedOrder, side: OtherSide): VerifiedOtherSide {
  const verified = verifyOtherSide(side, nodeSuite);
  const { label, members } = verified;
  const { accounts, conversations, firstDay, lastDay } = order.document;
  const fits =
    label.charter === order.charter.id &&
    otherAccounts(order.others).includes(label.account) &&
    (conversations === "all" || conversations.includes(label.conversation)) &&
    label.day >= firstDay &&
    label.day <= lastDay &&
    accounts.some((account) => members.has(account));
  if (!fits) {
    throw new KeyholderError(
      "other-side-refused",
      "it is not by an account that the order names beside the warrant's, or not of its conversations and days, or shows nobody whom the warrant names",
    );
  }
  return verified;
}

/** Of which label an attestation says that it is, before anything of it is verified; null where it cannot be read. */
export function claimedLabel({ header }: OtherSide): string | null {
  try {
    return nameOf(parseHeader(header).label);
  } catch (error) {
    if (error instanceof EnvelopeError) return null;
    throw error;
  }
}

export function nameOf({ conversation, account, day }: LabelRequest): string {
  return `${conversation}${account}${day}`;
}
