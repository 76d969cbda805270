import type { KeyholderIndex, UnixSeconds } from "@porchlight/encoding";
import type { KeyholderAnswer } from "@porchlight/parties";

/** Keyholders that do not answer, each with when this desk first asked it in vain. */
export type Silent = ReadonlyMap<KeyholderIndex, UnixSeconds>;

/** Since when keyholders have been silent, as far as this desk asked them since it was started. */
export class Silences {
  readonly #since = new Map<string, UnixSeconds>();

  /** Notes what they answered at `now`. Who answers is silent no longer. */
  note(answers: readonly KeyholderAnswer[], now: UnixSeconds): Silent {
    const silent = new Map<KeyholderIndex, UnixSeconds>();
    for (const { keyholder, answer } of answers) {
      if (answer.state !== "unreachable") {
        this.#since.delete(keyholder.url);
        continue;
      }
      const since = this.#since.get(keyholder.url) ?? now;
      this.#since.set(keyholder.url, since);
      silent.set(keyholder.index, since);
    }
    return silent;
  }
}
