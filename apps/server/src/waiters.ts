import { type Hints, noHints } from "./hints.ts";

const TOPIC = "wake";
/** Names in one hint. */
const MAX_NAMES = 1000;

/**
 * Long polls that wait for something to happen under a name, in this process or, by a hint, in another one. Lossy: who
 * wakes looks again.
 */
export class Waiters {
  readonly #waiting = new Map<string, Set<() => void>>();
  readonly #watching = new Map<string, Set<() => void>>();
  readonly #hints: Hints;
  /** To be told to the other processes at the end of this turn. */
  #untold = new Set<string>();
  #closed = false;
  #any: (name: string) => void = () => {};

  constructor(hints: Hints = noHints()) {
    this.#hints = hints;
    hints.subscribe(TOPIC, (body) => {
      for (const name of body.split("\n")) this.wake(name);
    });
  }

  /** Something happened here: wakes who waits in this process, and tells the others. */
  notify(name: string): void {
    this.#any(name);
    this.#wakeWaiting(name);
    if (!this.#hints.shared) return;
    if (this.#untold.size === 0) setImmediate(() => this.#tell());
    this.#untold.add(name);
  }

  #tell(): void {
    const names = [...this.#untold];
    this.#untold = new Set();
    for (let at = 0; at < names.length; at += MAX_NAMES) {
      this.#hints.publish(TOPIC, names.slice(at, at + MAX_NAMES).join("\n"));
    }
  }

  /** Something may have happened elsewhere: wakes who waits or watches in this process. */
  wake(name: string): void {
    this.#any(name);
    this.#wakeWaiting(name);
    for (const listener of this.#watching.get(name) ?? []) listener();
  }

  #wakeWaiting(name: string): void {
    const set = this.#waiting.get(name);
    if (set === undefined) return;
    this.#waiting.delete(name);
    for (const wake of set) wake();
  }

  /**
   * Calls whenever something may have happened under the name in *another* process: what happens here, who watches is
   * told directly. Returns how to stop.
   */
  watch(name: string, listener: () => void): () => void {
    const set = this.#watching.get(name) ?? new Set();
    this.#watching.set(name, set);
    set.add(listener);
    return () => {
      set.delete(listener);
      if (set.size === 0 && this.#watching.get(name) === set) this.#watching.delete(name);
    };
  }

  /** Calls with every name, whether it happened here or may have happened elsewhere. One listener. */
  onAny(listener: (name: string) => void): void {
    this.#any = listener;
  }

  /** Names under which somebody waits or watches here. */
  get names(): readonly string[] {
    return [...new Set([...this.#waiting.keys(), ...this.#watching.keys()])];
  }

  /**
   * Calls `look` until it gives something other than `null`, once at first and then whenever the name is notified, for
   * at most `seconds` of real time. `null` when the time is over, the client is gone or the server stops.
   */
  async until<T>(
    name: string,
    seconds: number,
    signal: AbortSignal,
    look: () => Promise<T | null>,
  ): Promise<T | null> {
    const end = performance.now() + 1000 * seconds;
    for (;;) {
      // Registered before looking: what happens in between must not be missed.
      const woken = this.#next(name, signal, end);
      try {
        const found = await look();
        if (found !== null || performance.now() >= end || signal.aborted || this.#closed) return found;
        await woken.promise;
      } finally {
        woken.cancel();
      }
    }
  }

  #next(name: string, signal: AbortSignal, end: number): { promise: Promise<void>; cancel: () => void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    const set = this.#waiting.get(name) ?? new Set();
    this.#waiting.set(name, set);
    set.add(resolve);
    const timer = setTimeout(resolve, Math.max(0, end - performance.now()));
    const onAbort = (): void => resolve();
    signal.addEventListener("abort", onAbort);
    return {
      promise,
      cancel: () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
        set.delete(resolve);
        if (set.size === 0 && this.#waiting.get(name) === set) this.#waiting.delete(name);
      },
    };
  }

  /** Ends all waiting. */
  close(): void {
    this.#closed = true;
    for (const name of this.#waiting.keys()) this.wake(name);
  }
}
