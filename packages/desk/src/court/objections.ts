import { type DayNumber, dayOf, Fields, parseJson, utf8 } from "@porchlight/encoding";
import { type Court, type OrderFile, orderName, type Service, Shelf } from "@porchlight/parties";

/** How many persons object to an order: asked as long as somebody can, then once more, and kept (CONT-4, CONT-6). */
export class Objections {
  readonly #court: Court;
  readonly #kept: Shelf<number>;

  constructor(court: Court) {
    this.#court = court;
    this.#kept = new Shelf(court.directory, "objections", { read: readCount, format: formatCount });
  }

  /** `until`: the last day on which the provider takes one. `null` where it did not answer, or with something untrue. */
  async count(service: Service, order: OrderFile, until: DayNumber): Promise<number | null> {
    const name = await orderName(this.#court.directory, order);
    const known = await this.#kept.whole(name);
    if (known !== null) return known;
    // Of the witnessed time, as the provider counts: what it answers after that is its last word.
    const isOver = dayOf(service.checkpoint.time) > until;
    // Whatever is wrong with the answer: the order's own page says it.
    const contests = await this.#court.contests(service, order).catch(() => null);
    if (contests === null) return null;
    if (isOver) await this.#kept.keep(name, contests.length);
    return contests.length;
  }
}

function formatCount(count: number): Uint8Array {
  return utf8(`${JSON.stringify({ version: 1, count })}\n`);
}

function readCount(bytes: Uint8Array): number {
  const fields = new Fields(parseJson(bytes, "objections"), "objections");
  fields.literal("version", 1);
  const count = fields.integer("count");
  fields.end();
  return count;
}
