// An order's notices as the log carries them: one time lock and a fixed number of sealed slots, every byte of which
// follows from the order's opening, so that a keyholder recomputes and compares them before it releases anything.
import { gcm } from "@noble/ciphers/aes.js";
import { expand, extract } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import {
  type CharterId,
  type Commitment,
  compareBytes,
  concat,
  type DayNumber,
  hex,
  idBytes,
  utf8,
  Writer,
} from "@porchlight/encoding";
import { noticeLabel } from "@porchlight/envelope";
import {
  IBE_LENGTH,
  ibeBase,
  ibeOpen,
  ibeSeal,
  openFrom,
  QuorumError,
  SEALED_OVERHEAD,
  sealTo,
  xwingKeygen,
} from "@porchlight/quorum";
import { formatNotice, NOTICE_LENGTH, type NoticeContent, parseNotice } from "./content.ts";
import { NoticeError } from "./error.ts";

const SALT = utf8("porchlight-v1/notices");
const INFO = utf8("porchlight-v1/notice");
const TAG_LENGTH = 16;
const BOX_LENGTH = SEALED_OVERHEAD + NOTICE_LENGTH;
/** Bytes of a slot: a sealed box under the time lock's key (NOT-12). */
export const SLOT_LENGTH = BOX_LENGTH + TAG_LENGTH;
/** Slots of one log entry: with them it stays below 65,535 bytes. */
export const SLOTS_PER_PART = 12;

/** What a block is for. Public but the day, which shows when the notices are released. */
export type NoticeScope = {
  readonly charter: CharterId;
  readonly commitment: Commitment;
  /** The day in the notice label (ENV-2): on which secrecy was first to end. */
  readonly until: DayNumber;
  /** The notice master key of the period in which the order was logged, 96 B. */
  readonly mpk: Uint8Array;
};

export type NoticeRecipient = {
  /** The account's X-Wing notice key, 1216 B. */
  readonly key: Uint8Array;
  readonly content: NoticeContent;
};

/**
 * NOT-11 to NOT-14: the whole block, lock first. `opening` is the order's (32 B); `slots` the charter's cap of accounts.
 * What is not taken by a recipient is filled with boxes to keys that nobody keeps. Throws NoticeError
 * "content-too-long", "block-refused" for more recipients than slots.
 */
export function makeNoticeBlock(
  scope: NoticeScope,
  opening: Uint8Array,
  slots: number,
  recipients: readonly NoticeRecipient[],
): Uint8Array {
  if (recipients.length > slots) throw new NoticeError("block-refused", "there are more notices than slots");
  const label = labelOf(scope);
  const aad = aadOf(scope);
  const prk = extract(sha256, opening, SALT);
  const context = sha256(concat(aad, scope.mpk, new Writer().uint(slots, 2).finish()));
  const derive = (name: string, slot: number, length: number, bound: Uint8Array = new Uint8Array()) =>
    expand(
      sha256,
      prk,
      concat(utf8(`${name}\0`), context, new Writer().uint(slot, 2).finish(), bound),
      length,
    );
  const secret = derive("time", 0, 64);
  const lock = ibeSeal({ mpk: scope.mpk, label, message: secret, seed: derive("lock", 0, 32) });
  const ordered = [...recipients].sort((a, b) => (a.content.account < b.content.account ? -1 : 1));
  const boxes = Array.from({ length: slots }, (_, i) => {
    const recipient = ordered[i];
    const plaintext =
      recipient === undefined ? new Uint8Array(NOTICE_LENGTH) : formatNotice(recipient.content);
    const key = recipient?.key ?? xwingKeygen(derive("filler", i, 32)).publicKey;
    // Bound to key and plaintext: no two boxes ever share their randomness.
    const seed = derive("box", i, 64, sha256(concat(key, plaintext)));
    return { place: derive("place", i, 16), box: sealTo(key, plaintext, INFO, aad, seed) };
  });
  // In an order that follows from the opening: a person's place must not say how many others were told.
  boxes.sort((a, b) => compareBytes(a.place, b.place));
  return concat(lock, ...boxes.map(({ box }, i) => withSlotKey(secret, i, (cipher) => cipher.encrypt(box))));
}

/** Bytes of a block with so many slots. */
export function blockLength(slots: number): number {
  return IBE_LENGTH + slots * SLOT_LENGTH;
}

/** NOT-13: a block as the entries of the log carry it, at most {@link SLOTS_PER_PART} slots each. */
export function splitBlock(block: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  const length = SLOTS_PER_PART * SLOT_LENGTH;
  for (let at = 0; at < block.length; at = at === 0 ? IBE_LENGTH + length : at + length) {
    parts.push(block.slice(at, at === 0 ? IBE_LENGTH + length : at + length));
  }
  return parts;
}

/** NOT-14: what an order's entry says of its notices, 64 hex digits. */
export function blockHash(block: Uint8Array): string {
  return hex(sha256(concat(utf8("porchlight-v1/notice-block\0"), block)));
}

/**
 * NOT-20: takes the time lock off with the label's key (48 B): the boxes, each readable with one notice key and by nobody
 * else. Throws NoticeError "block-refused" for another key and for altered bytes.
 */
export function unlockBlock(scope: NoticeScope, block: Uint8Array, labelKey: Uint8Array): Uint8Array[] {
  const slots = (block.length - IBE_LENGTH) / SLOT_LENGTH;
  if (!Number.isInteger(slots) || slots < 1) throw new NoticeError("block-refused", "not a block of notices");
  const label = labelOf(scope);
  const base = ibeBase(scope.mpk, label);
  try {
    const ciphertext = block.slice(0, IBE_LENGTH);
    const secret = ibeOpen({ mpk: scope.mpk, label, labelKey, ciphertext, base });
    return Array.from({ length: slots }, (_, i) => {
      const at = IBE_LENGTH + i * SLOT_LENGTH;
      return withSlotKey(secret, i, (cipher) => cipher.decrypt(block.slice(at, at + SLOT_LENGTH)));
    });
  } catch (cause) {
    throw new NoticeError("block-refused", "the key does not open these notices", { cause });
  }
}

/**
 * NOT-21: the notice among `boxes` that the notice seed (32 B) reads, `null` where none is for it. Some 5 ms a box.
 * Throws NoticeError "content-malformed" where a box opens and holds no notice of this order.
 */
export function readNotice(
  scope: NoticeScope,
  boxes: readonly Uint8Array[],
  noticeSeed: Uint8Array,
): NoticeContent | null {
  const aad = aadOf(scope);
  for (const box of boxes) {
    let bytes: Uint8Array;
    try {
      bytes = openFrom(noticeSeed, box, INFO, aad);
    } catch (error) {
      if (error instanceof QuorumError && error.code === "refused") continue;
      throw error;
    }
    const content = parseNotice(bytes);
    const ours =
      content.charter === scope.charter &&
      content.commitment === scope.commitment &&
      content.until === scope.until;
    if (!ours)
      throw new NoticeError("content-malformed", "a notice names another order than its place in the log");
    return content;
  }
  return null;
}

/** The label whose key takes the time lock off (ENV-2), 57 B. */
export function labelOf({ commitment, until }: Pick<NoticeScope, "commitment" | "until">): Uint8Array {
  return noticeLabel({ commitment, day: until });
}

function aadOf({ charter, commitment, until }: NoticeScope): Uint8Array {
  return concat(idBytes(charter), idBytes(commitment), new Writer().uint(until, 4).finish());
}

function withSlotKey(
  secret: Uint8Array,
  slot: number,
  use: (cipher: ReturnType<typeof gcm>) => Uint8Array,
): Uint8Array {
  const okm = expand(sha256, secret, concat(utf8("slot\0"), new Writer().uint(slot, 2).finish()), 44);
  return use(gcm(okm.slice(0, 32), okm.slice(32)));
}
