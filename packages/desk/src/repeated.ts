import { createHash } from "node:crypto";
import type { Words } from "@porchlight/evidence";

/** Characters of JSON: what one part may take to stand in an act as it came. An order's reasons are shorter. */
const LONGEST_PART = 24_000;
const MAX_PARTS = 2 ** 18;
const BEGINNING = 2000;

/**
 * DESK-16: what somebody sent, as an act repeats it. A part that is too long stands with its beginning, its length and its SHA-256, and so do,
 * together, the parts for which there is no room: no message is so large that nobody can confirm a decision about it.
 */
export function repeated(parts: readonly Words[]): readonly Words[] {
  const kept: Words[] = [];
  let room = MAX_PARTS;
  for (const [i, { term, text }] of parts.entries()) {
    const one = { term: shortened(term), text: shortened(text) };
    room -= sizeOf(one.term) + sizeOf(one.text);
    if (room < 0) {
      const rest = parts.slice(i).map((left) => `${JSON.stringify([left.term, left.text])}\n`);
      const words = `${rest.length} more, as they stand on its page.\n${fingerprint(rest)}`;
      return [...kept, { term: "Further parts", text: words }];
    }
    kept.push(one);
  }
  return kept;
}

function shortened(text: string): string {
  if (sizeOf(text) <= LONGEST_PART) return text;
  // Half of a character is none.
  const beginning = text.slice(0, BEGINNING).replace(/[\ud800-\udbff]$/, "");
  return `${beginning} …\n${text.length} characters in all, as they stand on its page.\n${fingerprint([text])}`;
}

function fingerprint(texts: readonly string[]): string {
  const hash = createHash("sha256");
  for (const text of texts) hash.update(text);
  return `Fingerprint (SHA-256) ${hash.digest("hex")}`;
}

function sizeOf(text: string): number {
  return JSON.stringify(text).length;
}
