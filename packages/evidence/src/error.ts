/** Why the evidence room refused. Closed union; messages name files and places, never what was found there. */
export type EvidenceErrorCode =
  | "archive-malformed"
  | "archive-too-large"
  | "file-name"
  | "not-a-file"
  | "not-a-package"
  | "exists"
  | "cannot-decrypt"
  | "recipient"
  | "content"
  | "malformed"
  | "charter"
  | "keys"
  | "warrant"
  | "log"
  | "succession"
  | "revoked"
  | "out-of-scope"
  | "day-not-over"
  | "label-key"
  | "release"
  | "custody"
  | "attachment";

/** `where` is a file of the package or the place in a format. */
export class EvidenceError extends Error {
  override readonly name = "EvidenceError";
  readonly code: EvidenceErrorCode;
  readonly where: string;
  constructor(code: EvidenceErrorCode, where: string, options?: ErrorOptions) {
    super(`${where}: ${code}`, options);
    this.code = code;
    this.where = where;
  }
}
