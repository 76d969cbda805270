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
    expect(audit.tiles).toBe(3906 + 1 + 15 + 1);
    expect(audit.consistencyProofs).toBe(20);
    // An entry of 100 bytes and more may not leave one of them behind; the whole process is a coarser measure.
    expect(run.heapSlope).toBeLessThan(1);
    expect(run.rssSlope).toBeLessThan(64);
  } finally {
    rmSync(directory, { recursive: true });
  }
}, 3_600_000);
