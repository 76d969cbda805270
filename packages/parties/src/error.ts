/** Why a court or an agency could not go on. Closed union. */
export type PartyErrorCode =
  /** The directory is another party's, or none's. */
  | "not-this-party"
  | "exists"
  /** What was shown of it is not how it stands any more. */
  | "moved-on"
  | "charter-unknown"
  /** The newest witnessed state of the log is too old: what came after it may be kept back. */
  | "log-stale"
  | "charter-ambiguous"
  /** A request, statement or order file is not in its form, or its proofs do not hold. */
  | "file-malformed"
  | "request-unproven"
  /** What is to be signed or carried out would be refused by every keyholder. */
  | "order-refused"
  | "order-not-logged"
  | "order-revoked"
  /** The secrets of this order's request are not in this directory. */
  | "request-unknown"
  | "issuer-unknown"
  /** The program that signs with a token did not. */
  | "signer-failed"
  | "keyholder-untrue"
  /** The provider refused a message of TS 103 120 as a whole, or one of its actions; the sentence is the provider's. */
  | "hi1-refused"
  /** A document that is to be sent is not in this directory any more. */
  | "contents-missing"
  /** An answer that the provider did not sign, or that is to another message. */
  | "hi1-untrue"
  /** What was delivered does not have the checksum that was delivered with it. */
  | "delivery-damaged"
  /** Address or certificates of the time stamp authority are none; or none is configured. */
  | "time-stamps-invalid"
  | "no-time-stamps"
  | "not-collected"
  /** The order touches privileged communication, and nobody has said that a copy of what it opened may be handed on. */
  | "privilege-open"
  | "stamped-already";

/** `message` is a sentence that says what to do; it repeats no name, key or content. */
export class PartyError extends Error {
  override readonly name = "PartyError";
  readonly code: PartyErrorCode;
  constructor(code: PartyErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
