import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, Reader, utf8, Writer } from "@porchlight/encoding";
import { webAttachmentSuite as aes } from "./attachment-suite.ts";
import { bigintOf, bytesOf, formatCode, malformed, parseCode } from "./code-text.ts";
import { ClientError } from "./error.ts";

const SECRET = 16;
const CHECKSUM_BITS = 12n;
const CHARACTERS = 28;
const VERSION = 1;
const NONCE = new Uint8Array(12);

const CODE_DOMAIN = utf8("porchlight-v1/recovery-code\0");
const KEY_INFO = utf8("porchlight-v1/recovery-key\0");
const RECORD_INFO = utf8("porchlight-v1/recovery-record\0");
const SALT_INFO = utf8("porchlight-v1/recovery-salt\0");

/** The random half of a recovery code, 16 bytes. It is kept nowhere but on the person's paper. */
export type RecoverySecret = Uint8Array;

/** What the code opens. */
export type RecoveryContent = { readonly identitySeed: Uint8Array; readonly backupKey: Uint8Array };

/** ACC-50: seven groups of four characters. */
export function formatRecoveryCode(secret: RecoverySecret): string {
  return formatCode((bigintOf(secret) << CHECKSUM_BITS) | checksum(secret), CHARACTERS);
}

/** Throws ClientError "code-malformed", also where the checksum says that something was mistyped. */
export function parseRecoveryCode(text: string): RecoverySecret {
  const value = parseCode(text, CHARACTERS);
  const secret = bytesOf(value >> CHECKSUM_BITS, SECRET);
  if ((value & ((1n << CHECKSUM_BITS) - 1n)) !== checksum(secret)) throw malformed();
  return secret;
}

function checksum(secret: RecoverySecret): bigint {
  return bigintOf(sha256(concat(CODE_DOMAIN, secret)).subarray(0, 2)) >> 4n;
}

/** ACC-51: seed of the Ed25519 key that names the record and fetches it. */
export function recoverySeed(secret: RecoverySecret): Uint8Array {
  return hkdf(sha256, secret, undefined, KEY_INFO, 32);
}

/** `salt`: 32 fresh bytes for each record. */
export async function sealRecovery(
  secret: RecoverySecret,
  content: RecoveryContent,
  salt: Uint8Array,
): Promise<Uint8Array> {
  const plaintext = concat(content.identitySeed, content.backupKey);
  const sealed = await aes.seal(recordKey(secret, salt), NONCE, plaintext);
  return concat(new Writer().uint(VERSION, 1).fixed(salt, 32).finish(), sealed);
}

/** Throws ClientError "recovery-refused": another code's record, or one that was altered. */
export async function openRecovery(secret: RecoverySecret, record: Uint8Array): Promise<RecoveryContent> {
  const refused = (): ClientError =>
    new ClientError("recovery-refused", "the server's record is not of this code: nothing was changed here");
  if (record.length !== 1 + 32 + 64 + 16 || record[0] !== VERSION) throw refused();
  const salt = record.slice(1, 33);
  const plaintext = await aes.open(recordKey(secret, salt), NONCE, record.slice(33));
  if (plaintext === null) throw refused();
  const reader = new Reader(plaintext);
  const content = { identitySeed: reader.fixed(32), backupKey: reader.fixed(32) };
  reader.end("recovery");
  return content;
}

function recordKey(secret: RecoverySecret, salt: Uint8Array): Uint8Array {
  const key = hkdf(sha256, secret, undefined, RECORD_INFO, 32);
  return hkdf(sha256, key, undefined, concat(SALT_INFO, salt), 32);
}
