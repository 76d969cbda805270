import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEntry, verifyKeys } from "@porchlight/charter";
import {
  type DayNumber,
  dayNumber,
  dayOf,
  dayStart,
  formatDay,
  parseDay,
  unixSeconds,
} from "@porchlight/encoding";
import { allClear, NoticeLedger, overdue } from "@porchlight/notice";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestDeployment, type TestOrder, until } from "./deployment.ts";

const [K1, K2, K3] = ["keyholder-1", "keyholder-2", "keyholder-3"] as const;
const END = parseDay("2017-10-05");
let deployment: TestDeployment;

beforeAll(async () => {
  deployment = new TestDeployment(mkdtempSync(join(tmpdir(), "keyholder-notice-")));
  // The orders of this file, and one too many.
  const caps = { accountsPerWarrant: 3, daysPerWarrant: 31, warrantsPer30Days: 5 };
  await deployment.boot({ more: { caps } });
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

describe("races: one checkpoint decides, and the lower index wins", () => {
  const secretUntil = (day: DayNumber) => ({
    disclosure: { kind: "secret", until: day, ground: "The suspect would flee." } as const,
  });
  const handIn = async (order: TestOrder, name: string) => {
    await deployment.submit(name, order);
    await deployment.reaches(name, order, "awaiting-approval");
  };
  const release = async (order: TestOrder, name: string) => {
    await deployment.approve(name, order);
    await deployment.reaches(name, order, "released");
  };

  test("DIR-9, KEY-33: an extension between the second and the third approval stops no release, and moves the notice at all three", async () => {
    const end = dayNumber(dayOf(deployment.now) + 3);
    const order = await deployment.order(secretUntil(end));
    await deployment.server.publish();
    for (const name of [K1, K2, K3]) await handIn(order, name);
    await Promise.all([K1, K2].map((name) => release(order, name)));
    const extension = await deployment.say(order, "extension", dayNumber(end + 10));
    await deployment.server.publish();
    await release(order, K3);
    for (const name of [K1, K2, K3]) {
      expect(await deployment.client(name).direct(order.id, extension)).toEqual({ state: "counted" });
    }
    await deployment.tick(unixSeconds(dayStart(dayNumber(end + 1)) + 3600));
    // The batch of the day is each keyholder's sign that it has looked at everything that is due.
    await until(() => deployment.dayOfBatches() === formatDay(dayNumber(end + 1)), "the day's batches");
    for (const name of [K1, K2, K3]) expect(await ask(name, order, end)).toBe(409);
    expect(await stateOf(order)).toMatchObject({ state: "pending", released: [] });
    await deployment.tick(unixSeconds(dayStart(dayNumber(end + 10)) + 3600));
    await inTime(async () => (await stateOf(order))?.state === "released", "the notice on the later day");
  });

  test("DIR-9, DIR-10: an early release before an extension is told early, in whatever order a keyholder gets them", async () => {
    const end = dayNumber(dayOf(deployment.now) + 5);
    const order = await deployment.order(secretUntil(end));
    await deployment.server.publish();
    for (const name of [K1, K2]) await handIn(order, name);
    const early = await deployment.say(order, "notice-release");
    const extension = await deployment.say(order, "extension", dayNumber(end + 10));
    await deployment.server.publish();
    const say = async (name: string, direction: typeof early) =>
      await deployment.client(name).direct(order.id, direction);
    expect([await say(K1, extension), await say(K1, early)]).toEqual([
      { state: "counted" },
      { state: "counted" },
    ]);
    expect([await say(K2, early), await say(K2, extension)]).toMatchObject([
      { state: "counted" },
      { state: "refused", code: "already-told", rule: "DIR-10" },
    ]);
    await inTime(async () => (await stateOf(order))?.state === "released", "the early notice");
    // Two are needed, and these two were told; the day in the label has not come for anybody else.
    expect((await stateOf(order))?.released).toEqual([1, 2]);
  });

  test("GATE-18: of two orders that race for the last of a cap the lower index is taken and the other refused, at every keyholder", async () => {
    const first = await deployment.order();
    const second = await deployment.order();
    await deployment.server.publish();
    await deployment.submit(K1, second);
    await Promise.all([deployment.submit(K1, first), deployment.submit(K2, first)]);
    await deployment.submit(K2, second);
    await Promise.all([deployment.submit(K3, second), deployment.submit(K3, first)]);
    for (const name of [K1, K2, K3]) {
      await deployment.reaches(name, first, "awaiting-approval");
      expect(await deployment.reaches(name, second, "refused")).toMatchObject({
        code: "cap-rate",
        rule: "GATE-18",
      });
    }
    await release(first, K1);
  });
});
