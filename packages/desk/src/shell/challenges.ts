import { createHmac, randomBytes } from "node:crypto";
import { base64url, EncodingError, fromBase64url } from "@porchlight/encoding";
import { DeskError } from "./error.ts";
import { equalText, type Stopwatch } from "./sessions.ts";

/** Seconds for which a challenge of the sign-in is open (DESK-2). */
export const CHALLENGE_LIFETIME = 300;
const NONCE = 24;
const MAC = 32;

/**
 * Challenges before anybody is signed in: `nonce[24] lapses[8] mac[32]`, under a key of this process. Nothing is kept of
 * one that is asked for, so that whoever asks for a million neither fills the memory nor takes anybody else's away; of
 * one that was answered rightly it is kept that it was, until it lapses.
 */
export class Challenges {
  readonly #now: Stopwatch;
  readonly #key = randomBytes(32);
  /** Those that are answered, with when they lapse: in the order in which they were answered. */
  readonly #answered = new Map<string, number>();

  constructor(now: Stopwatch) {
    this.#now = now;
  }

  issue(purpose: string): string {
    const body = Buffer.alloc(NONCE + 8);
    randomBytes(NONCE).copy(body);
    body.writeDoubleBE(this.#now() + CHALLENGE_LIFETIME, NONCE);
    return base64url(Buffer.concat([body, this.#mac(body, purpose)]));
  }

  /** Checks an answer to it; one that holds is the only one. Throws DeskError "challenge-lapsed", and what `check` throws. */
  async answer<T>(challenge: string, purpose: string, check: () => Promise<T>): Promise<T> {
    const lapses = this.#lapseOf(challenge, purpose);
    const now = this.#now();
    for (const [one, end] of this.#answered) if (end < now) this.#answered.delete(one);
    if (lapses === null || lapses < now || this.#answered.has(challenge)) {
      throw new DeskError("challenge-lapsed", "what the passkey answered was not asked, or too long ago");
    }
    // Before the check, so that of two answers at once one counts.
    this.#answered.set(challenge, lapses);
    try {
      return await check();
    } catch (error) {
      this.#answered.delete(challenge);
      throw error;
    }
  }

  /** `null` for what was not issued here for this purpose. */
  #lapseOf(challenge: string, purpose: string): number | null {
    try {
      const bytes = Buffer.from(fromBase64url(challenge, NONCE + 8 + MAC));
      const body = bytes.subarray(0, NONCE + 8);
      const mac = bytes.subarray(NONCE + 8);
      if (!equalText(mac.toString("hex"), this.#mac(body, purpose).toString("hex"))) return null;
      return body.readDoubleBE(NONCE);
    } catch (error) {
      if (error instanceof EncodingError) return null;
      throw error;
    }
  }

  #mac(body: Uint8Array, purpose: string): Buffer {
    return createHmac("sha256", this.#key).update(body).update(purpose).digest();
  }
}
