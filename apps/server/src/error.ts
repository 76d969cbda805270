/** Why the server could not start or go on. What a client is refused is a {@link Refusal}. */
export type ServerErrorCode =
  | "config-invalid"
  | "postgres-missing"
  | "postgres-incomplete"
  | "postgres-refused"
  | "postgres-failed"
  | "postgres-stuck"
  | "schema-newer"
  | "log-damaged"
  | "log-behind"
  | "log-elsewhere"
  | "log-taken-over"
  | "database-foreign"
  | "database-not-empty"
  | "backup-unusable"
  | "key-mismatch";

/** The message is for the operator and says what to do; it holds paths, never contents. */
export class ServerError extends Error {
  override readonly name = "ServerError";
  readonly code: ServerErrorCode;
  constructor(code: ServerErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
