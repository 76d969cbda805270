export type { Device } from "./authentication.ts";
export {
  type ActiveConversation,
  attachTerms,
  type CharterTerms,
  CLOCK_TOLERANCE,
  type Conversation,
  commitDue,
  createConversation,
  deviceDay,
  epochOf,
  groupIdOf,
  joinConversation,
  type Member,
  memberAt,
  membersOf,
  ownLeaf,
  type RemovedConversation,
  type SuspendedConversation,
} from "./conversation.ts";
export {
  createDevice,
  createKeyPackage,
  deviceKeyOf,
  deviceOfKeyPackage,
  KEY_PACKAGE_DAYS,
  lastDayOf,
  type OwnDevice,
  type OwnKeyPackage,
  restoreDevice,
} from "./device.ts";
export { MlsError, type MlsErrorCode, type ProposedCharter } from "./error.ts";
export { acceptEnvelope, escrowOf, hasEnvelope, headerOf, makeEnvelope } from "./escrow.ts";
export {
  CHARTER_EXTENSION,
  type CharterExtension,
  DAY_EXTENSION,
  formatCharterExtension,
  formatDayExtension,
  parseCharterExtension,
  parseDayExtension,
} from "./extension.ts";
export { applyCommit, type EpochChange, type PreparedCommit, prepareCommit } from "./handshake.ts";
export {
  type Decryption,
  decryptMessage,
  type Encryption,
  encryptMessage,
  type RefusalCode,
} from "./message.ts";
export { continueConversation, joinContinued, prepareReinit } from "./reinit.ts";
export { deserializeConversation, serializeConversation } from "./saved-conversation.ts";
export type { Spent } from "./spent.ts";
export { CIPHER_SUITE, type MlsSuite, mlsSuite } from "./suite.ts";
export { recipientOf } from "./welcome.ts";
