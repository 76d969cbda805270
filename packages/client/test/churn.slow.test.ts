import { parseDay } from "@porchlight/encoding";
import { describe, expect, test } from "vitest";
import { charterOf } from "../../../vectors/fixture/deployment.ts";
import { runChurn } from "./churn.ts";
import { inTown } from "./churn-town.ts";
import type { ChurnReport, ChurnWorld } from "./churn-world.ts";
import { DAY } from "./town.ts";

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

  test("MLS-40, MLS-42: 300 random steps under a charter: every message has its envelope, of the right keys", {
    timeout: 3_600_000,
  }, async () => {
    const charter = await charterOf("court", { validUntil: parseDay("2027-12-31") });
    const days = Array.from({ length: 120 }, (_, i) => DAY + i);
    const run = (world: ChurnWorld): Promise<ChurnReport> =>
      runChurn(world, { seed: 6, steps: 300, charter: charter.id });
    const report = await inTown(charter, days, run);
    console.log(`churn under a charter: ${JSON.stringify(report)}`);
    expect(report.read).toBeGreaterThan(report.sent);
  });
});
