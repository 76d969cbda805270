/** Why an operation on the disk was refused. Closed union; messages carry no file contents. */
export type DurableErrorCode =
  | "locked"
  | "not-a-journal"
  | "journal-corrupt"
  | "journal-failed"
  | "journal-closed"
  | "record-too-long"
  | "passphrase-missing"
  | "passphrase-exposed"
  | "passphrase-empty"
  | "secret-unreadable"
  | "name-invalid"
  | "archive-malformed";

/** `where` is a path or a name of the caller's own choosing, never data. */
export class DurableError extends Error {
  override readonly name = "DurableError";
  readonly code: DurableErrorCode;
  readonly where: string;
  constructor(code: DurableErrorCode, where: string, options?: ErrorOptions) {
    super(`${where}: ${code}`, options);
    this.code = code;
    this.where = where;
  }
}
