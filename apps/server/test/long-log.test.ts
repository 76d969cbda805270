import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runLongLog } from "./long-log.ts";

test("TLOG-10, TLOG-24: 20,000 entries are followed and audited while partial tiles go; they never took any disk", async () => {
  const directory = mkdtempSync(join(tmpdir(), "long-log-"));
  try {
    const length = 20_000;
    const run = await runLongLog(directory, length);
    expect([run.followed, run.audit.entries, run.audit.bytes]).toEqual([length, length, run.entryBytes]);
    expect(run.audit.tiles).toBe(Math.floor(length / 256) + 2);
    expect(run.audit.consistencyProofs).toBe(15);
    expect(run.audit.inclusionProofs).toBeGreaterThan(200);
    expect(run.collected).toBeGreaterThan(0);
    // Length prefix, hash with its share of the levels above, frame header: 2 + 33 + at most 38.
    expect(run.diskBytes - run.entryBytes).toBeLessThan(36 * length + 38 * 750 + 1000);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
