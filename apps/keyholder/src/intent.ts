import { randomBytes } from "node:crypto";
import type { Commitment, Period, UnixSeconds } from "@porchlight/encoding";
import {
  formatIntent,
  generationsOf,
  type Intent,
  type LabelRequest,
  labelsHash,
  labelsOf,
  slotOf,
  type VerifiedWarrant,
} from "@porchlight/gate";
import type { OwnCharter } from "./charters.ts";
import { KeyholderError } from "./error.ts";
import type { OwnIntent, ReceivedOrder } from "./order-book.ts";

/** What an order asks for. Throws EncodingError where that is nothing or too much. */
export function labelsFor(
  warrant: VerifiedWarrant,
  { conversations }: Pick<ReceivedOrder, "conversations">,
): LabelRequest[] {
  return conversations === null ? labelsOf(warrant) : labelsOf(warrant, conversations);
}

/** KEY-25: what is committed to with an approval. Throws KeyholderError "share-missing". */
export function makeIntent(
  own: OwnCharter,
  commitment: Commitment,
  labels: readonly LabelRequest[],
  held: ReadonlyMap<Period, number>,
  at: UnixSeconds,
): OwnIntent {
  const generations = generationsOf(labels, held);
  if (generations === null) throw new KeyholderError("share-missing", "a key share is missing");
  const document: Intent = {
    charter: own.id,
    commitment,
    keyholder: own.self,
    generations,
    labels: labelsHash(labels),
    at,
  };
  const random = new Uint8Array(randomBytes(32));
  return { document, random, slot: slotOf(random, formatIntent(document)) };
}
