import { join } from "node:path";
import type { Charter } from "@porchlight/charter";
import type { CharterId, UnixSeconds } from "@porchlight/encoding";
import { unixSeconds } from "@porchlight/encoding";
import { Service } from "@porchlight/parties";
import { DeskError } from "./shell/error.ts";

/** Milliseconds for which what was read of the log is new enough for a page. */
const FRESH = 1500;

type Party = {
  readonly directory: string;
  readonly url: string | null;
  readonly charter: CharterId | null;
};

/** A party's way to the service: opened when it is first needed, so that the desk can start while the service is away. */
export class ServiceDoor {
  readonly #party: Party;
  #opening: Promise<Service> | null = null;
  #service: Service | null = null;
  #read = -Infinity;

  constructor(party: Party) {
    this.#party = party;
  }

  /** With what is new in its log. Throws WireError, LogError, CharterError, PartyError. */
  async open(): Promise<Service> {
    if (this.#service === null) {
      const { directory, url, charter } = this.#party;
      if (url === null)
        throw new DeskError(
          "config-invalid",
          "the service's address is not known: start the desk with --url",
        );
      this.#opening ??= Service.open({ url, directory: join(directory, "log"), charter });
      try {
        this.#service = await this.#opening;
      } finally {
        this.#opening = null;
      }
      this.#read = performance.now();
    } else if (performance.now() - this.#read > FRESH) {
      await this.#service.update();
      this.#read = performance.now();
    }
    return this.#service;
  }

  /** As it was when it was last read; `null` before that. */
  get known(): Service | null {
    return this.#service;
  }

  get charter(): Charter | null {
    return this.#service?.charter ?? null;
  }

  now(): UnixSeconds {
    return this.#service?.now() ?? unixSeconds(Math.floor(Date.now() / 1000));
  }
}
