import { DurableError } from "@porchlight/durable";
import {
  type Agency,
  type LineNames,
  LineRecords,
  lineOf,
  type OpenSending,
  PartyError,
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
      this.#line = { names, to, records, sendings: new Sendings(this.#agency, to, this.#line?.sendings) };
    }
    return this.#line;
  }

  /** What is not sent to its end, by the application's name. */
  async openSendings(): Promise<readonly OpenSending[]> {
    try {
      return (await (await this.open())?.sendings.open()) ?? [];
    } catch (error) {
      // Names or key of the line are damaged: the page of the line says so, and a list shows the rest.
      if (error instanceof PartyError || error instanceof DurableError) return [];
      throw error;
    }
  }

  /** Throws DeskError "not-now". */
  async need(): Promise<Line> {
    const line = await this.open();
    if (line === null) throw new DeskError("not-now", "say first how you and the provider call each other");
    return line;
  }
}
