/** Why a member could not do what was asked. Refusals of single items are events, not errors. */
export type ClientErrorCode =
  // content
  | "content-malformed"
  | "content-too-long"
  // conversations
  | "unknown-conversation"
  | "not-in-conversation"
  | "charter-change-pending"
  | "nothing-proposed"
  // charters
  | "charter-unknown"
  | "charter-over"
  | "keys-missing"
  | "log-not-fresh"
  // sending
  | "clock-wrong"
  | "gave-up"
  | "no-key-package"
  // attachments
  | "upload-unknown"
  // state
  | "state-corrupt"
  | "not-created";

/** The message says what to do next; it never holds content, keys or ids. */
export class ClientError extends Error {
  override readonly name = "ClientError";
  readonly code: ClientErrorCode;
  constructor(code: ClientErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
