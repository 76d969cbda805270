import type { Commitment, KeyholderIndex, UnixSeconds } from "@porchlight/encoding";
import type { KeyholderAnswer } from "@porchlight/parties";

/** Keyholders that do not answer about an order, each with when this desk first asked it about this order in vain. */
export type Silent = ReadonlyMap<KeyholderIndex, UnixSeconds>;

/** BUN-8: since when keyholders have been silent about orders, as far as this desk asked them since it was started. */
export class Silences {
  readonly #since = new Map<Commitment, ReadonlyMap<string, UnixSeconds>>();

  /** Notes what they answered at `now` about an order. Who answers about it is silent about it no longer. */
  note(order: Commitment, answers: readonly KeyholderAnswer[], now: UnixSeconds): Silent {
    const since = new Map(this.#since.get(order));
    const silent = new Map<KeyholderIndex, UnixSeconds>();
    for (const { keyholder, answer } of answers) {
      if (answer.state !== "unreachable") {
        since.delete(keyholder.url);
        continue;
      }
      const first = since.get(keyholder.url) ?? now;
      since.set(keyholder.url, first);
      silent.set(keyholder.index, first);
    }
    if (since.size === 0) this.#since.delete(order);
    else this.#since.set(order, since);
    return silent;
  }
}
