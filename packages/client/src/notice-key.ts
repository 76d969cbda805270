import { makeNoticeCard, NOTICE_CARD_LENGTH, noticeSeedOf, verifyNoticeCard } from "@porchlight/charter";
import { type AccountId, concat, equalBytes } from "@porchlight/encoding";
import type { MlsSuite } from "@porchlight/mls";
import { XWING_SECRET_KEY_LENGTH, xwingKeygen } from "@porchlight/quorum";
import { ClientError } from "./error.ts";

/** The account's notice key: what reads its notices, and the card that its identity key signed for everybody else. */
export type NoticeKey = {
  /** 32 B, secret; `formatNoticeCode` prints it. It reads notices and does nothing else. */
  readonly seed: Uint8Array;
  readonly card: Uint8Array;
};

/** NOT-1, NOT-2. */
export function makeNoticeKey(identitySeed: Uint8Array, identityKey: Uint8Array, suite: MlsSuite): NoticeKey {
  const seed = noticeSeedOf(identitySeed);
  const card = makeNoticeCard({
    identityKey,
    xwing: xwingKeygen(seed).publicKey,
    sign: (message) => suite.primitives.ed25519Sign(identitySeed, message),
  });
  return { seed, card };
}

export function formatNoticeKey({ seed, card }: NoticeKey): Uint8Array {
  return concat(seed, card);
}

/** Seed and card together. */
export const NOTICE_KEY_LENGTH = XWING_SECRET_KEY_LENGTH + NOTICE_CARD_LENGTH;

/** Whether the card is the account's and the seed is the card's. Throws CharterError, EncodingError for no card at all. */
export function isNoticeKeyOf({ seed, card }: NoticeKey, account: AccountId): boolean {
  const shown = verifyNoticeCard(card);
  return shown.account === account && equalBytes(shown.xwing, xwingKeygen(seed).publicKey);
}

/** Throws ClientError "state-corrupt". */
export function parseNoticeKey(bytes: Uint8Array): NoticeKey {
  if (bytes.length !== NOTICE_KEY_LENGTH) {
    throw new ClientError("state-corrupt", "the saved notice key is not what was saved");
  }
  return { seed: bytes.slice(0, XWING_SECRET_KEY_LENGTH), card: bytes.slice(XWING_SECRET_KEY_LENGTH) };
}
