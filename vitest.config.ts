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
    // Two cores: more workers only make every timing worse.
    maxWorkers: 2,
    pool: "forks",
  },
});
