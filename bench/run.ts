// `npm run bench [-- NAME …]`: every figure beside the raw operation that bounds it, in the same run.
// Machines are noisy: read the ratios, not the absolute times.
import { readdirSync } from "node:fs";

/** One measured figure. `ratio` says what it was compared with in the same run. */
export type Row = {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly ratio?: string;
};

const wanted = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const json = process.argv.includes("--json");
const suites = readdirSync(new URL("./", import.meta.url))
  .filter((file) => file.endsWith(".ts") && file !== "run.ts")
  .map((file) => file.replace(/\.ts$/, ""))
  .filter((name) => wanted.length === 0 || wanted.includes(name));
const results: Record<string, readonly Row[]> = {};
for (const suite of suites) {
  const { name, run } = (await import(`./${suite}.ts`)) as {
    name: string;
    run: () => Promise<readonly Row[]>;
  };
  console.error(`${name} …`);
  const rows = await run();
  results[suite] = rows;
  if (json) continue;
  console.log(`\n${name}`);
  const width = Math.max(...rows.map((row) => row.what.length));
  for (const { what, value, unit, ratio } of rows) {
    const figure = value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
    console.log(
      `  ${what.padEnd(width)}  ${figure.padStart(10)} ${unit}${ratio === undefined ? "" : `   ${ratio}`}`,
    );
  }
}
if (json) console.log(JSON.stringify(results));
