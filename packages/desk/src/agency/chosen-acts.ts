import { createHash } from "node:crypto";

/** Original acts that were chosen and wait for the passkey are in memory: so many, and so many milliseconds. */
const MAX_CHOSEN = 4;
const CHOSEN_FOR = 6 * 60_000;

/** Kept once their act is confirmed, and forgotten where nobody confirms it. By SHA-256 in hexadecimal. */
export class ChosenActs {
  readonly #chosen = new Map<string, Uint8Array>();

  /** Its hash. */
  choose(bytes: Uint8Array): string {
    const hash = createHash("sha256").update(bytes).digest("hex");
    this.#chosen.delete(hash);
    this.#chosen.set(hash, bytes);
    const [oldest] = this.#chosen.keys();
    if (oldest !== undefined && this.#chosen.size > MAX_CHOSEN) this.#chosen.delete(oldest);
    setTimeout(() => {
      if (this.#chosen.get(hash) === bytes) this.#chosen.delete(hash);
    }, CHOSEN_FOR).unref();
    return hash;
  }

  find(hash: string): Uint8Array | null {
    return this.#chosen.get(hash) ?? null;
  }

  forget(hash: string): void {
    this.#chosen.delete(hash);
  }
}
