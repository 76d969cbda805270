import { AttachmentError } from "@porchlight/attachment";
import { MlsError } from "@porchlight/mls";
import { LogError, type LogErrorCode, WireError } from "@porchlight/wire";
import { ClientError, type ClientErrorCode } from "../error.ts";
import type { FailureCode } from "./view.ts";

const LOG: Readonly<Record<LogErrorCode, ClientErrorCode>> = {
  "policy-unsatisfied": "log-not-fresh",
  "not-covered": "log-not-fresh",
  rollback: "log-refused",
  fork: "log-refused",
  "note-refused": "log-refused",
  "entry-hash": "log-refused",
  "tile-refused": "log-refused",
  "policy-unusable": "log-refused",
  "state-corrupt": "state-corrupt",
};

/** CONT-4 */
const CONTEST: Readonly<Record<string, ClientErrorCode>> = {
  unproven: "contest-unproven",
  "not-yours": "contest-not-yours",
  twice: "contest-twice",
  revoked: "contest-revoked",
  "no-wait": "contest-no-wait",
  "too-late": "contest-too-late",
};

/** The code under which a person is told of a failure. */
export function codeOf(error: unknown): ClientErrorCode {
  if (error instanceof ClientError) return error.code;
  if (error instanceof AttachmentError) {
    return error.code === "source-changed" ? "source-changed" : "attachment-refused";
  }
  if (error instanceof MlsError) return error.code === "state-corrupt" ? "state-corrupt" : "protocol-refused";
  if (error instanceof LogError) return LOG[error.code];
  if (!(error instanceof WireError)) return "internal";
  switch (error.code) {
    case "unreachable":
    case "timed-out":
      return "offline";
    case "answer-malformed":
    case "request-malformed":
      return "server-not-understood";
    case "refused":
      break;
  }
  switch (error.refusal) {
    case "unavailable":
      return "offline";
    case "too-many-requests":
      return "too-many-requests";
    case "quota":
    case "too-large":
      return "quota";
    case "no-key-package":
      return "no-key-package";
    case "outside-charter-dates":
      return "charter-over";
    case "wrong-day":
      return "clock-wrong";
    case "forbidden":
      return "not-in-conversation";
    case "contest-refused":
      return CONTEST[error.reason ?? ""] ?? "refused-by-server";
    case "invitation-refused":
    case "invitation-required":
      return error.refusal;
    case "device-revoked":
      return "device-revoked";
    case "pairing-unknown":
      return "pairing-refused";
    default:
      return "refused-by-server";
  }
}

/** Why nothing goes on. */
export function failureOf(error: unknown): FailureCode {
  const code = codeOf(error);
  if (code === "state-corrupt") return code;
  // Before there is anything here the service is asked, for its policy.
  if (code === "offline") return "unreachable";
  const { name } = error as { readonly name?: unknown };
  // IndexedDB's: a later version of this program has been here.
  if (name === "VersionError") return "state-newer";
  return isStorageRefusal(error) ? "storage-refused" : "internal";
}

/** By name: IndexedDB's errors and the file system's. */
function isStorageRefusal(error: unknown): boolean {
  const { name, code } = error as { readonly name?: unknown; readonly code?: unknown };
  const isFile = typeof code === "string" && /^E(NOSPC|ROFS|ACCES|PERM|IO|DQUOT|MFILE)$/.test(code);
  return (
    isFile ||
    ["QuotaExceededError", "InvalidStateError", "SecurityError", "UnknownError"].includes(String(name))
  );
}

/** As a page is told: a ClientError, whatever failed. The cause stays on this side. */
export function refusalOf(error: unknown): { readonly code: ClientErrorCode; readonly message: string } {
  const code = codeOf(error);
  const isOurs =
    error instanceof ClientError || error instanceof WireError || error instanceof AttachmentError;
  return { code, message: isOurs ? error.message : "something failed that should not: try again" };
}

/** Trying the same again may succeed by itself, later. */
export function mayPass(error: unknown): boolean {
  if (error instanceof WireError) return error.retryable;
  if (error instanceof LogError) return true;
  return error instanceof ClientError && PASSING.has(error.code);
}

const PASSING: ReadonlySet<ClientErrorCode> = new Set([
  "gave-up",
  "log-not-fresh",
  "keys-missing",
  "clock-wrong",
  "charter-change-pending",
  "no-key-package",
  "offline",
  "too-many-requests",
] as const);
