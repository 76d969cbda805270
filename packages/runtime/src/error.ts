/** Why a program could not start, be reached or be steered. Closed union. */
export type RuntimeErrorCode =
  | "clock-backwards"
  | "clock-is-system"
  | "clock-is-replay"
  | "config-unreadable"
  | "port-taken"
  | "program-exited"
  | "program-not-ready"
  | "program-unknown"
  | "program-running"
  | "admin-unreachable"
  | "admin-reply-invalid"
  | "admin-refused";

/** `where` names a program, port or path; messages carry no content. */
export class RuntimeError extends Error {
  override readonly name = "RuntimeError";
  readonly code: RuntimeErrorCode;
  readonly where: string;
  constructor(code: RuntimeErrorCode, where: string, options?: ErrorOptions & { readonly detail?: string }) {
    super(`${where}: ${options?.detail ?? code}`, options);
    this.code = code;
    this.where = where;
  }
}
