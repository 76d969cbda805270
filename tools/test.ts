// `npm test`: every test. `--slow` adds the long suites; other arguments are the beginnings of paths: only those tests.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { step } from "./step.ts";

const slow = process.argv.includes("--slow");
const paths = process.argv.slice(2).filter((argument) => argument !== "--slow");
const directory = mkdtempSync(join(tmpdir(), "porchlight-test-"));
const report = join(directory, "report.json");
const ran = await step({
  name: "tests",
  script: "node_modules/vitest/vitest.mjs",
  args: ["run", ...paths, "--reporter=default", "--reporter=json", `--outputFile.json=${report}`],
  env: slow ? { PORCHLIGHT_SLOW: "1" } : {},
});
let counts = { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numFailedTestSuites: 0 };
try {
  counts = { ...counts, ...(JSON.parse(readFileSync(report, "utf8")) as typeof counts) };
} catch {
  console.error("the test runner wrote no report");
}
rmSync(directory, { recursive: true, force: true });
// A file that does not even load has no tests to count as failed: it counts as one.
const failed =
  counts.numFailedTests > 0 ? counts.numFailedTests : ran ? 0 : Math.max(1, counts.numFailedTestSuites);
const skipped = counts.numPendingTests > 0 ? `, ${counts.numPendingTests} skipped` : "";
process.exitCode = failed === 0 ? 0 : 1;
console.log(`${counts.numPassedTests} passed, ${failed} failed${skipped}`);
