import {
  type Agency,
  type LineNames,
  LineRecords,
  lineOf,
  readLineNames,
  Sendings,
} from "@porchlight/parties";
import { DeskError } from "../shell/error.ts";

export type Line = {
  readonly names: LineNames;
  readonly to: ReturnType<typeof lineOf>;
  readonly records: LineRecords;
  readonly sendings: Sendings;
};

/** An agency's way to its provider, for every room of its desk: what one asks another need not ask again. */
export class LineDoor {
  readonly #agency: Agency;
  #line: Line | null = null;

  constructor(agency: Agency) {
    this.#agency = agency;
  }

  /** `null` where the names or the key are missing: nothing can be asked. */
  async open(): Promise<Line | null> {
    const names = await readLineNames(this.#agency.directory);
    if (names === null || (await this.#agency.madeEndpointKey()) === null) return null;
    if (JSON.stringify(this.#line?.names) !== JSON.stringify(names)) {
      const to = lineOf(names, await this.#agency.endpointSeed());
      const records = new LineRecords(this.#agency, to);
      this.#line = { names, to, records, sendings: new Sendings(this.#agency, to) };
    }
    return this.#line;
  }

  /** Throws DeskError "not-now". */
  async need(): Promise<Line> {
    const line = await this.open();
    if (line === null) throw new DeskError("not-now", "say first how you and the provider call each other");
    return line;
  }
}
