/** Why input was refused. Closed union; the offending value is never part of the message (it may be a secret). */
export type EncodingErrorCode =
  | "truncated"
  | "trailing-bytes"
  | "out-of-range"
  | "not-canonical"
  | "not-hex"
  | "not-base64"
  | "not-utf8"
  | "not-json"
  | "duplicate-key"
  | "unknown-field"
  | "missing-field"
  | "wrong-type"
  | "too-long";

/** Thrown by every parser of this package. `field` names the place in the format, never the value found there. */
export class EncodingError extends Error {
  override readonly name = "EncodingError";
  readonly code: EncodingErrorCode;
  readonly field: string;
  constructor(code: EncodingErrorCode, field: string) {
    super(`${field}: ${code}`);
    this.code = code;
    this.field = field;
  }
}
