import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import {
  base64,
  type CharterId,
  type Commitment,
  charterId,
  commitment,
  type DayNumber,
  dayOf,
  EncodingError,
  equalBytes,
  Fields,
  formatDay,
  fromBase64,
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

/** A requester's endpoint and its key, as the registry signs it after a call-back (HI1-50). */
export type RegistrationDocument = {
  readonly charter: CharterId;
  /** ISO 3166-1, and `UniqueIdentifier` of TS 103 120. */
  readonly country: string;
  readonly endpoint: string;
  /** Ed25519, 32 B. */
  readonly key: Uint8Array;
  /** When the key came, from whomever. */
  readonly asked: UnixSeconds;
  readonly callBack: {
    readonly at: UnixSeconds;
    /** Who called. */
    readonly by: string;
    readonly number: string;
    /** Where the number was found: elsewhere than in the request. */
    readonly found: string;
    /** Who answered, and what was said. */
    readonly words: string;
  };
  /** The last day on which the key counts. */
  readonly until: DayNumber;
};

declare const verified: unique symbol;

/** An issuer of `charter` signed it, and HI1-50 and HI1-51 hold. Whether it is in the log is the provider's question. */
export type VerifiedRegistration = {
  /** The signed document as it was sent: what the commitment in the log covers. */
  readonly bytes: Uint8Array;
  readonly document: RegistrationDocument;
  readonly [verified]: true;
};

const MAX_BYTES = 65_536;
/** Days for which a call-back may be relied upon (HI1-51). */
const LONGEST_DAYS = 366;
const OPENING_LENGTH = 32;

/** The canonical document bytes (CHA-2), to be signed as kind "registration". */
export function formatRegistration(document: RegistrationDocument): Uint8Array {
  const { at, by, number, found, words } = document.callBack;
  return utf8(
    JSON.stringify({
      version: 1,
      charter: document.charter,
      country: document.country,
      endpoint: document.endpoint,
      key: base64(document.key),
      asked: document.asked,
      callBack: { at, by, number, found, words },
      until: formatDay(document.until),
    }),
  );
}

/** Strict inverse of {@link formatRegistration}. Throws EncodingError. */
export function parseRegistration(bytes: Uint8Array): RegistrationDocument {
  const fields = new Fields(parseJson(bytes, "registration"), "registration");
  fields.literal("version", 1);
  const country = (text: string): string => {
    if (!/^[A-Z]{2}$/.test(text)) throw new EncodingError("not-canonical", "registration.country");
    return text;
  };
  const called = (call: Fields): RegistrationDocument["callBack"] => {
    const name = (member: string) => asName(call.json(member), `registration.callBack.${member}`);
    const read = {
      at: unixSeconds(call.integer("at")),
      by: name("by"),
      number: name("number"),
      found: name("found"),
      words: asProse(call.json("words"), "registration.callBack.words", 5000),
    };
    call.end();
    if (read.words === "") throw new EncodingError("missing-field", "registration.callBack.words");
    return read;
  };
  const document: RegistrationDocument = {
    charter: charterId(fields.string("charter")),
    country: country(fields.string("country")),
    endpoint: asName(fields.json("endpoint"), "registration.endpoint", 100),
    key: fromBase64(fields.string("key"), 32, "registration.key"),
    asked: unixSeconds(fields.integer("asked")),
    callBack: called(fields.object("callBack")),
    until: parseDay(fields.string("until"), "registration.until"),
  };
  fields.end();
  if (!equalBytes(formatRegistration(document), bytes)) {
    throw new EncodingError("not-canonical", "registration");
  }
  return document;
}

/**
 * The only maker of {@link VerifiedRegistration} (HI1-50, HI1-51). It asks neither log nor clock. Throws CharterError or
 * EncodingError; no retry with the same bytes can help.
 */
export async function verifyRegistration(bytes: Uint8Array, charter: Charter): Promise<VerifiedRegistration> {
  if (bytes.length > MAX_BYTES) throw new EncodingError("too-long", "registration");
  const kept = bytes.slice();
  const signed = parseSignedDocument(kept, "registration");
  const document = parseRegistration(unverifiedPayload(signed));
  if (document.charter !== charter.id) throw new CharterError("wrong-charter", "registration");
  const keys = new Map(charter.issuers.map(({ name, key }) => [name, key]));
  const { signers } = await verifyDocument("registration", signed, keys);
  if (signers.size < (charter.kind === "house" ? 2 : 1)) {
    throw new CharterError("signer-missing", "registration");
  }
  if (!registrationIsConsistent(document)) {
    throw new CharterError("registration-inconsistent", "registration");
  }
  return Object.freeze({ bytes: kept, document }) as VerifiedRegistration;
}

/** HI1-51: the call came after the key, and the key counts until a day between the call and 366 days after it. */
export function registrationIsConsistent({
  asked,
  callBack,
  until,
}: Pick<RegistrationDocument, "asked" | "callBack" | "until">): boolean {
  const called = dayOf(callBack.at);
  return callBack.at >= asked && until >= called && until <= called + LONGEST_DAYS;
}

/** HI1-52: what its entry shows of it. `opening` is 32 random bytes. Throws EncodingError for another length. */
export function registrationCommitment(opening: Uint8Array, bytes: Uint8Array): Commitment {
  if (opening.length !== OPENING_LENGTH) throw new EncodingError("out-of-range", "opening");
  return commitment(hex(hmac(sha256, opening, bytes)));
}
