import type { Curve, Series } from "./curve.ts";

const WIDTH = 860;
const PANEL = 400;
const PLOT = { left: 58, top: 44, width: 320, height: 230 };
const HEIGHT = 400;
/** Readable on white and on black, and told apart by their marks where colours are not. */
const COLOURS = ["#2a78c8", "#c8641e", "#2a9d5c", "#a050c8", "#c83c5a", "#808c1e"];
const MARKS = [
  "M-4-4h8v8h-8z",
  "M0-5L5 4h-10z",
  "M0-5L5 0 0 5-5 0z",
  "M-5 0h10M0-5v10",
  "M-4-4l8 8M4-4l-8 8",
];

/** One picture of a curve: times on the left, bytes on the right, both axes logarithmic. */
export function picture(curve: Curve): string {
  const panels = (["CPU ms", "bytes"] as const).map((unit, i) =>
    panel(
      curve,
      curve.series.filter((series) => series.unit === unit),
      unit,
      i * (PANEL + 20),
    ),
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(curve.title)}: time and bytes, both axes logarithmic">
<style>
  text { font: 12px system-ui, sans-serif; fill: #333; }
  .frame { stroke: #999; fill: none; }
  .grid { stroke: #8883; }
  @media (prefers-color-scheme: dark) { text { fill: #ddd; } .frame { stroke: #777; } }
</style>
${panels.join("\n")}
</svg>
`;
}

function panel(curve: Curve, series: readonly Series[], unit: string, offset: number): string {
  const points = series.flatMap((one) => one.points);
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => Math.max(y, 0.001))];
  const x = scale(Math.min(...xs), Math.max(...xs), PLOT.left, PLOT.left + PLOT.width);
  const y = scale(Math.min(...ys), Math.max(...ys), PLOT.top + PLOT.height, PLOT.top);
  const parts = [
    `<text x="${PLOT.left}" y="24">${escaped(curve.title)}: ${unit}</text>`,
    `<rect class="frame" x="${PLOT.left}" y="${PLOT.top}" width="${PLOT.width}" height="${PLOT.height}"/>`,
  ];
  for (const tick of x.ticks) {
    parts.push(line("grid", x.at(tick), PLOT.top, x.at(tick), PLOT.top + PLOT.height));
    parts.push(text(x.at(tick), PLOT.top + PLOT.height + 16, "middle", short(tick)));
  }
  for (const tick of y.ticks) {
    parts.push(line("grid", PLOT.left, y.at(tick), PLOT.left + PLOT.width, y.at(tick)));
    parts.push(text(PLOT.left - 6, y.at(tick) + 4, "end", short(tick)));
  }
  series.forEach((one, i) => {
    const colour = COLOURS[i % COLOURS.length];
    const mark = MARKS[i % MARKS.length];
    const at = one.points.map(([px, py]) => [x.at(px), y.at(Math.max(py, 0.001))] as const);
    const path = at.map(([px, py]) => `${px.toFixed(1)},${py.toFixed(1)}`).join(" ");
    parts.push(`<polyline fill="none" stroke="${colour}" stroke-width="2" points="${path}"/>`);
    for (const [px, py] of at) {
      parts.push(
        `<path d="${mark}" transform="translate(${px.toFixed(1)} ${py.toFixed(1)})" fill="${colour}" stroke="${colour}"/>`,
      );
    }
    const legend = PLOT.top + PLOT.height + 36 + 14 * i;
    parts.push(
      `<path d="${mark}" transform="translate(${PLOT.left + 6} ${legend - 4}) scale(.8)" fill="${colour}" stroke="${colour}"/>`,
    );
    parts.push(text(PLOT.left + 16, legend, "start", one.what));
  });
  parts.push(text(PLOT.left + PLOT.width, PLOT.top + PLOT.height + 36, "end", curve.x));
  return `<g transform="translate(${offset} 0)">${parts.join("\n")}</g>`;
}

function scale(
  least: number,
  most: number,
  from: number,
  to: number,
): { at: (value: number) => number; ticks: number[] } {
  const low = Math.floor(Math.log10(least) + 1e-9);
  const high = Math.max(low + 1, Math.ceil(Math.log10(most) - 1e-9));
  const at = (value: number): number => from + ((Math.log10(value) - low) / (high - low)) * (to - from);
  return { at, ticks: Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i)) };
}

function short(value: number): string {
  const units: [number, string][] = [
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ];
  const unit = units.find(([size]) => value >= size);
  return unit === undefined ? String(Number(value.toPrecision(1))) : `${value / unit[0]}${unit[1]}`;
}

function line(name: string, x1: number, y1: number, x2: number, y2: number): string {
  return `<line class="${name}" x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}"/>`;
}

function text(x: number, y: number, anchor: string, words: string): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${escaped(words)}</text>`;
}

function escaped(words: string): string {
  return words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
