import { STATISTICS_THRESHOLD } from "./log-entry.ts";

/**
 * ENT-11: what is told of counts. Few are not told, and neither is none. The log gives away how many orders there were in
 * all, and so what the cells that are not told come to: where that is itself few, or a single cell's, the smallest of the
 * others are not told either.
 */
export function toldCells(counts: readonly number[]): (number | null)[] {
  let told: (number | null)[] = counts.map((count) => (count < STATISTICS_THRESHOLD ? null : count));
  for (;;) {
    const untold = counts.filter((_, i) => told[i] === null);
    const rest = untold.reduce((sum, count) => sum + count, 0);
    const known = told.filter((cell) => cell !== null);
    const isHidden = untold.length === 0 || (untold.length > 1 && rest >= STATISTICS_THRESHOLD);
    if (isHidden || known.length === 0) return told;
    told = told.with(told.indexOf(Math.min(...known)), null);
  }
}
