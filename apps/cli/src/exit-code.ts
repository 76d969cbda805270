/** What the program's exit status says (documented in `porchlight --help`). From sysexits.h where it has a number. */
export const EXIT = {
  done: 0,
  /** Someone or something with the right to say no did: a rule, a keyholder, a verification. A retry does not help. */
  refused: 1,
  /** The command line, or a file named on it, is wrong. */
  usage: 2,
  /** A service or program does not answer. */
  unavailable: 69,
  /** A fault of this program. */
  internal: 70,
  /** Not finished yet, for instance too few keyholders have released: try again later. */
  notYet: 75,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends a command with a sentence for a person and a code for a program. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly code: string;
  readonly exit: ExitCode;
  constructor(exit: ExitCode, code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exit = exit;
    this.code = code;
  }
}

// By the name of the error class: the rooms below throw their own, and none of them knows exit codes.
const REFUSALS = new Set([
  "GateError",
  "CharterError",
  "TlogError",
  "EnvelopeError",
  "QuorumError",
  "EvidenceError",
  "AdminRefusal",
  "MlsError",
  "ClientError",
]);
const UNAVAILABLE = new Set([
  "admin-unreachable",
  "unreachable",
  "timeout",
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOTFOUND",
  "EPIPE",
]);
const USAGE = new Set([
  "ENOENT",
  "EACCES",
  "EISDIR",
  "ENOTDIR",
  "EEXIST",
  "passphrase-missing",
  "passphrase-exposed",
  "passphrase-empty",
  "secret-unreadable",
]);

/** Exit code, error code and message for whatever a command threw. */
export function explain(error: unknown): {
  readonly exit: ExitCode;
  readonly code: string;
  readonly message: string;
} {
  if (error instanceof CommandError) return error;
  if (!(error instanceof Error)) return { exit: EXIT.internal, code: "internal", message: String(error) };
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  const message = error.message;
  if (code !== undefined && UNAVAILABLE.has(code)) return { exit: EXIT.unavailable, code, message };
  if (code !== undefined && USAGE.has(code)) return { exit: EXIT.usage, code, message };
  if (error.name === "EncodingError") return { exit: EXIT.usage, code: code ?? "malformed", message };
  if (REFUSALS.has(error.name)) return { exit: EXIT.refused, code: code ?? "refused", message };
  if ("exit" in error && typeof error.exit === "number" && code !== undefined) {
    return { exit: error.exit as ExitCode, code, message };
  }
  return { exit: EXIT.internal, code: code ?? "internal", message };
}
