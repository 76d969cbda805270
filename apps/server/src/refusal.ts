import type { Head, RefusalCode } from "@porchlight/wire";

/** The one table from codes to HTTP statuses (DEL-3). */
export const STATUS: Readonly<Record<RefusalCode, number>> = {
  malformed: 400,
  "too-large": 413,
  "not-found": 404,
  unauthenticated: 401,
  "session-expired": 401,
  forbidden: 403,
  "too-many-requests": 429,
  unavailable: 503,
  internal: 500,
  "challenge-unknown": 401,
  "credential-refused": 401,
  "too-many-key-packages": 409,
  "no-key-package": 404,
  "invitation-required": 403,
  "invitation-refused": 403,
  "passkey-refused": 401,
  "device-revoked": 403,
  "pairing-unknown": 404,
  "recovery-refused": 403,
  "role-required": 403,
  exists: 409,
  conflict: 409,
  "stale-epoch": 409,
  "unknown-epoch": 409,
  "wrong-group": 422,
  "wrong-day": 422,
  "wrong-sender": 403,
  "commit-refused": 422,
  "envelope-refused": 422,
  "envelope-required": 409,
  "notice-key-required": 409,
  "message-refused": 422,
  "idempotency-mismatch": 409,
  "outside-charter-dates": 422,
  "attachment-incomplete": 409,
  "attachment-mismatch": 422,
  quota: 409,
  "document-refused": 422,
  "entry-refused": 422,
  "entry-not-accepted-here": 403,
  "unknown-charter": 422,
  "warrant-refused": 422,
  "direction-refused": 422,
  "contest-refused": 403,
  "preservation-refused": 422,
  "registration-refused": 422,
  "act-refused": 409,
  "order-unknown": 404,
  "order-elsewhere": 409,
  "not-witnessed": 409,
  revoked: 403,
  expired: 403,
  "notice-period": 403,
  suspended: 403,
  "day-not-over": 409,
  "out-of-scope": 403,
  "not-released": 409,
};

export type RefusalFacts = {
  /** The narrower code of the package that refused. */
  readonly reason?: string;
  readonly item?: number;
  readonly head?: Head;
  /** Seconds after which the same may be asked again. */
  readonly retryAfter?: number;
  readonly cause?: unknown;
};

/** An expected refusal: its message goes to the client and says what to do next. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: RefusalCode;
  readonly reason: string | undefined;
  readonly item: number | undefined;
  readonly head: Head | undefined;
  readonly retryAfter: number | undefined;
  constructor(code: RefusalCode, message: string, facts: RefusalFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = code;
    this.reason = facts.reason;
    this.item = facts.item;
    this.head = facts.head;
    this.retryAfter = facts.retryAfter;
  }

  /** The same, naming the item of a batch. */
  ofItem(item: number): Refusal {
    return new Refusal(this.code, this.message, {
      item,
      ...(this.reason === undefined ? {} : { reason: this.reason }),
      ...(this.head === undefined ? {} : { head: this.head }),
      cause: this.cause,
    });
  }
}

/** The code of an error that another package threw, for {@link RefusalFacts}. */
export function reasonOf(error: unknown): { reason?: string; cause: unknown } {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? { reason: code, cause: error } : { cause: error };
}
