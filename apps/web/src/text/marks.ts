/** More combining marks on one letter than any language stacks: beyond it is decoration that paints over neighbours. */
const MAX_MARKS = 4;

const STACKED = new RegExp(`(\\p{M}{${MAX_MARKS}})\\p{M}+`, "gu");

/** Embeddings and overrides of direction: isolates contain them, but a name or a link can still be read backwards. */
const OVERRIDES = /[\u202a-\u202e]/gu;

/** Characters that show nothing and make two names look the same: controls, isolates, zero-width, tags. Emoji keep theirs. */
const INVISIBLE = /(?!\ufe0f)[\p{Cc}\p{Default_Ignorable_Code_Point}\u2028\u2029\ufff9-\ufffb]/gu;

/** Letters with at most {@link MAX_MARKS} marks each. */
function withoutTowers(text: string): string {
  return text.normalize("NFC").replace(STACKED, "$1");
}

/** A message's text as it is shown: overrides of direction become visible instead of doing what they say. */
export function shownText(text: string): string {
  return withoutTowers(text)
    .replace(OVERRIDES, (mark) => `\u27e8U+${mark.codePointAt(0)?.toString(16).toUpperCase()}\u27e9`)
    .replace(/\0/g, "\ufffd");
}

/** A person's or a file's name on one line: nothing invisible in it, nothing that turns it around. */
export function shownName(name: string): string {
  return withoutTowers(name).replace(INVISIBLE, "").replace(/\s+/gu, " ").trim().slice(0, 200);
}

/** FSI … PDI around foreign words inside a sentence that is only text, an accessible name for instance. */
export function isolated(text: string): string {
  return `\u2068${text}\u2069`;
}
