import type { AccountId, CharterId, ConversationId, DayNumber, UnixSeconds } from "@porchlight/encoding";
import type { MlsErrorCode, RefusalCode } from "@porchlight/mls";
import type { Content } from "./content.ts";

type InConversation = {
  readonly conversation: ConversationId;
  /** Place in the conversation's order, 0 where it has none. */
  readonly seq: number;
  /** The server's clock when it took the item; of a Welcome, when this device took it. */
  readonly received: UnixSeconds;
};

/** A device as people are told of it. */
export type KnownDevice = { readonly account: AccountId; readonly deviceKey: string };

/** Something that happened in a conversation, in its order. Plain JSON. */
export type ConversationEvent =
  | (InConversation & {
      readonly kind: "message";
      readonly sender: AccountId;
      /** Hex MLS signature key of the sending device. */
      readonly deviceKey: string;
      readonly day: DayNumber;
      readonly content: Content;
    })
  /** An own message, or one of another own device, is in everybody's order. */
  | (InConversation & { readonly kind: "delivered"; readonly content: Content })
  | (InConversation & {
      readonly kind: "joined";
      readonly inviter: AccountId;
      readonly charter: CharterId | null;
      /** Every device that was in it when this one came. */
      readonly members: readonly KnownDevice[];
    })
  /** Who came and went. `newDevices`: further devices of accounts that were members before; announce them. */
  | (InConversation & {
      readonly kind: "members";
      readonly by: AccountId;
      readonly added: readonly KnownDevice[];
      readonly removed: readonly KnownDevice[];
      readonly newDevices: readonly KnownDevice[];
      /** Accounts that have no device here any more. */
      readonly left: readonly AccountId[];
    })
  | (InConversation & { readonly kind: "new-day"; readonly day: DayNumber })
  | (InConversation & { readonly kind: "removed"; readonly by: AccountId })
  /** A ReInit waits for this person's answer; nothing after it is looked at before. */
  | (InConversation & {
      readonly kind: "charter-proposed";
      readonly by: AccountId;
      readonly charter: CharterId | null;
    })
  /** The person accepted; the conversation goes on when the next group's Welcome comes. */
  | (InConversation & { readonly kind: "charter-accepted"; readonly charter: CharterId | null })
  /** Before this message of the sender's, others of its epoch should have come, and no refusal accounts for them (MLS-54). */
  | (InConversation & { readonly kind: "missing"; readonly sender: AccountId })
  /** Before this message of the device's, others of it should have come, whether that was told or not (CON-13). */
  | (InConversation & { readonly kind: "skipped"; readonly sender: AccountId; readonly deviceKey: string })
  /** What the server delivered breaks a rule of the protocol (spec/mls.md); it was left out. */
  | (InConversation & {
      readonly kind: "refused";
      readonly item: "commit" | "envelope" | "message" | "welcome";
      readonly code:
        | RefusalCode
        | MlsErrorCode
        | "content-malformed"
        | "charter-unknown"
        | "second-group"
        /** MLS-37 */
        | "stamp-refused";
      readonly submitter: AccountId;
    });
