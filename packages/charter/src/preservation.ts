import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import {
  type AccountId,
  accountId,
  asString,
  type CharterId,
  type Commitment,
  type ConversationId,
  charterId,
  commitment,
  conversationId,
  type DayNumber,
  dayOf,
  EncodingError,
  equalBytes,
  Fields,
  formatDay,
  fromHex,
  hex,
  parseDay,
  parseJson,
  type UnixSeconds,
  unixSeconds,
  utf8,
} from "@porchlight/encoding";
import type { Charter } from "./charter.ts";
import { parseSignedDocument, unverifiedPayload, verifyDocument } from "./document.ts";
import { CharterError } from "./error.ts";
import { asName, asProse } from "./plain-text.ts";

/** What of one account is kept beyond its retention, and until when (PRES-2). It opens nothing. */
export type PreservationDocument = {
  readonly charter: CharterId;
  readonly reference: string;
  /** SHA-256 of the original act, 32 B. */
  readonly actHash: Uint8Array;
  readonly legalBasis: string;
  readonly issuer: string;
  readonly issued: UnixSeconds;
  readonly account: AccountId;
  readonly conversations: readonly ConversationId[] | "all";
  /** Days of the envelopes, both included. None is to come. */
  readonly firstDay: DayNumber;
  readonly lastDay: DayNumber;
  /** The last day on which it is kept. */
  readonly until: DayNumber;
  /** Commitment of the preservation that this one prolongs; null for a first one. */
  readonly extends: Commitment | null;
  readonly ground: string;
};

declare const verified: unique symbol;

/** Issuers of `charter` signed it, and PRES-1 to PRES-5 hold. Whether it is in the log is the server's question. */
export type VerifiedPreservation = {
  /** The signed document as it was sent: what the commitment in the log covers. */
  readonly bytes: Uint8Array;
  readonly document: PreservationDocument;
  readonly charter: Charter;
  readonly [verified]: true;
};

/** Days of a first preservation, and of its one extension, at their most (PRES-5, PRES-6). */
export const PRESERVATION_DAYS = { first: 60, extension: 30 } as const;
const MAX_BYTES = 262_144;
const OPENING_LENGTH = 32;

/** The canonical document bytes (CHA-2), to be signed as kind "preservation". */
export function formatPreservation(document: PreservationDocument): Uint8Array {
  return utf8(
    JSON.stringify({
      version: 1,
      charter: document.charter,
      reference: document.reference,
      actHash: hex(document.actHash),
      legalBasis: document.legalBasis,
      issuer: document.issuer,
      issued: document.issued,
      account: document.account,
      conversations: document.conversations,
      firstDay: formatDay(document.firstDay),
      lastDay: formatDay(document.lastDay),
      until: formatDay(document.until),
      extends: document.extends,
      ground: document.ground,
    }),
  );
}

/** Strict inverse of {@link formatPreservation}. Throws EncodingError. */
export function parsePreservation(bytes: Uint8Array): PreservationDocument {
  const fields = new Fields(parseJson(bytes, "preservation"), "preservation");
  const name = (member: string) => asName(fields.json(member), `preservation.${member}`);
  const day = (member: string) => parseDay(fields.string(member), `preservation.${member}`);
  fields.literal("version", 1);
  const document: PreservationDocument = {
    charter: charterId(fields.string("charter")),
    reference: name("reference"),
    actHash: fromHex(fields.string("actHash"), 32, "preservation.actHash"),
    legalBasis: name("legalBasis"),
    issuer: name("issuer"),
    issued: unixSeconds(fields.integer("issued")),
    account: accountId(fields.string("account")),
    conversations:
      fields.json("conversations") === "all"
        ? "all"
        : fields.array("conversations", (item, where) => conversationId(asString(item, where, 64))),
    firstDay: day("firstDay"),
    lastDay: day("lastDay"),
    until: day("until"),
    extends: fields.json("extends") === null ? null : commitment(fields.string("extends")),
    ground: asProse(fields.json("ground"), "preservation.ground"),
  };
  fields.end();
  const { conversations } = document;
  if (conversations !== "all") {
    if (conversations.length === 0) throw new EncodingError("missing-field", "preservation.conversations");
    if (new Set(conversations).size !== conversations.length) {
      throw new EncodingError("duplicate-key", "preservation.conversations");
    }
  }
  if (!equalBytes(formatPreservation(document), bytes)) {
    throw new EncodingError("not-canonical", "preservation");
  }
  return document;
}

/**
 * The only maker of {@link VerifiedPreservation} (PRES-1 to PRES-5). It asks neither log nor clock. Throws CharterError or
 * EncodingError; no retry with the same bytes can help.
 */
export async function verifyPreservation(bytes: Uint8Array, charter: Charter): Promise<VerifiedPreservation> {
  if (bytes.length > MAX_BYTES) throw new EncodingError("too-long", "preservation");
  const kept = bytes.slice();
  const signed = parseSignedDocument(kept, "preservation");
  const document = parsePreservation(unverifiedPayload(signed));
  if (document.charter !== charter.id) throw new CharterError("wrong-charter", "preservation");
  const keys = new Map(charter.issuers.map(({ name, key }) => [name, key]));
  const { signers } = await verifyDocument("preservation", signed, keys);
  // As for an order: the named issuer answers for it, and a house takes two persons.
  if (!signers.has(document.issuer) || signers.size < (charter.kind === "house" ? 2 : 1)) {
    throw new CharterError("signer-missing", "preservation");
  }
  const { firstDay, lastDay, issued, until } = document;
  const inOrder = firstDay <= lastDay && lastDay <= dayOf(issued) && dayOf(issued) <= until;
  if (!charter.legalBases.includes(document.legalBasis) || !inOrder) {
    throw new CharterError("preservation-inconsistent", "preservation");
  }
  if (until - dayOf(issued) > longestOf(document, charter)) {
    throw new CharterError("preservation-too-long", "preservation.until");
  }
  return Object.freeze({ bytes: kept, document, charter }) as VerifiedPreservation;
}

function longestOf({ extends: before }: PreservationDocument, charter: Charter): number {
  const { first, extension } = PRESERVATION_DAYS;
  return Math.min(charter.longestPreservationDays, before === null ? first : first + extension);
}

/**
 * PRES-6: one extension of the same order, while that still runs, by at most thirty days, within the charter's longest
 * from the first order's day on. Throws CharterError.
 */
export function checkExtension(
  { document, charter }: VerifiedPreservation,
  { document: before }: VerifiedPreservation,
): void {
  const unchanged = [
    "charter",
    "reference",
    "legalBasis",
    "account",
    "firstDay",
    "lastDay",
  ] as const satisfies (keyof PreservationDocument)[];
  const same =
    before.extends === null &&
    unchanged.every((member) => document[member] === before[member]) &&
    String(document.conversations) === String(before.conversations) &&
    dayOf(document.issued) >= dayOf(before.issued) &&
    dayOf(document.issued) <= before.until &&
    document.until > before.until;
  if (!same) throw new CharterError("preservation-inconsistent", "preservation.extends");
  if (
    document.until - before.until > PRESERVATION_DAYS.extension ||
    document.until - dayOf(before.issued) > charter.longestPreservationDays
  ) {
    throw new CharterError("preservation-too-long", "preservation.until");
  }
}

/** PRES-7: what its entry shows of it. `opening` is 32 random bytes. Throws EncodingError for another length. */
export function preservationCommitment(opening: Uint8Array, bytes: Uint8Array): Commitment {
  if (opening.length !== OPENING_LENGTH) throw new EncodingError("out-of-range", "opening");
  return commitment(hex(hmac(sha256, opening, bytes)));
}
