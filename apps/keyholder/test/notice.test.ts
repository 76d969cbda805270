import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatCharter, parseEntry, verifyKeys } from "@porchlight/charter";
import {
  type DayNumber,
  dayNumber,
  dayOf,
  dayStart,
  formatDay,
  fromUtf8,
  hex,
  parseDay,
  unixSeconds,
  utf8,
} from "@porchlight/encoding";
import { verifyRefusal } from "@porchlight/gate";
import { allClear, NoticeLedger, overdue } from "@porchlight/notice";
import { LIMITS, REFUSAL_CODES, refusalBody } from "@porchlight/wire";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { corpus } from "../../../fuzz/corpus.ts";
import { command, type GoodRequest, knock, send } from "../../../fuzz/doors.ts";
import { TestDeployment, type TestOrder, until } from "./deployment.ts";

const [K1, K2, K3] = ["keyholder-1", "keyholder-2", "keyholder-3"] as const;
const END = parseDay("2017-10-05");
let deployment: TestDeployment;
/** An order whose person was told at once. */
let told: TestOrder | null = null;

beforeAll(async () => {
  deployment = new TestDeployment(mkdtempSync(join(tmpdir(), "keyholder-notice-")));
  // The orders of this file, and one too many.
  const caps = { accountsPerWarrant: 3, daysPerWarrant: 31, warrantsPer30Days: 6 };
  await deployment.boot({ more: { caps } });
  await deployment.ceremony();
});
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

/** The clock goes on until it has come true: keyholders look at the log when it does. Slowly: the day must not be over. */
const inTime = async (condition: () => Promise<boolean>, what: string) => {
  let looks = 0;
  await until(async () => {
    if (looks++ % 8 === 0) await deployment.tick(unixSeconds(deployment.now + 61));
    return await condition();
  }, what);
};

const stateOf = async (order: TestOrder) =>
  (await ledger()).orders.find(({ commitment }) => commitment === order.commitment);
const ask = async (name: string, order: TestOrder, day: number) =>
  (await fetch(`http://127.0.0.1:${deployment.supervisor.port(name)}/notices/${order.commitment}/${day}`))
    .status;

describe("release by time", () => {
  test("NOT-30 to NOT-32, NOT-42: a secret order's notice comes on its day, revoked or not, never before", async () => {
    const disclosure = { kind: "secret", until: END, ground: "The suspect would flee." } as const;
    const order = await deployment.order({ disclosure });
    await deployment.witnessed(order);
    await deployment.submit(K1, order);
    await deployment.reaches(K1, order, "awaiting-approval");
    deployment.revoke(order);
    await deployment.tick(unixSeconds(dayStart(dayNumber(END - 1)) + 3600));
    expect(await ask(K1, order, END)).toBe(409);
    expect(await stateOf(order)).toMatchObject({ state: "pending", released: [] });
    await deployment.tick(unixSeconds(dayStart(END) + 3600));
    await inTime(async () => (await stateOf(order))?.state === "released", "the notice");
    const read = (await ledger()).read(order.noticeSeed);
    expect(read).toMatchObject([
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
    told = order;
    await deployment.tick(unixSeconds(deployment.now + 120));
    await inTime(async () => (await stateOf(order))?.state === "released", "the notice");
    expect((await ledger()).read(order.noticeSeed)).toMatchObject([{ disclosure: "notice-first" }]);
    expect(await ask(K1, order, END)).toBe(200);
    expect(await ask(K1, order, END + 1)).toBe(409);
  });
});

test("GATE-42, KEY-27: junk in the place of an order's notices has the order refused, with a record that says why", async () => {
  const order = await deployment.order({}, { junk: true });
  await deployment.witnessed(order);
  for (const name of [K1, K2]) await deployment.submit(name, order);
  for (const name of [K1, K2]) {
    const answer = await deployment.reaches(name, order, "refused");
    expect(answer).toMatchObject({ code: "notice-junk", rule: "GATE-42" });
    const { record } = answer as { record?: never };
    expect(await verifyRefusal(record ?? null, deployment.charter as never)).toMatchObject({
      commitment: order.commitment,
      rule: "GATE-42",
    });
  }
  await expect(deployment.approve(K1, order)).rejects.toMatchObject({
    code: "order-not-awaiting-approval",
  });
});

describe("races: one checkpoint decides, and the lower index wins", () => {
  const secretUntil = (day: DayNumber) => ({
    disclosure: { kind: "secret", until: day, ground: "The suspect would flee." } as const,
  });
  const handIn = async (order: TestOrder, name: string) => {
    await deployment.witnessed(order);
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
    // Who decides is shown the day on which secrecy ends now, and so is the list.
    const due = formatDay(dayNumber(end + 10));
    const shown = await deployment.admin(K1, "show", { order: order.id });
    const listed = (await deployment.admin(K1, "list")) as { readonly order: string }[];
    expect(shown).toMatchObject({ examined: { due } });
    expect(listed.find((one) => one.order === order.id)).toMatchObject({ open: { secretUntil: due } });
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
    await deployment.witnessed(second);
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

// Last, because some of what is spoilt is an order all the same.
describe("bad input at both doors", () => {
  const SLOW = process.env["PORCHLIGHT_SLOW"] === "1";
  const url = (): string => `http://127.0.0.1:${deployment.supervisor.port(K1)}`;
  let good: GoodRequest[];
  let order: TestOrder;

  beforeAll(async () => {
    // One that it takes: what comes after the cap it would refuse before it looks at much.
    order = told ?? (await deployment.order({ disclosure: { kind: "notice-first" } }));
    await deployment.submit(K1, order);
    const { warrant, opening, index, id, commitment } = order;
    const post = (path: string, body: object | string): GoodRequest => {
      return { method: "POST", path, body: utf8(typeof body === "string" ? body : JSON.stringify(body)) };
    };
    const get = (path: string): GoodRequest => ({ method: "GET", path, body: null });
    const addCheckpoint =
      corpus()
        .map(asText)
        .find((text) => /^old \d+\n/.test(text)) ?? "";
    const ceremony =
      deployment.server.entries.map(asText).find((text) => text.includes('"type":"ceremony"')) ?? "";
    expect([addCheckpoint, ceremony]).not.toContain("");
    const side = { header: "AAAA", inner: "0".repeat(64), outer: "0".repeat(64), signature: "0".repeat(128) };
    const document = { payload: "AAAA", signatures: [{ protected: "AAAA", signature: "AAAA" }] };
    good = [
      post("/orders", { warrant, opening: hex(opening), index }),
      post("/orders", {
        warrant,
        others: warrant,
        opening: hex(opening),
        index,
        conversations: ["ab".repeat(32)],
      }),
      post(`/orders/${id}/further`, { conversations: ["ab".repeat(32)], otherSides: [] }),
      post(`/orders/${id}/further`, { conversations: [], otherSides: [side] }),
      post(`/orders/${id}/directions`, { kind: "extension", document, index }),
      post("/entries", ceremony),
      post("/add-checkpoint", addCheckpoint),
      ...["/", `/orders/${id}`, `/orders/${id}/bundles/0`, `/notices/${commitment}`].map(get),
      get(`/notices/${commitment}/${END}`),
      get(`/${"ab".repeat(32)}/checkpoint`),
    ];
  });

  /** Nothing ended, nothing was a fault of the program's, and it still answers. */
  async function expectWell(): Promise<void> {
    expect(deployment.exits).toEqual([]);
    const log = readFileSync(`${deployment.home(K1)}/${K1}.log`, "utf8").split("\n");
    expect(log.filter((line) => /"(uncaught|request-failed|admin-failed)"/.test(line)).slice(0, 3)).toEqual(
      [],
    );
    expect((await deployment.client(K1).order(order.id)).state).toBeDefined();
  }

  test("KEY-40: whatever is sent to any address is answered with a code, never 500", async () => {
    const statuses = await knock(
      url(),
      good,
      ({ status, type, text }, { path }) => {
        if (status < 300) return;
        // C2SP's own words at C2SP's address (TLOG-18).
        if (type.startsWith("text/")) return expect([400, 403, 404, 409, 422], path).toContain(status);
        const { code } = refusalBody.parse(JSON.parse(text));
        expect(REFUSAL_CODES).toContain(code);
        expect(code, path).not.toBe("internal");
      },
      SLOW ? { runs: 20_000, seconds: 300 } : { runs: 250, seconds: 60 },
    );
    console.log(
      `spoilt requests to a keyholder: ${[...statuses].map(([status, count]) => `${status} ${count} times`).join(", ")}`,
    );
    await expectWell();
  }, 1_000_000);

  test("KEY-40: a body beyond its limit is refused as too large", async () => {
    for (const [path, limit] of [
      ["/orders", 4 * LIMITS.warrant],
      [`/orders/${order.id}/further`, 4 * LIMITS.warrant],
      [`/orders/${order.id}/directions`, 4 * LIMITS.warrant],
      ["/entries", LIMITS.logEntry],
      ["/add-checkpoint", 300_000],
    ] as const) {
      const at = async (length: number) =>
        (await send(url(), { method: "POST", path, body: new Uint8Array(length) })).status;
      // It need not read what it will not take: then the rest is not sent, and the answer may be lost on the way.
      expect([413, "cut off"], path).toContain(await at(limit + 1).catch(() => "cut off"));
      expect(await at(limit), path).not.toBe(413);
    }
    await expectWell();
  });

  test("KEY-31: whatever an operator's program writes to the socket is answered with a code", async () => {
    const { id, commitment } = order;
    const charter = fromUtf8(formatCharter(deployment.charterDocument()));
    const digest = "ab".repeat(32);
    const commands = [
      ...["status", "public", "list", "constructor", "__proto__"].map((name) => ({ command: name })),
      { command: "review-charter", charter },
      { command: "sign-charter", charter, id: digest },
      { command: "review-succession", succession: charter },
      { command: "sign-succession", succession: charter, digest },
      { command: "accept-succession", charter, succession: charter, digest },
      { command: "ceremony", period: "2017-10", generation: 1 },
      { command: "refresh", period: "2016-01", generation: 7 },
      { command: "close-round", period: "2017-10", generation: 1, charter: digest },
      { command: "show", order: id },
      { command: "approve", order: digest, commitment, by: "somebody" },
      { command: "refuse", order: digest, by: "somebody", reason: "a reason" },
    ];
    const codes = await command(
      `${deployment.home(K1)}/admin.sock`,
      commands,
      SLOW ? { runs: 20_000, seconds: 300 } : { runs: 150, seconds: 60 },
    );
    console.log(
      `spoilt commands to a keyholder: ${[...codes].map(([code, count]) => `${code} ${count} times`).join(", ")}`,
    );
    await expectWell();
  }, 1_000_000);
});

function asText(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
