import type { ConversationView, EntryView, NewAttachment } from "@porchlight/client/page";
import type { Chosen } from "./mention.ts";

export type About = {
  readonly kind: "reply" | "edit";
  readonly message: EntryView & { kind: "message" };
};

/** What somebody has begun in a conversation. Its draft is saved beside it; the rest is in this page alone. */
type Unsent = {
  readonly text: string;
  readonly files: readonly NewAttachment[];
  readonly chosen: readonly Chosen[];
  readonly about: About | null;
  /** The draft, while an edit has the field. */
  readonly aside: string | null;
};

const kept = new Map<ConversationView["id"], Unsent>();

/** As it was left, however often something else was on the screen since. */
export function unsentOf({ id, draft }: ConversationView): Unsent {
  return kept.get(id) ?? { text: draft, files: [], chosen: [], about: null, aside: null };
}

export function keepUnsent(id: ConversationView["id"], unsent: Unsent): void {
  kept.set(id, unsent);
}

/** Locked, nobody's words and files stay in the page. */
export function forgetUnsent(): void {
  kept.clear();
}
