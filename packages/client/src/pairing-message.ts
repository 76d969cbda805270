import { sha256 } from "@noble/hashes/sha2.js";
import {
  type AccountId,
  concat,
  EncodingError,
  equalBytes,
  fromUtf8,
  Reader,
  utf8,
  Writer,
} from "@porchlight/encoding";
import { CREDENTIAL_LENGTH, EnvelopeError, verifyCredential } from "@porchlight/envelope";
import { openFrom, QuorumError, sealTo, XWING_PUBLIC_KEY_LENGTH } from "@porchlight/quorum";
import { bigintOf, bytesOf, formatCode, parseCode } from "./code-text.ts";
import { ClientError } from "./error.ts";
import { formatNoticeKey, NOTICE_KEY_LENGTH, type NoticeKey, parseNoticeKey } from "./notice-key.ts";

const VERSION = 1;
const CODE_CHARACTERS = 12;
const QR_PREFIX = "porchlight-pair:";
const CODE_DOMAIN = utf8("porchlight-v1/pairing-code\0");
const COMMITMENT_DOMAIN = utf8("porchlight-v1/pairing-commitment\0");
const TRANSCRIPT_DOMAIN = utf8("porchlight-v1/pairing\0");
const DIGITS_DOMAIN = utf8("porchlight-v1/pairing-digits\0");
const GRANT_INFO = utf8("porchlight-v1/pairing-grant\0");
const DIGITS = 6;

/** ACC-31: 60 random bits as a person types them. */
export function pairingCode(random: Uint8Array): string {
  return formatCode(bigintOf(random), CODE_CHARACTERS);
}

export function pairingQr(code: string): string {
  return QR_PREFIX + code;
}

/** The mailbox's id, of a typed code or of what a QR code holds. Throws ClientError "code-malformed". */
export function pairingId(text: string): Uint8Array {
  const trimmed = text.trim();
  const code = trimmed.startsWith(QR_PREFIX) ? trimmed.slice(QR_PREFIX.length) : trimmed;
  return sha256(concat(CODE_DOMAIN, bytesOf(parseCode(code, CODE_CHARACTERS), 8)));
}

export type Offer = {
  readonly deviceKey: Uint8Array;
  readonly sealingKey: Uint8Array;
  readonly commitment: Uint8Array;
  readonly name: string;
};

export function commitmentTo(nonce: Uint8Array): Uint8Array {
  return sha256(concat(COMMITMENT_DOMAIN, nonce));
}

export function formatOffer(offer: Offer): Uint8Array {
  return new Writer()
    .uint(VERSION, 1)
    .fixed(offer.deviceKey, 32, "device key")
    .fixed(offer.sealingKey, XWING_PUBLIC_KEY_LENGTH, "sealing key")
    .fixed(offer.commitment, 32, "commitment")
    .opaque(utf8(offer.name), 1, "name")
    .finish();
}

/** Throws ClientError "pairing-altered", as all of these do. */
export function parseOffer(bytes: Uint8Array): Offer {
  return parsing(() => {
    const reader = versioned(bytes);
    const offer = {
      deviceKey: reader.fixed(32, "device key"),
      sealingKey: reader.fixed(XWING_PUBLIC_KEY_LENGTH, "sealing key"),
      commitment: reader.fixed(32, "commitment"),
      name: fromUtf8(reader.opaque(1, 255, "name")),
    };
    reader.end("offer");
    return offer;
  });
}

export type PairingAnswer = {
  readonly deviceKey: Uint8Array;
  readonly credential: Uint8Array;
  readonly nonce: Uint8Array;
};

export function formatAnswer(answer: PairingAnswer): Uint8Array {
  return new Writer()
    .uint(VERSION, 1)
    .fixed(answer.deviceKey, 32, "device key")
    .fixed(answer.credential, CREDENTIAL_LENGTH, "credential")
    .fixed(answer.nonce, 32, "nonce")
    .finish();
}

/** With the account whose device answered. */
export function parseAnswer(bytes: Uint8Array): PairingAnswer & { readonly account: AccountId } {
  return parsing(() => {
    const reader = versioned(bytes);
    const answer = {
      deviceKey: reader.fixed(32, "device key"),
      credential: reader.fixed(CREDENTIAL_LENGTH, "credential"),
      nonce: reader.fixed(32, "nonce"),
    };
    reader.end("answer");
    return { ...answer, account: verifyCredential(answer.credential, answer.deviceKey) };
  });
}

/** ACC-32: what both have seen. */
export function transcriptOf(offer: Uint8Array, answer: Uint8Array, nonce: Uint8Array): Uint8Array {
  const seen = new Writer().opaque(offer, 4).opaque(answer, 4).fixed(nonce, 32, "nonce").finish();
  return sha256(concat(TRANSCRIPT_DOMAIN, seen));
}

/** ACC-33: what two people, or one with two screens, compare. */
export function digitsOf(transcript: Uint8Array): string {
  const number = bigintOf(sha256(concat(DIGITS_DOMAIN, transcript)).subarray(0, 6)) % 10n ** BigInt(DIGITS);
  return number.toString().padStart(DIGITS, "0");
}

/** Whether the revealed nonce is the one that the offer committed to. */
export function isRevealed(offer: Offer, nonce: Uint8Array): boolean {
  return nonce.length === 32 && equalBytes(commitmentTo(nonce), offer.commitment);
}

export type Grant = {
  readonly credential: Uint8Array;
  readonly historyKey: Uint8Array;
  /** How many conversations the new device is about to be added to. */
  readonly conversations: number;
  readonly backupKey: Uint8Array | null;
  /** So that the person's notices are read on this device too. */
  readonly noticeKey: NoticeKey;
};

/** ACC-34. `seed`: 64 fresh bytes. */
export function sealGrant(offer: Offer, transcript: Uint8Array, grant: Grant, seed: Uint8Array): Uint8Array {
  const plaintext = new Writer()
    .uint(VERSION, 1)
    .fixed(grant.credential, CREDENTIAL_LENGTH, "credential")
    .fixed(grant.historyKey, 32, "history key")
    .uint(grant.conversations, 4)
    .opaque(grant.backupKey ?? new Uint8Array(0), 1)
    .fixed(formatNoticeKey(grant.noticeKey), NOTICE_KEY_LENGTH, "notice key")
    .finish();
  return sealTo(offer.sealingKey, plaintext, GRANT_INFO, transcript, seed);
}

export function openGrant(secretKey: Uint8Array, transcript: Uint8Array, sealed: Uint8Array): Grant {
  return parsing(() => {
    const reader = versioned(openFrom(secretKey, sealed, GRANT_INFO, transcript));
    const credential = reader.fixed(CREDENTIAL_LENGTH, "credential");
    const historyKey = reader.fixed(32, "history key");
    const conversations = reader.uint(4, "conversations");
    const backupKey = reader.opaque(1, 32, "backup key");
    const noticeKey = parseNoticeKey(reader.fixed(NOTICE_KEY_LENGTH, "notice key"));
    reader.end("grant");
    if (backupKey.length !== 0 && backupKey.length !== 32) throw altered();
    const backup = backupKey.length === 0 ? null : backupKey;
    return { credential, historyKey, conversations, backupKey: backup, noticeKey };
  });
}

function versioned(bytes: Uint8Array): Reader {
  const reader = new Reader(bytes);
  if (reader.uint(1, "version") !== VERSION) throw altered();
  return reader;
}

function parsing<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    const known =
      cause instanceof EncodingError || cause instanceof EnvelopeError || cause instanceof QuorumError;
    throw known ? altered(cause) : cause;
  }
}

export function altered(cause?: unknown): ClientError {
  return new ClientError(
    "pairing-altered",
    "what came is not what the other device sent: begin again, on a network that you trust",
    { cause },
  );
}
