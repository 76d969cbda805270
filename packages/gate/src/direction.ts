import {
  asName,
  asProse,
  type Charter,
  type DirectionEntry,
  formatSignedDocument,
  type RevocationEntry,
  readSignedDocument,
  type SignedDocument,
  verifyDocument,
} from "@porchlight/charter";
import {
  type CharterId,
  type Commitment,
  charterId,
  commitment,
  type DayNumber,
  EncodingError,
  equalBytes,
  Fields,
  formatDay,
  hex,
  type Json,
  parseDay,
  parseJson,
  type UnixSeconds,
  unixSeconds,
  utf8,
} from "@porchlight/encoding";
import { GateError } from "./error.ts";
import { derivedFrom } from "./order.ts";
import type { VerifiedWarrant } from "./verify-warrant.ts";

/** What an issuer can say of its order later (DIR-1); the kinds of document and the types of entry are the same words. */
export type DirectionKind = RevocationEntry["type"] | DirectionEntry["type"];

export const DIRECTION_KINDS: readonly DirectionKind[] = [
  "revocation",
  "suspension",
  "resumption",
  "extension",
  "notice-release",
];

/** An issuer's word on its own order, to be signed as a document of its kind. */
export type Direction = {
  readonly charter: CharterId;
  readonly commitment: Commitment;
  readonly reference: string;
  readonly at: UnixSeconds;
  readonly ground: string;
} & (
  | { readonly kind: Exclude<DirectionKind, "extension"> }
  | {
      readonly kind: "extension";
      /** The day on which secrecy ends now. */
      readonly until: DayNumber;
    }
);

declare const verified: unique symbol;

/** A direction that the order's own issuer signed. Whether it counts, the log says as well. */
export type VerifiedDirection = {
  readonly direction: Direction;
  /** The signed document, exact bytes: what its entry's `direction` covers. */
  readonly bytes: Uint8Array;
  readonly [verified]: true;
};

const made = new WeakSet<object>();

/** The canonical document bytes (CHA-2). */
export function formatDirection(direction: Direction): Uint8Array {
  const { charter, commitment, reference, at, ground } = direction;
  const until = direction.kind === "extension" ? { until: formatDay(direction.until) } : {};
  return utf8(JSON.stringify({ version: 1, charter, commitment, reference, at, ...until, ground }));
}

/** Strict inverse of {@link formatDirection}. Throws EncodingError. */
export function parseDirection(kind: DirectionKind, bytes: Uint8Array): Direction {
  const fields = new Fields(parseJson(bytes, kind), kind);
  fields.literal("version", 1);
  const common = {
    charter: charterId(fields.string("charter")),
    commitment: commitment(fields.string("commitment")),
    reference: asName(fields.json("reference"), `${kind}.reference`),
    at: unixSeconds(fields.integer("at")),
  };
  const until =
    kind === "extension" ? { kind, until: parseDay(fields.string("until"), `${kind}.until`) } : { kind };
  const direction: Direction = {
    ...common,
    ...until,
    ground: asProse(fields.json("ground"), `${kind}.ground`),
  };
  fields.end();
  if (!equalBytes(formatDirection(direction), bytes)) throw new EncodingError("not-canonical", kind);
  return direction;
}

/**
 * DIR-2: a direction of this order by those who may give it. To stop an order one of its signers is enough, and to revoke
 * it an inspector of the house (CHA-24); to go on, to keep it secret for longer or to tell early takes as many as the order took. Throws CharterError, EncodingError or
 * GateError.
 */
export async function verifyDirection(
  kind: DirectionKind,
  document: Json | SignedDocument,
  warrant: VerifiedWarrant,
  commitment: Commitment,
): Promise<VerifiedDirection> {
  const { charter } = warrant;
  const inspectors = kind === "revocation" ? (charter.inspection?.inspectors ?? []) : [];
  const keys = new Map([...charter.issuers, ...inspectors].map(({ name, key }) => [name, key]));
  const { payload, signers } = await verifyDocument(kind, document, keys);
  const direction = parseDirection(kind, payload);
  const ofThisOrder =
    direction.charter === charter.id &&
    direction.commitment === commitment &&
    direction.reference === warrant.document.reference;
  const mayVeto = new Set(inspectors.map(({ name }) => name));
  const own = [...signers].filter((name) => warrant.signers.has(name) || mayVeto.has(name));
  if (!ofThisOrder || own.length < signersNeeded(kind, charter)) {
    throw new GateError({
      rule: kind === "revocation" ? "WAR-17" : "DIR-2",
      code: kind === "revocation" ? "revocation-invalid" : "direction-invalid",
      reason: `The ${kind} is not of this order, or not by who made it.`,
      waits: false,
    });
  }
  const bytes = formatSignedDocument(readSignedDocument(document as Json, kind));
  const result = Object.freeze({ direction: Object.freeze(direction), bytes });
  made.add(result);
  return result as unknown as VerifiedDirection;
}

/** How many of an order's signers a direction takes. */
export function signersNeeded(kind: DirectionKind, charter: Pick<Charter, "kind">): number {
  const stops = kind === "revocation" || kind === "suspension";
  return charter.kind === "house" && !stops ? 2 : 1;
}

/** ENT-9: how an entry hides a direction, 64 hex digits; whoever has order and document can test it. */
export function directionHash(opening: Uint8Array, bytes: Uint8Array): string {
  return hex(derivedFrom(opening, "direction", bytes));
}

/** The direction of these that an entry stands for; null where it is not in hand. */
export function directionOf(
  entry: DirectionEntry,
  opening: Uint8Array,
  directions: readonly VerifiedDirection[],
): Direction | null {
  const found = directions.find(
    (one) =>
      made.has(one) &&
      one.direction.kind === entry.type &&
      one.direction.commitment === entry.commitment &&
      directionHash(opening, one.bytes) === entry.direction,
  );
  return found?.direction ?? null;
}
