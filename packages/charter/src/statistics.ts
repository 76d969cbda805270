import { STATISTICS_THRESHOLD } from "./log-entry.ts";

/**
 * ENT-11: what is told of counts. Few are not told, and neither is none. Where that leaves a single cell untold, which
 * the number of orders in the log would give away, the smallest of the others is not told either.
 */
export function toldCells(counts: readonly number[]): (number | null)[] {
  const told = counts.map((count) => (count < STATISTICS_THRESHOLD ? null : count));
  const known = told.filter((cell) => cell !== null);
  if (told.length - known.length !== 1 || known.length === 0) return told;
  const smallest = told.indexOf(Math.min(...known));
  return told.with(smallest, null);
}
