import { expect, test } from "vitest";
import { runChurn } from "./churn.ts";
import { inTown } from "./churn-town.ts";

test("MLS-5, MLS-24, MLS-36, DEL-29: 120 random steps: nobody lost, nobody extra reads, old keys gone", async () => {
  const report = await inTown(null, [], (world) => runChurn(world, { seed: 1, steps: 120 }));
  expect(report.read).toBeGreaterThan(report.sent);
  for (const proof of [report.attacks, report.controls, report.searched]) expect(proof).toBeGreaterThan(30);
});
