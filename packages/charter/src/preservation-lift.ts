import {
  type CharterId,
  type Commitment,
  charterId,
  commitment,
  EncodingError,
  equalBytes,
  Fields,
  parseJson,
  type UnixSeconds,
  unixSeconds,
  utf8,
} from "@porchlight/encoding";
import { type SignedDocument, unverifiedPayload, verifyDocument } from "./document.ts";
import { CharterError } from "./error.ts";
import { asName, asProse } from "./plain-text.ts";
import type { VerifiedPreservation } from "./preservation.ts";

/** That an order to preserve ends before its time (PRES-12). */
export type PreservationLift = {
  readonly charter: CharterId;
  /** Commitment of the preservation. */
  readonly preservation: Commitment;
  /** Of the preservation. */
  readonly issuer: string;
  readonly issued: UnixSeconds;
  readonly ground: string;
};

/** The canonical document bytes (CHA-2), to be signed as kind "preservation-lift". */
export function formatPreservationLift(document: PreservationLift): Uint8Array {
  const { charter, preservation, issuer, issued, ground } = document;
  return utf8(JSON.stringify({ version: 1, charter, preservation, issuer, issued, ground }));
}

/** Strict inverse of {@link formatPreservationLift}. Throws EncodingError. */
export function parsePreservationLift(bytes: Uint8Array): PreservationLift {
  const fields = new Fields(parseJson(bytes, "lift"), "lift");
  fields.literal("version", 1);
  const document: PreservationLift = {
    charter: charterId(fields.string("charter")),
    preservation: commitment(fields.string("preservation")),
    issuer: asName(fields.json("issuer"), "lift.issuer"),
    issued: unixSeconds(fields.integer("issued")),
    ground: asProse(fields.json("ground"), "lift.ground"),
  };
  fields.end();
  if (!equalBytes(formatPreservationLift(document), bytes)) throw new EncodingError("not-canonical", "lift");
  return document;
}

/**
 * PRES-13: that the issuer of `preservation`, whose commitment is `of`, lifts it; in a house two of them. It asks neither log
 * nor clock. Throws CharterError or EncodingError; no retry with the same document can help.
 */
export async function verifyPreservationLift(
  signed: SignedDocument,
  preservation: VerifiedPreservation,
  of: Commitment,
): Promise<PreservationLift> {
  const { charter, document: lifted } = preservation;
  const document = parsePreservationLift(unverifiedPayload(signed));
  if (document.charter !== charter.id) throw new CharterError("wrong-charter", "lift");
  const keys = new Map(charter.issuers.map(({ name, key }) => [name, key]));
  const { signers } = await verifyDocument("preservation-lift", signed, keys);
  const isIssuer = document.issuer === lifted.issuer && signers.has(document.issuer);
  if (!isIssuer || signers.size < (charter.kind === "house" ? 2 : 1)) {
    throw new CharterError("signer-missing", "lift");
  }
  if (document.preservation !== of || document.issued < lifted.issued) {
    throw new CharterError("preservation-inconsistent", "lift");
  }
  return document;
}
