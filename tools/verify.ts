// Everything that is checked without running the programs. Exported so that `npm test` counts the same checks.
import { fileURLToPath } from "node:url";
import { step } from "./step.ts";

const CHECKS: readonly [name: string, script: string, args: readonly string[]][] = [
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
  ["vectors have not drifted", "vectors/make.ts", ["--check"]],
  ["each rule has one ID, and who names one names a rule", "tools/rule-ids.ts", []],
];

/** Runs all checks; the number that passed and failed. */
export function verify(): { passed: number; failed: number } {
  const results = CHECKS.map(([name, script, args]) => step(name, script, args));
  return { passed: results.filter(Boolean).length, failed: results.filter((ok) => !ok).length };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { passed, failed } = verify();
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}
