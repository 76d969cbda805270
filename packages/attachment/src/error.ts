/**
 * "size-refused": larger than the limit, or no size. "commitment-mismatch": the ciphertext was not made with this key.
 * "part-refused": a part is altered, another's, or in another's place; these cannot be told apart. "part-length": cut
 * short, or with bytes too many. "padding-malformed": what follows the content is not zeros. "digest-mismatch": every
 * part opens, and the whole is not what the message names. "reference-malformed": the message's words about the
 * attachment are not of this form. "source-changed": the file is not the one whose upload began.
 */
export type AttachmentErrorCode =
  | "size-refused"
  | "commitment-mismatch"
  | "part-refused"
  | "part-length"
  | "padding-malformed"
  | "digest-mismatch"
  | "reference-malformed"
  | "source-changed";

/** The message says what to do next; it never holds content, keys, names or ids. */
export class AttachmentError extends Error {
  override readonly name = "AttachmentError";
  readonly code: AttachmentErrorCode;
  constructor(code: AttachmentErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
