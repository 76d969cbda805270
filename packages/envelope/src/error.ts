import { EncodingError } from "@porchlight/encoding";

/** Why an envelope or a message was refused. Closed union; each recipient's comparison has its own code. */
export type EnvelopeErrorCode =
  // formats
  | "malformed"
  | "version-unsupported"
  | "suite-unsupported"
  // the header against what the recipient's own MLS state says (ENV-30)
  | "label-mismatch"
  | "leaf-mismatch"
  | "group-context-mismatch"
  | "roster-mismatch"
  | "device-mismatch"
  | "credential-mismatch"
  // the header against itself (ENV-14)
  | "credential-invalid"
  | "account-mismatch"
  // layers and signature
  | "signature"
  | "outer-refused"
  | "outer-mismatch"
  | "inner-refused"
  | "inner-mismatch"
  // messages
  | "not-private-message"
  | "not-application"
  | "wrong-group"
  | "wrong-epoch"
  | "wrong-sender"
  | "wrong-day"
  | "sender-data-refused"
  | "generation-too-far"
  | "generation-used"
  | "generation-dropped"
  | "ciphertext-refused"
  | "message-signature"
  | "counter-used"
  | "counter-mismatch"
  | "franking-mismatch";

/** `detail` names a place in a format or a number that the wire shows, never plaintext or key material. */
export class EnvelopeError extends Error {
  override readonly name = "EnvelopeError";
  readonly code: EnvelopeErrorCode;
  readonly detail: string | undefined;
  constructor(code: EnvelopeErrorCode, detail?: string, cause?: unknown) {
    super(detail === undefined ? code : `${code}: ${detail}`, cause === undefined ? undefined : { cause });
    this.code = code;
    this.detail = detail;
  }
}

/** Runs a parser; what the strict readers refuse becomes "malformed" with the reader's error as cause. */
export function parsing<T>(what: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof EncodingError)
      throw new EnvelopeError("malformed", `${what} (${error.message})`, error);
    throw error;
  }
}
