/** What can go wrong with a deployment on one machine, beyond what the programs themselves report. */
export type DeploymentErrorCode =
  | "chat-invalid"
  | "chat-empty"
  | "target-silent"
  | "state-foreign"
  | "state-mismatch"
  | "ceremony-failed"
  | "release-incomplete"
  | "request-refused"
  | "program-ended"
  | "refusal-missing"
  | "evidence-differs"
  | "web-not-built";

/** `message` says what to do next and never quotes a chat, a key or a name. */
export class DeploymentError extends Error {
  override readonly name = "DeploymentError";
  readonly code: DeploymentErrorCode;
  constructor(code: DeploymentErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
