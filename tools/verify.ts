// Everything that is checked without running the programs. Exported so that `npm test` counts the same checks.
import { fileURLToPath } from "node:url";
import { step } from "./step.ts";

/** The longest first: each lane takes the next as it comes free. */
const CHECKS: readonly [name: string, script: string, args: readonly string[]][] = [
  ["vectors have not drifted", "vectors/make.ts", ["--check"]],
  ["types: everything", "node_modules/typescript-7/bin/tsc", ["-p", "tsconfig.json"]],
  ["types: floor 0 without Node or DOM", "node_modules/typescript-7/bin/tsc", ["-p", "tsconfig.pure.json"]],
  ["types: the web app", "node_modules/typescript-7/bin/tsc", ["-p", "tsconfig.web.json"]],
  ["format", "node_modules/@biomejs/biome/bin/biome", ["ci", "--linter-enabled=false", "."]],
  ["lint", "node_modules/oxlint/bin/oxlint", ["--type-aware", "--deny-warnings", "--quiet"]],
  [
    "imports point downwards",
    "node_modules/dependency-cruiser/bin/dependency-cruiser.mjs",
    ["--output-type", "err", "packages", "apps"],
  ],
  ["no unused code", "node_modules/knip/bin/knip.js", ["--no-progress"]],
  ["each rule has one ID, and who names one names a rule", "tools/rule-ids.ts", []],
];

/** Runs all checks, so many at a time; the number that passed and failed. */
export async function verify(lanes: number): Promise<{ passed: number; failed: number }> {
  const results: boolean[] = [];
  const left = CHECKS.values();
  const lane = async (): Promise<void> => {
    for (const [name, script, args] of left) results.push(await step({ name, script, args, together: true }));
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return { passed: results.filter(Boolean).length, failed: results.filter((ok) => !ok).length };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { passed, failed } = await verify(2);
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}
