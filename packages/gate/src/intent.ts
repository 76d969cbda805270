import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import {
  type CharterId,
  type Commitment,
  charterId,
  commitment,
  EncodingError,
  equalBytes,
  Fields,
  fromHex,
  hex,
  type Json,
  type KeyholderIndex,
  keyholderIndex,
  type Period,
  parseJson,
  parsePeriod,
  periodOf,
  type UnixSeconds,
  unixSeconds,
  utf8,
} from "@porchlight/encoding";
import type { LabelRequest } from "./labels.ts";

/** Which generation of a key period's shares is meant; ascending by period where there are several. */
export type ShareGeneration = { readonly period: Period; readonly generation: number };

/** What a keyholder commits to in the log before it releases anything (BUN-1). */
export type Intent = {
  readonly charter: CharterId;
  readonly commitment: Commitment;
  readonly keyholder: KeyholderIndex;
  readonly generations: readonly ShareGeneration[];
  /** `labelsHash` of what will be released, 32 B. */
  readonly labels: Uint8Array;
  readonly at: UnixSeconds;
};

/** The canonical bytes under the intent's commitment. */
export function formatIntent(intent: Intent): Uint8Array {
  return utf8(
    JSON.stringify({
      version: 1,
      charter: intent.charter,
      commitment: intent.commitment,
      keyholder: intent.keyholder,
      generations: intent.generations.map(({ period, generation }) => ({ period, generation })),
      labels: hex(intent.labels),
      at: intent.at,
    }),
  );
}

/** Strict inverse of {@link formatIntent}. Throws EncodingError. */
export function parseIntent(bytes: Uint8Array): Intent {
  const fields = new Fields(parseJson(bytes, "intent"), "intent");
  fields.literal("version", 1);
  const intent: Intent = {
    charter: charterId(fields.string("charter")),
    commitment: commitment(fields.string("commitment")),
    keyholder: keyholderIndex(fields.integer("keyholder")),
    generations: readGenerations(fields, "intent"),
    labels: fromHex(fields.string("labels"), 32, "intent.labels"),
    at: unixSeconds(fields.integer("at")),
  };
  fields.end();
  if (!equalBytes(formatIntent(intent), bytes)) throw new EncodingError("not-canonical", "intent");
  return intent;
}

/** Reads the member `generations`: periods ascend, so none stands twice. */
export function readGenerations(fields: Fields, where: string): ShareGeneration[] {
  const generations = fields.array("generations", readGeneration, 1200);
  const ascending = generations.every(
    ({ period }, i) => i === 0 || (generations[i - 1]?.period ?? "") < period,
  );
  if (!ascending) throw new EncodingError("not-canonical", `${where}.generations`);
  return generations;
}

/** The share generations that `labels` need, of those held; null where one of their periods is not held. */
export function generationsOf(
  labels: readonly LabelRequest[],
  held: ReadonlyMap<Period, number>,
): ShareGeneration[] | null {
  const periods = [...new Set(labels.map(({ day }) => periodOf(day)))].sort();
  const generations = periods.map((period) => ({ period, generation: held.get(period) ?? 0 }));
  return generations.every(({ generation }) => generation > 0) ? generations : null;
}

/**
 * HMAC-SHA-256 under 32 random bytes, 64 hex digits: one slot of a keyholder-batch (BUN-3). Intents and bundles share
 * it, so that nobody sees which of them, or random filler, a slot holds.
 */
export function slotOf(random: Uint8Array, bytes: Uint8Array): string {
  if (random.length !== 32) throw new EncodingError("out-of-range", "slot randomness");
  return hex(hmac(sha256, random, bytes));
}

function readGeneration(value: Json, where: string): ShareGeneration {
  const fields = new Fields(value, where);
  const entry = {
    period: parsePeriod(fields.string("period")),
    generation: fields.integer("generation", 1, 2 ** 32 - 1),
  };
  fields.end();
  return entry;
}
