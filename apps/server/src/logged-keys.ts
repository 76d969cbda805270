import { type Charter, type PeriodKeys, verifyKeys } from "@porchlight/charter";
import type { Period } from "@porchlight/encoding";
import type { Log } from "./log.ts";

/** The verified keys of each charter and period in this server's log: the first valid ones of a period stand (CER-13). */
export class LoggedKeys {
  readonly #log: Log;
  readonly #found = new Map<string, PeriodKeys>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** `null` where the log has none yet. */
  async of(charter: Charter, period: Period): Promise<PeriodKeys | null> {
    const name = `${charter.id} ${period}`;
    const known = this.#found.get(name);
    if (known !== undefined) return known;
    for (const { document } of this.#log.catalogue.keys(period)) {
      // The log holds only what was verified, but of every charter and generation.
      const keys = await verifyKeys(document, charter).catch(() => null);
      if (keys === null) continue;
      this.#found.set(name, keys);
      return keys;
    }
    return null;
  }

  /** Of every period that the log has keys of. */
  async all(charter: Charter): Promise<Map<Period, PeriodKeys>> {
    const found = new Map<Period, PeriodKeys>();
    for (const period of this.#log.catalogue.periods) {
      const keys = await this.of(charter, period);
      if (keys !== null) found.set(period, keys);
    }
    return found;
  }
}
