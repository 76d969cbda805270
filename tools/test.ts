// `npm test`: every test and, beside them because long tests mostly wait for processes, the checks of `npm run verify`.
// `--slow` adds the long suites; other arguments are the beginnings of paths: only those tests.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { step } from "./step.ts";
import { verify } from "./verify.ts";

const slow = process.argv.includes("--slow");
const paths = process.argv.slice(2).filter((argument) => argument !== "--slow");
const checking = verify(1);
const directory = mkdtempSync(join(tmpdir(), "porchlight-test-"));
const report = join(directory, "report.json");
const ran = await step({
  name: "tests",
  script: "node_modules/vitest/vitest.mjs",
  args: ["run", ...paths, "--reporter=default", "--reporter=json", `--outputFile.json=${report}`],
  env: slow ? { PORCHLIGHT_SLOW: "1" } : {},
});
const checks = await checking;
let counts = { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numFailedTestSuites: 0 };
try {
  counts = { ...counts, ...(JSON.parse(readFileSync(report, "utf8")) as typeof counts) };
} catch {
  console.error("the test runner wrote no report");
}
rmSync(directory, { recursive: true, force: true });
// A file that does not even load has no tests to count as failed: it counts as one.
const failedTests =
  counts.numFailedTests > 0 ? counts.numFailedTests : ran ? 0 : Math.max(1, counts.numFailedTestSuites);
const failed = checks.failed + failedTests;
const skipped = counts.numPendingTests > 0 ? `, ${counts.numPendingTests} skipped` : "";
process.exitCode = failed === 0 ? 0 : 1;
console.log(`${checks.passed + counts.numPassedTests} passed, ${failed} failed${skipped}`);
