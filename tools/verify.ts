// `npm run verify`: everything that is checked without running the programs.
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

const LANES = 2;

const results: boolean[] = [];
const left = CHECKS.values();
const lane = async (): Promise<void> => {
  for (const [name, script, args] of left) results.push(await step({ name, script, args, together: true }));
};
await Promise.all(Array.from({ length: LANES }, lane));
const passed = results.filter(Boolean).length;
console.log(`${passed} passed, ${results.length - passed} failed`);
process.exitCode = passed === results.length ? 0 : 1;
