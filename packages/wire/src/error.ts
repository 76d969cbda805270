/** What the server and the keyholders answer when they refuse. The HTTP status of each is in the program's own table. */
export const REFUSAL_CODES = [
  // any route
  "malformed",
  "too-large",
  "not-found",
  "unauthenticated",
  "session-expired",
  "forbidden",
  "too-many-requests",
  "unavailable",
  "internal",
  // accounts, sessions, key packages
  "challenge-unknown",
  "credential-refused",
  "too-many-key-packages",
  "no-key-package",
  "invitation-required",
  "invitation-refused",
  "passkey-refused",
  "device-revoked",
  "pairing-unknown",
  "recovery-refused",
  "role-required",
  // delivery
  "exists",
  "conflict",
  "stale-epoch",
  "unknown-epoch",
  "wrong-group",
  "wrong-day",
  "wrong-sender",
  "commit-refused",
  "envelope-refused",
  "envelope-required",
  "notice-key-required",
  "message-refused",
  "idempotency-mismatch",
  "outside-charter-dates",
  // attachments
  "attachment-incomplete",
  "attachment-mismatch",
  "quota",
  // log
  "document-refused",
  "entry-refused",
  "entry-not-accepted-here",
  "unknown-charter",
  // disclosure
  "warrant-refused",
  "direction-refused",
  "contest-refused",
  "preservation-refused",
  "registration-refused",
  "act-refused",
  "order-unknown",
  "order-elsewhere",
  "not-witnessed",
  "revoked",
  "expired",
  "notice-period",
  "suspended",
  "day-not-over",
  "out-of-scope",
  "not-released",
] as const;

export type RefusalCode = (typeof REFUSAL_CODES)[number];

/**
 * "request-malformed": the request breaks the contract's own limits and was not sent. "refused": the other side answered with a {@link RefusalCode}. "unreachable": no answer, or one of a proxy or of a server that is stopping; whether the request took
 * effect is unknown, so repeat it with the same idempotency key. "timed-out": the same after the time limit.
 * "answer-malformed": what came back is not of this protocol.
 */
export type WireErrorCode =
  | "request-malformed"
  | "refused"
  | "unreachable"
  | "timed-out"
  | "answer-malformed";

/** Head of a conversation, told with refusals that come from having fallen behind. */
export type Head = { readonly seq: number; readonly epoch: number };

/** Thrown by the clients. The message is the other side's own sentence, which says what to do next. */
export class WireError extends Error {
  override readonly name = "WireError";
  readonly code: WireErrorCode;
  /** HTTP status, where there was an answer. */
  readonly status: number | undefined;
  readonly refusal: RefusalCode | undefined;
  /** A narrower reason: the gate's, the envelope's or the entry's own code. */
  readonly reason: string | undefined;
  /** Which item of a batch was refused. */
  readonly item: number | undefined;
  readonly head: Head | undefined;
  /** Seconds to wait before the same request. */
  readonly retryAfter: number | undefined;
  /** Whether the same request may succeed later. */
  readonly retryable: boolean;
  constructor(
    code: WireErrorCode,
    message: string,
    facts: {
      status?: number | undefined;
      refusal?: RefusalCode | undefined;
      reason?: string | undefined;
      item?: number | undefined;
      head?: Head | undefined;
      retryAfter?: number | undefined;
      cause?: unknown;
    } = {},
  ) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = code;
    this.status = facts.status;
    this.refusal = facts.refusal;
    this.reason = facts.reason;
    this.item = facts.item;
    this.head = facts.head;
    this.retryAfter = facts.retryAfter;
    this.retryable =
      code === "unreachable" ||
      code === "timed-out" ||
      facts.refusal === "unavailable" ||
      facts.refusal === "too-many-requests" ||
      facts.refusal === "not-witnessed";
  }
}
