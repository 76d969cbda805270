import { WireError } from "@porchlight/wire";

/** Seconds for which one device of a pairing waits for the other, whatever comes in between. */
const PATIENCE = 600;
/** Milliseconds before a request that did not get through is made again. */
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 15_000;
/** Seconds after which a request that waits for nothing is given up. */
const TIME_LIMIT = 30;

/** How long it was silent. A connection that breaks off is silence too: it ends nothing before its time. */
export class Patience {
  readonly #signal: AbortSignal | undefined;
  #silent = 0;
  #pause = FIRST_PAUSE;

  /** `signal`: somebody is not patient any more, and the next failure is the last. */
  constructor(signal?: AbortSignal) {
    this.#signal = signal;
  }

  get isOver(): boolean {
    return this.#silent >= PATIENCE;
  }

  /** So many seconds went by, and nothing came. */
  waited(seconds: number): void {
    this.#silent += seconds;
    this.#pause = FIRST_PAUSE;
  }

  heard(): void {
    this.#silent = 0;
    this.#pause = FIRST_PAUSE;
  }

  /** Resolves when the same may be tried again; `wait`: its seconds. Throws what does not pass by itself. */
  async bear(error: unknown, wait = 0): Promise<void> {
    if (!(error instanceof WireError) || !error.retryable) throw error;
    if (this.#signal?.aborted === true || this.isOver) throw error;
    this.#silent += this.#pause / 1000 + (error.code === "timed-out" ? TIME_LIMIT + wait : 0);
    await passed(this.#pause, this.#signal);
    this.#pause = Math.min(LONGEST_PAUSE, 2 * this.#pause);
  }

  /** What may be done twice, until it is done. */
  async through<T>(act: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        const result = await act();
        this.heard();
        return result;
      } catch (error) {
        await this.bear(error);
      }
    }
  }
}

function passed(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal?.addEventListener("abort", done);
  });
}
