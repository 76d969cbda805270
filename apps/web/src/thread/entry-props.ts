import type { ConversationView, EntryView } from "@porchlight/client/page";

/** What a person does with a message that concerns the composer. */
export type ThreadActions = {
  readonly onReply: (message: EntryView & { kind: "message" }) => void;
  readonly onEdit: (message: EntryView & { kind: "message" }) => void;
};

export type EntryProps<Kind extends EntryView["kind"] = EntryView["kind"]> = ThreadActions & {
  readonly entry: Extract<EntryView, { kind: Kind }>;
  readonly conversation: ConversationView;
  readonly isTogether: boolean;
  readonly isActive: boolean;
  readonly onActivate: () => void;
  readonly onGoTo: (index: number) => void;
};
