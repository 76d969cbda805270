import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEntry, verifyKeys } from "@porchlight/charter";
import { dayNumber, dayStart, parseDay, unixSeconds } from "@porchlight/encoding";
import { allClear, NoticeLedger, overdue } from "@porchlight/notice";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestDeployment, type TestOrder, until } from "./deployment.ts";

const K1 = "keyholder-1";
const END = parseDay("2017-10-05");
let deployment: TestDeployment;

beforeAll(async () => {
  deployment = new TestDeployment(mkdtempSync(join(tmpdir(), "keyholder-notice-")));
  await deployment.boot();
  await deployment.ceremony();
}, 120_000);
afterAll(async () => {
  await deployment.close();
  rmSync(deployment.directory, { recursive: true });
});

async function ledger(): Promise<NoticeLedger> {
  const { charter, server } = deployment;
  if (charter === null) throw new Error("no charter");
  const made = new NoticeLedger(charter);
  for (const [index, bytes] of server.entries.entries()) {
    const entry = parseEntry(new Uint8Array(bytes));
    if (entry.type === "keys") made.keys(await verifyKeys(entry.document, charter));
    made.take(index, entry);
  }
  return made;
}

/** The clock goes on until it has come true: keyholders look at the log when it does. */
const inTime = async (condition: () => Promise<boolean>, what: string) =>
  await until(async () => {
    await deployment.tick(unixSeconds(deployment.now + 61));
    return await condition();
  }, what);

const stateOf = async (order: TestOrder) =>
  (await ledger()).orders.find(({ commitment }) => commitment === order.commitment);
const ask = async (name: string, order: TestOrder, day: number) =>
  (await fetch(`http://127.0.0.1:${deployment.supervisor.port(name)}/notices/${order.commitment}/${day}`))
    .status;

describe("release by time", () => {
  test("NOT-30 to NOT-32, NOT-42: a secret order's notice comes on its day, revoked or not, never before", async () => {
    const disclosure = { kind: "secret", until: END, ground: "The suspect would flee." } as const;
    const order = await deployment.order({ disclosure });
    await deployment.submit(K1, order);
    await deployment.reaches(K1, order, "awaiting-approval");
    deployment.revoke(order);
    await deployment.tick(unixSeconds(dayStart(dayNumber(END - 1)) + 3600));
    expect(await ask(K1, order, END)).toBe(409);
    expect(await stateOf(order)).toMatchObject({ state: "pending", released: [] });
    await deployment.tick(unixSeconds(dayStart(END) + 3600));
    await inTime(async () => (await stateOf(order))?.state === "released", "the notice");
    const told = (await ledger()).read(order.noticeSeed);
    expect(told).toMatchObject([
      { commitment: order.commitment, account: order.document.accounts[0], until: END },
    ]);
    expect((await ledger()).read(new Uint8Array(32).fill(9))).toEqual([]);
    // By the log alone also those keyholders release that were never handed the order.
    await inTime(async () => (await stateOf(order))?.released.length === 3, "all keyholders");
    const { orders } = await ledger();
    expect(overdue(orders, deployment.now)).toEqual([]);
    if (deployment.charter === null) throw new Error("no charter");
    expect(allClear(deployment.charter, orders, deployment.now)).toMatchObject({
      endedBy: END - 2,
      unresolved: [],
    });
  });

  test("NOT-30, NOT-33: who is told first is told at once, by keyholders that were handed nothing", async () => {
    const order = await deployment.order({ disclosure: { kind: "notice-first" } });
    await deployment.tick(unixSeconds(deployment.now + 120));
    await inTime(async () => (await stateOf(order))?.state === "released", "the notice");
    expect((await ledger()).read(order.noticeSeed)).toMatchObject([{ disclosure: "notice-first" }]);
    expect(await ask(K1, order, END)).toBe(200);
    expect(await ask(K1, order, END + 1)).toBe(409);
  });
});
