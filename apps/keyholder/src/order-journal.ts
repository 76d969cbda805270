import { join } from "node:path";
import { Journal, type SecretStore } from "@porchlight/durable";
import type { Logger } from "@porchlight/runtime";
import { KeyholderError } from "./error.ts";
import type { Hooks } from "./hooks.ts";
import { changeOf, emptyBook, type KeptOrder, type OrderBook, type OrderEvent, write } from "./order-book.ts";
import { formatOrderEvent, parseOrderEvent } from "./order-event.ts";

export type Transact = (decide: (book: OrderBook) => OrderEvent | null) => Promise<boolean>;

/** An order of the book. Throws KeyholderError "order-unknown". */
export function orderOf(book: OrderBook, id: string): KeptOrder {
  const order = book.orders.get(id);
  if (order === undefined) throw new KeyholderError("order-unknown", "no such order was handed in here");
  return order;
}

/** The order book on the disk: `orders.journal`, every record sealed. */
export class OrderJournal {
  readonly #journal: Journal;
  readonly #secrets: SecretStore;
  readonly #log: Logger;
  readonly #hooks: Hooks;
  readonly #book = emptyBook();
  #lane: Promise<unknown> = Promise.resolve();

  private constructor(journal: Journal, secrets: SecretStore, log: Logger, hooks: Hooks) {
    this.#journal = journal;
    this.#secrets = secrets;
    this.#log = log;
    this.#hooks = hooks;
  }

  /** Replays what is there. Throws DurableError, EncodingError or ImpossibleEvent where it is damaged. */
  static async open(
    directory: string,
    { secrets, log, hooks }: { readonly secrets: SecretStore; readonly log: Logger; readonly hooks: Hooks },
  ): Promise<OrderJournal> {
    const journal = new OrderJournal(
      await Journal.open(join(directory, "orders.journal")),
      secrets,
      log,
      hooks,
    );
    for await (const sealed of journal.#journal) {
      write(journal.#book, changeOf(journal.#book, parseOrderEvent(await secrets.unseal(sealed))));
    }
    return journal;
  }

  get book(): OrderBook {
    return this.#book;
  }

  /**
   * Decides on the book as it is, journals, and only then changes it: one at a time. Rejects with what `decide` throws;
   * where it returns null nothing happens. Resolves with whether anything did.
   */
  transact(decide: (book: OrderBook) => OrderEvent | null): Promise<boolean> {
    const result = this.#lane.then(async () => {
      const event = decide(this.#book);
      if (event === null) return false;
      const change = changeOf(this.#book, event);
      await this.#journal.append(await this.#secrets.seal(formatOrderEvent(event)));
      write(this.#book, change);
      this.#log.event("order", { step: event.kind });
      this.#hooks.at(`order-${event.kind}`);
      return true;
    });
    this.#lane = result.catch(() => {});
    return result;
  }

  async close(): Promise<void> {
    await this.#lane;
    await this.#journal.close();
  }
}
