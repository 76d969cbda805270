import type { Sentence } from "./desk.ts";
import { DeskError, type DeskErrorCode } from "./error.ts";

/** One table of HTTP statuses for everything that a desk says no with. */
const STATUS: Readonly<Record<DeskErrorCode, number>> = {
  "host-foreign": 421,
  "origin-foreign": 403,
  "signed-out": 401,
  "link-spent": 410,
  "passkey-refused": 403,
  "challenge-lapsed": 410,
  "form-stale": 403,
  "form-invalid": 422,
  "form-too-large": 413,
  "act-lapsed": 410,
  "act-too-large": 413,
  "not-found": 404,
  "not-now": 409,
  "config-invalid": 500,
};

const SHELL: Readonly<Record<DeskErrorCode, Sentence>> = {
  "host-foreign": {
    title: "This is not the address of this desk",
    next: "Open it at the address that the program printed when it started.",
  },
  "origin-foreign": {
    title: "Another page tried to do this here",
    next: "Nothing was done. Close the page that you came from, and open this desk by its own address.",
  },
  "signed-out": { title: "You are signed out", next: "Sign in with your passkey and do it again." },
  "link-spent": {
    title: "This link is used up",
    next: "A link works once and for one hour. Sign in with your passkey, or ask for a new link.",
  },
  "passkey-refused": {
    title: "This passkey was not accepted",
    next: "Nothing was done. Use the passkey that you registered here, and let it check that it is you.",
  },
  "challenge-lapsed": { title: "That took too long", next: "Nothing was done. Go back and begin again." },
  "form-stale": {
    title: "This page is from an earlier sign-in",
    next: "Nothing was done. Go back, load the page again, and send it once more.",
  },
  "form-invalid": {
    title: "Something in the form is not right",
    next: "Nothing was done. Go back and correct it.",
  },
  "form-too-large": {
    title: "That is too large",
    next: "Nothing was done. Send a smaller file or a shorter text.",
  },
  "act-lapsed": {
    title: "This cannot be confirmed any more",
    next: "Nothing was done. What is shown can be confirmed once, within five minutes, by whom it was shown to. Begin again.",
  },
  "act-too-large": {
    title: "This is too much to confirm at once",
    next: "Nothing was done. Do it in smaller parts: fewer names, or one thing after the other.",
  },
  "not-found": { title: "There is nothing at this address", next: "Choose one of the pages above." },
  "not-now": { title: "That cannot be done now", next: "Look at how it stands, and decide again." },
  "config-invalid": { title: "This desk is not set up", next: "Ask whoever runs it." },
};

/** Codes of the rooms below that people at every desk meet. */
const ROOMS: Readonly<Record<string, Sentence>> = {
  unreachable: {
    title: "The other side does not answer",
    next: "Nothing was lost. Try again in a moment; if it stays so, ask whoever runs it.",
  },
  "admin-unreachable": {
    title: "The program behind this desk is not running",
    next: "Ask whoever runs it to start it, then load this page again.",
  },
  "charter-unknown": {
    title: "The charter is not in the log",
    next: "Do not rely on this service until that is explained.",
  },
  "order-refused": {
    title: "Every keyholder would refuse this",
    next: "Nothing was signed. Change what the rule above names.",
  },
  "order-revoked": { title: "The order was revoked", next: "Nothing may be opened under it." },
  "notice-period": {
    title: "The person can still object",
    next: "Nothing is opened before these days are over. Do it again after them.",
  },
  suspended: {
    title: "The order is suspended",
    next: "Nothing is released until whoever signed it lets it go on.",
  },
  "extension-too-long": {
    title: "Secrecy cannot last that long",
    next: "It stays as it was ordered. Name an earlier day: the charter sets the longest, counted from the day of signing.",
  },
  "extension-too-late": {
    title: "It is too late to keep this secret for longer",
    next: "Secrecy is extended a day before it ends at the latest. The person is told as was ordered.",
  },
  "order-not-logged": {
    title: "The order is not in the witnessed log yet",
    next: "Try again in a moment.",
  },
  "request-unproven": {
    title: "The application's key is not proven",
    next: "Ask the agency for a new application.",
  },
  "request-unknown": {
    title: "The keys for this order are not here",
    next: "Open it at the desk where the application was made.",
  },
  "file-malformed": {
    title: "This file is not in the agreed form",
    next: "Ask for it again from whoever gave it to you, as a file, unchanged.",
  },
  "issuer-unknown": {
    title: "The charter does not name this desk's key",
    next: "Only those that the charter names can sign under it.",
  },
  fork: {
    title: "The log showed two histories that contradict each other",
    next: "Do not sign or open anything here until that is explained. What was shown is kept as proof.",
  },
  rollback: {
    title: "The log showed an older history than before",
    next: "Do not sign or open anything here until that is explained.",
  },
  "log-stale": {
    title: "The log was not renewed for more than a day",
    next: "Nothing is signed or opened here until it is. Ask the provider, and look at the log's site for the public: if others see a newer log, do not rely on this service.",
  },
  "policy-unsatisfied": {
    title: "The log lacks confirmations of its witnesses",
    next: "Try again later. Nothing is signed or opened on a log that is not confirmed.",
  },
  locked: {
    title: "Another program is working in this directory",
    next: "Wait until it has ended, and try again.",
  },
  "secret-unreadable": {
    title: "The key does not open",
    next: "The passphrase does not fit the key file. Ask whoever keeps it.",
  },
};

export type Explained = Sentence & {
  readonly status: number;
  readonly code: string;
  /** More about this very case, from the room that refused. */
  readonly detail: string | null;
  /** A fault of the program, for its log. */
  readonly isFault: boolean;
};

// Rooms whose messages are sentences for people and repeat nothing secret.
const SPEAKING = new Set([
  "AdminRefusal",
  "CharterError",
  "DeskError",
  "EncodingError",
  "EvidenceError",
  "GateError",
  "LogError",
  "PartyError",
  "WireError",
]);

/** A page's worth about whatever was thrown. */
export function explain(error: unknown, own: Readonly<Record<string, Sentence>> = {}): Explained {
  if (error instanceof DeskError) {
    const { code, message } = error;
    return { ...SHELL[code], status: STATUS[code], code, detail: message, isFault: false };
  }
  if (error instanceof Error && SPEAKING.has(error.name)) {
    const code = codeOf(error, own);
    const { title, next } = own[code] ??
      ROOMS[code] ?? { title: "That was refused", next: "Nothing was done. The reason is above." };
    return { title, next, status: 409, code, detail: detailOf(error), isFault: false };
  }
  const code = error instanceof Error ? codeOf(error, own) : "internal";
  const known = own[code] ?? ROOMS[code];
  if (known !== undefined) return { ...known, status: 503, code, detail: null, isFault: false };
  return {
    title: "Something went wrong here",
    next: "It was written to the program's log. Try again; if it stays so, ask whoever runs this desk.",
    status: 500,
    code: "internal",
    detail: null,
    isFault: true,
  };
}

/** A rule of the gate says its reason in a sentence (WAR, GATE); elsewhere the message is one. */
function detailOf(error: Error): string {
  const { refusal } = error as { readonly refusal?: unknown };
  if (typeof refusal !== "object" || refusal === null || !("reason" in refusal)) return error.message;
  return typeof refusal.reason === "string" ? refusal.reason : error.message;
}

/** A refusal of another program says more than that it was a refusal; its narrower reason, where there are words for it, more. */
function codeOf(error: Error, own: Readonly<Record<string, Sentence>>): string {
  const { refusal, code, reason } = error as {
    readonly refusal?: unknown;
    readonly code?: unknown;
    readonly reason?: unknown;
  };
  if (typeof reason === "string" && (own[reason] ?? ROOMS[reason]) !== undefined) return reason;
  return typeof refusal === "string" ? refusal : typeof code === "string" ? code : "internal";
}
