import { sha256 } from "@noble/hashes/sha2.js";
import { concat, equalBytes, utf8 } from "@porchlight/encoding";
import { NoticeError } from "./error.ts";

// Crockford's base32: no I, L, O and U, which people misread.
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const PREFIX = "PLN1";
const SEED_LENGTH = 32;
const CHECKSUM_LENGTH = 5;
const DIGITS = 60;
const GROUP = 5;

/** NOT-3: a notice seed (32 B) as a person can print it: "PLN1-" and twelve groups of five. */
export function formatNoticeCode(seed: Uint8Array): string {
  if (seed.length !== SEED_LENGTH) throw new NoticeError("code-malformed", "a notice seed has 32 bytes");
  const bytes = concat(seed, checksum(seed));
  let text = "";
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET[(held >> bits) & 31] as string;
    }
    held &= (1 << bits) - 1;
  }
  text += ALPHABET[(held << (5 - bits)) & 31] as string;
  const groups = Array.from({ length: DIGITS / GROUP }, (_, i) => text.slice(i * GROUP, (i + 1) * GROUP));
  return [PREFIX, ...groups].join("-");
}

/**
 * NOT-3: the seed of a code as somebody typed it: case, spaces and hyphens do not matter, O is read as 0, I and L as 1.
 * Throws NoticeError "code-malformed".
 */
export function parseNoticeCode(text: string): Uint8Array {
  const plain = text.toUpperCase().replaceAll(/[\s-]/g, "").replaceAll("O", "0");
  const digits = plain.slice(PREFIX.length).replaceAll(/[IL]/g, "1");
  if (!plain.startsWith(PREFIX) || digits.length !== DIGITS) {
    throw new NoticeError("code-malformed", `a notice code is ${PREFIX} and ${DIGITS} letters and digits`);
  }
  const bytes = new Uint8Array(SEED_LENGTH + CHECKSUM_LENGTH);
  let bits = 0;
  let held = 0;
  let at = 0;
  for (const digit of digits) {
    const value = ALPHABET.indexOf(digit);
    if (value < 0) throw new NoticeError("code-malformed", "a notice code has other letters and digits");
    held = ((held << 5) | value) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes[at++] = held >> bits;
    held &= (1 << bits) - 1;
  }
  const seed = bytes.slice(0, SEED_LENGTH);
  if (held !== 0 || !equalBytes(bytes.subarray(SEED_LENGTH), checksum(seed))) {
    throw new NoticeError("code-malformed", "the notice code was typed wrongly: compare it group by group");
  }
  return seed;
}

function checksum(seed: Uint8Array): Uint8Array {
  return sha256(concat(utf8("porchlight-v1/notice-code\0"), seed)).slice(0, CHECKSUM_LENGTH);
}
