import { asName, asProse, type SignedDocument, verifyDocument } from "@porchlight/charter";
import {
  type CharterId,
  type Commitment,
  charterId,
  commitment,
  EncodingError,
  equalBytes,
  Fields,
  type Json,
  parseJson,
  type UnixSeconds,
  unixSeconds,
  utf8,
} from "@porchlight/encoding";
import { GateError } from "./error.ts";
import type { VerifiedWarrant } from "./verify-warrant.ts";

/** An issuer's word that its order is no longer to be carried out (WAR-17), to be signed as kind "revocation". */
export type Revocation = {
  readonly charter: CharterId;
  readonly commitment: Commitment;
  readonly reference: string;
  readonly at: UnixSeconds;
  readonly ground: string;
};

/** The canonical document bytes (CHA-2). */
export function formatRevocation({ charter, commitment, reference, at, ground }: Revocation): Uint8Array {
  return utf8(JSON.stringify({ version: 1, charter, commitment, reference, at, ground }));
}

/** Strict inverse of {@link formatRevocation}. Throws EncodingError. */
export function parseRevocation(bytes: Uint8Array): Revocation {
  const fields = new Fields(parseJson(bytes, "revocation"), "revocation");
  fields.literal("version", 1);
  const revocation: Revocation = {
    charter: charterId(fields.string("charter")),
    commitment: commitment(fields.string("commitment")),
    reference: asName(fields.json("reference"), "revocation.reference"),
    at: unixSeconds(fields.integer("at")),
    ground: asProse(fields.json("ground"), "revocation.ground"),
  };
  fields.end();
  if (!equalBytes(formatRevocation(revocation), bytes))
    throw new EncodingError("not-canonical", "revocation");
  return revocation;
}

/**
 * WAR-17: a revocation of this order, signed by an issuer that signed the order: one is enough, where two had to
 * sign a hold order as well. Throws CharterError, EncodingError or GateError.
 */
export async function verifyRevocation(
  document: Json | SignedDocument,
  warrant: VerifiedWarrant,
  commitment: Commitment,
): Promise<Revocation> {
  const { charter } = warrant;
  const keys = new Map(charter.issuers.map(({ name, key }) => [name, key]));
  const { payload, signers } = await verifyDocument("revocation", document, keys);
  const revocation = parseRevocation(payload);
  const ofThisOrder =
    revocation.charter === charter.id &&
    revocation.commitment === commitment &&
    revocation.reference === warrant.document.reference;
  if (!ofThisOrder || ![...signers].some((name) => warrant.signers.has(name))) {
    const reason = "The revocation is not of this order, or not by who made it.";
    throw new GateError({ rule: "WAR-17", code: "revocation-invalid", reason, waits: false });
  }
  return revocation;
}
