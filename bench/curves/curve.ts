/** One thing measured over a range of sizes: CPU time where that was measurable, bytes where they were. */
export type Series = {
  readonly what: string;
  readonly unit: "CPU ms" | "bytes";
  readonly points: readonly (readonly [x: number, y: number])[];
};

/** What one picture and one table show. */
export type Curve = {
  readonly title: string;
  /** What x counts. */
  readonly x: string;
  readonly series: readonly Series[];
};

/** Least-squares slope of log y over log x: 1 is linear, 0 does not grow. */
export function exponent(points: Series["points"]): number {
  const logs = points.map(([x, y]) => [Math.log(x), Math.log(Math.max(y, Number.MIN_VALUE))] as const);
  const mean = (of: 0 | 1): number => logs.reduce((sum, point) => sum + point[of], 0) / logs.length;
  const [x, y] = [mean(0), mean(1)];
  const above = logs.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0);
  return above / logs.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
}

/** CPU milliseconds of this process, kernel time included: neighbours on the machine add little to it. */
export async function cpu(run: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** The least of some runs: a neighbour makes some slower, none faster. */
export async function leastCpu(turns: number, run: () => unknown): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let turn = 0; turn < turns; turn++) least = Math.min(least, await cpu(run));
  return least;
}
