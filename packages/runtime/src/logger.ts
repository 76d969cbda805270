import { formatInstant } from "@porchlight/encoding";
import type { Clock } from "./clock.ts";

/** What a log line may say beside its event: numbers, flags and short words, never contents, names of people or keys. */
export type Facts = { readonly [name: string]: number | boolean | string };

export type Logger = {
  /** One JSON line: what happened. */
  event(event: string, facts?: Facts): void;
  /** One JSON line: what failed, by error name, code and place in the code; never the error's message. */
  failure(event: string, error: unknown, facts?: Facts): void;
};

// A key, id, address or sentence is longer than this or has other characters. Withholding here is the second line of
// defence: the first is not to pass such things.
const WORD = /^[A-Za-z0-9._:/-]{0,40}$/;

/** JSON lines `{"at", "program", "event", …}` to `write` (standard output by default). */
export function createLogger(
  program: string,
  clock: Clock,
  write: (line: string) => void = (line) => process.stdout.write(line),
): Logger {
  const line = (event: string, facts: Facts): void => {
    const safe = Object.entries(facts).map(([name, value]) => [
      name,
      typeof value === "string" && !WORD.test(value) ? "(withheld)" : value,
    ]);
    write(
      `${JSON.stringify({ at: formatInstant(clock.now()), program, event, ...Object.fromEntries(safe) })}\n`,
    );
  };
  return {
    event: (event, facts = {}) => line(event, facts),
    failure: (event, error, facts = {}) => line(event, { ...facts, ...errorFacts(error) }),
  };
}

function errorFacts(error: unknown): Facts {
  if (!(error instanceof Error)) return { error: "not an error" };
  const code = (error as { code?: unknown }).code;
  const place = /([\w.-]+\.(?:ts|js|mjs):[0-9]+):[0-9]+\)?$/m.exec(error.stack ?? "")?.[1];
  return {
    error: error.name,
    ...(typeof code === "string" ? { code } : {}),
    ...(place === undefined ? {} : { place }),
  };
}
