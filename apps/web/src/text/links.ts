/** A web address in a message, and what about it a person should know before following it. */
export type Link = {
  readonly href: string;
  readonly text: string;
  /** The host as the network sees it, where it has letters that can be mistaken for others; else `null`. */
  readonly lookalike: string | null;
};

const ADDRESS = /https?:\/\/[^\s<>"'`\u2068\u2069\u27e8\u27e9]+/giu;
const TRAILING = /[.,;:!?)\]}»”’]+$/u;
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

/** Marks at its end belong to the sentence; a bracket that was opened inside of it does not. */
function withoutTrailing(address: string): string {
  const shorter = address.replace(TRAILING, "");
  const isOpen = shorter.split("(").length > shorter.split(")").length;
  return isOpen && address[shorter.length] === ")" ? `${shorter})` : shorter;
}

export type Linked = { readonly kind: "text"; readonly text: string } | ({ readonly kind: "link" } & Link);

/** Text with the addresses in it set apart. */
export function linksIn(text: string): Linked[] {
  const parts: Linked[] = [];
  let end = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const written = withoutTrailing(match[0]);
    const link = linkOf(written);
    if (link === null) continue;
    if (match.index > end) parts.push({ kind: "text", text: text.slice(end, match.index) });
    parts.push({ kind: "link", ...link });
    end = match.index + written.length;
  }
  if (end < text.length) parts.push({ kind: "text", text: text.slice(end) });
  return parts;
}
