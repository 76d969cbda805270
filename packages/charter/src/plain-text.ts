import { asString, EncodingError, type Json } from "@porchlight/encoding";

// Characters that make a name read as another one: controls, line and paragraph separators, bidirectional
// overrides and isolates, the byte order mark. Combining marks and markup stay: they are data, and whoever
// shows them escapes them.
const NOT_IN_NAMES = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\ufeff]/u;
const NOT_IN_PROSE = /(?![\t\n])\p{Cc}/u;

/**
 * CHA-5: a name, title or reference that people compare by eye. Not empty, in Unicode form NFC, without
 * surrounding space and without characters that hide or reorder text. Throws EncodingError.
 */
export function asName(value: Json, where: string, maximum = 200): string {
  const text = asString(value, where, maximum);
  if (text.length === 0) throw new EncodingError("missing-field", where);
  if (NOT_IN_NAMES.test(text) || text.trim() !== text || text.normalize("NFC") !== text) {
    throw new EncodingError("not-canonical", where);
  }
  return text;
}

/** CHA-6: free text, carried as it is; only control characters other than tab and line feed are refused. */
export function asProse(value: Json, where: string, maximum = 20_000): string {
  const text = asString(value, where, maximum);
  if (NOT_IN_PROSE.test(text)) throw new EncodingError("not-canonical", where);
  return text;
}
