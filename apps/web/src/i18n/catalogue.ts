import { en } from "./en.ts";
import { pseudo } from "./pseudo.ts";

export type Key = keyof typeof en;

/** One form, or one for each plural category that the language has. */
type Phrase = string | { readonly one: string; readonly other: string };

type Names<S extends string> = S extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never;
type Texts<P> = P extends string
  ? P
  : P extends { readonly one: infer A; readonly other: infer B }
    ? A | B
    : never;

type NamesOf<P> = Names<Texts<P> & string> | (P extends string ? never : "count");

/** The values that a phrase needs: taken from its text, so that a forgotten one does not type-check. */
export type Values<K extends Key, V> = [NamesOf<(typeof en)[K]>] extends [never]
  ? []
  : [values: Readonly<Record<NamesOf<(typeof en)[K]>, V>>];

const pseudoLocale = ((): boolean => {
  try {
    return globalThis.localStorage?.getItem("porchlight.locale") === "pseudo";
  } catch {
    return false;
  }
})();

export const locale = "en";
const plural = new Intl.PluralRules(locale);

/** The phrase's form for its `count`, where it has several. */
export function phrase(key: Key, count: unknown): string {
  const found: Phrase = en[key];
  const text =
    typeof found === "string" ? found : found[plural.select(Number(count)) === "one" ? "one" : "other"];
  return pseudoLocale ? pseudo(text) : text;
}
