import type { MemberView, MentionView } from "@porchlight/client/page";

export type Person = { readonly account: MemberView["account"]; readonly name: string };

const MAX_FOUND = 6;

/** People whose names fit what stands between an @ and the caret; `null` where there is nothing to choose. */
export function mentionAt(
  text: string,
  caret: number,
  people: readonly Person[],
): { readonly start: number; readonly found: readonly Person[] } | null {
  const start = text.lastIndexOf("@", caret - 1);
  if (start < 0 || (start > 0 && !/[\s([]/.test(text[start - 1] as string))) return null;
  const typed = text.slice(start + 1, caret).toLowerCase();
  if (typed.includes("\n")) return null;
  const found = people
    .filter(({ name }) => name.toLowerCase().startsWith(typed) && name.toLowerCase() !== typed.trim())
    .slice(0, MAX_FOUND);
  return found.length === 0 ? null : { start, found };
}

/** Where the text names people of the conversation after an @, the longest name first. */
export function mentionsIn(text: string, people: readonly Person[]): readonly MentionView[] {
  const byLength = [...people].sort((a, b) => b.name.length - a.name.length);
  const mentions: MentionView[] = [];
  for (let start = text.indexOf("@"); start >= 0; start = text.indexOf("@", start + 1)) {
    const person = byLength.find(({ name }) => name !== "" && text.startsWith(name, start + 1));
    if (person !== undefined)
      mentions.push({ account: person.account, start, length: person.name.length + 1 });
  }
  return mentions;
}
