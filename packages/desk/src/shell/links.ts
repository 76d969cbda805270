import { createHash, randomBytes } from "node:crypto";
import { base64url } from "@porchlight/encoding";
import { equalText, type Stopwatch } from "./sessions.ts";

/** Seconds for which a link is good. */
const LIFETIME = 3600;

/** One-time links with which somebody makes a passkey here (DESK-2), by their hash. In memory: a restart makes them worthless. */
export class Links {
  readonly #now: Stopwatch;
  #open: { readonly hash: string; readonly lapses: number }[] = [];

  constructor(now: Stopwatch) {
    this.#now = now;
  }

  /** The link's secret, which travels in the address' fragment. */
  make(): string {
    const secret = base64url(randomBytes(32));
    this.accept(hashOf(secret));
    return secret;
  }

  /** Takes a link that whoever started this program made: the SHA-256 of its secret, 64 hex digits. */
  accept(hash: string): void {
    this.#open.push({ hash, lapses: this.#now() + LIFETIME });
  }

  isOpen(secret: string): boolean {
    this.#open = this.#open.filter(({ lapses }) => lapses >= this.#now());
    return this.#open.some(({ hash }) => equalText(hash, hashOf(secret)));
  }

  /** Whether it was good. It is not any more. */
  take(secret: string): boolean {
    const was = this.isOpen(secret);
    this.#open = this.#open.filter((one) => !equalText(one.hash, hashOf(secret)));
    return was;
  }
}

function hashOf(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}
