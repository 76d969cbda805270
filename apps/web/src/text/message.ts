import { type Link, linksIn } from "./links.ts";
import { shownText } from "./marks.ts";

/** A message's text in parts that are drawn differently. There is no HTML in any of them. */
export type Part =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "code"; readonly text: string }
  | { readonly kind: "block"; readonly text: string }
  | { readonly kind: "mention"; readonly text: string }
  | ({ readonly kind: "link" } & Link);

/** A block stands on lines of its own: the line ends around it are not the text's. */
const CODE = /\n?```\n?([\s\S]+?)\n?```\n?|`([^`\n]+)`/gu;

/** Where a mention stands in the text, in UTF-16 code units. */
type Span = { readonly start: number; readonly length: number };

/** Mentions go first: their places are those of the text as it was sent. */
export function partsOf(text: string, mentions: readonly Span[]): Part[] {
  const parts: Part[] = [];
  let end = 0;
  for (const { start, length } of [...mentions].sort((a, b) => a.start - b.start)) {
    // Places that overlap or lie outside are the sender's mistake, or worse.
    if (start < end || length <= 0 || start + length > text.length) continue;
    parts.push(...codeIn(text.slice(end, start)));
    parts.push({ kind: "mention", text: shownText(text.slice(start, start + length)) });
    end = start + length;
  }
  parts.push(...codeIn(text.slice(end)));
  return parts;
}

function codeIn(text: string): Part[] {
  const shown = shownText(text);
  const parts: Part[] = [];
  let end = 0;
  for (const match of shown.matchAll(CODE)) {
    parts.push(...linksIn(shown.slice(end, match.index)));
    parts.push(
      match[1] === undefined ? { kind: "code", text: match[2] as string } : { kind: "block", text: match[1] },
    );
    end = match.index + match[0].length;
  }
  parts.push(...linksIn(shown.slice(end)));
  return parts;
}

/** Characters and lines after which a message is folded until the person asks for the rest. */
const FOLD = { characters: 2_000, lines: 20 };

/** What of a long text is shown at first; `null` where it is short. */
export function folded(text: string): string | null {
  const lines = text.split("\n");
  if (text.length <= FOLD.characters && lines.length <= FOLD.lines) return null;
  return lines.slice(0, FOLD.lines).join("\n").slice(0, FOLD.characters);
}
