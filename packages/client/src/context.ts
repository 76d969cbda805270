import type { UnixSeconds } from "@porchlight/encoding";
import type { MlsSuite, OwnDevice } from "@porchlight/mls";
import type { ServerClient } from "@porchlight/wire";
import type { CharterBook } from "./charter-book.ts";
import type { Storage } from "./storage.ts";

/** The part of the server that members use. */
export type DeliveryService = Pick<
  ServerClient,
  | "register"
  | "publishNoticeKey"
  | "publishKeyPackages"
  | "claimKeyPackages"
  | "createConversation"
  | "submit"
  | "items"
  | "welcomes"
  | "acknowledgeWelcomes"
>;

/** The part of the server that attachments use. */
export type AttachmentService = Pick<
  ServerClient,
  | "createAttachment"
  | "attachment"
  | "putAttachmentPart"
  | "attachmentPart"
  | "completeAttachment"
  | "cancelAttachment"
>;

/** The part of the server that accounts use besides: everything about devices, and which conversations there are. */
export type AccountService = DeliveryService & Pick<ServerClient, "account" | "conversations">;

/** What a member works with; one process may share clock, suite and charters among many. */
export type MemberContext = {
  readonly server: DeliveryService;
  readonly storage: Storage;
  readonly clock: { now(): UnixSeconds };
  readonly random: (length: number) => Uint8Array;
  readonly suite: MlsSuite;
  /** `null` in a deployment without a charter: conversations with one are refused then. */
  readonly charters: CharterBook | null;
};

/** What an account works with. */
export type AccountContext = Omit<MemberContext, "server"> & { readonly server: AccountService };

/** The context of one device. */
export type DeviceContext = MemberContext & { readonly device: OwnDevice };
