export { Account } from "./account.ts";
export type { Attendance } from "./account-record.ts";
export { webAttachmentSuite } from "./attachment-suite.ts";
export {
  type AttachmentContext,
  type AttachmentSource,
  Attachments,
  type AttachmentTarget,
  type Transfer,
  type Upload,
} from "./attachments.ts";
export type { Backup } from "./backup.ts";
export { browserStorage } from "./browser-storage.ts";
export { CharterBook, type CharterBookOptions, type KnownCharter, type Replacement } from "./charter-book.ts";
export { type Content, formatContent, MAX_CONTENT, parseContent } from "./content.ts";
export { contestOrder } from "./contest.ts";
export type {
  AccountContext,
  AccountService,
  AttachmentService,
  DeliveryService,
  MemberContext,
} from "./context.ts";
export { ClientError, type ClientErrorCode } from "./error.ts";
export type { ConversationEvent, KnownDevice } from "./events.ts";
export { type HistoryKey, receiveHistory, sendHistory } from "./history.ts";
export type { Arrival } from "./intake.ts";
export { invitationHash, invitationLink, parseInvitation } from "./invitation.ts";
export { Member } from "./member.ts";
export { PairingGuest, startPairing } from "./pairing.ts";
export type { PairingHost } from "./pairing-host.ts";
export * from "./passkey.ts";
export type { Seat } from "./seat.ts";
export { memoryStorage, type Storage } from "./storage.ts";
export {
  formatUnlock,
  newStorageKey,
  parseUnlock,
  type UnlockSlot,
  unwrapWithPassphrase,
  unwrapWithPrf,
  wrapWithPassphrase,
  wrapWithPrf,
} from "./unlock.ts";
