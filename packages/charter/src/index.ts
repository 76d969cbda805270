export {
  type Charter,
  type CharterDocument,
  type CharterKind,
  charterIdOfDocument,
  concentrations,
  formatCharter,
  type Issuer,
  type Keyholder,
  parseCharter,
  verifyCharter,
} from "./charter.ts";
export {
  addSignature,
  type DocumentKind,
  formatSignedDocument,
  parseSignedDocument,
  readSignedDocument,
  type SignedDocument,
  type Signer,
  signDocument,
  unverifiedPayload,
  type VerifiedDocument,
  verifyDocument,
} from "./document.ts";
export * from "./entry-signature.ts";
export * from "./error.ts";
export {
  formatKeys,
  type KeysDocument,
  type PeriodKeys,
  type PublicKeys,
  parseKeys,
  verifyKeys,
} from "./keys.ts";
export * from "./log-entry.ts";
export * from "./plain-text.ts";
export * from "./statement.ts";
export { toldCells } from "./statistics.ts";
