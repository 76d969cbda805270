import {
  type EntryHandler,
  httpLogSource,
  LogError,
  type LogFollower,
  type LogSource,
  WireError,
} from "@porchlight/wire";

/** Where the newest of the log came from; of a mirror, what its provider did instead. */
export type LogPlace =
  | { readonly kind: "provider" }
  | { readonly kind: "mirror"; readonly url: string; readonly provider: "away" | "stale" | "refused" };

/** A copy of the log that somebody keeps. Nobody need trust it: what it gives is verified as the provider's own is. */
export type LogMirror = { readonly url: string; readonly source: LogSource };

const PROVIDER: LogPlace = { kind: "provider" };
/** Seconds that a mirror may take for one file. */
const PATIENCE = 10;

/** Mirrors over HTTP, by the prefixes of their copies; asked for anew each time that they are needed. */
export function httpMirrors(
  addresses: () => Promise<readonly string[]>,
): () => Promise<readonly LogMirror[]> {
  const known = new Map<string, LogMirror>();
  return async () =>
    (await addresses()).map((url) => {
      const mirror = known.get(url) ?? { url, source: httpLogSource({ url, timeoutSeconds: PATIENCE }) };
      known.set(url, mirror);
      return mirror;
    });
}

/** NOT-44: reads a log where its provider serves it, and where that is away or keeps it back, at its mirrors. */
export class LogReader {
  readonly #follower: LogFollower;
  readonly #mirrors: () => Promise<readonly LogMirror[]>;
  #place: LogPlace = PROVIDER;

  constructor(follower: LogFollower, mirrors: () => Promise<readonly LogMirror[]>) {
    this.#follower = follower;
    this.#mirrors = mirrors;
  }

  /** Where the last look that came to an end read. */
  get place(): LogPlace {
    return this.#place;
  }

  /**
   * Throws what the provider's log did (LogError), after the mirrors were read as well, or that it is away (WireError)
   * where no mirror answers either; a fork that a mirror shows is thrown too. "stale": none has a fresh checkpoint.
   */
  async update(handle: EntryHandler): Promise<"fresh" | "stale"> {
    let refusal: LogError | null = null;
    let outage: WireError | null = null;
    try {
      if ((await this.#follower.update(handle)).kind === "fresh") {
        this.#place = PROVIDER;
        return "fresh";
      }
    } catch (error) {
      if (error instanceof WireError) outage = error;
      else if (error instanceof LogError && error.code !== "state-corrupt") refusal = error;
      else throw error;
    }
    const provider = outage !== null ? "away" : refusal === null ? "stale" : "refused";
    let answered: LogMirror | null = null;
    for (const mirror of await this.#mirrors()) {
      const found = await this.#ask(mirror, handle);
      if (found instanceof LogError) refusal ??= found;
      else if (found !== "silent") answered ??= mirror;
      if (found !== "fresh") continue;
      this.#place = { kind: "mirror", url: mirror.url, provider };
      if (refusal !== null) throw refusal;
      return "fresh";
    }
    if (refusal !== null) throw refusal;
    if (outage !== null && answered === null) throw outage;
    this.#place =
      outage === null || answered === null ? PROVIDER : { kind: "mirror", url: answered.url, provider };
    return "stale";
  }

  /** "silent": it does not answer, or gives what is no copy of this log; no matter where another does. */
  async #ask({ source }: LogMirror, handle: EntryHandler): Promise<"fresh" | "stale" | "silent" | LogError> {
    try {
      return (await this.#follower.update(handle, source)).kind;
    } catch (error) {
      if (error instanceof WireError) return "silent";
      if (!(error instanceof LogError) || error.code === "state-corrupt") throw error;
      if (error.code === "fork") return error;
      // A copy may lag behind what was read before.
      return error.code === "rollback" ? "stale" : "silent";
    }
  }
}
