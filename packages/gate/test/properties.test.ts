import type { LogEntry } from "@porchlight/charter";
import { type Commitment, charterId, type DayNumber, dayNumber, hex } from "@porchlight/encoding";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { charterOf, onDay, seedOf } from "../../../vectors/fixture/deployment.ts";
import { type Changes, gateInput } from "../../../vectors/fixture/gate-cases.ts";
import { batch, batches, day, SELF, strangersOrder } from "../../../vectors/fixture/order.ts";
import { passGate } from "../src/index.ts";

const court = await charterOf("court");
const house = await charterOf("house");
const TODAY = day("2026-09-12");
const NOTICE_FIRST = { disclosure: { kind: "notice-first" } } as const;

async function codeOf(changes: Changes): Promise<string> {
  const result = passGate((await gateInput({ kind: "court", changes })).input);
  return result.kind === "passed" ? "passed" : result.code;
}

/** What anyone could get into the log, or what belongs to others: nothing of it may count. */
function junk(kind: number, on: DayNumber): LogEntry {
  const stranger = seedOf(`junk ${kind} ${on}`);
  const ordered = strangersOrder(court, `junk ${kind} ${on}`, on, "a stranger");
  const entries: LogEntry[] = [
    ordered,
    { ...ordered, type: "revocation", intake: ordered.intake } as never,
    batch(court, SELF, on, [], "a stranger"),
    { ...batch(court, SELF, on), charter: charterId(hex(stranger)) },
    strangersOrder(house, `junk ${kind} ${on}`, on),
    { type: "keys", document: { payload: "", signatures: [] } },
  ];
  return entries[kind % entries.length] as LogEntry;
}

describe("properties of the gate", () => {
  const anyJunk = fc.array(
    fc.tuple(fc.nat(5), fc.integer({ min: TODAY - 60, max: TODAY + 60 }).map(dayNumber)),
    { maxLength: 12 },
  );

  test("GATE-7, GATE-18, GATE-20: junk in the log changes no answer", async () => {
    await fc.assert(
      fc.asyncProperty(
        anyJunk,
        anyJunk,
        fc.constantFrom<[Changes, string]>(
          [{}, "passed"],
          [{ warrant: NOTICE_FIRST }, "notice-period"],
          [{ warrant: NOTICE_FIRST, time: onDay(day("2026-09-26")) }, "passed"],
        ),
        async (before, after, [changes, expected]) => {
          const answer = await codeOf({
            ...changes,
            before: (charter) => [
              ...batches(charter, day("2026-09-10")),
              ...before.map(([k, on]) => junk(k, on)),
            ],
            after: () => after.map(([k, on]) => junk(k, on)),
          });
          expect(answer).toBe(expected);
        },
      ),
      { numRuns: 20 },
    );
  });

  test("GATE-20: an entry's day cannot shorten the notice below what honest batches before it prove", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: TODAY - 90, max: TODAY }).map(dayNumber),
        fc.integer({ min: TODAY - 90, max: TODAY }).map(dayNumber),
        fc.nat(40),
        async (loggedOn, lastBatch, wait) => {
          const today = dayNumber(TODAY + Math.min(wait, 27));
          const answer = await codeOf({
            warrant: NOTICE_FIRST,
            loggedOn,
            time: onDay(today, 12),
            before: (charter) => batches(charter, lastBatch),
          });
          const effective = Math.max(loggedOn, lastBatch);
          expect(answer).toBe(today > effective + court.contestDays ? "passed" : "notice-period");
        },
      ),
      { numRuns: 20 },
    );
  });

  test("GATE-18: the cap counts lower indices in the thirty days that end with the order, and nothing else", async () => {
    const loggedOn = day("2026-09-11");
    const days = fc.array(fc.integer({ min: loggedOn - 45, max: loggedOn }).map(dayNumber), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(days, fc.nat(4), async (before, later) => {
        const ascending = before.toSorted((a, b) => a - b);
        const answer = await codeOf({
          loggedOn,
          before: (charter) => ascending.map((on, i) => strangersOrder(charter, `order ${i}`, on)),
          after: (charter) =>
            Array.from({ length: later }, (_, i) => strangersOrder(charter, `later ${i}`, loggedOn)),
        });
        const counted = ascending.filter((on) => on > loggedOn - 30).length;
        expect(answer).toBe(counted < court.caps.warrantsPer30Days ? "passed" : "cap-rate");
      }),
      { numRuns: 20 },
    );
  });

  test("GATE-27: an intent hides among filler, and only its own random bytes find it", async () => {
    const slot = (n: number) => hex(seedOf(`slot ${n}`));
    const filler = (charter: typeof court, on: DayNumber) => batch(charter, SELF, on, [slot(1), slot(2)]);
    expect(await codeOf({ intentBatch: (charter, _, on) => filler(charter, on) })).toBe("intent-not-logged");
    for (const at of [0, 3, 7]) {
      const intentBatch = (charter: typeof court, own: string, on: DayNumber) =>
        batch(charter, SELF, on, [...Array.from({ length: at }, (_, i) => slot(i)), own]);
      expect(await codeOf({ intentBatch })).toBe("passed");
    }
  });

  test("GATE-10: whatever else the log holds, a revoked order stays revoked", async () => {
    await fc.assert(
      fc.asyncProperty(anyJunk, fc.boolean(), async (others, early) => {
        const revoked = (_: unknown, commitment: Commitment): LogEntry[] => [
          { ...strangersOrder(court, "r", TODAY), type: "revocation", commitment } as never,
        ];
        const noise = () => others.map(([k, on]) => junk(k, on));
        const answer = await codeOf(
          early
            ? { before: (c, of) => [...revoked(c, of), ...noise()] }
            : { after: (c, of) => [...noise(), ...revoked(c, of)] },
        );
        expect(answer).toBe("revoked");
      }),
      { numRuns: 10 },
    );
  });
});
