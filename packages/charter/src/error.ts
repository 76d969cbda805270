/** Why a public document or log entry was refused. Closed union. */
export type CharterErrorCode =
  /** A protected header is not exactly the one that this kind of document has (CHA-3). */
  | "header-invalid"
  | "signature-missing"
  | "signature-invalid"
  | "signer-unknown"
  | "signer-duplicate"
  /** Someone who has to sign did not. */
  | "signer-missing"
  /** The parts of a charter contradict each other (CHA-9 to CHA-14). */
  | "charter-inconsistent"
  /** The log's witness policy is weaker than CHA-13 demands. */
  | "policy-weak"
  /** A key document's points or shares do not fit together, or do not fit the charter. */
  | "keys-inconsistent"
  /** A preservation whose parts contradict each other, the charter, or what it extends (PRES-4, PRES-6). */
  | "preservation-inconsistent"
  /** It runs for longer than 60 and 30 days, or than the charter allows (PRES-5, PRES-6). */
  | "preservation-too-long"
  /** A registration whose parts contradict each other, or that runs for too long (HI1-51). */
  | "registration-inconsistent"
  /** A notice key that its account's identity key did not sign (NOT-2). */
  | "notice-card-invalid"
  /** The document belongs to another charter. */
  | "wrong-charter";

/** Thrown by this package. `field` names the place in the document, never what stands there. */
export class CharterError extends Error {
  override readonly name = "CharterError";
  readonly code: CharterErrorCode;
  readonly field: string;
  constructor(code: CharterErrorCode, field: string, options?: { cause?: unknown }) {
    super(`${field}: ${code}`, options);
    this.code = code;
    this.field = field;
  }
}
