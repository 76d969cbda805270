import type { DirectionEntry, LogEntry } from "@porchlight/charter";
import { signIntake } from "@porchlight/charter";
import { type DayNumber, dayNumber, hex, type Period, type UnixSeconds } from "@porchlight/encoding";
import { describe, expect, test } from "vitest";
import { charterOf, checkpointOf, onDay, seedOf, WEAK_POLICY } from "../../../vectors/fixture/deployment.ts";
import { orderOf } from "../../../vectors/fixture/gate-cases.ts";
import { batches, day, directed, orderEntry } from "../../../vectors/fixture/order.ts";
import { directionFacts, directionRules } from "../src/check-direction.ts";
import { evaluate } from "../src/evaluate.ts";
import {
  checkDirection,
  checkDirectionDraft,
  noticeDue,
  type OrderInput,
  type VerifiedDirection,
  type VerifiedOrder,
} from "../src/index.ts";

// Issued on 10 September, secret until 30 November; the charter allows 90 days, to 9 December.
const charter = await charterOf("court");
const order = await orderOf(charter);
const told = await orderOf(charter, { disclosure: { kind: "notice-first" } });
const OPENING = seedOf("opening");
const END = day("2026-11-30");
const LOGGED = day("2026-09-11");
const IN_TIME = onDay(dayNumber(END - 1));

type Said = { readonly verified: VerifiedDirection; readonly entry: DirectionEntry };

const said = async (kind: DirectionEntry["type"], until = "2026-12-09", of = order): Promise<Said> =>
  await directed(of, OPENING, kind, { until: day(until), loggedOn: day("2026-11-20"), ground: until });

/** The log with the order and, after it, these entries. */
function inputOf(
  entries: readonly LogEntry[],
  options: {
    time?: UnixSeconds;
    counted?: readonly Said[];
    of?: VerifiedOrder;
    weak?: true;
    now?: number;
  } = {},
): OrderInput {
  const of = options.of ?? order;
  const before = batches(charter, day("2026-09-10"));
  const all = [...before, orderEntry(of, OPENING, LOGGED), ...entries];
  const time = options.time ?? IN_TIME;
  const weak = { policy: WEAK_POLICY, witnesses: 1, keyholders: 0 };
  return {
    warrant: of,
    opening: OPENING,
    index: before.length,
    view: {
      checkpoint: checkpointOf(all, time, options.weak === true ? weak : undefined),
      entries: all.map((entry, index) => ({ index, entry })),
    },
    directions: (options.counted ?? []).map(({ verified }) => verified),
    noticeKeys: new Map(),
    now: (options.now ?? time) as UnixSeconds,
  };
}

/** Where the first entry after the order stands. */
const FIRST = charter.keyholders.length + 1;
const extension = await said("extension");
const early = await said("notice-release");

type Refused = [rule: string, name: string, input: OrderInput, verified: VerifiedDirection, at?: number];
const refused: Refused[] = [
  [
    "GATE-1",
    "on a checkpoint of one witness",
    inputOf([extension.entry], { weak: true }),
    extension.verified,
  ],
  ["GATE-2", "on an old checkpoint", inputOf([extension.entry], { now: IN_TIME + 601 }), extension.verified],
  ["DIR-3", "that the log does not hold", inputOf([]), extension.verified],
  ["DIR-3", "at another place", inputOf([early.entry, extension.entry], { counted: [] }), extension.verified],
  [
    "DIR-3",
    "whose entry shows another month",
    inputOf([
      signIntake(
        { ...extension.entry, secretUntil: "2026-11" as Period } as DirectionEntry,
        seedOf("Intake"),
      ),
    ]),
    extension.verified,
  ],
  [
    "DIR-3",
    "of which the entry hides another document",
    inputOf([signIntake({ ...extension.entry, direction: hex(seedOf("other")) }, seedOf("Intake"))]),
    extension.verified,
  ],
  [
    "DIR-4",
    "that the intake did not sign",
    inputOf([signIntake(extension.entry, seedOf("a stranger"))]),
    extension.verified,
  ],
];
const notSecret = await said("extension", "2026-12-01", told);
const shorter = await said("extension", "2026-11-30");
const longer = await said("extension", "2026-12-10");
refused.push(
  [
    "DIR-5",
    "of an order of which the person is told first",
    inputOf([notSecret.entry], { of: told, time: onDay(dayNumber(LOGGED - 1)) }),
    notSecret.verified,
  ],
  ["DIR-6", "that ends when secrecy ends anyway", inputOf([shorter.entry]), shorter.verified],
  ["DIR-7", "a day beyond the longest secrecy", inputOf([longer.entry]), longer.verified],
  [
    "DIR-8",
    "that is witnessed less than a day before the end",
    inputOf([extension.entry], { time: (IN_TIME + 1) as UnixSeconds }),
    extension.verified,
  ],
  [
    "DIR-10",
    "after the notices were released",
    inputOf([{ ...early.entry }, extension.entry], { counted: [early] }),
    extension.verified,
    FIRST + 1,
  ],
);

describe("an extension of secrecy", () => {
  test("counts where it is witnessed a day before the end and within the longest secrecy", () => {
    expect(checkDirection(inputOf([extension.entry]), { verified: extension.verified, at: FIRST })).toEqual({
      kind: "counts",
    });
  });

  test.each(refused)("%s: not one %s", (rule, _, input, verified, at = FIRST) => {
    const { code, reason, waits = false } = directionRules.find(({ id }) => id === rule) ?? expect.fail();
    const result = checkDirection(input, { verified, at });
    expect(result).toEqual({ kind: "refused", rule, code, reason, waits });
    // No other rule refuses it, and none stands in for this one.
    const others = directionRules.filter(({ id }) => id !== rule);
    expect(evaluate(others, directionFacts(input, { verified, at }))).toBeNull();
  });

  test("the intake asks the same beforehand, but for the place in the log", () => {
    expect(checkDirectionDraft(inputOf([]), extension.verified)).toEqual({ kind: "clear" });
    expect(checkDirectionDraft(inputOf([]), longer.verified)).toMatchObject({ rule: "DIR-7" });
    expect(checkDirectionDraft(inputOf([]), early.verified)).toEqual({ kind: "clear" });
  });

  test("every rule has a code of its own and a sentence for a judge", () => {
    expect(new Set(directionRules.map(({ code }) => code)).size).toBe(directionRules.length);
    for (const { reason } of directionRules) expect(reason).toMatch(/^[A-Z][^{}<>_]{20,}\.$/);
  });
});

describe("DIR-9: the day on which people are told", () => {
  const due = (entries: readonly LogEntry[], counted: readonly Said[], of = order) =>
    noticeDue(inputOf(entries, { counted, of }));
  const on = (date: string) => day(date) as DayNumber;

  test("is the end of secrecy, or of an order of which the person is told first the day of its entry", () => {
    expect(due([], [])).toEqual({ day: END, setBy: FIRST - 1 });
    expect(due([], [], told)).toEqual({ day: LOGGED, setBy: FIRST - 1 });
  });

  test("moves with an extension that counted, not with its entry alone", () => {
    expect(due([extension.entry], [extension])).toEqual({ day: on("2026-12-09"), setBy: FIRST });
    expect(due([extension.entry], [])).toEqual({ day: END, setBy: FIRST - 1 });
  });

  test("comes with an early release that the issuer signed, not with its entry alone", () => {
    expect(due([early.entry], [early])).toEqual({ day: on("2026-11-20"), setBy: FIRST });
    expect(due([early.entry], [])).toEqual({ day: END, setBy: FIRST - 1 });
    const forged = signIntake(early.entry, seedOf("a stranger"));
    expect(due([forged], [early])).toEqual({ day: END, setBy: FIRST - 1 });
  });

  test("of an extension and an early release the lower index wins", () => {
    const both = [extension, early];
    expect(due([early.entry, extension.entry], both)?.day).toBe(on("2026-11-20"));
    expect(due([extension.entry, early.entry], both)?.day).toBe(on("2026-11-20"));
  });

  test("can be moved twice", async () => {
    const first = await said("extension", "2026-12-03");
    expect(due([first.entry, extension.entry], [first, extension])?.day).toBe(on("2026-12-09"));
  });

  test("is none where the order is not in the log", () => {
    expect(noticeDue({ ...inputOf([]), index: 0 })).toBeNull();
  });
});
