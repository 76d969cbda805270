import { type Commitment, dayOf, EncodingError, type UnixSeconds } from "@porchlight/encoding";
import { KeyholderClient, WireError } from "@porchlight/wire";
import type { CharterBook } from "./charter-book.ts";
import type { PendingNotice } from "./notice-log.ts";

/** Seconds for which an order that the provider's fresh log shows as due may wait for its notice before anybody is asked. */
const GRACE = 600;
/** Seconds between two times that keyholders are asked about one order, while the provider's log is fresh and otherwise. */
const AGAIN = 6 * 3600;
const AGAIN_WITHOUT_PROVIDER = 600;
/** Seconds that a keyholder may take. */
const PATIENCE = 10;
/** Orders of one look. */
const ORDERS = 8;

/**
 * NOT-45: asks keyholders themselves for what the log does not show of notices. About every order that is due, whoever it
 * is about, so that no keyholder learns from the question which one the reader's is.
 */
export class KeyholderDoors {
  readonly #book: CharterBook;
  readonly #now: () => UnixSeconds;
  /** By commitment: since when it is known to be due, and when it was last asked about. */
  readonly #orders = new Map<Commitment, { readonly since: UnixSeconds; asked: UnixSeconds | null }>();

  constructor(book: CharterBook, now: () => UnixSeconds) {
    this.#book = book;
    this.#now = now;
  }

  /** Whether any share was given. `isProviderHere`: its log is fresh, so that a notice may be on its way by it. */
  async look(isProviderHere: boolean): Promise<boolean> {
    const now = this.#now();
    const due = this.#book.notices.due(dayOf(now));
    const again = isProviderHere ? AGAIN : AGAIN_WITHOUT_PROVIDER;
    const grace = isProviderHere ? GRACE : 0;
    for (const { commitment } of due) {
      if (!this.#orders.has(commitment)) this.#orders.set(commitment, { since: now, asked: null });
    }
    const turn = due.filter(({ commitment }) => {
      const { since, asked } = this.#orders.get(commitment) ?? { since: now, asked: null };
      return asked === null ? now - since >= grace : now - asked >= again;
    });
    return await this.#ask(turn.slice(0, ORDERS), now);
  }

  /** The same at once and about all of them, for who waits for the answer: a reader with a printed code. */
  async askAll(): Promise<boolean> {
    const now = this.#now();
    return await this.#ask(this.#book.notices.due(dayOf(now)), now);
  }

  async #ask(orders: readonly PendingNotice[], now: UnixSeconds): Promise<boolean> {
    const silent = new Set<string>();
    let isAnything = false;
    for (const { charter, commitment } of orders) {
      this.#orders.set(commitment, { since: this.#orders.get(commitment)?.since ?? now, asked: now });
      // All of them at once, and each order in its turn.
      await Promise.all(
        this.#book.present(charter).keyholders.map(async ({ url }) => {
          if (silent.has(url)) return;
          try {
            const keyholder = new KeyholderClient({ url, timeoutSeconds: PATIENCE });
            for (const share of await keyholder.noticeShares(commitment)) {
              this.#book.notices.offer(share);
              isAnything = true;
            }
          } catch (error) {
            if (!(error instanceof WireError || error instanceof EncodingError)) throw error;
            silent.add(url);
          }
        }),
      );
    }
    return isAnything;
  }
}
