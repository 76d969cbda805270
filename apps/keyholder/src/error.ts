/** Why a keyholder refused to start or to obey. Closed union; orders have the gate's codes instead. */
export type KeyholderErrorCode =
  /** public.json is there and the sealed keys are not: a new identity would silently replace the old one. */
  | "keys-missing"
  /** The sealed keys are not the ones of public.json. */
  | "keys-differ"
  | "charter-not-ours"
  | "charter-wrong-clock"
  | "charter-wrong-log"
  | "charter-wrong-id"
  | "charter-unknown"
  | "succession-differs"
  | "period-outside-charter"
  | "period-has-keys"
  | "ceremony-unknown"
  | "ceremony-over"
  /** A keyholder that is waited for has spoken, and the log does not show it. */
  | "message-held"
  | "keys-unavailable"
  | "share-missing"
  | "order-unknown"
  | "order-not-awaiting-approval"
  | "commitment-differs"
  /** What is added to an order is not by who asked for it. */
  | "requester-unproven"
  | "other-side-refused"
  | "direction-refused"
  | "approver-missing"
  /** KEY-34: the operator has paused everything. */
  | "paused"
  | "reason-missing"
  /** `resume` names another pause than the one in force. */
  | "pause-differs"
  /** A webhook or mail server did not take a message. */
  | "not-told"
  | "busy";

/** Messages are for the operator and hold no key, share or content. */
export class KeyholderError extends Error {
  override readonly name = "KeyholderError";
  readonly code: KeyholderErrorCode;
  constructor(code: KeyholderErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** KEY-22: after a fork nothing is taken in and nothing decided. */
export function logForked(): KeyholderError {
  return new KeyholderError(
    "busy",
    "the log has forked, it shows two histories: nothing is decided here any more",
  );
}
