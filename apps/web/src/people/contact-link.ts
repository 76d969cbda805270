const MARK = "#contact=";

/** A link is of another service: whoever it names cannot be reached from this one (CON-23). */
export class ForeignLinkError extends Error {
  override readonly name = "ForeignLinkError";
}

/** A link that starts a conversation with the person whose code is in it. The fragment never reaches a server. */
export function contactLink(code: string): string {
  return `${location.origin}/join${MARK}${encodeURIComponent(code)}`;
}

/**
 * The code in a link of this service (`own`: its origin) or by itself, as a person pasted it: signs of the text around a
 * link may stand at both its ends. Throws ForeignLinkError.
 */
export function contactCodeOf(pasted: string, own: string = location.origin): string {
  const word = pasted.split(/\s+/).find((one) => one.includes(MARK));
  if (word === undefined) return pasted.trim();
  if (isForeignLink(word, own)) throw new ForeignLinkError();
  const [code = ""] = /^[\w.%-]*[\w-]/.exec(word.slice(word.indexOf(MARK) + MARK.length)) ?? [];
  try {
    return decodeURIComponent(code);
  } catch {
    return code;
  }
}

/**
 * Of the first link in the word. By itself, as an address bar has it, a fragment is of the page it is on; copied without its
 * scheme, a link is its host's; what is no address is of no other service.
 */
export function isForeignLink(word: string, own: string): boolean {
  const before = word.slice(0, word.indexOf(MARK));
  const [link] = /https?:\/\/.*/i.exec(before) ?? [];
  const bare = before.replace(/^[^\p{L}\p{N}]+/u, "");
  if (bare === "") return false;
  try {
    if (link !== undefined) return new URL(link).origin !== own;
    return new URL(`https://${bare}`).host !== new URL(own).host;
  } catch {
    return false;
  }
}
