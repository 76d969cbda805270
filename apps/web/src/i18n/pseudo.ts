const LETTERS: Readonly<Record<string, string>> = {
  a: "á",
  b: "ƀ",
  c: "ç",
  d: "ð",
  e: "é",
  f: "ƒ",
  g: "ĝ",
  h: "ĥ",
  i: "í",
  j: "ĵ",
  k: "ķ",
  l: "ļ",
  m: "ɱ",
  n: "ñ",
  o: "ó",
  p: "þ",
  q: "ǫ",
  r: "ŕ",
  s: "š",
  t: "ţ",
  u: "ú",
  v: "ṽ",
  w: "ŵ",
  x: "ẋ",
  y: "ý",
  z: "ž",
};

/** A language that nobody speaks: longer and accented, so that what bypasses the catalogue or does not fit is seen. */
export function pseudo(text: string): string {
  const accented = text
    .split(/(\{[a-zA-Z]+\})/)
    .map((part) =>
      part.startsWith("{") ? part : part.replace(/[a-z]/g, (letter) => LETTERS[letter] ?? letter),
    )
    .join("");
  return `⟦${accented}${"~".repeat(Math.ceil(text.length * 0.3))}⟧`;
}
