import { randomBytes } from "node:crypto";
import { base64url } from "@porchlight/encoding";

/** Real seconds within which a challenge has to be answered. */
const LIFETIME = 120;
const MAX_CHALLENGES = 100_000;

/**
 * Nonces that this process gave out, each for one answer to one `purpose`. A restart forgets them: the client asks again.
 */
export class Challenges {
  /** Nonce → purpose and when it lapses, in order of issue. */
  readonly #open = new Map<string, { readonly purpose: string; readonly lapses: number }>();

  issue(purpose: string): Uint8Array {
    const now = performance.now();
    for (const [nonce, { lapses }] of this.#open) {
      if (lapses > now && this.#open.size < MAX_CHALLENGES) break;
      this.#open.delete(nonce);
    }
    const nonce = new Uint8Array(randomBytes(32));
    this.#open.set(base64url(nonce), { purpose, lapses: now + LIFETIME * 1000 });
    return nonce;
  }

  /** Whether the nonce was open for this purpose. It is not any more, whatever the answer. */
  take(nonce: Uint8Array, purpose: string): boolean {
    const name = base64url(nonce);
    const found = this.#open.get(name);
    this.#open.delete(name);
    return found !== undefined && found.purpose === purpose && found.lapses >= performance.now();
  }
}
