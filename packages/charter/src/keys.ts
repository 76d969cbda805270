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
  type KeyholderIndex,
  keyholderIndex,
  type Period,
  parseJson,
  parsePeriod,
  periodOf,
  utf8,
} from "@porchlight/encoding";
import { checkMasterKey, type MasterKey } from "@porchlight/quorum";
import type { Charter } from "./charter.ts";
import { readSignedDocument, type SignedDocument, unverifiedPayload, verifyDocument } from "./document.ts";
import { CharterError } from "./error.ts";
import { verifySuccession } from "./succession.ts";

declare const verified: unique symbol;

/** What a `keys` document says (CHA-16): one period's public keys of both ceremonies. G2 points, 96 B. */
export type KeysDocument = {
  readonly charter: CharterId;
  readonly period: Period;
  /** Counts refreshes of the shares within the period, from 1. */
  readonly generation: number;
  /** Keyholders that took no part, ascending: they hold no share of this generation and sign nothing. */
  readonly absent: readonly KeyholderIndex[];
  /** Keyholders replaced since the charter was signed, in order (CHA-21): whoever reads the keys knows who signed them. */
  readonly successions: readonly SignedDocument[];
  readonly access: PublicKeys;
  readonly notice: PublicKeys;
  /** Of the ceremony (DKG-9), 32 B. */
  readonly transcript: Uint8Array;
};

/** A master public key and the verifying shares of keyholders 1 to n. */
export type PublicKeys = { readonly mpk: Uint8Array; readonly verifyingShares: readonly Uint8Array[] };

/** A key period's keys as {@link verifyKeys} found them: signed by all but the absent, shares on one polynomial of degree t − 1. */
export type PeriodKeys = {
  readonly charter: CharterId;
  readonly period: Period;
  readonly generation: number;
  readonly absent: readonly KeyholderIndex[];
  /** The charter with the keyholders that hold this generation's shares. */
  readonly under: Charter;
  readonly access: MasterKey;
  readonly notice: MasterKey;
  readonly transcript: Uint8Array;
  readonly [verified]: true;
};

/** The canonical document bytes (CHA-2), to be signed as kind "keys" by every keyholder that is not absent. */
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
      absent: keys.absent,
      successions: keys.successions.map(({ payload, signatures }) => ({
        payload,
        signatures: signatures.map((made) => ({ protected: made.protected, signature: made.signature })),
      })),
      access: side(keys.access),
      notice: side(keys.notice),
      transcript: hex(keys.transcript),
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
    absent: fields.array("absent", (item) => keyholderIndex(item as number), 255),
    successions: fields.array("successions", (item, where) => readSignedDocument(item, where), 16),
    access: readSide(fields.object("access"), "keys.access"),
    notice: readSide(fields.object("notice"), "keys.notice"),
    transcript: fromHex(fields.string("transcript"), 32, "keys.transcript"),
  };
  fields.end();
  if (keys.absent.some((index, i) => i > 0 && index <= (keys.absent[i - 1] as number))) {
    throw new EncodingError("not-canonical", "keys.absent");
  }
  if (!equalBytes(formatKeys(keys), bytes)) throw new EncodingError("not-canonical", "keys");
  return keys;
}

/**
 * CHA-17: how many keyholders must sign a period's keys at least: more than (n + t − 1) / 2. Any two sets of so many have
 * t members in common, one of them honest; so there are never two keys of one generation.
 */
export function keysQuorum({ keyholders, threshold }: Pick<Charter, "keyholders" | "threshold">): number {
  return Math.floor((keyholders.length + threshold - 1) / 2) + 1;
}

/**
 * CHA-17, CHA-18: the keys document is signed by every keyholder of the charter but those that it names as absent, and
 * by nobody else; they are enough; its period lies in the charter's dates, and both sides' verifying shares interpolate
 * to their master keys, which differ. Throws CharterError or EncodingError. Costs some 3·n point multiplications: keep
 * the result.
 */
export async function verifyKeys(document: Json | SignedDocument, charter: Charter): Promise<PeriodKeys> {
  const claimed = parseKeys(unverifiedPayload(readSignedDocument(document as Json, "keys")));
  let under = charter;
  for (const succession of claimed.successions) under = await verifySuccession(succession, under);
  const { payload, signers } = await verifyDocument(
    "keys",
    document,
    new Map(under.keyholders.map(({ name, key }) => [name, key])),
  );
  const keys = parseKeys(payload);
  for (const { index, name } of under.keyholders) {
    if (signers.has(name) === keys.absent.includes(index)) throw new CharterError("signer-missing", "keys");
  }
  if (signers.size < keysQuorum(charter)) throw new CharterError("signer-missing", "keys.absent");
  if (keys.absent.some((index) => index > charter.keyholders.length)) {
    throw new CharterError("keys-inconsistent", "keys.absent");
  }
  if (keys.charter !== charter.id) throw new CharterError("wrong-charter", "keys");
  // YYYY-MM compares as text.
  if (keys.period < periodOf(charter.validFrom) || keys.period > periodOf(charter.validUntil)) {
    throw new CharterError("keys-inconsistent", "keys.period");
  }
  // One key for both would let the automatic release of a notice open messages.
  if (equalBytes(keys.access.mpk, keys.notice.mpk))
    throw new CharterError("keys-inconsistent", "keys.notice");
  return {
    charter: keys.charter,
    period: keys.period,
    generation: keys.generation,
    absent: keys.absent,
    under,
    transcript: keys.transcript,
    access: masterKey(keys.access, charter, "keys.access"),
    notice: masterKey(keys.notice, charter, "keys.notice"),
  } as PeriodKeys;
}

/** CER-13: whether keys are a later generation of shares of the same two master keys, which is all that may follow. */
export function succeedKeys(
  later: Pick<PeriodKeys, "generation"> & {
    readonly access: { readonly mpk: Uint8Array };
    readonly notice: { readonly mpk: Uint8Array };
  },
  last: PeriodKeys,
): boolean {
  return (
    later.generation > last.generation &&
    equalBytes(later.access.mpk, last.access.mpk) &&
    equalBytes(later.notice.mpk, last.notice.mpk)
  );
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
