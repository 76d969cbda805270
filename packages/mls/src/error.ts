import type { CharterId } from "@porchlight/encoding";

/** Why something was refused. Closed union; the rule behind each code is in spec/mls.md. */
export type MlsErrorCode =
  // bytes (MLS-1)
  | "malformed"
  | "unsupported"
  // who and where
  | "wrong-group"
  | "wrong-epoch"
  | "not-a-member"
  | "submitter-mismatch"
  | "not-active"
  // devices (MLS-10 to MLS-14)
  | "credential-refused"
  | "leaf-refused"
  | "key-package-refused"
  // groups (MLS-20 to MLS-26)
  | "extensions-refused"
  | "tree-refused"
  | "welcome-refused"
  | "proposal-refused"
  | "commit-refused"
  // days (MLS-30 to MLS-35)
  | "day-backwards"
  | "day-ahead"
  | "day-over"
  | "path-missing"
  | "clock-trails-log"
  // charter (MLS-22, MLS-60)
  | "charter-unknown"
  | "charter-change-not-accepted"
  // envelopes (MLS-40 to MLS-43)
  | "no-charter"
  | "escrow-spent"
  | "envelope-refused"
  | "envelope-conflict"
  // saved state (MLS-70)
  | "state-corrupt";

/** What a ReInit asks the members to accept: `null` is a conversation that nobody can open. */
export type ProposedCharter = { readonly charter: CharterId | null };

/**
 * Thrown by every function of this package. `detail` names a place or a kind, never content, a key or an id.
 * None of these is cured by trying the same bytes again.
 */
export class MlsError extends Error {
  override readonly name = "MlsError";
  readonly code: MlsErrorCode;
  readonly detail: string | undefined;
  /** Present with "charter-change-not-accepted": what to show before asking. */
  readonly proposed: ProposedCharter | undefined;
  constructor(
    code: MlsErrorCode,
    detail?: string,
    extra: { readonly cause?: unknown; readonly proposed?: ProposedCharter } = {},
  ) {
    super(detail === undefined ? code : `${code}: ${detail}`, extra.cause === undefined ? undefined : extra);
    this.code = code;
    this.detail = detail;
    this.proposed = extra.proposed;
  }
}

/** Runs library code: what it throws becomes `code`, with the library's error as cause; our own errors pass. */
export async function refusing<T>(code: MlsErrorCode, detail: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    throw cause instanceof MlsError ? cause : new MlsError(code, detail, { cause });
  }
}
