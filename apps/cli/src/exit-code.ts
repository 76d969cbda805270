/** What the program's exit status says; `porchlight --help` prints this table. From sysexits.h where it has a number. */
export const EXIT = {
  done: 0,
  /** Someone or something with the right to say no did: a rule, a keyholder, a verification. A retry does not help. */
  refused: 1,
  /** The command line, or a file or directory named on it, is wrong. */
  usage: 2,
  /** A service or program does not answer. */
  unavailable: 69,
  /** A fault of this program. */
  internal: 70,
  /** Not finished yet, for instance too few keyholders have released: the same command later can succeed. */
  notYet: 75,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_HELP = `
Exit status:
   0  done
   1  refused: a rule, a keyholder or a verification said no; a retry does not help
   2  the command line, or a file or directory named on it, is wrong
  69  a service or program does not answer
  70  a fault of this program
  75  not finished yet: the same command later can succeed

With --json the last line of standard output is one JSON object, also after a failure:
  {"ok":true, …}  or  {"ok":false,"code":"…","message":"…"}`;

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

export type Explanation = { readonly exit: ExitCode; readonly code: string; readonly message: string };

// The rooms below throw errors of their own and know nothing of exit codes. By class, and by code where a class has several.
const BY_CLASS: Readonly<Record<string, ExitCode>> = {
  AdminRefusal: EXIT.refused,
  CharterError: EXIT.refused,
  ClientError: EXIT.refused,
  DeploymentError: EXIT.refused,
  DeskError: EXIT.usage,
  DurableError: EXIT.usage,
  EncodingError: EXIT.usage,
  EnvelopeError: EXIT.refused,
  EvidenceError: EXIT.refused,
  GateError: EXIT.refused,
  LogError: EXIT.refused,
  MlsError: EXIT.refused,
  PartyError: EXIT.refused,
  QuorumError: EXIT.refused,
  RuntimeError: EXIT.unavailable,
  TlogError: EXIT.refused,
  WireError: EXIT.unavailable,
};
const BY_CODE: Readonly<Record<string, ExitCode>> = {
  // Node's file errors
  ENOENT: EXIT.usage,
  EACCES: EXIT.usage,
  EISDIR: EXIT.usage,
  ENOTDIR: EXIT.usage,
  EEXIST: EXIT.usage,
  // rooms
  "DurableError locked": EXIT.unavailable,
  "EvidenceError exists": EXIT.usage,
  "EvidenceError recipient": EXIT.usage,
  "LogError policy-unsatisfied": EXIT.notYet,
  "PartyError not-this-party": EXIT.usage,
  "PartyError exists": EXIT.usage,
  "PartyError file-malformed": EXIT.usage,
  "PartyError charter-ambiguous": EXIT.usage,
  "PartyError order-not-logged": EXIT.notYet,
  "RuntimeError port-taken": EXIT.usage,
  "RuntimeError config-unreadable": EXIT.usage,
  "WireError refused": EXIT.refused,
};

/** Exit status, code and sentence for whatever a command threw. */
export function explain(error: unknown): Explanation {
  if (error instanceof CommandError) return error;
  if (!(error instanceof Error)) return { exit: EXIT.internal, code: "internal", message: String(error) };
  const own = "code" in error && typeof error.code === "string" ? error.code : undefined;
  // A refusal over HTTP carries the other side's code, which says more than that it was a refusal.
  const refusal = "refusal" in error && typeof error.refusal === "string" ? error.refusal : undefined;
  const retry = refusal !== undefined && "retryable" in error && error.retryable === true;
  const exit = retry
    ? EXIT.notYet
    : (BY_CODE[`${error.name} ${own ?? ""}`] ?? BY_CODE[own ?? ""] ?? BY_CLASS[error.name] ?? EXIT.internal);
  return { exit, code: refusal ?? own ?? "internal", message: error.message };
}
