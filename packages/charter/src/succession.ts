import {
  base64,
  type CharterId,
  charterId,
  EncodingError,
  equalBytes,
  Fields,
  fromBase64url,
  type Json,
  parseJson,
  type UnixSeconds,
  unixSeconds,
  utf8,
} from "@porchlight/encoding";
import { parseVkey, TlogError } from "@porchlight/tlog";
import { type Charter, type Keyholder, keyholderMembers, readKeyholder } from "./charter.ts";
import { type SignedDocument, verifyDocument } from "./document.ts";
import { CharterError } from "./error.ts";
import { asName } from "./plain-text.ts";
import { checkPublicKey } from "./witness-policy.ts";

/** CHA-21: from now on the place of a lost keyholder is another's. */
export type SuccessionDocument = {
  readonly charter: CharterId;
  /** The new one, under the index of the lost one. */
  readonly keyholder: Keyholder;
  /** Why, for everybody to read. */
  readonly ground: string;
  readonly at: UnixSeconds;
};

/**
 * The canonical document bytes (CHA-2), to be signed as kind "succession" by the provider, by all keyholders but the lost
 * one, and by the new one.
 */
export function formatSuccession(succession: SuccessionDocument): Uint8Array {
  return utf8(
    JSON.stringify({
      version: 1,
      charter: succession.charter,
      keyholder: keyholderMembers(succession.keyholder),
      ground: succession.ground,
      at: succession.at,
    }),
  );
}

/** Strict inverse of {@link formatSuccession}. Throws EncodingError. */
export function parseSuccession(bytes: Uint8Array): SuccessionDocument {
  const fields = new Fields(parseJson(bytes, "succession"), "succession");
  fields.literal("version", 1);
  const succession: SuccessionDocument = {
    charter: charterId(fields.string("charter", 64)),
    keyholder: readKeyholder(fields.json("keyholder") as Json, "succession.keyholder"),
    ground: asName(fields.json("ground"), "succession.ground", 1000),
    at: unixSeconds(fields.integer("at")),
  };
  fields.end();
  if (!equalBytes(formatSuccession(succession), bytes)) {
    throw new EncodingError("not-canonical", "succession");
  }
  return succession;
}

/**
 * CHA-21, CHA-22: the charter as it reads with the new keyholder, signed by all who must. `charter` is the one with all
 * earlier successions. Its id, its terms and its witness policy stay. Throws CharterError or EncodingError.
 */
export async function verifySuccession(document: Json | SignedDocument, charter: Charter): Promise<Charter> {
  const payload = new Fields(document as Json, "succession").string("payload", 2 ** 20);
  const { keyholder } = reviewSuccession(fromBase64url(payload, undefined, "succession.payload"), charter);
  const remaining = charter.keyholders.filter(({ index }) => index !== keyholder.index);
  const keys = new Map([charter.provider, ...remaining, keyholder].map(({ name, key }) => [name, key]));
  const { signers } = await verifyDocument("succession", document, keys);
  if (signers.size !== keys.size) throw new CharterError("signer-missing", "succession");
  const keyholders = charter.keyholders.map((one) => (one.index === keyholder.index ? keyholder : one));
  return { ...charter, keyholders };
}

/**
 * CHA-22: the document, if it can be one under this charter; whether anyone signed it is {@link verifySuccession}'s
 * question. Throws CharterError or EncodingError.
 */
export function reviewSuccession(
  bytes: Uint8Array,
  charter: Pick<Charter, "id" | "provider" | "keyholders" | "issuers" | "intake">,
): SuccessionDocument {
  const succession = parseSuccession(bytes);
  const { keyholder } = succession;
  if (succession.charter !== charter.id) throw new CharterError("wrong-charter", "succession");
  if (keyholder.index > charter.keyholders.length) {
    throw new CharterError("charter-inconsistent", "succession.index");
  }
  // The lost one included: who comes back under its own name and keys was not lost.
  const parties = [charter.provider, ...charter.keyholders, ...charter.issuers];
  if (parties.some(({ name }) => name === keyholder.name)) {
    throw new CharterError("charter-inconsistent", "succession.name");
  }
  checkPublicKey(keyholder.key, "succession.key");
  const known = [...parties, charter.intake].map(({ key }) => base64(key));
  const cosigners = charter.keyholders.map(({ vkey }) => vkey);
  if (
    known.includes(base64(keyholder.key)) ||
    cosigners.includes(keyholder.vkey) ||
    !isCosigner(keyholder.vkey)
  ) {
    throw new CharterError("charter-inconsistent", "succession.key");
  }
  if ([charter.provider, ...charter.keyholders].some(({ xwing }) => equalBytes(xwing, keyholder.xwing))) {
    throw new CharterError("charter-inconsistent", "succession.xwing");
  }
  return succession;
}

function isCosigner(vkey: string): boolean {
  try {
    return parseVkey(vkey).type === "cosignature";
  } catch (error) {
    if (error instanceof TlogError) return false;
    throw error;
  }
}
