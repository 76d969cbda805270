import {
  formatEntry,
  type LogEntry,
  type PublicPart,
  signBatch,
  signIntake,
  signNoticeShare,
  toldCells,
} from "@porchlight/charter";
import {
  commitment,
  type DayNumber,
  dayNumber,
  dayOf,
  hex,
  type KeyholderIndex,
  keyholderIndex,
  type Period,
  periodOf,
  utf8,
} from "@porchlight/encoding";
import { publicCommitment } from "@porchlight/gate";
import { nodeSuite } from "@porchlight/tlog/node";
import { beforeAll, expect, test } from "vitest";
import {
  charterDocument,
  charterOf,
  KEYHOLDERS,
  keyholderName,
  keysDocument,
  seedOf,
  signedCharter,
  signedKeys,
  signedSuccession,
  successionDocument,
} from "../../../vectors/fixture/deployment.ts";
import { keyholders, policy, START, TestLog, witnesses } from "../../wire/test/test-log.ts";
import { csvFiles, type Reported, readLog, reportPage } from "../src/index.ts";

const TODAY = dayOf(START);
const CHANGES = {
  clock: "system",
  validFrom: dayNumber(TODAY - 100),
  validUntil: dayNumber(TODAY + 300),
  legalBases: ["=1+1", "Section 100a, <b>Code</b>"],
} as const;
const charter = await charterOf("court", CHANGES);
const [basis = ""] = [...charter.legalBases].reverse();
const [category = ""] = charter.offenceCategories;
const intake = seedOf("Intake");
const monthAgo = dayNumber(TODAY - 40);
const commitmentOf = (number: number) => commitment(hex(seedOf(`order ${number}`)));

const PART: PublicPart = {
  issuer: charter.issuers[0]?.name ?? "",
  legalBasis: basis,
  offenceCategory: category,
  accounts: 2,
  days: 3,
};
const key = seedOf("key");

const order = (number: number, day: DayNumber, secretUntil: Period, seed = intake): LogEntry =>
  signIntake(
    {
      type: "warrant",
      charter: charter.id,
      day,
      commitment: commitmentOf(number),
      public: publicCommitment(key, { ...PART, days: number }),
      notices: "00".repeat(32),
      secretUntil,
    },
    seed,
  );
const disclosed = (number: number): LogEntry =>
  signIntake(
    {
      type: "disclosed",
      charter: charter.id,
      day: TODAY,
      commitment: commitmentOf(number),
      key: hex(key),
      part: { ...PART, days: number },
    },
    intake,
  );
const batch = (keyholder: KeyholderIndex, day: DayNumber, filler = "slot"): LogEntry =>
  signBatch(
    {
      type: "keyholder-batch",
      charter: charter.id,
      keyholder,
      day,
      slots: Array.from({ length: 8 }, (_, i) => hex(seedOf(`${filler} ${keyholder} ${day} ${i}`))),
    },
    seedOf(keyholderName(keyholder)),
  );

/** A share as a keyholder signs it; a report asks only who gave one for what. */
const share = (number: number, keyholder: KeyholderIndex, until: number): LogEntry =>
  signNoticeShare(
    {
      type: "notice-share",
      charter: charter.id,
      keyholder,
      commitment: commitmentOf(number),
      until: dayNumber(until),
      period: periodOf(monthAgo),
      generation: 1,
      share: "ab".repeat(48),
    },
    seedOf(keyholderName(keyholder)),
  );

const past = periodOf(dayNumber(TODAY - 35));
const future = periodOf(dayNumber(TODAY + 60));
let reported: Reported;
let read: () => Promise<Reported>;

beforeAll(async () => {
  const log = new TestLog();
  const entries: LogEntry[] = [
    { type: "charter", document: await signedCharter(charterDocument("court", CHANGES)) },
    { type: "keys", document: await signedKeys(keysDocument(charter, periodOf(monthAgo))) },
    order(1, monthAgo, past),
    order(2, monthAgo, past),
    order(3, monthAgo, past),
    order(4, monthAgo, future),
    order(4, monthAgo, future),
    signIntake(
      { type: "revocation", charter: charter.id, day: monthAgo, commitment: commitmentOf(3) },
      intake,
    ),
    signIntake(
      {
        type: "extension",
        charter: charter.id,
        day: monthAgo,
        commitment: commitmentOf(2),
        direction: hex(seedOf("direction")),
        secretUntil: future,
      },
      intake,
    ),
    disclosed(1),
    order(5, TODAY, future, seedOf("somebody else")),
    ...[0, 1, 1].map((number) =>
      signIntake(
        {
          type: "preservation",
          charter: charter.id,
          day: monthAgo,
          commitment: commitmentOf(100 + number),
          until: future,
        },
        intake,
      ),
    ),
    signIntake(
      { type: "preservation-lift", charter: charter.id, day: TODAY, commitment: commitmentOf(101) },
      intake,
    ),
    ...([0, 1, 1, 2] as const).map((number) =>
      signIntake(
        {
          type: "provider-answer",
          charter: charter.id,
          day: TODAY,
          commitment: commitmentOf(200 + number),
          data: number === 0 ? "subscriber" : "traffic",
        },
        intake,
      ),
    ),
    signIntake(
      { type: "registration", charter: charter.id, day: TODAY, commitment: commitmentOf(300) },
      intake,
    ),
    ...[6, 7].map((number) => order(number, TODAY, future)),
    signIntake(
      {
        type: "statistics",
        charter: charter.id,
        day: TODAY,
        month: periodOf(monthAgo),
        cells: toldCells(
          Array.from(
            { length: charter.legalBases.length * charter.offenceCategories.length },
            (_, i) => 7 + i,
          ),
        ),
      },
      intake,
    ),
  ];
  // All publish on the first of three days; keyholder 1 alone on the second, and twice; nobody on the third.
  for (const keyholder of KEYHOLDERS) entries.push(batch(keyholder, dayNumber(TODAY - 3)));
  entries.push(batch(keyholderIndex(1), dayNumber(TODAY - 2)));
  entries.push(batch(keyholderIndex(1), dayNumber(TODAY - 2), "more"));
  // Order 1 is told. Of order 6 one keyholder gives a share twice, another one for another end.
  for (const keyholder of KEYHOLDERS.slice(0, charter.threshold)) entries.push(share(1, keyholder, TODAY));
  for (const keyholder of KEYHOLDERS.slice(1, charter.threshold)) entries.push(share(6, keyholder, TODAY));
  entries.push(share(6, keyholderIndex(1), TODAY - 1), share(6, keyholderIndex(2), TODAY));
  log.append([...entries.map(formatEntry), utf8("not an entry")]);
  log.note = log.sign(START, [...witnesses, ...keyholders]);
  read = () => readLog({ source: log, policy, clock: { now: () => START }, suite: nodeSuite });
  reported = await read();
});

test("REP-1: what nobody who may signed is not counted, and is said", () => {
  expect(reported.unknown).toBe(2);
  expect(reported.charters).toHaveLength(1);
});

test("REP-2, REP-3: orders by month, each once, and what became of them", () => {
  expect(reported.charters[0]?.orders).toEqual([
    {
      month: periodOf(monthAgo),
      logged: 4,
      revoked: 1,
      suspended: 0,
      extended: 1,
      toldEarly: 0,
      disclosed: 1,
      stillSecret: 2,
      notDisclosed: 0,
    },
    {
      month: periodOf(TODAY),
      logged: 2,
      revoked: 0,
      suspended: 0,
      extended: 0,
      toldEarly: 0,
      disclosed: 0,
      stillSecret: 2,
      notDisclosed: 0,
    },
  ]);
});

test("REP-11: how long until people were told: shares of one end and one key, each keyholder's once", () => {
  expect(reported.charters[0]?.notices).toEqual([
    { month: periodOf(monthAgo), told: 1, days: { least: 40, median: 40, most: 40 } },
    { month: periodOf(TODAY), told: 0, days: null },
  ]);
  expect(csvFiles(reported.charters).get("notices.csv")).toContain(",1,40,40,40\r\n");
  expect(reportPage(reported)).toContain("How long until people were told");
});

test("REP-4, REP-5, REP-7: purposes of what is over, the provider's figures, and the months with keys", () => {
  const [report] = reported.charters;
  // Of the same month others are secret.
  expect([report?.purposes, report?.untold]).toEqual([[], 1]);
  expect(report?.statistics[0]?.cells[1]).toMatchObject({ orders: 8 });
  expect(report?.keyPeriods).toEqual([periodOf(monthAgo)]);
});

test("REP-10: orders to preserve by the month in which they can have come, one that is logged twice once", () => {
  expect(reported.charters[0]?.preservations).toEqual([{ month: periodOf(TODAY), logged: 2, lifted: 1 }]);
  expect(reportPage(reported)).toContain("Orders to preserve, by month");
});

test("REP-12: what the provider answered itself, and keys that were registered, each once", () => {
  const month = periodOf(TODAY);
  expect(reported.charters[0]?.providerAnswers).toEqual([{ month, subscriber: 1, traffic: 2 }]);
  expect(reported.charters[0]?.registrations).toEqual([{ month, registered: 1 }]);
  expect(reportPage(reported)).toContain("What the provider answered itself, by month");
  expect(csvFiles(reported.charters).get("provider-answers.csv")).toContain(`,${month},1,2\r\n`);
});

test("REP-6: a keyholder that was silent is seen to have been", () => {
  const rows = reported.charters[0]?.participation ?? [];
  const sum = (keyholder: number, member: "expected" | "present" | "extra"): number =>
    rows.filter((row) => row.keyholder === keyholder).reduce((total, row) => total + row[member], 0);
  expect([sum(1, "expected"), sum(1, "present"), sum(1, "extra")]).toEqual([3, 2, 1]);
  expect([sum(2, "expected"), sum(2, "present"), sum(2, "extra")]).toEqual([3, 1, 0]);
});

test("REP-8: fields are quoted, and nothing is a formula", () => {
  const files = csvFiles(reported.charters);
  expect([...files.keys()]).toEqual([
    "orders.csv",
    "notices.csv",
    "preservations.csv",
    "provider-answers.csv",
    "registrations.csv",
    "purposes.csv",
    "statistics.csv",
    "keyholders.csv",
  ]);
  expect(files.get("statistics.csv")).toContain(",'=1+1,");
  expect(files.get("statistics.csv")).toContain('"Section 100a, <b>Code</b>"');
  for (const text of files.values()) expect(text).toMatch(/^charter,[^\n]*\r\n/);
});

test("REP-9: the page shows what it counted, escaped, and is the same for everyone", async () => {
  const page = reportPage(reported);
  expect(page).toContain("&lt;b&gt;Code&lt;/b&gt;");
  expect(page).not.toMatch(/<script|<img|<link|https?:\/\/(?!www\.w3\.org)/);
  expect(page).toContain("2 entries mean nothing");
  expect(reportPage(await read())).toBe(page);
});

test("REP-9: a log without a charter has nothing to report, and the page says so", async () => {
  const log = new TestLog();
  log.publish(3);
  const none = await readLog({ source: log, policy, clock: { now: () => START }, suite: nodeSuite });
  expect(reportPage(none)).toContain("Nothing was ever escrowed here");
});

test("CHA-21, REP-6: who came in a lost keyholder's place stands in it, and what the other missed stays the other's", async () => {
  const log = new TestLog();
  const entries: LogEntry[] = [
    { type: "charter", document: await signedCharter(charterDocument("court", CHANGES)) },
    batch(keyholderIndex(1), dayNumber(TODAY - 9)),
    batch(keyholderIndex(2), dayNumber(TODAY - 9)),
    batch(keyholderIndex(1), dayNumber(TODAY - 4)),
    { type: "succession", document: await signedSuccession(charter, successionDocument(charter)) },
  ];
  log.append(entries.map(formatEntry));
  log.note = log.sign(START, [...witnesses, ...keyholders]);
  const after = await readLog({ source: log, policy, clock: { now: () => START }, suite: nodeSuite });
  const [report] = after.charters;
  const [lost, successor] = ["Keyholder 2", "Keyholder 2, new"];
  expect(report?.charter.keyholders[1]?.name).toBe(successor);
  expect(report?.replaced).toMatchObject([
    { day: TODAY - 4, lost: { name: lost }, successor: { name: successor } },
  ]);
  const sum = (name: string): number[] =>
    (report?.participation ?? [])
      .filter((row) => row.name === name)
      .reduce(([expected = 0, present = 0], row) => [expected + row.expected, present + row.present], [0, 0]);
  expect([sum(lost), sum(successor), sum("Keyholder 1")]).toEqual([
    [6, 1],
    [3, 0],
    [9, 2],
  ]);
  expect(reportPage(after)).toContain(`${successor} (Foundation 6) took the place of ${lost}`);
});
