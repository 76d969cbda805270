import { join } from "node:path";
import type { Charter } from "@porchlight/charter";
import type { CharterId, UnixSeconds } from "@porchlight/encoding";
import { unixSeconds } from "@porchlight/encoding";
import { Service } from "@porchlight/parties";
import type { Desk, DeskContext } from "./shell/desk.ts";
import { DeskError } from "./shell/error.ts";

/** Milliseconds for which what was read of the log is new enough for a page. */
const FRESH = 1500;

/** What a party's own directory says of its service. */
type Party = { readonly url: string | null; readonly charter: CharterId | null };

/** A party's way to the service: opened when it is first needed, so that the desk can start while the service is away. */
export class ServiceDoor {
  readonly #party: DeskContext;
  #opening: Promise<Service> | null = null;
  #service: Service | null = null;
  #read = -Infinity;

  constructor(context: DeskContext, party: Party) {
    const { directory, url, charter } = context;
    this.#party = { directory, url: url ?? party.url, charter: charter ?? party.charter };
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

/** The desk of a party that works over a service: its charter's kind decides words and looks of every page. */
export async function deskAt(
  door: ServiceDoor,
  about: Omit<Desk, "heading" | "kind" | "isReplay" | "now"> & {
    readonly heading: Readonly<Record<Desk["kind"], string>>;
  },
): Promise<Desk> {
  // Where the service is away, the next visit finds out.
  await door.open().catch(() => {});
  const kind = (): Desk["kind"] => door.charter?.kind ?? "court";
  return {
    ...about,
    get heading() {
      return about.heading[kind()];
    },
    get kind() {
      return kind();
    },
    get isReplay() {
      return door.charter?.clock === "replay";
    },
    now: () => door.now(),
  };
}
