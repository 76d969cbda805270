import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unixSeconds } from "@porchlight/encoding";
import type { Reported } from "@porchlight/report";
import { nodeSuite } from "@porchlight/tlog/node";
import { afterAll, expect, test } from "vitest";
import { policy, START, TestLog } from "../../wire/test/test-log.ts";
import { PublicLog } from "../src/index.ts";
import { openingsPage } from "../src/pages.ts";
import type { Standing } from "../src/public-log.ts";

const directory = mkdtempSync(join(tmpdir(), "porchlight-public-log-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** What a site that is started anew on the same copy says of a log. */
async function standingWith(source: TestLog, now = START): Promise<Standing> {
  const site = await PublicLog.open({
    source,
    policy,
    directory,
    clock: { now: () => now },
    suite: nodeSuite,
  });
  await site.look();
  const { standing } = site;
  await site.close();
  return standing;
}

async function troubleWith(source: TestLog): Promise<string | null> {
  return (await standingWith(source)).trouble;
}

test("PUB-4: a log that went back or forked is not believed after a new start either", async () => {
  const log = new TestLog();
  const older = log.publish(20);
  log.publish(20);
  expect(await troubleWith(log)).toBeNull();
  const newest = log.note;
  log.note = older;
  expect(await troubleWith(log)).toBe("rollback");
  const other = new TestLog("forged");
  other.publish(60);
  expect(await troubleWith(other)).toBe("fork");
  log.note = newest;
  expect(await troubleWith(log)).toBeNull();

  // And a log that nobody has confirmed for a day is not shown as if it were of now.
  const page = async (now: number): Promise<string> => {
    const { reported, trouble } = await standingWith(log, unixSeconds(now));
    return openingsPage(reported as Reported, trouble);
  };
  expect(await page(START + 86_400)).toContain("Nothing is overdue.");
  const old = await page(START + 86_401);
  expect(old).toContain("No independent witness has confirmed this log for more than a day");
  expect(old).not.toContain("Nothing is overdue.");
});
