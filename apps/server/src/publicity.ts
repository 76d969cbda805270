import { type Charter, formatEntry, signIntake, toldCells } from "@porchlight/charter";
import { type DayNumber, dayOf, dayStart, hex, type Period, periodOf } from "@porchlight/encoding";
import { noticeDue, publicKeyOfOrder, publicPartOf } from "@porchlight/gate";
import type { Clock, Logger } from "@porchlight/runtime";
import { isDatabaseOutage } from "./database.ts";
import type { Identity } from "./identity.ts";
import type { Log } from "./log.ts";
import type { OrderStore, StoredOrder } from "./order-store.ts";

/** How long a witnessed checkpoint of the new day is waited for before it is tried again. */
const WITNESS_SECONDS = 20;

/** Of the orders of a month. */
type Month = {
  /** By purpose, in the charter's order. */
  readonly counts: number[];
  /** Whether the secrecy of all of them is over, and what they were for is in the log. */
  readonly isOver: boolean;
};

/** Tells the public what it may know: of each order when its secrecy is over, and numbers of each month (DEL-57). */
export class Publicity {
  readonly #orders: OrderStore;
  readonly #log: Log;
  readonly #identity: Identity;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #lastDay: DayNumber | null = null;
  #running: Promise<void> | null = null;
  readonly #ending = new AbortController();

  constructor(parts: {
    readonly store: OrderStore;
    readonly log: Log;
    readonly identity: Identity;
    readonly clock: Clock;
    readonly logger: Logger;
  }) {
    this.#orders = parts.store;
    this.#log = parts.log;
    this.#identity = parts.identity;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
  }

  /** Once a UTC day, and again until it went well. */
  onTime(): void {
    const today = dayOf(this.#clock.now());
    if (this.#closed || this.#running !== null || this.#lastDay === today) return;
    this.#running = this.#run(today)
      .then((isDone) => {
        if (isDone) this.#lastDay = today;
      })
      .catch((error: unknown) => {
        if (!isDatabaseOutage(error)) this.#logger.failure("publicity-failed", error);
      })
      .finally(() => {
        this.#running = null;
      });
  }

  async close(): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }

  get #closed(): boolean {
    return this.#ending.signal.aborted;
  }

  /** Whether all that was due is said. */
  async #run(today: DayNumber): Promise<boolean> {
    // A clock that is ahead of the witnesses must not say early what is secret: nobody could take it back.
    const isWitnessed = await this.#log.waitFor(0, dayStart(today), WITNESS_SECONDS, this.#ending.signal);
    if (isWitnessed === null) return false;
    const logged = new Map<string, Month>();
    for await (const order of this.#orders.all()) {
      if (this.#closed) return false;
      await this.#disclose(order, today);
      this.#count(logged, order);
    }
    for (const charter of this.#log.catalogue.verifiedCharters) {
      await this.#tellMonths(charter, today, logged);
    }
    return true;
  }

  /** ENT-10: opens what an order's entry hides, once those whom it opens are told. */
  async #disclose(order: StoredOrder, today: DayNumber): Promise<void> {
    const { warrant, opening, commitment } = order;
    if (this.#log.catalogue.isDisclosed(commitment)) return;
    const input = await this.#orders.input(order, this.#clock.now());
    const due = input === null ? null : noticeDue(input);
    if (due === null || due.day > today) return;
    const entry = signIntake(
      {
        type: "disclosed",
        charter: warrant.charter.id,
        day: today,
        commitment,
        key: hex(publicKeyOfOrder(opening)),
        part: publicPartOf(warrant),
      },
      this.#identity.intake.seed,
    );
    await this.#log.append(formatEntry(entry));
  }

  #count(logged: Map<string, Month>, { warrant, index, commitment }: StoredOrder): void {
    const { charter, document } = warrant;
    const month = this.#monthAt(charter, index);
    if (month === null) return;
    const { legalBases, offenceCategories } = charter;
    const key = `${charter.id} ${month}`;
    const known = logged.get(key);
    const counts = known?.counts ?? legalBases.flatMap(() => offenceCategories.map(() => 0));
    const isOver = (known?.isOver ?? true) && this.#log.catalogue.isDisclosed(commitment);
    const cell =
      legalBases.indexOf(document.legalBasis) * offenceCategories.length +
      offenceCategories.indexOf(document.offenceCategory);
    counts[cell] = (counts[cell] ?? 0) + 1;
    logged.set(key, { counts, isOver });
  }

  #monthAt(charter: Charter, index: number): Period | null {
    const found = this.#log.catalogue
      .dated(charter.id, this.#log.store.size)
      .find((entry) => entry.index === index);
    return found !== undefined && "day" in found.entry ? periodOf(found.entry.day) : null;
  }

  /**
   * ENT-11: every month that is over since the charter's first dated entry, those without an order too. While an order of
   * a month is secret nothing is told of the month: as the others became public one by one, what is left of a cell would
   * say what the last of them is for.
   */
  async #tellMonths(charter: Charter, today: DayNumber, logged: ReadonlyMap<string, Month>): Promise<void> {
    const now = periodOf(today);
    const first = this.#log.catalogue
      .dated(charter.id, this.#log.store.size)
      .flatMap(({ entry }) => ("day" in entry ? [entry.day] : []))[0];
    if (first === undefined) return;
    for (let month = periodOf(first); month < now; month = monthAfter(month)) {
      if (this.#closed || this.#log.catalogue.hasStatistics(charter.id, month)) continue;
      const counted = logged.get(`${charter.id} ${month}`);
      if (counted?.isOver === false) continue;
      const none = charter.legalBases.flatMap(() => charter.offenceCategories.map(() => 0));
      const entry = signIntake(
        {
          type: "statistics",
          charter: charter.id,
          day: today,
          month,
          cells: toldCells(counted?.counts ?? none),
        },
        this.#identity.intake.seed,
      );
      await this.#log.append(formatEntry(entry));
    }
  }
}

function monthAfter(month: Period): Period {
  const [year = 0, number = 0] = month.split("-").map(Number);
  const [next, of] = number === 12 ? [1, year + 1] : [number + 1, year];
  return `${of}-${String(next).padStart(2, "0")}` as Period;
}
