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
 * Conversations whose title, or one of whose words, begins with what was typed, letters compared without case and
 * accents; archived ones too. Names only: what people wrote is not searched.
 */
export function findConversations(state: ReadyState, typed: string): readonly ConversationView[] {
  const words = folded(typed).split(/\s+/u).filter(Boolean);
  const matches = ({ title }: ConversationView): boolean => {
    const name = ` ${folded(title)}`;
    return words.every((word) => name.includes(` ${word}`));
  };
  return [...sortConversations(state), ...sortConversations(state, { archived: true })].filter(matches);
}

function folded(text: string): string {
  return text
    .normalize("NFKD")
    .replace(/\p{M}+/gu, "")
    .toLowerCase();
}
