const MARK = "#contact=";

/** A link is of another service: whoever it names cannot be reached from this one (CON-23). */
export class ForeignLinkError extends Error {
  override readonly name = "ForeignLinkError";
}

/** A link that starts a conversation with the person whose code is in it. The fragment never reaches a server. */
export function contactLink(code: string): string {
  return `${location.origin}/join${MARK}${encodeURIComponent(code)}`;
}

/** The code in a link of this service (`own`: its origin) or by itself, as a person pasted it. Throws ForeignLinkError. */
export function contactCodeOf(pasted: string, own: string = location.origin): string {
  const link = pasted.split(/\s+/).find((word) => word.includes(MARK));
  if (link === undefined) return pasted.trim();
  if (!isOwnLink(link, own)) throw new ForeignLinkError();
  const code = link.slice(link.indexOf(MARK) + MARK.length);
  try {
    return decodeURIComponent(code);
  } catch {
    return code;
  }
}

/** By itself, as an address bar has it, a fragment is of the page it is on; copied without its scheme, a link is its host's. */
export function isOwnLink(link: string, own: string): boolean {
  if (link.startsWith(MARK)) return true;
  const hasScheme = /^[a-z]+:\/\//i.test(link);
  try {
    const url = new URL(hasScheme ? link : `https://${link}`);
    return hasScheme ? url.origin === own : url.host === new URL(own).host;
  } catch {
    return false;
  }
}
