import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** What takes longest starts first, so that no worker ends up alone with it while the other cores idle. */
const LONGEST = [
  "e2e/web/story.test.ts",
  "apps/keyholder/test/ceremony.test.ts",
  "apps/keyholder/test/orders.test.ts",
  "e2e/demonstration.test.ts",
  "apps/server/test/processes.test.ts",
  "e2e/examples.test.ts",
  "apps/server/test/server.test.ts",
  "apps/keyholder/test/notice.test.ts",
  "e2e/web/gallery.test.ts",
  "e2e/web/keyholder-desk.test.ts",
  "e2e/notice.test.ts",
  "apps/server/test/store.test.ts",
  "apps/server/test/stream.test.ts",
  "fuzz/parsers.test.ts",
  "apps/cli/test/keyholder-in-a-box.test.ts",
  "e2e/member-devices.test.ts",
  "packages/client/test/churn.test.ts",
  "apps/server/test/long-log.test.ts",
];

class LongestFirst extends BaseSequencer {
  /** Of the files that are not named the larger come first, as ever. */
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const place = LONGEST.findIndex((path) => moduleId.endsWith(path));
      return place === -1 ? LONGEST.length : place;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    include: [
      "packages/*/test/**/*.test.ts",
      "apps/*/test/**/*.test.ts",
      "e2e/**/*.test.ts",
      "model/**/*.test.ts",
      "fuzz/**/*.test.ts",
    ],
    exclude: ["**/node_modules/**", ...(process.env["PORCHLIGHT_SLOW"] === "1" ? [] : ["**/*.slow.test.ts"])],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    teardownTimeout: 120_000,
    // What becomes true is waited for, however busy the machine is.
    expect: { poll: { timeout: 90_000 } },
    // Two for each of two cores: long tests mostly wait for processes of their own.
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
    pool: "forks",
    // Files share a worker and its modules: loading them anew for each file was half of the work. No test leaves
    // anything behind in a module.
    isolate: false,
    // What tests start is many programs, the same few over and over.
    globalSetup: ["apps/server/test/shared-postgres.ts"],
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, "node_modules/.cache/compile") },
  },
});
