/** Why a key, share, ciphertext or ceremony message was refused. Closed union. */
export type QuorumErrorCode =
  | "length"
  | "point-invalid"
  | "scalar-invalid"
  | "key-invalid"
  | "refused"
  | "shares-inconsistent"
  | "keyholder-unknown"
  | "requester-mismatch"
  | "base-mismatch"
  | "session-invalid"
  | "state-invalid";

/** Thrown by every function of this package. `field` names the place, never the value found there. */
export class QuorumError extends Error {
  override readonly name = "QuorumError";
  readonly code: QuorumErrorCode;
  readonly field: string;
  constructor(code: QuorumErrorCode, field: string, options?: { cause?: unknown }) {
    super(`${field}: ${code}`, options);
    this.code = code;
    this.field = field;
  }
}
