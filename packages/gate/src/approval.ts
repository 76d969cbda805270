import { asName } from "@porchlight/charter";
import {
  type Commitment,
  commitment,
  EncodingError,
  equalBytes,
  Fields,
  type KeyholderIndex,
  keyholderIndex,
  parseJson,
  type UnixSeconds,
  unixSeconds,
  utf8,
} from "@porchlight/encoding";

/** A person's decision at one keyholder to carry out one order (GATE-26). It stays with that keyholder. */
export type Approval = {
  readonly keyholder: KeyholderIndex;
  readonly commitment: Commitment;
  readonly at: UnixSeconds;
  /** The name under which the keyholder knows its approver. */
  readonly by: string;
};

export function formatApproval({ keyholder, commitment, at, by }: Approval): Uint8Array {
  return utf8(JSON.stringify({ version: 1, keyholder, commitment, at, by }));
}

/** Strict inverse of {@link formatApproval}. Throws EncodingError. */
export function parseApproval(bytes: Uint8Array): Approval {
  const fields = new Fields(parseJson(bytes, "approval"), "approval");
  fields.literal("version", 1);
  const approval: Approval = {
    keyholder: keyholderIndex(fields.integer("keyholder")),
    commitment: commitment(fields.string("commitment")),
    at: unixSeconds(fields.integer("at")),
    by: asName(fields.json("by"), "approval.by"),
  };
  fields.end();
  if (!equalBytes(formatApproval(approval), bytes)) throw new EncodingError("not-canonical", "approval");
  return approval;
}
