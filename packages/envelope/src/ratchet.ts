import type { CipherSuite } from "./cipher-suite.ts";
import { EnvelopeError } from "./error.ts";
import { expandWithLabel } from "./mls.ts";

/** ENV-54: how many generations may lie between the highest one used and a message's. Recipients use the same bound. */
export const MAX_SKIPPED_GENERATIONS = 1000;
/** ENV-55: how many skipped generations stay usable; the oldest are dropped first. */
const MAX_KEPT_GENERATIONS = 65_536;

const HASH_LENGTH = 32;
const KEY_LENGTH = 16;
const NONCE_LENGTH = 12;

/**
 * One leaf's application ratchet, RFC 9420 §9.1, walked forward once: each generation costs one derivation however
 * the messages are ordered, and what a message costs at most is bounded by ENV-54.
 */
export class ApplicationRatchet {
  readonly #suite: CipherSuite;
  /** Secrets of generations that were reached and not used, ascending. */
  readonly #kept = new Map<number, Uint8Array>();
  readonly #used = new Set<number>();
  #secret: Uint8Array;
  #next = 0;
  #highestUsed = -1;

  constructor(suite: CipherSuite, root: Uint8Array) {
    this.#suite = suite;
    this.#secret = root;
  }

  /**
   * Key (16 bytes) and nonce (12 bytes, reuse guard not yet applied) of a generation, which stays unused: a message
   * that fails must not spend the generation of the genuine one. Throws "generation-used", "generation-too-far",
   * "generation-dropped".
   */
  peek(generation: number): { readonly key: Uint8Array; readonly nonce: Uint8Array } {
    if (this.#used.has(generation)) throw new EnvelopeError("generation-used", String(generation));
    if (generation - (this.#highestUsed + 1) > MAX_SKIPPED_GENERATIONS) {
      throw new EnvelopeError("generation-too-far", String(generation));
    }
    while (this.#next <= generation) this.#advance();
    const secret = this.#kept.get(generation);
    if (secret === undefined) throw new EnvelopeError("generation-dropped", String(generation));
    const context = uint32(generation);
    return {
      key: expandWithLabel(this.#suite, secret, "key", context, KEY_LENGTH),
      nonce: expandWithLabel(this.#suite, secret, "nonce", context, NONCE_LENGTH),
    };
  }

  isUsed(generation: number): boolean {
    return this.#used.has(generation);
  }

  /** Spends a generation for good. */
  use(generation: number): void {
    this.#kept.delete(generation);
    this.#used.add(generation);
    this.#highestUsed = Math.max(this.#highestUsed, generation);
  }

  #advance(): void {
    this.#kept.set(this.#next, this.#secret);
    this.#secret = expandWithLabel(this.#suite, this.#secret, "secret", uint32(this.#next), HASH_LENGTH);
    this.#next++;
    if (this.#kept.size > MAX_KEPT_GENERATIONS) {
      for (const oldest of this.#kept.keys()) {
        this.#kept.delete(oldest);
        break;
      }
    }
  }
}

function uint32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}
