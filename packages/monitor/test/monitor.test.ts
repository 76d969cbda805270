import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type DisclosedEntry,
  formatEntry,
  type LogEntry,
  type OrderEntry,
  type PublicPart,
  signBatch,
  signIntake,
} from "@porchlight/charter";
import {
  type CharterId,
  commitment,
  type DayNumber,
  dayNumber,
  dayOf,
  hex,
  keyholderIndex,
  parseDay,
  periodOf,
  type UnixSeconds,
  unixSeconds,
  utf8,
} from "@porchlight/encoding";
import { publicCommitment } from "@porchlight/gate";
import { blockHash } from "@porchlight/notice";
import { nodeSuite } from "@porchlight/tlog/node";
import type { LogSource } from "@porchlight/wire";
import { afterEach, describe, expect, test } from "vitest";
import {
  charterDocument,
  charterOf,
  keyholderName,
  keysDocument,
  seedOf,
  signedCharter,
  signedKeys,
} from "../../../vectors/fixture/deployment.ts";
import { orderOf } from "../../../vectors/fixture/gate-cases.ts";
import { commitmentOfOrder, loggedOrder, releasedShare } from "../../../vectors/fixture/told.ts";
import { keyholders, policy, START, TestLog, witnesses } from "../../wire/test/test-log.ts";
import { Monitor, type MonitorOptions, sentence, stateLine } from "../src/index.ts";

const DAY = 86_400;
const TODAY = dayOf(START);
const directories: string[] = [];
const open: Monitor[] = [];
afterEach(async () => {
  for (const monitor of open.splice(0)) await monitor.close();
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

function fresh(): string {
  const directory = mkdtempSync(join(tmpdir(), "porchlight-monitor-"));
  directories.push(directory);
  return directory;
}

async function watch(
  source: LogSource,
  directory: string,
  options: Partial<MonitorOptions> = {},
): Promise<Monitor> {
  const monitor = await Monitor.open({
    source,
    policy,
    directory,
    clock: { now: () => START },
    maxAge: DAY,
    suite: nodeSuite,
    ...options,
  });
  open.push(monitor);
  return monitor;
}

async function again(monitor: Monitor, source: LogSource, directory: string): Promise<Monitor> {
  await monitor.close();
  open.splice(open.indexOf(monitor), 1);
  return await watch(source, directory);
}

const later = (seconds: number): UnixSeconds => unixSeconds(START + seconds);
const CHANGES = { clock: "system", validUntil: dayNumber(TODAY + 300) } as const;
const charter = await charterOf("court", CHANGES);
const charterEntry: LogEntry = {
  type: "charter",
  document: await signedCharter(charterDocument("court", CHANGES)),
};
const keysEntry: LogEntry = {
  type: "keys",
  document: await signedKeys(keysDocument(charter, periodOf(TODAY))),
};
/** Orders of a charter that lets nobody be opened would look like this: whole, with no notice to give. */
const NO_NOTICES = new Uint8Array(0);
const order = (number: number, day: number = TODAY, seed = seedOf("Intake")): LogEntry =>
  signIntake(
    {
      type: "warrant",
      charter: charter.id,
      day: dayNumber(day),
      commitment: commitment(hex(seedOf(`order ${number}`))),
      public: hex(seedOf(`public ${number}`)),
      notices: blockHash(NO_NOTICES),
      secretUntil: periodOf(TODAY),
    },
    seed,
  );
const part = (accounts: number, days: number): PublicPart => ({
  issuer: charter.issuers[0]?.name ?? "",
  legalBasis: charter.legalBases[0] ?? "",
  offenceCategory: charter.offenceCategories[0] ?? "",
  accounts,
  days,
});
/** An order that hides this public part, and the entry that tells it. */
function told(number: number, told: PublicPart): { order: OrderEntry; disclosed: DisclosedEntry } {
  const key = seedOf(`key ${number}`);
  const { intake: _, ...unsigned } = order(number) as OrderEntry;
  const { commitment } = unsigned;
  return {
    order: signIntake({ ...unsigned, public: publicCommitment(key, told) }, seedOf("Intake")),
    disclosed: signIntake(
      { type: "disclosed", charter: charter.id, day: TODAY, commitment, key: hex(key), part: told },
      seedOf("Intake"),
    ),
  };
}
const batch = (day: DayNumber): LogEntry =>
  signBatch(
    {
      type: "keyholder-batch",
      charter: charter.id,
      keyholder: keyholderIndex(1),
      day,
      slots: Array.from({ length: 8 }, (_, i) => hex(seedOf(`slot ${i}`))),
    },
    seedOf(keyholderName(keyholderIndex(1))),
  );

/** Publishes entries of ours, cosigned by all. */
function publish(log: TestLog, entries: readonly (LogEntry | Uint8Array)[], time = START): void {
  log.append(entries.map((entry) => (entry instanceof Uint8Array ? entry : formatEntry(entry))));
  log.note = log.sign(time, [...witnesses, ...keyholders]);
}

describe("any C2SP log", () => {
  test("MON-1: every entry is fetched and rehashed once, over restarts; nothing found is a line and no finding", async () => {
    const log = new TestLog();
    const directory = fresh();
    log.publish(3000);
    const first = await watch(log, directory);
    expect(await first.look()).toMatchObject({ entries: 3000, findings: [], charters: 0 });
    expect(await first.look()).toMatchObject({ entries: 0, findings: [] });
    log.publish(7);
    log.asked = [];
    const second = await again(first, log, directory);
    const look = await second.look();
    expect(look).toMatchObject({ entries: 7, findings: [] });
    expect(log.asked.filter((path) => path.startsWith("tile/entries/"))).toEqual(["tile/entries/011.p/191"]);
    expect(stateLine(look)).toBe(
      "2027-01-15T08:00:00Z  ok  log.test.example  size 3007 (+7)  witnessed 2027-01-15T08:00:00Z by 7 of 7  no charter: entries not interpreted",
    );
    expect(readFileSync(join(directory, "status"), "utf8")).toBe(`${stateLine(look)}\n`);
  });

  test("MON-2: one monitor at a time has a directory", async () => {
    const directory = fresh();
    await watch(new TestLog(), directory);
    await expect(watch(new TestLog(), directory)).rejects.toMatchObject({ code: "locked" });
  });

  test("MON-3: a fork is reported for good, with both checkpoints, whatever the log shows afterwards", async () => {
    const log = new TestLog();
    const directory = fresh();
    log.publish(300);
    const honest = log.note;
    const monitor = await watch(log, directory);
    await monitor.look();
    const other = new TestLog("other");
    other.publish(400);
    const shown: LogSource = {
      checkpoint: () => (split ? other : log).checkpoint(),
      file: (path) => (split ? other : log).file(path),
    };
    let split = true;
    const forked = await again(monitor, shown, directory);
    const { findings, checkpoint } = await forked.look();
    expect(findings).toEqual([
      {
        code: "fork",
        seen: join(directory, "fork-1-seen.note"),
        offered: join(directory, "fork-1-offered.note"),
      },
    ]);
    expect(checkpoint?.note).toBe(honest);
    expect(readFileSync(join(directory, "fork-1-seen.note"), "utf8")).toBe(honest);
    expect(readFileSync(join(directory, "fork-1-offered.note"), "utf8")).toBe(other.note);
    // The same tree cosigned anew is the same fork; another tree is another.
    other.note = other.sign(later(60), [...witnesses, ...keyholders]);
    expect((await forked.look()).findings).toHaveLength(1);
    other.publish(1);
    expect((await forked.look()).findings).toHaveLength(2);
    split = false;
    log.publish(5);
    const healed = await again(forked, shown, directory);
    const look = await healed.look();
    expect(look).toMatchObject({ entries: 5, findings: [{ code: "fork" }, { code: "fork" }] });
    expect(sentence(look.findings[0] as (typeof look.findings)[number])).toContain("publish them");
  });

  test("MON-3: a tree that went back is a rollback, and no fork", async () => {
    const log = new TestLog();
    log.publish(300);
    const old = log.note;
    log.publish(10);
    const monitor = await watch(log, fresh());
    await monitor.look();
    log.note = old;
    expect((await monitor.look()).findings).toEqual([{ code: "rollback", seenSize: 310, offeredSize: 300 }]);
  });

  test("MON-4: what does not hold, lacks signatures or cannot be had is said, and passes", async () => {
    const log = new TestLog();
    log.publish(300);
    const monitor = await watch(log, fresh());
    await monitor.look();
    log.publish(10, START, witnesses);
    expect((await monitor.look()).findings).toEqual([{ code: "policy-unsatisfied" }]);
    log.note = log.sign(START, [...witnesses, ...keyholders]);
    // The forty-four entries before it were hashed in the first look and are not asked about again.
    const bundle = "tile/entries/001.p/54";
    const good = log.files.get(bundle) as Uint8Array;
    log.files.set(bundle, good.with(good.length - 3, (good.at(-3) as number) ^ 1));
    expect((await monitor.look()).findings).toEqual([{ code: "log-refused", reason: "entry-hash" }]);
    log.files.set(bundle, good);
    log.note = log.note.replace("310", "311");
    expect((await monitor.look()).findings).toEqual([{ code: "log-refused", reason: "note-refused" }]);
    log.note = log.sign(START, [...witnesses, ...keyholders]);
    expect(await monitor.look()).toMatchObject({ entries: 10, findings: [] });
  });

  test("MON-5: a witness whose cosignatures stop is named after the time allowed, over restarts", async () => {
    const log = new TestLog();
    const directory = fresh();
    const late = [...witnesses.slice(0, 1), ...witnesses.slice(1), ...keyholders.slice(1)];
    log.publish(10, START, [...witnesses, ...keyholders]);
    const monitor = await watch(log, directory);
    expect((await monitor.look()).findings).toEqual([]);
    // Without keyholder 1 the policy's four of five are there.
    log.publish(1, later(DAY), late);
    const restarted = await again(monitor, log, directory);
    expect(await restarted.look()).toMatchObject({ findings: [], witnesses: { all: 7, signed: 6 } });
    await restarted.close();
    open.splice(open.indexOf(restarted), 1);
    const after = await watch(log, directory, { clock: { now: () => later(DAY + 1) } });
    expect((await after.look()).findings).toEqual([
      { code: "stale-witness", witness: "keyholder-1", last: START },
    ]);
    log.publish(1, later(DAY + 1), [...witnesses, ...keyholders]);
    expect((await after.look()).findings).toEqual([]);
  });

  test("MON-5: a witness that never signed is named at once; an old checkpoint makes the log stale", async () => {
    const log = new TestLog();
    log.publish(10, START, [...witnesses, ...keyholders.slice(1)]);
    const monitor = await watch(log, fresh(), { clock: { now: () => later(2 * DAY) } });
    const codes = (await monitor.look()).findings.map(({ code }) => code);
    expect(codes.filter((code) => code === "stale")).toHaveLength(1);
    expect(codes.filter((code) => code === "stale-witness")).toHaveLength(7);
    const named = await watch(log, fresh());
    expect((await named.look()).findings).toEqual([
      { code: "stale-witness", witness: "keyholder-1", last: null },
    ]);
  });
});

describe("a log with a charter", () => {
  test("MON-6: entries that mean nothing are counted, with their reasons, and are no reason to stop", async () => {
    const log = new TestLog();
    const directory = fresh();
    const stranger: LogEntry = { ...order(2), charter: hex(seedOf("elsewhere")) as CharterId } as LogEntry;
    publish(log, [
      charterEntry,
      keysEntry,
      order(1),
      utf8("hello"),
      stranger,
      order(3, TODAY, seedOf("mallory")),
    ]);
    publish(log, [
      utf8('{"type":"survey"}'),
      batch(TODAY),
      { ...keysEntry, document: { ...keysEntry.document, signatures: [] } } as never,
    ]);
    const monitor = await watch(log, directory);
    const look = await monitor.look();
    expect(look).toMatchObject({ charters: 1, orders: 1, entries: 9 });
    expect(look.findings).toEqual([
      {
        code: "unknown-entries",
        count: 5,
        first: [
          { index: 3, reason: "unreadable" },
          { index: 4, reason: "charter-unknown" },
          { index: 5, reason: "unsigned" },
          { index: 6, reason: "unreadable" },
          { index: 8, reason: "keys-refused" },
        ],
      },
    ]);
    expect(sentence(look.findings[0] as (typeof look.findings)[number])).toBe(
      "5 entries mean nothing in this log; entry 3 is no entry of any known type",
    );
    const restarted = await again(monitor, log, directory);
    expect((await restarted.look()).findings).toEqual(look.findings);
  });

  test("MON-6: a flood of junk is counted and does not fill the disk", async () => {
    const log = new TestLog();
    const directory = fresh();
    publish(log, [charterEntry, ...Array.from({ length: 5000 }, (_, i) => utf8(`junk ${i}`))]);
    const monitor = await watch(log, directory);
    const { findings } = await monitor.look();
    expect(findings).toMatchObject([{ code: "unknown-entries", count: 5000 }]);
    expect(readFileSync(join(directory, "entries.journal")).length).toBeLessThan(200_000);
    const restarted = await again(monitor, log, directory);
    expect((await restarted.look()).findings).toEqual(findings);
  });

  test("MON-7: the order beyond the cap of thirty days is named; older ones do not count, over restarts", async () => {
    const log = new TestLog();
    const directory = fresh();
    // The charter allows three.
    publish(log, [charterEntry, order(0, TODAY - 40), batch(dayNumber(TODAY - 30)), order(1, TODAY - 29)]);
    const monitor = await watch(log, directory);
    expect(await monitor.look()).toMatchObject({ orders: 2, findings: [] });
    publish(log, [order(2), order(3)]);
    const second = await again(monitor, log, directory);
    expect(await second.look()).toMatchObject({ orders: 4, findings: [] });
    publish(log, [order(4)]);
    const third = await again(second, log, directory);
    const expected = {
      orders: 5,
      findings: [
        { code: "cap-exceeded", charter: charter.id, index: 6, cap: "warrantsPer30Days", count: 4, limit: 3 },
      ],
    };
    expect(await third.look()).toMatchObject(expected);
    expect(await (await again(third, log, directory)).look()).toMatchObject(expected);
  });

  test("MON-7: an order that carries an older day than what stands before it counts on that day", async () => {
    const log = new TestLog();
    publish(log, [charterEntry, order(1), order(2), order(3), order(4, TODAY - 100)]);
    const look = await (await watch(log, fresh())).look();
    expect(look.findings).toMatchObject([
      { code: "cap-exceeded", index: 4, cap: "warrantsPer30Days", count: 4 },
    ]);
  });

  test("MON-10: orders to preserve are counted, and named where they go beyond the charter, over restarts", async () => {
    const preservation = (number: number, until: number): LogEntry =>
      signIntake(
        {
          type: "preservation",
          charter: charter.id,
          day: TODAY,
          commitment: commitment(hex(seedOf(`preservation ${number}`))),
          until: periodOf(dayNumber(TODAY + until)),
        },
        seedOf("Intake"),
      );
    const log = new TestLog();
    const directory = fresh();
    // The charter allows 90 days, and three in thirty days.
    publish(log, [charterEntry, preservation(0, 60), preservation(1, 90)]);
    const monitor = await watch(log, directory);
    const first = await monitor.look();
    expect(first).toMatchObject({ orders: 0, preservations: 2, findings: [] });
    expect(stateLine(first)).toContain("1 charter, 0 orders, 2 to preserve");
    const more = (["preservation-lift", "registration"] as const).map((type) =>
      signIntake(
        {
          type: type as "registration",
          charter: charter.id,
          day: TODAY,
          commitment: commitment(hex(seedOf("preservation 0"))),
        },
        seedOf("Intake"),
      ),
    );
    const answered = signIntake(
      {
        type: "provider-answer",
        charter: charter.id,
        day: TODAY,
        commitment: commitment(hex(seedOf("an answer"))),
        data: "subscriber",
      },
      seedOf("Intake"),
    );
    publish(log, [preservation(2, 130), preservation(3, 30), ...more, answered]);
    const beyond = { code: "preservation-beyond-charter", charter: charter.id };
    const expected = {
      preservations: 4,
      lifted: 1,
      registrations: 1,
      providerAnswers: 1,
      findings: [
        { ...beyond, index: 3, reason: "too-long" },
        { ...beyond, index: 4, reason: "too-many" },
      ],
    };
    expect(await monitor.look()).toMatchObject(expected);
    expect(await (await again(monitor, log, directory)).look()).toMatchObject(expected);
  });

  test("MON-8: a crash after entries were remembered and before the follower knew counts nothing twice", async () => {
    const log = new TestLog();
    const directory = fresh();
    publish(log, [charterEntry, order(1)]);
    const monitor = await watch(log, directory);
    await monitor.look();
    const state = join(directory, "log.state");
    copyFileSync(state, `${state}.before`);
    publish(log, [order(2), utf8("junk"), order(3)]);
    await monitor.look();
    copyFileSync(`${state}.before`, state);
    const restarted = await again(monitor, log, directory);
    expect(await restarted.look()).toMatchObject({
      entries: 3,
      orders: 3,
      findings: [{ code: "unknown-entries", count: 1 }],
    });
    expect(existsSync(join(directory, "fork-1-seen.note"))).toBe(false);
  });

  test("MON-9: an order whose month is over untold is overdue, over restarts, until t keyholders give their shares", async () => {
    const log = new TestLog();
    const directory = fresh();
    const loggedOn = parseDay("2026-09-10");
    const until = parseDay("2026-11-30");
    const opening = seedOf("an opening");
    const secret = await orderOf(charter);
    const keys: LogEntry = {
      type: "keys",
      document: await signedKeys(keysDocument(charter, periodOf(loggedOn))),
    };
    const at = (day: number): UnixSeconds => unixSeconds(day * DAY + 60);
    const clock = { now: () => at(until + 2) };
    publish(log, [charterEntry, keys, ...(await loggedOrder(secret, opening, loggedOn))], at(until + 1));
    const index = log.entries.length - 1;
    const monitor = await watch(log, directory, { clock });
    expect((await monitor.look()).findings).toEqual([]);
    publish(log, [], at(until + 2));
    const due = await again(monitor, log, directory);
    const overdue = { code: "overdue", charter: charter.id, index, month: "2026-11", reason: "not-released" };
    const { findings } = await due.look();
    expect(findings.filter(({ code }) => code === "overdue")).toEqual([overdue]);
    expect(sentence(findings.find(({ code }) => code === "overdue") as never)).toContain("2026-11");
    const notice = { commitment: commitmentOfOrder(secret, opening), until, loggedOn };
    const shares = [1, 2, 3].map((one) => releasedShare(charter, keyholderIndex(one), notice));
    publish(log, shares.slice(0, 2), at(until + 2));
    expect((await due.look()).findings).toContainEqual(overdue);
    publish(log, shares.slice(2), at(until + 2));
    const told = await again(due, log, directory);
    expect((await told.look()).findings.filter(({ code }) => code === "overdue")).toEqual([]);
  });

  test("MON-11: an order that proves to have been beyond the caps on accounts and days is named when its secrecy ends, over restarts", async () => {
    const log = new TestLog();
    const directory = fresh();
    publish(log, [charterEntry, told(1, part(2, 31)).order, told(2, part(3, 32)).order]);
    const monitor = await watch(log, directory);
    expect((await monitor.look()).findings).toEqual([]);
    publish(log, [told(1, part(2, 31)).disclosed, told(2, part(3, 32)).disclosed]);
    const second = await again(monitor, log, directory);
    const exceeded = { code: "cap-exceeded", charter: charter.id, index: 2 };
    const expected = [
      { ...exceeded, cap: "accountsPerWarrant", count: 3, limit: 2 },
      { ...exceeded, cap: "daysPerWarrant", count: 32, limit: 31 },
    ];
    const { findings } = await second.look();
    expect(findings).toEqual(expected);
    expect(sentence(findings[0] as never)).toContain("could open 3 accounts; the charter allows 2");
    // The day of a later entry: the same is told once.
    const { intake: _, ...unsigned } = told(2, part(3, 32)).disclosed;
    publish(log, [signIntake({ ...unsigned, day: dayNumber(TODAY - 1) }, seedOf("Intake"))]);
    expect((await (await again(second, log, directory)).look()).findings).toEqual(expected);
  });

  test("MON-12: what a log tells of an order is checked against what the order's entry hid, and against the charter", async () => {
    const log = new TestLog();
    const directory = fresh();
    const honest = told(1, part(2, 3));
    const foreign = told(3, { ...part(1, 1), issuer: "Nobody's Court" });
    publish(log, [
      charterEntry,
      honest.order,
      told(1, part(1, 3)).disclosed,
      told(2, part(1, 1)).disclosed,
      foreign.order,
      foreign.disclosed,
      honest.disclosed,
    ]);
    const monitor = await watch(log, directory);
    const code = "disclosure-false";
    const expected = [
      { code, charter: charter.id, index: 2, reason: "not-what-was-hidden" },
      { code, charter: charter.id, index: 3, reason: "order-unknown" },
      { code, charter: charter.id, index: 5, reason: "not-the-charters" },
    ];
    expect((await monitor.look()).findings).toEqual(expected);
    expect((await (await again(monitor, log, directory)).look()).findings).toEqual(expected);
  });

  test("MON-9: an order that stands without its notices is told at once", async () => {
    const log = new TestLog();
    const bare = { ...order(1), notices: hex(seedOf("never logged")) } as OrderEntry;
    const { intake: _, ...unsigned } = bare;
    publish(log, [charterEntry, signIntake(unsigned, seedOf("Intake"))]);
    expect((await (await watch(log, fresh())).look()).findings).toMatchObject([
      { code: "overdue", index: 1, reason: "notices-missing" },
    ]);
  });
});
