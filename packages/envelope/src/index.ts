export {
  type AccountRequest,
  makeAccountRequest,
  parseAccountRequest,
  verifyAccountRequest,
} from "./account-request.ts";
export * from "./authenticated-data.ts";
export type { CipherSuite } from "./cipher-suite.ts";
export {
  accountOf,
  CREDENTIAL_LENGTH,
  type Credential,
  makeCredential,
  parseCredential,
  verifyCredential,
} from "./credential.ts";
export * from "./envelope.ts";
export { EnvelopeError, type EnvelopeErrorCode } from "./error.ts";
export { type EscrowSecret, escrowSecret, parseEscrowSecret } from "./escrow-secret.ts";
export * from "./franking.ts";
export { type EnvelopeHeader, formatHeader, isOfConversation, parseHeader, rosterOf } from "./header.ts";
export * from "./label.ts";
export type { EscrowKeys } from "./layers.ts";
export { type Extension, type GroupContext, parseGroupContext } from "./mls.ts";
export { nobleSuite } from "./noble-suite.ts";
export * from "./opener.ts";
export { MAX_SKIPPED_GENERATIONS } from "./ratchet.ts";
