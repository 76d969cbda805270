import { asName, type Charter, type SignedDocument, verifyDocument } from "@porchlight/charter";
import {
  type CharterId,
  type Commitment,
  charterId,
  commitment,
  EncodingError,
  equalBytes,
  Fields,
  type Json,
  type KeyholderIndex,
  keyholderIndex,
  parseJson,
  type UnixSeconds,
  unixSeconds,
  utf8,
} from "@porchlight/encoding";
import type { Refusal } from "./error.ts";

/** A keyholder's record for the court of why it did not release (BUN-7), to be signed as kind "refusal". */
export type RefusalRecord = {
  readonly charter: CharterId;
  readonly keyholder: KeyholderIndex;
  readonly commitment: Commitment;
  readonly at: UnixSeconds;
  readonly rule: string;
  readonly code: string;
  readonly reason: string;
};

export function refusalRecord(
  refusal: Refusal,
  order: Pick<RefusalRecord, "charter" | "keyholder" | "commitment" | "at">,
): RefusalRecord {
  const { rule, code, reason } = refusal;
  const { charter, keyholder, commitment, at } = order;
  return { charter, keyholder, commitment, at, rule, code, reason };
}

/** The canonical document bytes (CHA-2). */
export function formatRefusal(record: RefusalRecord): Uint8Array {
  const { charter, keyholder, commitment, at, rule, code, reason } = record;
  return utf8(JSON.stringify({ version: 1, charter, keyholder, commitment, at, rule, code, reason }));
}

/** Strict inverse of {@link formatRefusal}. Codes of later versions parse too. Throws EncodingError. */
export function parseRefusal(bytes: Uint8Array): RefusalRecord {
  const fields = new Fields(parseJson(bytes, "refusal"), "refusal");
  fields.literal("version", 1);
  const record: RefusalRecord = {
    charter: charterId(fields.string("charter")),
    keyholder: keyholderIndex(fields.integer("keyholder")),
    commitment: commitment(fields.string("commitment")),
    at: unixSeconds(fields.integer("at")),
    rule: asName(fields.json("rule"), "refusal.rule", 20),
    code: asName(fields.json("code"), "refusal.code", 60),
    reason: asName(fields.json("reason"), "refusal.reason", 1000),
  };
  fields.end();
  if (!equalBytes(formatRefusal(record), bytes)) throw new EncodingError("not-canonical", "refusal");
  return record;
}

/** The record, signed by the very keyholder that it names. Throws CharterError or EncodingError. */
export async function verifyRefusal(
  document: Json | SignedDocument,
  charter: Charter,
): Promise<RefusalRecord> {
  const keys = new Map(charter.keyholders.map(({ name, key }) => [name, key]));
  const { payload, signers } = await verifyDocument("refusal", document, keys);
  const record = parseRefusal(payload);
  const keyholder = charter.keyholders[record.keyholder - 1];
  const own = keyholder !== undefined && signers.size === 1 && signers.has(keyholder.name);
  if (record.charter !== charter.id || !own) throw new EncodingError("out-of-range", "refusal");
  return record;
}
