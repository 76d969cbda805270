/** Why a warrant, an order or a release was refused. Closed union; spec/warrant.md and spec/gate.md list all. */
export type RefusalCode = WarrantCode | GateCode | DirectionCode;

export type WarrantCode =
  | "malformed"
  | "signature-invalid"
  | "wrong-issuer"
  | "second-signature-missing"
  | "wrong-charter"
  | "basis-unknown"
  | "category-unknown"
  | "dates-inconsistent"
  | "statement-invalid"
  | "statement-incomplete"
  | "requester-unproven"
  | "others-mismatch"
  | "other-side-invalid"
  | "revocation-invalid"
  | "direction-invalid";

export type GateCode =
  | "not-witnessed"
  | "checkpoint-stale"
  | "view-broken"
  | "not-logged"
  | "commitment-mismatch"
  | "logged-twice"
  | "intake-invalid"
  | "day-in-future"
  | "secrecy-mismatch"
  | "revoked"
  | "suspended"
  | "public-mismatch"
  | "not-yet-valid"
  | "expired"
  | "outside-charter-dates"
  | "other-side-unproven"
  | "cap-accounts"
  | "cap-days"
  | "secrecy-too-long"
  | "cap-rate"
  | "day-not-over"
  | "notice-period"
  | "inspection"
  | "labels-not-canonical"
  | "label-out-of-scope"
  | "requester-reused"
  | "reference-reused"
  | "share-missing"
  | "not-approved"
  | "intent-not-logged"
  | "intent-mismatch"
  | "notice-missing"
  | "notice-keys-unknown"
  | "notice-junk"
  | "notice-too-long"
  | "roster-mismatch"
  | "not-granted";

/** Why a direction of the issuer does not count (spec/directions.md). */
export type DirectionCode =
  | "direction-not-logged"
  | "direction-intake-invalid"
  | "extension-not-secret"
  | "extension-shorter"
  | "extension-too-long"
  | "extension-too-late"
  | "already-told";

/** One rule that does not hold. `reason` is a whole sentence for a judge; it repeats nothing of the order. */
export type Refusal = {
  /** The rule's ID in the specification. */
  readonly rule: string;
  readonly code: RefusalCode;
  readonly reason: string;
  /** Whether time or the order's normal course can still make it pass: then wait, and refuse nothing yet. */
  readonly waits: boolean;
};

/** A refusal where verified evidence was asked for: thrown by `verifyWarrant` and its like. */
export class GateError extends Error {
  override readonly name = "GateError";
  readonly refusal: Refusal;
  constructor(refusal: Refusal, options?: { cause?: unknown }) {
    super(`${refusal.rule}: ${refusal.code}`, options);
    this.refusal = refusal;
  }

  get code(): RefusalCode {
    return this.refusal.code;
  }
}
