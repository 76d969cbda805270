import { randomBytes } from "node:crypto";
import { BATCH_SLOTS, type BatchEntry, signBatch } from "@porchlight/charter";
import type { DayNumber } from "@porchlight/encoding";
import type { OwnCharter } from "./charters.ts";

/**
 * KEY-30: a batch with up to eight commitments and random filler. Sorted, so that the place of a slot tells nothing
 * either: commitments and filler are random alike.
 */
export function makeBatch(
  own: OwnCharter,
  day: DayNumber,
  commitments: readonly string[],
  seed: Uint8Array,
): BatchEntry {
  const filler = Array.from({ length: BATCH_SLOTS - commitments.length }, () =>
    randomBytes(32).toString("hex"),
  );
  const slots = [...commitments, ...filler].sort();
  return signBatch({ type: "keyholder-batch", charter: own.id, keyholder: own.self, day, slots }, seed);
}
