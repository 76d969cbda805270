import { createHash } from "node:crypto";
import type { Row } from "./database.ts";

/**
 * What sealed rows say. Each is opened and verified once, and anew only where a byte of it changed: what asks for all of them
 * would else pay for every one that ever came.
 */
export class OpenedRows<T> {
  readonly #open: (row: Row) => T | Promise<T>;
  #known: ReadonlyMap<string, T> = new Map();

  /** `open` reads nothing that can change but the row. */
  constructor(open: (row: Row) => T | Promise<T>) {
    this.#open = open;
  }

  /** All rows that there are now: what was known of others is forgotten. Throws what `open` throws. */
  async of(rows: readonly Row[]): Promise<T[]> {
    const known = this.#known;
    const found = new Map<string, T>();
    for (const row of rows) {
      const name = digestOf(row);
      found.set(name, known.get(name) ?? (await this.#open(row)));
    }
    this.#known = found;
    return [...found.values()];
  }
}

function digestOf(row: Row): string {
  const hash = createHash("sha256");
  for (const [column, value] of Object.entries(row)) {
    const bytes = value instanceof Uint8Array ? value : JSON.stringify(value);
    hash.update(`${column}:${bytes.length}:`).update(bytes);
  }
  return hash.digest("base64");
}
