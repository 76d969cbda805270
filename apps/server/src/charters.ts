import {
  type Charter,
  charterIdOfDocument,
  formatSignedDocument,
  parseSignedDocument,
  unverifiedPayload,
  verifyCharter,
} from "@porchlight/charter";
import { type CharterId, charterIdOf, idBytes, utf8 } from "@porchlight/encoding";
import type { CharterDates } from "./conversation-state.ts";
import { type Database, fromRow } from "./database.ts";
import type { LogCatalogue } from "./log-catalogue.ts";

/** The charters of the log, for whoever orders messages. */
export type Charters = {
  readonly dates: CharterDates;
  /** Resolves when {@link dates} knows those of these charters that the log holds. */
  know(charters: Iterable<CharterId | null>): Promise<void>;
};

/** In the process that keeps the log. */
export function chartersOfLog(catalogue: LogCatalogue): Charters {
  return { dates: (id) => catalogue.charter(id), know: () => Promise.resolve() };
}

/** In the others: from the rows that {@link storeCharters} wrote. A charter never changes, so that it is read once. */
export class StoredCharters implements Charters {
  readonly #database: Database;
  readonly #known = new Map<CharterId, Charter>();

  constructor(database: Database) {
    this.#database = database;
  }

  readonly dates: CharterDates = (id) => this.#known.get(id);

  async know(charters: Iterable<CharterId | null>): Promise<void> {
    const missing = [...charters].filter((id) => id !== null && !this.#known.has(id)) as CharterId[];
    if (missing.length === 0) return;
    const rows = await this.#database.query({
      text: "select charter, document from charters where charter = any($1::bytea[])",
      values: [missing.map((id) => Buffer.from(idBytes(id)))],
    });
    for (const row of rows) {
      const charter = await verifyCharter(parseSignedDocument(utf8(row["document"] as string)));
      if (charter.id !== charterIdOf(fromRow(row["charter"]))) throw new Error("charters.charter");
      this.#known.set(charter.id, charter);
    }
  }
}

/** Writes down the log's charters for the processes that do not keep it. Idempotent. */
export async function storeCharters(database: Database, catalogue: LogCatalogue): Promise<void> {
  for (const { document } of catalogue.charters) {
    const id = charterIdOfDocument(unverifiedPayload(document));
    await database.query({
      text: "insert into charters values ($1, $2) on conflict do nothing",
      values: [Buffer.from(idBytes(id)), Buffer.from(formatSignedDocument(document)).toString("utf8")],
    });
  }
}
