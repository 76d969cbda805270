import type { CountedEntry } from "@porchlight/monitor";

/**
 * Where in the log things are, by the number that stands in a letter: an order's commitment, or the id of a charter,
 * under which its successions are too (CHA-21).
 */
export class Catalogue {
  readonly #places = new Map<string, number[]>();

  take({ index, entry, charter }: CountedEntry): void {
    if (entry.type === "charter" || entry.type === "succession") this.#add(charter.id, index);
    else if ("commitment" in entry) this.#add(entry.commitment, index);
  }

  /** Indices of the entries with this number (64 hexadecimal digits), in the order of the log. */
  find(number: string): readonly number[] {
    return this.#places.get(number) ?? [];
  }

  #add(number: string, index: number): void {
    const places = this.#places.get(number);
    if (places === undefined) this.#places.set(number, [index]);
    else places.push(index);
  }
}
