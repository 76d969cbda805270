/** A web address in a message, and what about it a person should know before following it. */
export type Link = {
  readonly href: string;
  readonly text: string;
  /** The host as the network sees it, where it has letters that can be mistaken for others; else `null`. */
  readonly lookalike: string | null;
};

const ADDRESS = /https?:\/\/[^\s<>"'`\u2068\u2069\u27e8\u27e9]+/giu;
const TRAILING = /[.,;:!?)\]}»”’]$/u;
const OPENS: ReadonlyMap<string, string> = new Map([
  [")", "("],
  ["]", "["],
  ["}", "{"],
]);
const MAX_ADDRESS = 2048;

/** Only http and https, parsed by the browser's own parser; everything else stays text. */
function linkOf(written: string): Link | null {
  if (written.length > MAX_ADDRESS || !URL.canParse(written)) return null;
  const url = new URL(written);
  if (url.protocol !== "https:" && url.protocol !== "http:") return null;
  // https://bank.example@evil.example goes to evil.example.
  if (url.username !== "" || url.password !== "") return null;
  const isAscii = /^[\x21-\x7e]+$/.test(written);
  const isPunycode = url.hostname.split(".").some((label) => label.startsWith("xn--"));
  return {
    href: url.href,
    text: written,
    lookalike: isAscii && !isPunycode ? null : isPunycode ? url.hostname : null,
  };
}

/** Without what closes the sentence around it; a bracket that the address itself opened belongs to it. */
function addressIn(found: string): string {
  let written = found;
  for (;;) {
    const last = written.at(-1) ?? "";
    const opens = OPENS.get(last);
    if (!TRAILING.test(written)) return written;
    if (opens !== undefined && count(written, opens) >= count(written, last)) return written;
    written = written.slice(0, -1);
  }
}

function count(text: string, letter: string): number {
  return text.split(letter).length - 1;
}

export type Linked = { readonly kind: "text"; readonly text: string } | ({ readonly kind: "link" } & Link);

/** Text with the addresses in it set apart. */
export function linksIn(text: string): Linked[] {
  const parts: Linked[] = [];
  let end = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const written = addressIn(match[0]);
    const link = linkOf(written);
    if (link === null) continue;
    if (match.index > end) parts.push({ kind: "text", text: text.slice(end, match.index) });
    parts.push({ kind: "link", ...link });
    end = match.index + written.length;
  }
  if (end < text.length) parts.push({ kind: "text", text: text.slice(end) });
  return parts;
}
