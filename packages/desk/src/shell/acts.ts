import { createHash, randomBytes } from "node:crypto";
import { base64url, type Json, utf8 } from "@porchlight/encoding";
import type { Act, Person, Proposal } from "./desk.ts";
import { DeskError } from "./error.ts";
import type { Session, Stopwatch } from "./sessions.ts";

/** Seconds within which what was shown has to be confirmed. */
const LIFETIME = 300;
const MAX_PENDING = 500;
const DOMAIN = "porchlight-v1/desk-act\0";
/** Characters of an act's name, a party and a credential id. */
const LONGEST_FRAME = 8000;
/** Characters of a statement: what the journal keeps and reads (DESK-16). */
export const MAX_STATEMENT = 2 ** 21;

/** An act that was shown and waits for a passkey. */
export type PendingAct = {
  readonly id: string;
  readonly act: Act<Json>;
  readonly proposal: Proposal<Json>;
  /** Route parameters of the form that it came from. */
  readonly params: Readonly<Record<string, string>>;
  readonly session: string;
  /** What is shown and done, exact text (DESK-6). */
  readonly statement: string;
  readonly nonce: Uint8Array;
  readonly lapses: number;
};

/**
 * DESK-6: what a passkey confirms: act, party, person, every row that was shown, and what will be done. Throws TypeError
 * where a row is no text: what is no text cannot have been read.
 */
function statementOf(
  act: string,
  party: string,
  person: Person,
  { title, shown, payload }: Pick<Proposal<Json>, "title" | "shown" | "payload">,
): string {
  const rows = shown.map(({ term, text }) => [term, text]);
  if (![title, ...rows.flat()].every((text: unknown) => typeof text === "string")) {
    throw new TypeError("an act shows text alone");
  }
  return JSON.stringify({ version: 1, act, party, person: person.id, title, shown: rows, payload });
}

/** Whether one confirmation can hold it, whoever is there to confirm it. */
export function fitsStatement(proposal: Proposal<Json>): boolean {
  const { title, shown, payload } = proposal;
  const length = statementOf("", "", { id: "", name: "" }, { title, shown, payload }).length;
  return length + LONGEST_FRAME <= MAX_STATEMENT;
}

/** SHA-256 of domain, nonce and SHA-256 of the statement (DESK-6). base64url, as the browser returns it. */
export function challengeOfAct(nonce: Uint8Array, statement: string): string {
  const inner = createHash("sha256").update(utf8(statement)).digest();
  return createHash("sha256").update(DOMAIN).update(nonce).update(inner).digest("base64url");
}

/** Each for one confirmation, in the session in which it was shown. */
export class PendingActs {
  readonly #now: Stopwatch;
  readonly #party: string;
  readonly #pending = new Map<string, PendingAct>();

  constructor(party: string, now: Stopwatch) {
    this.#party = party;
    this.#now = now;
  }

  /** Throws DeskError "act-too-large". */
  propose(
    session: Session,
    act: Act<Json>,
    proposal: Proposal<Json>,
    params: Readonly<Record<string, string>>,
  ): PendingAct {
    for (const [id, { lapses }] of this.#pending) {
      if (lapses >= this.#now() && this.#pending.size < MAX_PENDING) break;
      this.#pending.delete(id);
    }
    const statement = statementOf(act.name, this.#party, session.person, proposal);
    if (statement.length > MAX_STATEMENT)
      throw new DeskError("act-too-large", "what was to be confirmed is more than one confirmation can hold");
    const pending: PendingAct = {
      id: base64url(randomBytes(16)),
      act,
      proposal,
      params,
      session: session.id,
      statement,
      nonce: new Uint8Array(randomBytes(32)),
      lapses: this.#now() + LIFETIME,
    };
    this.#pending.set(pending.id, pending);
    return pending;
  }

  /** It is not pending any more, whatever comes of it. `null` for another session's, and for one that lapsed. */
  take(id: string, session: Session): PendingAct | null {
    const pending = this.#pending.get(id);
    if (pending === undefined || pending.session !== session.id) return null;
    this.#pending.delete(id);
    return pending.lapses >= this.#now() ? pending : null;
  }
}
