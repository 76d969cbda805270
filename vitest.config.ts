import { join } from "node:path";
import { defineConfig } from "vitest/config";

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
    testTimeout: 120_000,
    hookTimeout: 180_000,
    // Most long tests wait for processes of their own; more workers than this only make them wait for each other.
    maxWorkers: 3,
    pool: "forks",
    // Files share a worker and its modules: loading them anew for each file was half of the work. No test leaves
    // anything behind in a module.
    isolate: false,
    // What tests start is many programs, the same few over and over.
    globalSetup: ["apps/server/test/shared-postgres.ts"],
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, "node_modules/.cache/compile") },
  },
});
