import {
  type Charter,
  parseRegistration,
  parseSignedDocument,
  type RegistrationDocument,
  registrationIsConsistent,
  type SignedDocument,
  unverifiedPayload,
} from "@porchlight/charter";
import {
  base64,
  base64url,
  dayOf,
  EncodingError,
  formatDay,
  formatInstant,
  type UnixSeconds,
} from "@porchlight/encoding";
import { sha256, type Words } from "@porchlight/evidence";
import { DeskError } from "../shell/error.ts";
import { signedByIssuers } from "./halves.ts";

/** An authority's key as the provider recorded it after calling back (HI1-50), and who of the registry signed it. */
export type Registration = {
  readonly document: SignedDocument;
  readonly registration: RegistrationDocument;
  readonly signers: readonly string[];
};

/** Clocks may differ by so much; a call that is later than that has not taken place. */
const CLOCKS_DIFFER = 86_400;

/**
 * What the provider recorded, or what the first of a house's two signed of it: read, and every signature verified. Throws
 * DeskError "form-invalid" with what is wrong.
 */
export async function readRegistrationFile(bytes: Uint8Array, charter: Charter): Promise<Registration> {
  const document = signedOrDraft(bytes);
  let registration: RegistrationDocument;
  try {
    registration = parseRegistration(unverifiedPayload(document));
  } catch (cause) {
    if (!(cause instanceof EncodingError)) throw cause;
    throw new DeskError("form-invalid", "this is no record of a call back: ask the provider for it again", {
      cause,
    });
  }
  const found =
    document.signatures.length === 0 ? null : await signedByIssuers("registration", document, charter);
  if (document.signatures.length > 0 && found === null) {
    throw new DeskError("form-invalid", "a signature on it is no issuer's of this charter, or does not hold");
  }
  return { document, registration, signers: [...(found?.signers ?? [])] };
}

/** Why nobody may sign it, in a sentence; `null` where somebody may (HI1-51). */
export function unsignable(
  { registration, signers }: Registration,
  charter: Charter,
  own: { readonly name: string; readonly key: Uint8Array },
  now: UnixSeconds,
): string | null {
  if (!charter.issuers.some(({ name, key }) => name === own.name && base64(key) === base64(own.key)))
    return "the charter does not name this desk's key: only the registry that it names signs";
  if (registration.charter !== charter.id) return "it was recorded under another charter";
  if (!registrationIsConsistent(registration))
    return "its dates contradict each other: the call comes after the key, and the key counts for a year at most";
  if (registration.callBack.at > now + CLOCKS_DIFFER)
    return "the call that it records has not taken place yet: somebody's clock is wrong";
  if (registration.until < dayOf(now)) return "the last day of this key is over";
  if (signers.includes(own.name)) return "you have signed it: the other person's signature is missing";
  return null;
}

/** All that is signed, in words. */
export function registrationWords({ registration, signers }: Registration): readonly Words[] {
  const { country, endpoint, key, asked, callBack, until, charter } = registration;
  return [
    { term: "Authority", text: `${endpoint}, ${country}` },
    { term: "Its key (Ed25519)", text: base64(key) },
    { term: "Fingerprint of the key (SHA-256)", text: sha256(key) },
    { term: "The key came", text: formatInstant(asked) },
    { term: "Called back", text: `${formatInstant(callBack.at)}, by ${callBack.by}` },
    { term: "The number", text: callBack.number },
    { term: "Where the number was found", text: callBack.found },
    { term: "Who answered, and what was said", text: callBack.words },
    { term: "The key counts until", text: formatDay(until) },
    { term: "Charter", text: charter },
    ...(signers.length === 0 ? [] : [{ term: "Signed so far by", text: signers.join(", ") }]),
  ];
}

function signedOrDraft(bytes: Uint8Array): SignedDocument {
  try {
    return parseSignedDocument(bytes, "registration");
  } catch (error) {
    if (!(error instanceof EncodingError)) throw error;
    return { payload: base64url(bytes), signatures: [] };
  }
}
