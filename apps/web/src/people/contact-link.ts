/** A link that starts a conversation with the person whose code is in it. The fragment never reaches a server. */
export function contactLink(code: string): string {
  return `${location.origin}/join#contact=${encodeURIComponent(code)}`;
}

/** The code in a link or by itself, as a person pasted it. */
export function contactCodeOf(pasted: string): string {
  const text = pasted.trim();
  const at = text.indexOf("#contact=");
  if (at < 0) return text;
  try {
    return decodeURIComponent(text.slice(at + "#contact=".length));
  } catch {
    return text;
  }
}
