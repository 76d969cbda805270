import { type Charter, type LogEntry, type PublicPart, toldCells } from "@porchlight/charter";
import {
  commitment,
  type DayNumber,
  dayNumber,
  hex,
  lastDayOf,
  parsePeriod,
  periodOf,
} from "@porchlight/encoding";
import { publicCommitment } from "@porchlight/gate";
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { charterOf, seedOf } from "../../../vectors/fixture/deployment.ts";
import { csvFiles, Reckoning, reportPage } from "../src/index.ts";

let charter: Charter;
beforeAll(async () => {
  charter = await charterOf("court", { legalBases: ["Section 1", "Section 2"] });
});

const FIRST = dayNumber(20_500);
const KEY = seedOf("public key of an order");

type Case = { readonly logged: DayNumber; readonly disclosed: DayNumber; readonly part: PublicPart };

function partAt(place: number, accounts = 1, days = 1): PublicPart {
  const { legalBases, offenceCategories, issuers } = charter;
  return {
    issuer: issuers[0]?.name ?? "",
    legalBasis: legalBases[Math.floor(place / offenceCategories.length)] ?? "",
    offenceCategory: offenceCategories[place % offenceCategories.length] ?? "",
    accounts,
    days,
  };
}

/** What a log of these orders comes to on a day, each entry on its own day. */
function reportOn(cases: readonly Case[], today: number, between: readonly LogEntry[] = []) {
  const reckoning = new Reckoning();
  const entries = cases.flatMap(({ logged, disclosed, part }, number) => {
    const about = {
      ...{ charter: charter.id, intake: "" },
      commitment: commitment(hex(seedOf(`order ${number}`))),
    };
    const hidden = { public: publicCommitment(KEY, part), notices: "", secretUntil: periodOf(disclosed) };
    return [
      { type: "warrant", day: logged, ...about, ...hidden },
      { type: "disclosed", day: disclosed, key: hex(KEY), part, ...about },
    ] satisfies LogEntry[];
  });
  const all: (LogEntry & { readonly day: DayNumber })[] = [...(between as typeof entries), ...entries];
  for (const entry of all.filter(({ day }) => day <= today).sort((a, b) => a.day - b.day)) {
    reckoning.take({ index: 0, entry, charter, present: charter, day: entry.day, period: null });
  }
  const [report] = reckoning.reports(dayNumber(today));
  if (report === undefined) throw new Error("no order");
  return report;
}

const inMonth = (month: number, places: readonly number[]): Case[] => {
  const logged = lastDayOf(parsePeriod(`2026-0${month}`));
  return places.map((place) => ({ logged, disclosed: dayNumber(logged + 40), part: partAt(place, 2, 3) }));
};

test("REP-4: fewer than five orders are never told, months are put together until a number can be", () => {
  const few = [...inMonth(3, [0, 0, 0]), ...inMonth(4, [1, 0, 0])];
  expect(reportOn(few, FIRST + 1000)).toMatchObject({ purposes: [], untold: 6 });
  const { purposes, untold } = reportOn([...few, ...inMonth(5, [2, 2, 1, 1])], FIRST + 1000);
  expect(untold).toBe(0);
  expect(purposes).toMatchObject([
    { months: ["2026-03", "2026-04", "2026-05"], others: { orders: 5, accounts: 10, days: 15 } },
  ]);
  expect(purposes[0]?.cells.map(({ told }) => told?.orders ?? null).slice(0, 3)).toEqual([5, null, null]);
});

test("REP-4: what would follow by subtraction is not told either, and a month that tells a number stands alone", () => {
  // Six of one kind and one of another: of the six is not told, as the total would give away the one.
  expect(reportOn(inMonth(3, [0, 0, 0, 0, 0, 0, 1]), FIRST + 1000).purposes).toEqual([]);
  const own = [0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2];
  const { purposes } = reportOn([...inMonth(3, [5]), ...inMonth(4, own)], FIRST + 1000);
  expect(purposes.map(({ months }) => months)).toEqual([["2026-04"]]);
});

test("REP-4: nothing of a month in which something is secret, and nothing before the day is over", () => {
  const cases = inMonth(3, [0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2]);
  const [first] = cases as [Case];
  const last = { ...first, disclosed: dayNumber(first.logged + 200), part: partAt(0) };
  const told = (today: number): number => reportOn([...cases, last], today).purposes.length;
  expect([told(first.logged + 100), told(last.disclosed), told(last.disclosed + 1)]).toEqual([0, 0, 1]);
});

test("REP-4: a part that the order did not hide is not counted, nor a second one", () => {
  const cases = inMonth(3, [0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2]);
  const [first] = cases as [Case];
  const lie: LogEntry = {
    ...{ type: "disclosed", charter: charter.id, intake: "", day: dayNumber(first.logged + 10) },
    ...{ commitment: commitment(hex(seedOf("order 0"))), key: hex(KEY), part: partAt(3, 90, 90) },
  };
  const late = { ...lie, day: dayNumber(first.disclosed + 10) };
  expect(reportOn(cases, FIRST + 1000, [lie, late]).purposes).toEqual(reportOn(cases, FIRST + 1000).purposes);
});

test("REP-4, REP-5: no row of page or table is of fewer than five, none follows from the others, and none changes", () => {
  const orders = fc.array(
    fc.record({
      logged: fc.integer({ min: FIRST, max: FIRST + 150 }).map(dayNumber),
      secret: fc.constantFrom(1, 1, 1, 40, 90),
      place: fc.nat({ max: 3 }),
      accounts: fc.integer({ min: 1, max: 3 }),
    }),
    { minLength: 1, maxLength: 120 },
  );
  fc.assert(
    fc.property(orders, fc.integer({ min: FIRST + 151, max: FIRST + 299 }), (made, earlier) => {
      const cases = made.map(({ logged, secret, place, accounts }) => ({
        logged,
        disclosed: dayNumber(logged + secret),
        part: partAt(place, accounts),
      }));
      const report = reportOn(cases, FIRST + 300);
      const months = report.purposes.flatMap((one) => one.months);
      expect(new Set(months).size).toBe(months.length);
      for (const { months: own, cells, others } of report.purposes) {
        const told = cells.flatMap((cell) => cell.told ?? []);
        expect(told.length).toBeGreaterThan(0);
        expect(Math.min(...told.map((cell) => cell.orders))).toBeGreaterThanOrEqual(5);
        const untold = cells.filter((cell) => cell.told === null).length;
        if (untold > 0) expect([untold > 1, others.orders >= 5]).toEqual([true, true]);
        // Nothing follows from the provider's own figures (ENT-11) of one of several months.
        if (own.length === 1) continue;
        for (const month of own) {
          const counts = cells.map(
            (cell) =>
              cases.filter(
                ({ logged, part }) =>
                  periodOf(logged) === month &&
                  part.legalBasis === cell.legalBasis &&
                  part.offenceCategory === cell.offenceCategory,
              ).length,
          );
          expect(toldCells(counts).every((cell) => cell === null)).toBe(true);
        }
      }
      const before = reportOn(cases, earlier);
      expect(report.purposes.slice(0, before.purposes.length)).toEqual(before.purposes);
      const rows = csvFiles([report]).get("purposes.csv")?.split("\r\n").slice(1, -1) ?? [];
      for (const row of rows)
        expect(row).toMatch(/,(withheld,withheld,withheld|([5-9]|[1-9][0-9]+),\d+,\d+)$/);
      const tabled = rows.flatMap((row) => /,(\d+),\d+,\d+$/.exec(row)?.[1] ?? []);
      const counted = cases.length - report.untold;
      expect(tabled.reduce((sum, count) => sum + Number(count), 0)).toBe(counted);
    }),
    { numRuns: 200 },
  );
});

test("REP-4: page and table say what is not told and that single orders can be seen in the log", () => {
  const report = reportOn(inMonth(3, [0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2]), FIRST + 1000);
  const checkpoint = { origin: "example", size: 1, time: 0 } as never;
  const page = reportPage({ checkpoint, unknown: 0, charters: [report], findings: [] });
  expect(page).toContain("This hides nothing.");
  expect(page).toContain("<td>all others</td><td>all others</td><td>5</td><td>10</td><td>15</td>");
  expect(csvFiles([report]).get("purposes.csv")).toContain(",2026-03,all others,all others,5,10,15\r\n");
});
