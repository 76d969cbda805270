import { randomBytes } from "node:crypto";
import type { Commitment, Period, UnixSeconds } from "@porchlight/encoding";
import {
  formatIntent,
  generationsOf,
  type Intent,
  type LabelRequest,
  labelsHash,
  slotOf,
} from "@porchlight/gate";
import type { OwnCharter } from "./charters.ts";
import type { OwnIntent } from "./order-book.ts";

/** KEY-25: what is committed to before a release; null where a share is missing, for the gate to say. */
export function makeIntent(
  own: OwnCharter,
  commitment: Commitment,
  labels: readonly LabelRequest[],
  held: ReadonlyMap<Period, number>,
  at: UnixSeconds,
): OwnIntent | null {
  const generations = generationsOf(labels, held);
  if (generations === null) return null;
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
