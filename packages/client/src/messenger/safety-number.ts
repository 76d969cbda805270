import { sha512 } from "@noble/hashes/sha2.js";
import {
  type AccountId,
  accountId,
  accountIdOf,
  base64url,
  concat,
  EncodingError,
  fromBase64url,
  fromUtf8,
  idBytes,
  utf8,
} from "@porchlight/encoding";
import { nameIn } from "../content.ts";
import { ClientError } from "../error.ts";

const ROUNDS = 5200;
const DOMAIN = utf8("porchlight-v1/fingerprint\0");
const QR = "porchlight-verify:1";
const CONTACT = "plc1.";

/** CON-20: 30 digits of one account. The rounds make it costly to look for an account whose digits are alike. */
export function fingerprintOf(account: AccountId): string {
  const id = idBytes(account);
  let hash = sha512(concat(DOMAIN, id));
  for (let round = 0; round < ROUNDS; round++) hash = sha512(concat(hash, id));
  let digits = "";
  for (let at = 0; at < 30; at += 5) {
    const number = hash.subarray(at, at + 5).reduce((value, byte) => value * 256 + byte, 0);
    digits += String(number % 100_000).padStart(5, "0");
  }
  return digits;
}

/** CON-21: 60 digits, the same for both. */
export function safetyNumber(one: AccountId, other: AccountId): string {
  const [first, second] = one < other ? [one, other] : [other, one];
  return fingerprintOf(first) + fingerprintOf(second);
}

/** In groups of five, as people read them to each other. */
export function grouped(digits: string): string {
  return digits.replace(/(\d{5})(?=\d)/g, "$1 ");
}

/** CON-21: what `own`'s device shows to `other`. */
export function formatVerification(own: AccountId, other: AccountId): string {
  return `${QR}:${own}:${other}`;
}

/** Whether a scanned text is what `other`'s device shows to `own`. Throws ClientError "contact-code-malformed" for any other code. */
export function verifies(scanned: string, own: AccountId, other: AccountId): boolean {
  const match = /^porchlight-verify:1:([0-9a-f]{64}):([0-9a-f]{64})$/.exec(scanned.trim());
  if (match === null) throw malformed();
  return match[1] === other && match[2] === own;
}

/** CON-23 */
export function formatContactCode(account: AccountId, name: string): string {
  return CONTACT + base64url(concat(idBytes(account), utf8(name)));
}

/** Throws ClientError "contact-code-malformed". The name is its owner's word; one that breaks CON-7 is dropped. */
export function parseContactCode(text: string): { readonly account: AccountId; readonly name: string } {
  const trimmed = text.trim();
  if (!trimmed.startsWith(CONTACT)) throw malformed();
  try {
    const bytes = fromBase64url(trimmed.slice(CONTACT.length));
    if (bytes.length < 32) throw malformed();
    const account = accountId(accountIdOf(bytes.subarray(0, 32)));
    return { account, name: nameIn(fromUtf8(bytes.subarray(32))) ?? "" };
  } catch (cause) {
    if (cause instanceof EncodingError) throw malformed(cause);
    throw cause;
  }
}

function malformed(cause?: unknown): ClientError {
  return new ClientError("contact-code-malformed", "this is no code of this kind: ask for it again", {
    cause,
  });
}
