/** What people look up by: the number of an entry, or the 64 hexadecimal digits of an order or a charter. */
export type LookedUp = { readonly index: number } | { readonly number: string };

/** `null` where the text is neither. Spaces, dashes and capitals do not matter: people copy from paper. */
export function parseNumber(text: string): LookedUp | null {
  const bare = text.replace(/[\s\u00ad\u2010-\u2015-]/g, "").toLowerCase();
  if (/^[0-9a-f]{64}$/.test(bare)) return { number: bare };
  return /^[0-9]{1,15}$/.test(bare) ? { index: Number(bare) } : null;
}
