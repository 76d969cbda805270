import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runLongLog } from "./long-log.ts";

test("TLOG-24: 1,000,000 entries are appended, followed and audited in memory that does not grow with them", async () => {
  const directory = mkdtempSync(join(tmpdir(), "long-log-"));
  try {
    const length = 1_000_000;
    const run = await runLongLog(directory, length);
    const { audit, ...figures } = run;
    const { checkpoint, ...counts } = audit;
    console.log(`a log of ${checkpoint.size}: ${JSON.stringify({ ...figures, ...counts })}`);
    expect([run.followed, audit.entries, audit.bytes]).toEqual([length, length, run.entryBytes]);
    expect(audit.tiles).toBe(3906 + 1 + 15 + 1 + 1);
    expect(audit.consistencyProofs).toBe(20);
    // Half a million entries of 170 bytes between the two: not one byte of each may stay.
    expect(run.heap[1] - run.heap[0]).toBeLessThan(500_000);
    // What the allocator keeps is a coarser measure.
    expect(run.rssSlope).toBeLessThan(64);
    expect(run.rss).toBeLessThan(512 * 1024 * 1024);
  } finally {
    rmSync(directory, { recursive: true });
  }
}, 3_600_000);
