/** Why a desk did not do what it was asked. Closed union; each has its status and its words in `sentences.ts`. */
export type DeskErrorCode =
  | "host-foreign"
  | "origin-foreign"
  | "signed-out"
  | "link-spent"
  | "passkey-refused"
  | "challenge-lapsed"
  | "form-stale"
  | "form-invalid"
  | "form-too-large"
  | "act-lapsed"
  /** Refused before anybody is asked to confirm it. */
  | "act-too-large"
  | "not-found"
  /** The thing is there, and this cannot be done with it now. */
  | "not-now"
  | "config-invalid";

/** `message` is a sentence for the person in front of the page; it repeats nothing that anybody typed. */
export class DeskError extends Error {
  override readonly name = "DeskError";
  readonly code: DeskErrorCode;
  constructor(code: DeskErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
