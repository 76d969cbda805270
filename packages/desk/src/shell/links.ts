import { randomBytes } from "node:crypto";
import { base64url } from "@porchlight/encoding";
import { equalText, type Stopwatch } from "./sessions.ts";

/** Seconds for which a link is good. */
const LIFETIME = 3600;

/** One-time links with which somebody makes a passkey here (DESK-2). In memory: a restart makes them worthless. */
export class Links {
  readonly #now: Stopwatch;
  #open: { readonly secret: string; readonly lapses: number }[] = [];

  constructor(now: Stopwatch) {
    this.#now = now;
  }

  /** The link's secret, which travels in the address' fragment. */
  make(): string {
    const secret = base64url(randomBytes(32));
    this.#open.push({ secret, lapses: this.#now() + LIFETIME });
    return secret;
  }

  isOpen(secret: string): boolean {
    this.#open = this.#open.filter(({ lapses }) => lapses >= this.#now());
    return this.#open.some((one) => equalText(one.secret, secret));
  }

  /** Whether it was good. It is not any more. */
  take(secret: string): boolean {
    const was = this.isOpen(secret);
    this.#open = this.#open.filter((one) => !equalText(one.secret, secret));
    return was;
  }
}
