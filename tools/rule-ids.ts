// Every rule of spec/ has an ID of its own, and whoever names one names one that is there.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const ROOMS = ["spec", "packages", "apps", "e2e", "vectors", "fuzz", "docs", "bench", "model"];
const SKIPPED = new Set(["node_modules", "dist", "build"]);

function* filesBelow(directory: string): Generator<string> {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory() && !SKIPPED.has(entry.name)) yield* filesBelow(path);
    else if (/\.(?:tsx?|md)$/.test(entry.name)) yield path;
  }
}

/** The rules of a heading: one, several with commas, or a range. */
function named(heading: string): string[] {
  const range = /^([A-Z]+[0-9]*)-([0-9]+) to \1-([0-9]+)$/.exec(heading);
  if (range === null) return heading.match(/[A-Z]+[0-9]*-[0-9]+/g) ?? [];
  const [, family, first, last] = range;
  return Array.from({ length: Number(last) - Number(first) + 1 }, (_, i) => `${family}-${Number(first) + i}`);
}

const problems: string[] = [];
const rules = new Set<string>();
for (const path of filesBelow(join(ROOT, "spec"))) {
  for (const [, heading = ""] of readFileSync(path, "utf8").matchAll(/\*\*([A-Z]+[0-9]*-[0-9][^*]*)\*\*/g)) {
    for (const id of named(heading)) {
      if (rules.has(id)) problems.push(`${id} is the ID of two rules`);
      rules.add(id);
    }
  }
}
const families = new Set([...rules].map((id) => id.slice(0, id.lastIndexOf("-"))));
for (const room of ROOMS) {
  for (const path of filesBelow(join(ROOT, room))) {
    for (const [id, family = ""] of readFileSync(path, "utf8").matchAll(/\b([A-Z]+[0-9]*)-[0-9]+\b/g)) {
      if (families.has(family) && !rules.has(id)) problems.push(`${path.slice(ROOT.length)}: no rule ${id}`);
    }
  }
}
for (const problem of new Set(problems)) console.error(problem);
console.log(`${rules.size} rules`);
process.exitCode = problems.length === 0 ? 0 : 1;
