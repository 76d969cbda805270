// `npm run curves [-- NAME …]`: measures, draws docs/figures/NAME.svg and writes the tables into docs/performance.md.
import { readFileSync, writeFileSync } from "node:fs";
import { type Curve, exponent } from "./curve.ts";
import { picture } from "./picture.ts";

const NAMES = ["days", "members", "log", "labels"] as const;
const PAGE = new URL("../../docs/performance.md", import.meta.url);
const wanted = process.argv.slice(2);

for (const name of NAMES) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  console.error(`${name} …`);
  const { run } = (await import(`./${name}.ts`)) as { run: () => Promise<Curve> };
  const curve = await run();
  writeFileSync(new URL(`../../docs/figures/${name}.svg`, import.meta.url), picture(curve));
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const page = readFileSync(PAGE, "utf8");
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/performance.md has no place for ${name}`);
  const text = `${page.slice(0, from)}${begin}\n\n${table(curve)}\n${page.slice(to)}`;
  writeFileSync(PAGE, text);
  console.log(table(curve));
}

function table({ x, series }: Curve): string {
  const xs = [...new Set(series.flatMap(({ points }) => points.map(([at]) => at)))].sort((a, b) => a - b);
  const rows = series.map(({ what, unit, points }) => {
    const at = new Map(points);
    const cells = xs.map((one) => (at.has(one) ? figure(at.get(one) as number) : ""));
    return `| ${what}, ${unit} | ${cells.join(" | ")} | ${exponent(points).toFixed(2)} |`;
  });
  return `${[
    `| ${x} | ${xs.map((one) => one.toLocaleString("en")).join(" | ")} | exponent |`,
    `|---|${xs.map(() => "---:|").join("")}---:|`,
    ...rows,
  ].join("\n")}\n`;
}

function figure(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(2);
}
