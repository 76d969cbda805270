import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { base64url } from "@porchlight/encoding";
import type { Person } from "./desk.ts";

/** Seconds after which a session that nobody uses ends, and after which any ends (DESK-3). */
const IDLE = 15 * 60;
const LONGEST = 8 * 3600;

export type Session = {
  /** SHA-256 of the cookie's value: the value itself is nowhere in this process. */
  readonly id: string;
  readonly person: Person;
  /** In every form of this session. */
  readonly token: string;
  readonly began: number;
  used: number;
  /** `at`: the path of the page that has shown it, `null` before. */
  said: { readonly text: string; readonly at: string | null } | null;
};

/** Seconds that only go forward. */
export type Stopwatch = () => number;

/** Who is signed in, in this process' memory: a restart signs everybody out. */
export class Sessions {
  readonly #now: Stopwatch;
  readonly #open = new Map<string, Session>();

  constructor(now: Stopwatch) {
    this.#now = now;
  }

  /** The new session's cookie value. */
  begin(person: Person): string {
    for (const [id, session] of this.#open) if (this.#isOver(session)) this.#open.delete(id);
    const value = base64url(randomBytes(32));
    const now = this.#now();
    const id = idOf(value);
    this.#open.set(id, { id, person, token: base64url(randomBytes(32)), began: now, used: now, said: null });
    return value;
  }

  /** `null` for one that is over or never was. `isUse`: somebody uses it, not a page by itself. */
  find(value: string, isUse: boolean): Session | null {
    const id = idOf(value);
    const session = this.#open.get(id);
    if (session === undefined) return null;
    if (this.#isOver(session)) {
      this.#open.delete(id);
      return null;
    }
    if (isUse) session.used = this.#now();
    return session;
  }

  end(session: Session): void {
    this.#open.delete(session.id);
  }

  /** Signs a person out everywhere. */
  endAllOf(person: Person): void {
    for (const [id, session] of this.#open) if (session.person.id === person.id) this.#open.delete(id);
  }

  #isOver({ began, used }: Session): boolean {
    const now = this.#now();
    return now - used > IDLE || now - began > LONGEST;
  }
}

function idOf(value: string): string {
  return createHash("sha256").update(value).digest("hex");
}

/** In constant time. */
export function equalText(a: string, b: string): boolean {
  const [first, second] = [a, b].map((text) => createHash("sha256").update(text).digest());
  return timingSafeEqual(first as Buffer, second as Buffer);
}
