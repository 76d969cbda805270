// Names as people compare them: for finding one, and for warning of two that look alike. Nothing is decided by it.

/** Letters that stand for others where a keyboard has them not; no decomposition says so. */
const PLAIN: Readonly<Record<string, string>> = {
  ß: "ss",
  æ: "ae",
  œ: "oe",
  ø: "o",
  ł: "l",
  đ: "d",
  ð: "d",
  þ: "th",
  ı: "i",
  ħ: "h",
  ŧ: "t",
};

/** Cyrillic and Greek letters that are drawn as Latin ones, capitals that only then look so first. */
const CAPITALS: Readonly<Record<string, string>> = { Ν: "n", Η: "h", Υ: "y" };
const LOOK_ALIKES: Readonly<Record<string, string>> = {
  а: "a",
  в: "b",
  е: "e",
  к: "k",
  м: "m",
  н: "h",
  о: "o",
  р: "p",
  с: "c",
  т: "t",
  у: "y",
  х: "x",
  і: "i",
  ј: "j",
  ѕ: "s",
  ԁ: "d",
  ԛ: "q",
  ԝ: "w",
  ɡ: "g",
  α: "a",
  β: "b",
  ε: "e",
  ζ: "z",
  ι: "i",
  κ: "k",
  μ: "m",
  ν: "v",
  ο: "o",
  ρ: "p",
  τ: "t",
  υ: "u",
  χ: "x",
};

/** Without case, accents and what shows nothing. */
export function plain(text: string): string {
  return text
    .normalize("NFKD")
    .replace(/[\p{M}\p{Cf}]+/gu, "")
    .toLowerCase()
    .replace(/[ßæœøłđðþıħŧ]/g, (letter) => PLAIN[letter] ?? letter);
}

/** The same, with letters that are taken for one another made one. */
export function drawn(text: string): string {
  return plain(text.normalize("NFKD").replace(/[ΝΗΥ]/g, (letter) => CAPITALS[letter] ?? letter)).replace(
    /[\p{Script=Cyrillic}\p{Script=Greek}ɡ]/gu,
    (letter) => LOOK_ALIKES[letter] ?? letter,
  );
}

/**
 * A name as the eye takes it. Two names with one skeleton may be one person's or two's: enough for a warning and for asking
 * back, not for a decision.
 */
export function skeleton(name: string): string {
  return asSeen(drawn(name));
}

/** Letters and digits that look alike in one script, and spaces that are there or not. */
export function asSeen(text: string): string {
  return text.replace(/\s+/gu, "").replace(/[1|]/g, "l").replace(/0/g, "o").replace(/rn/g, "m");
}
