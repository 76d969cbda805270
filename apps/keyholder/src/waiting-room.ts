import type { Commitment } from "@porchlight/encoding";
import type { VerifiedOrder } from "@porchlight/gate";
import { KeyholderError } from "./error.ts";
import type { ReceivedOrder, Refused } from "./order-book.ts";

/** An order that verified, and whose place in the log no checkpoint covers that was witnessed yet. */
export type Waiting = {
  readonly id: string;
  readonly received: ReceivedOrder;
  readonly order: VerifiedOrder;
  readonly commitment: Commitment;
  /** When patience is over, in milliseconds of `performance.now()`. */
  readonly until: number;
};

/** Each of at most a request's size, 1 MiB. */
const SEATS = 64;
const SEATS_PER_WARRANT = 4;
const REFUSALS = 1000;

/**
 * KEY-23: where orders wait for their place in the log. In memory alone and bounded: one who holds a warrant can make any
 * number of openings for it, and only the log says which of them are orders.
 */
export class WaitingRoom {
  readonly #seats = new Map<string, Waiting>();
  /** Of orders that the log did not have, for who asks how they stand; the oldest go first. */
  readonly #refusals = new Map<string, Refused>();

  get waiting(): readonly Waiting[] {
    return [...this.#seats.values()];
  }

  get(id: string): Waiting | undefined {
    return this.#seats.get(id);
  }

  refusal(id: string): Refused | undefined {
    return this.#refusals.get(id);
  }

  /** Throws KeyholderError "busy" where there is no seat, or none for this warrant. */
  add(waiting: Waiting): void {
    const { warrant } = waiting.received;
    const same = this.waiting.filter(({ received }) => received.warrant === warrant).length;
    if (this.#seats.size >= SEATS || same >= SEATS_PER_WARRANT) {
      throw new KeyholderError(
        "busy",
        "too many orders wait for their place in the log: hand it in when the log shows it",
      );
    }
    this.#refusals.delete(waiting.id);
    this.#seats.set(waiting.id, waiting);
  }

  leave(id: string): void {
    this.#seats.delete(id);
    this.#refusals.delete(id);
  }

  refuse(id: string, refused: Refused): void {
    this.leave(id);
    this.#refusals.set(id, refused);
    for (const oldest of this.#refusals.keys()) {
      if (this.#refusals.size <= REFUSALS) break;
      this.#refusals.delete(oldest);
    }
  }
}
