import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unixSeconds } from "@porchlight/encoding";
import { nodeSuite } from "@porchlight/tlog/node";
import { afterAll, expect, test } from "vitest";
import { policy, START, TestLog } from "../../wire/test/test-log.ts";
import { PublicLog } from "../src/index.ts";

const directory = mkdtempSync(join(tmpdir(), "porchlight-public-log-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** What a site that is started anew on the same copy says of a log. */
async function troubleWith(source: TestLog, now = START): Promise<string | null> {
  const site = await PublicLog.open({
    source,
    policy,
    directory,
    clock: { now: () => now },
    suite: nodeSuite,
  });
  await site.look();
  const { trouble } = site.standing;
  await site.close();
  return trouble;
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
  expect(await troubleWith(log, unixSeconds(START + 86_400))).toBeNull();
  expect(await troubleWith(log, unixSeconds(START + 86_401))).toBe("stale");
});
