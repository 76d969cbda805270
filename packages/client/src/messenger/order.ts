import { drawn, plain } from "@porchlight/charter/letters";
import type { ConversationView, ReadyState } from "./view.ts";

/** As a list shows them: pinned ones first, then by their newest entry. Archived ones apart. */
export function sortConversations(
  state: ReadyState,
  options: { readonly archived: boolean } = { archived: false },
): readonly ConversationView[] {
  return Object.values(state.conversations)
    .filter(({ archived }) => archived === options.archived)
    .sort((a, b) => Number(b.pinned) - Number(a.pinned) || b.lastAt - a.lastAt || (a.id < b.id ? -1 : 1));
}

/**
 * Conversations whose title, or one of whose words, begins with what was typed. Letters are compared without case and
 * accents, and as they are drawn: who is called as somebody else but for a letter of another script is found beside them.
 * Archived ones too. Names only: what people wrote is not searched.
 */
export function findConversations(state: ReadyState, typed: string): readonly ConversationView[] {
  const all = [...sortConversations(state), ...sortConversations(state, { archived: true })];
  const [asWritten, asDrawn] = [finder(typed, plain), finder(typed, drawn)];
  return all.filter(({ title }) => asWritten(title) || asDrawn(title));
}

function finder(typed: string, fold: (text: string) => string): (title: string) => boolean {
  const words = fold(typed).split(/\s+/u).filter(Boolean);
  return (title) => {
    const name = fold(title);
    // A word begins after a hyphen or a bracket too.
    const places = ` ${name} ${name.replace(/[^\p{L}\p{N}]+/gu, " ")}`;
    return words.every((word) => places.includes(` ${word}`));
  };
}
