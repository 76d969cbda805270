import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { type AccountId, accountIdOf, concat, Reader, utf8, Writer } from "@porchlight/encoding";
import {
  QuorumError,
  XWING_PUBLIC_KEY_LENGTH,
  XWING_SECRET_KEY_LENGTH,
  XWING_SEED_LENGTH,
  xwingEncapsulate,
} from "@porchlight/quorum";
import { nobleSuite } from "@porchlight/tlog";
import { CharterError } from "./error.ts";

const CARD_DOMAIN = utf8("porchlight-v1/notice-key\0");
const VERSION = 1;

/** Bytes of a notice card (NOT-2). */
export const NOTICE_CARD_LENGTH = 1 + 32 + XWING_PUBLIC_KEY_LENGTH + 64;

/** An account's public notice key, as its identity key has signed it. */
export type NoticeCard = {
  readonly account: AccountId;
  /** Ed25519, 32 B. */
  readonly identityKey: Uint8Array;
  /** X-Wing public key, 1216 B. */
  readonly xwing: Uint8Array;
};

/**
 * NOT-1: an account's one notice key for life: an X-Wing secret key (32 B) out of its identity seed. Whoever has it
 * reads the account's notices and can do nothing else with it.
 */
export function noticeSeedOf(identitySeed: Uint8Array): Uint8Array {
  return hkdf(sha256, identitySeed, utf8("porchlight-v1/notice-key"), undefined, XWING_SECRET_KEY_LENGTH);
}

/** NOT-2. `sign` signs with the account's identity key, so that no provider can put its own notice key in place. */
export function makeNoticeCard(input: {
  readonly identityKey: Uint8Array;
  readonly xwing: Uint8Array;
  readonly sign: (message: Uint8Array) => Uint8Array;
}): Uint8Array {
  const { identityKey, xwing } = input;
  return new Writer()
    .uint(VERSION, 1)
    .fixed(identityKey, 32, "identity key")
    .fixed(xwing, XWING_PUBLIC_KEY_LENGTH, "notice key")
    .fixed(input.sign(statementOf(xwing)), 64, "signature")
    .finish();
}

/**
 * NOT-2: the account and its notice key. Throws EncodingError for another form, CharterError "notice-card-invalid" for
 * a signature that is not the identity key's and for what is no X-Wing key.
 */
export function verifyNoticeCard(card: Uint8Array): NoticeCard {
  const reader = new Reader(card);
  const version = reader.uint(1, "notice card");
  const identityKey = reader.fixed(32, "notice card");
  const xwing = reader.fixed(XWING_PUBLIC_KEY_LENGTH, "notice card");
  const signature = reader.fixed(64, "notice card");
  reader.end("notice card");
  const holds =
    version === VERSION &&
    nobleSuite.verifyEd25519(identityKey, statementOf(xwing), signature) &&
    canBeSealedTo(xwing);
  if (!holds) throw new CharterError("notice-card-invalid", "notice card");
  return { account: accountIdOf(sha256(identityKey)), identityKey, xwing };
}

function statementOf(xwing: Uint8Array): Uint8Array {
  return concat(CARD_DOMAIN, xwing);
}

/** Tried, not only looked at: to a key that nobody can seal to no notice could be made, and so no order carried out. */
function canBeSealedTo(xwing: Uint8Array): boolean {
  try {
    xwingEncapsulate(xwing, new Uint8Array(XWING_SEED_LENGTH).fill(1));
    return true;
  } catch (error) {
    if (error instanceof QuorumError) return false;
    throw error;
  }
}
