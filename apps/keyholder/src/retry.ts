import type { Logger } from "@porchlight/runtime";
import { WireError } from "@porchlight/wire";
import { pause } from "./log-memory.ts";

const LONGEST_MILLISECONDS = 5000;

/** Repeats an idempotent request until the server answers. Rejects for a refusal, and when the program ends. */
export async function persist<T>(
  what: string,
  request: () => Promise<T>,
  { log, signal }: { readonly log: Logger; readonly signal: AbortSignal },
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    signal.throwIfAborted();
    try {
      return await request();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof WireError && error.retryable)) throw error;
      if (attempt === 0) log.failure("server-unavailable", error, { what });
      await pause(Math.min(200 * 2 ** attempt, LONGEST_MILLISECONDS), signal);
    }
  }
}
