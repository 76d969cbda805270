import { type MemberView, type MentionView, plain } from "@porchlight/client/page";

export type Person = {
  readonly account: MemberView["account"];
  readonly name: string;
  /** Somebody else has the same name, or one that looks the same: they have to be told apart. */
  readonly isAmbiguous: boolean;
};

/** Somebody who was picked from the list: their name stands behind the @ at this place. */
export type Chosen = { readonly account: Person["account"]; readonly start: number; readonly length: number };

const MAX_FOUND = 6;
/** CON-9 */
const MAX_MENTIONS = 100;

const OPENING = /[\s([{"'“‘«]/u;
/** What makes a word, or an address, go on. */
const GOES_ON = /^(?:[\p{L}\p{M}\p{N}_]|[-.@'’][\p{L}\p{N}])/u;
/** "@Ben's" is Ben. */
const OF_SOMEBODY = /^['’]s(?![\p{L}\p{M}\p{N}_])/u;

function beginsWord(text: string, start: number): boolean {
  return start === 0 || OPENING.test(text[start - 1] as string);
}

function endsWord(text: string, end: number): boolean {
  const rest = text.slice(end, end + 4);
  return OF_SOMEBODY.test(rest) || !GOES_ON.test(rest);
}

/** People whose names fit what stands between an @ and the caret; `null` where there is nothing to choose. */
export function mentionAt(
  text: string,
  caret: number,
  people: readonly Person[],
): { readonly start: number; readonly found: readonly Person[] } | null {
  const start = text.lastIndexOf("@", caret - 1);
  if (start < 0 || !beginsWord(text, start)) return null;
  const typed = text.slice(start + 1, caret);
  if (typed.includes("\n")) return null;
  // As names are searched for.
  const fits = plain(typed);
  const found = people
    // A name that is typed out needs no choice, unless two have it.
    .filter(({ name, isAmbiguous }) => plain(name).startsWith(fits) && (isAmbiguous || name !== typed.trim()))
    .slice(0, MAX_FOUND);
  return found.length === 0 ? null : { start, found };
}

/**
 * Where the text names people of the conversation after an @: who was chosen there, else whoever alone has the name, the
 * longest one first. A name that several have and none was chosen of mentions nobody: it could be the wrong one.
 */
export function mentionsIn(
  text: string,
  people: readonly Person[],
  chosen: readonly Chosen[] = [],
): readonly MentionView[] {
  const byLength = people.filter(({ name }) => name !== "").sort((a, b) => b.name.length - a.name.length);
  const mentions: MentionView[] = [];
  for (let start = text.indexOf("@"); start >= 0; start = text.indexOf("@", start + 1)) {
    const isNamed = ({ name }: Person): boolean =>
      text.startsWith(name, start + 1) && endsWord(text, start + 1 + name.length);
    if (!beginsWord(text, start)) continue;
    const picked = chosen.find((one) => one.start === start);
    const name = byLength.find(isNamed)?.name;
    const bearers = byLength.filter((person) => person.name === name);
    const meant =
      byLength.find((person) => person.account === picked?.account && isNamed(person)) ??
      (bearers.length === 1 ? bearers[0] : undefined);
    if (meant === undefined || mentions.length === MAX_MENTIONS) continue;
    const length = meant.name.length + 1;
    mentions.push({ account: meant.account, start, length });
    start += length - 1;
  }
  return mentions;
}

/** Where the chosen stand after the text was changed; one whose name was changed is chosen no more. */
export function movedChosen(chosen: readonly Chosen[], before: string, after: string): readonly Chosen[] {
  if (chosen.length === 0 || before === after) return chosen;
  const shorter = Math.min(before.length, after.length);
  let same = 0;
  while (same < shorter && before[same] === after[same]) same++;
  let tail = 0;
  while (tail < shorter - same && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  return chosen.flatMap((one) => {
    if (one.start + one.length <= same) return [one];
    if (one.start >= before.length - tail)
      return [{ ...one, start: one.start + after.length - before.length }];
    return [];
  });
}
