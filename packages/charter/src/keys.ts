import {
  asString,
  type CharterId,
  charterId,
  EncodingError,
  equalBytes,
  Fields,
  fromHex,
  hex,
  type Json,
  keyholderIndex,
  type Period,
  parseJson,
  parsePeriod,
  periodOf,
  utf8,
} from "@porchlight/encoding";
import { checkMasterKey, type MasterKey } from "@porchlight/quorum";
import type { Charter } from "./charter.ts";
import { type SignedDocument, verifyDocument } from "./document.ts";
import { CharterError } from "./error.ts";

declare const verified: unique symbol;

/** What a `keys` document says (CHA-16): one period's public keys of both ceremonies. G2 points, 96 B. */
export type KeysDocument = {
  readonly charter: CharterId;
  readonly period: Period;
  /** Counts refreshes of the shares within the period, from 1. */
  readonly generation: number;
  readonly access: PublicKeys;
  readonly notice: PublicKeys;
  /** SHA-256 of each ceremony's transcript, 32 B. */
  readonly transcripts: { readonly access: Uint8Array; readonly notice: Uint8Array };
};

/** A master public key and the verifying shares of keyholders 1 to n. */
export type PublicKeys = { readonly mpk: Uint8Array; readonly verifyingShares: readonly Uint8Array[] };

/** A key period's keys as {@link verifyKeys} found them: signed by all, shares on one polynomial of degree t − 1. */
export type PeriodKeys = {
  readonly charter: CharterId;
  readonly period: Period;
  readonly generation: number;
  readonly access: MasterKey;
  readonly notice: MasterKey;
  readonly transcripts: KeysDocument["transcripts"];
  readonly [verified]: true;
};

/** The canonical document bytes (CHA-2), to be signed as kind "keys" by every keyholder. */
export function formatKeys(keys: KeysDocument): Uint8Array {
  const side = ({ mpk, verifyingShares }: PublicKeys) => ({
    mpk: hex(mpk),
    verifyingShares: verifyingShares.map((share) => hex(share)),
  });
  return utf8(
    JSON.stringify({
      version: 1,
      charter: keys.charter,
      period: keys.period,
      generation: keys.generation,
      access: side(keys.access),
      notice: side(keys.notice),
      transcripts: { access: hex(keys.transcripts.access), notice: hex(keys.transcripts.notice) },
    }),
  );
}

/** Strict parser of the document bytes; points are not looked at. Throws EncodingError. */
export function parseKeys(bytes: Uint8Array): KeysDocument {
  const fields = new Fields(parseJson(bytes, "keys"), "keys");
  fields.literal("version", 1);
  const keys: KeysDocument = {
    charter: charterId(fields.string("charter")),
    period: parsePeriod(fields.string("period")),
    generation: fields.integer("generation", 1, 2 ** 32 - 1),
    access: readSide(fields.object("access"), "keys.access"),
    notice: readSide(fields.object("notice"), "keys.notice"),
    transcripts: readTranscripts(fields.object("transcripts")),
  };
  fields.end();
  if (!equalBytes(formatKeys(keys), bytes)) throw new EncodingError("not-canonical", "keys");
  return keys;
}

/**
 * CHA-17, CHA-18: the keys document is signed by every keyholder of the charter and by nobody else, its period lies in
 * the charter's dates, and both sides' verifying shares interpolate to their master keys, which differ. Throws
 * CharterError or EncodingError. Costs some 3·n point multiplications: keep the result.
 */
export async function verifyKeys(document: Json | SignedDocument, charter: Charter): Promise<PeriodKeys> {
  const { payload, signers } = await verifyDocument(
    "keys",
    document,
    new Map(charter.keyholders.map(({ name, key }) => [name, key])),
  );
  if (signers.size !== charter.keyholders.length) throw new CharterError("signer-missing", "keys");
  const keys = parseKeys(payload);
  if (keys.charter !== charter.id) throw new CharterError("wrong-charter", "keys");
  // YYYY-MM compares as text.
  if (keys.period < periodOf(charter.validFrom) || keys.period > periodOf(charter.validUntil)) {
    throw new CharterError("keys-inconsistent", "keys.period");
  }
  // One key for both would let the automatic release of a notice open messages.
  if (equalBytes(keys.access.mpk, keys.notice.mpk))
    throw new CharterError("keys-inconsistent", "keys.notice");
  return {
    ...keys,
    access: masterKey(keys.access, charter, "keys.access"),
    notice: masterKey(keys.notice, charter, "keys.notice"),
  } as PeriodKeys;
}

function masterKey(side: PublicKeys, charter: Charter, where: string): MasterKey {
  if (side.verifyingShares.length !== charter.keyholders.length) {
    throw new CharterError("keys-inconsistent", where);
  }
  const master: MasterKey = {
    threshold: charter.threshold,
    mpk: side.mpk,
    verifyingShares: new Map(side.verifyingShares.map((share, i) => [keyholderIndex(i + 1), share])),
  };
  try {
    checkMasterKey(master);
  } catch (cause) {
    throw new CharterError("keys-inconsistent", where, { cause });
  }
  return master;
}

function readSide(fields: Fields, where: string): PublicKeys {
  const side = {
    mpk: fromHex(fields.string("mpk"), 96, where),
    verifyingShares: fields.array(
      "verifyingShares",
      (item, place) => fromHex(asString(item, place), 96, place),
      255,
    ),
  };
  fields.end();
  return side;
}

function readTranscripts(fields: Fields): KeysDocument["transcripts"] {
  const transcripts = {
    access: fromHex(fields.string("access"), 32, "keys.transcripts.access"),
    notice: fromHex(fields.string("notice"), 32, "keys.transcripts.notice"),
  };
  fields.end();
  return transcripts;
}
