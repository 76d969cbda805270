import { describe, expect, test } from "vitest";
import { runChurn } from "./churn.ts";
import { inTown } from "./churn-town.ts";
import type { ChurnReport } from "./churn-world.ts";

/** One seed, to replay a failure, or five. */
const seeds = (process.env["CHURN_SEED"] ?? "1 2 3 4 5").split(" ").map(Number);
const STEPS = Number(process.env["CHURN_STEPS"] ?? 2000);

/** Tree, key packages and half-read ratchets differ from moment to moment; what grows with the steps does not. */
function expectBounded({ record, heap }: ChurnReport): void {
  expect(record[1]).toBeLessThan(2 * record[0] + 64 * 1024);
  expect(heap[1] - heap[0]).toBeLessThan(64 * 1024 * 1024);
}

describe("churn", () => {
  test.each(seeds)(
    `MLS-5, MLS-24, MLS-36, DEL-29: ${STEPS} random steps: nobody lost, nobody extra reads, seed %i`,
    { timeout: 3_600_000 },
    async (seed) => {
      const report = await inTown(null, [], (world) => runChurn(world, { seed, steps: STEPS }));
      console.log(`churn, seed ${seed}: ${JSON.stringify(report)}`);
      expect(report.read).toBeGreaterThan(report.sent);
      expectBounded(report);
    },
  );
});
