export {
  type AppRelease,
  formatAppRelease,
  INDEX_FILE,
  MAX_RELEASE_BYTES,
  parseAppRelease,
  RELEASE_FILE,
  type ReleaseFile,
} from "./app-release.ts";
export {
  type Charter,
  type CharterDocument,
  type CharterKind,
  charterIdOfDocument,
  concentrations,
  formatCharter,
  type Inspection,
  type Issuer,
  type Keyholder,
  parseCharter,
  verifyCharter,
} from "./charter.ts";
export {
  asGround,
  type Contest,
  formatContest,
  parseContest,
  verifyContest,
} from "./contest.ts";
export {
  addSignature,
  attachSignature,
  type DocumentKind,
  formatSignedDocument,
  parseSignedDocument,
  readSignedDocument,
  type SignedDocument,
  type Signer,
  signatureInput,
  signDocument,
  unverifiedPayload,
  type VerifiedDocument,
  verifyDocument,
} from "./document.ts";
export * from "./entry-signature.ts";
export { erasedAfter } from "./erasure.ts";
export * from "./error.ts";
export {
  formatKeys,
  type KeysDocument,
  keysQuorum,
  type PeriodKeys,
  type PublicKeys,
  parseKeys,
  succeedKeys,
  verifyKeys,
} from "./keys.ts";
export * from "./log-entry.ts";
export * from "./notice-key.ts";
export * from "./plain-text.ts";
export {
  checkExtension,
  formatPreservation,
  PRESERVATION_DAYS,
  type PreservationDocument,
  parsePreservation,
  preservationCommitment,
  type VerifiedPreservation,
  verifyPreservation,
} from "./preservation.ts";
export {
  formatPreservationLift,
  type PreservationLift,
  parsePreservationLift,
  verifyPreservationLift,
} from "./preservation-lift.ts";
export {
  formatRegistration,
  parseRegistration,
  type RegistrationDocument,
  registrationCommitment,
  registrationIsConsistent,
  type VerifiedRegistration,
  verifyRegistration,
} from "./registration.ts";
export * from "./statement.ts";
export { toldCells } from "./statistics.ts";
export {
  formatSuccession,
  parseSuccession,
  reviewSuccession,
  type SuccessionDocument,
  verifySuccession,
} from "./succession.ts";
