export {
  attachmentPath,
  type CollectedAttachment,
  isMissing,
  type MissingAttachment,
  missingWords,
  referenceName,
} from "./attachments.ts";
export type { Finding } from "./bag.ts";
export { readCertificates } from "./certificate-path.ts";
export { type Content, parseContent } from "./content.ts";
export { type CustodyAction, type CustodyStep, formatCopies, parseCopies } from "./custody.ts";
export { deliveredIn } from "./delivered.ts";
export { EvidenceError, type EvidenceErrorCode } from "./error.ts";
export { type Files, readFiles, sha256, writeFiles } from "./files.ts";
export type { KeyholderRelease, ReleaseFacts } from "./keyholder-release.ts";
export { countWords, isMessage, kindWords } from "./kind-words.ts";
export type { EntryProof, LogExtract, LogFacts, Replacement } from "./log-extract.ts";
export type { ReleasedLabel, StoredEnvelope, StoredMessage } from "./material.ts";
export type { EvidenceMessage, Failure, Gap } from "./messages.ts";
export { orderInWords, orderWord, type Words } from "./order-words.ts";
export { makePackage, type PackageInput, packagedAt, writeEvidence } from "./package.ts";
export { type OpenedRelease, openRelease, type ReleaseInput } from "./release.ts";
export { isRecipient, openSealedEvidence, sealEvidence } from "./sealed.ts";
export { type StoryLine, storyOf } from "./story.ts";
export {
  packageDigest,
  TIME_STAMP,
  type TimeStamp,
  timeStampRequest,
  timeStampWords,
  verifyTimeStamp,
} from "./time-stamp.ts";
export { type EvidenceReport, timeStampOf, verifyEvidence, verifyFiles } from "./verify.ts";
