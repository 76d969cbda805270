/** Why something of a notice was refused. Closed union. */
export type NoticeErrorCode =
  /** A notice code that was typed wrongly, or is none. */
  | "code-malformed"
  /** What an order says does not fit into a notice: it has to be shorter, or two orders. */
  | "content-too-long"
  /** Bytes of a notice that are not of this version's form. */
  | "content-malformed"
  /** A block that has not the size that it has to have, or a key that does not open it. */
  | "block-refused";

/** Thrown by this package. The message holds nothing of an order, a person or a key. */
export class NoticeError extends Error {
  override readonly name = "NoticeError";
  readonly code: NoticeErrorCode;
  constructor(code: NoticeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
