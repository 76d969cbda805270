import {
  base64,
  charterId,
  commitment,
  dayNumber,
  hex,
  keyholderIndex,
  type Period,
  utf8,
} from "@porchlight/encoding";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  charterDocument,
  charterOf,
  keysDocument,
  seedOf,
  signedCharter,
  signedKeys,
  signedSuccession,
  successionDocument,
} from "../../../vectors/fixture/deployment.ts";
import {
  BATCH_SLOTS,
  entrySignatureInput,
  formatEntry,
  type LogEntry,
  MAX_ENTRY_BYTES,
  orderEntryType,
  parseEntry,
  type SignedEntry,
  signBatch,
  signCeremony,
  signErasure,
  signIntake,
  signNoticeShare,
  toldCells,
  verifyEntrySignature,
} from "../src/index.ts";

const court = await charterOf("court");
const house = await charterOf("house");
const day = dayNumber(20_707);
const random = (n: number) => hex(seedOf(`slot ${n}`));

const warrant = signIntake(
  {
    type: "warrant",
    charter: court.id,
    day,
    commitment: commitment(random(0)),
    public: random(5),
    notices: random(8),
    secretUntil: "2026-11" as Period,
  },
  seedOf("Intake"),
);
const holdOrder = signIntake({ ...warrant, type: "hold-order", charter: house.id }, seedOf("Intake"));
const common = { charter: court.id, day, commitment: commitment(random(0)) };
const suspension = signIntake({ type: "suspension", ...common, direction: random(6) }, seedOf("Intake"));
const extension = signIntake(
  { type: "extension", ...common, direction: random(6), secretUntil: "2026-12" as Period },
  seedOf("Intake"),
);
const part = {
  issuer: "District Court, Chamber 4",
  legalBasis: "Code of Criminal Procedure § 100a",
  offenceCategory: "stalking",
  accounts: 2,
  days: 3,
};
const disclosed = signIntake({ type: "disclosed", ...common, key: random(7), part }, seedOf("Intake"));
const statistics = signIntake(
  { type: "statistics", charter: court.id, day, month: "2026-08" as Period, cells: [7, null, null, null] },
  seedOf("Intake"),
);
const revocation = signIntake(
  { type: "revocation", charter: court.id, day, commitment: commitment(random(0)) },
  seedOf("Intake"),
);
const batch = signBatch(
  {
    type: "keyholder-batch",
    charter: court.id,
    keyholder: keyholderIndex(2),
    day,
    slots: Array.from({ length: BATCH_SLOTS }, (_, i) => random(i)),
  },
  seedOf("Keyholder 2"),
);
const ceremony = signCeremony(
  {
    type: "ceremony",
    charter: court.id,
    period: "2026-09" as Period,
    generation: 1,
    from: 0,
    round: 2,
    keyholder: keyholderIndex(5),
    body: "AAEC",
  },
  seedOf("Keyholder 5"),
);
const erasure = signErasure(
  {
    type: "erasure",
    charter: court.id,
    period: "2026-09" as Period,
    generation: 1,
    kind: "access",
    keyholder: keyholderIndex(5),
    day,
  },
  seedOf("Keyholder 5"),
);
const appRelease = signIntake(
  { type: "app-release", charter: court.id, day, version: "1.0.0", manifest: random(3) },
  seedOf("Intake"),
);
const notice = signIntake(
  {
    type: "notice",
    charter: court.id,
    commitment: commitment(random(0)),
    part: 0,
    parts: 2,
    block: seedOf("block"),
  },
  seedOf("Intake"),
);
const noticeShare = signNoticeShare(
  {
    type: "notice-share",
    charter: court.id,
    keyholder: keyholderIndex(2),
    commitment: commitment(random(0)),
    until: day,
    period: "2026-09" as Period,
    generation: 1,
    share: `${random(1)}${random(2).slice(32)}`,
  },
  seedOf("Keyholder 2"),
);
const entries: [name: string, entry: LogEntry][] = [
  ["ENT-2 charter", { type: "charter", document: await signedCharter(charterDocument("court")) }],
  ["ENT-3 ceremony", ceremony],
  ["ENT-4 keys", { type: "keys", document: await signedKeys(keysDocument(court, "2026-09" as Period)) }],
  ["ENT-5 warrant", warrant],
  ["ENT-5 hold-order", holdOrder],
  ["ENT-6 revocation", revocation],
  ["ENT-7 keyholder-batch", batch],
  ["ENT-20 erasure", erasure],
  [
    "ENT-21 succession",
    { type: "succession", document: await signedSuccession(court, successionDocument(court)) },
  ],
  ["ENT-30 notice", notice],
  ["ENT-31 notice-share", noticeShare],
];

describe.each(entries)("%s", (_, entry) => {
  const bytes = formatEntry(entry);
  const text = new TextDecoder().decode(bytes);

  test("ENT-1: comes back as it was", () => {
    expect(parseEntry(bytes)).toEqual(entry);
  });

  test("ENT-1: has one encoding", () => {
    const members = JSON.parse(text) as Record<string, unknown>;
    for (const other of [
      `${text}\n`,
      ` ${text}`,
      JSON.stringify(members, null, 1),
      JSON.stringify(Object.fromEntries(Object.entries(members).reverse())),
      JSON.stringify({ ...members, more: 0 }),
      JSON.stringify(Object.fromEntries(Object.entries(members).slice(0, -1))),
      text.replace("{", `{"type":"${entry.type}",`),
      text.replace(`"${entry.type}"`, '"unknown"'),
    ]) {
      expect(() => parseEntry(utf8(other))).toThrow(expect.objectContaining({ name: "EncodingError" }));
    }
  });

  test("ENT-1: a changed byte is refused, or makes another entry", () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const changed = bytes.slice();
        changed[at] = (changed[at] as number) ^ mask;
        try {
          expect(parseEntry(changed)).not.toEqual(entry);
        } catch (error) {
          expect(error).toMatchObject({ name: "EncodingError" });
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe("fixed sizes", () => {
  const size = (entry: LogEntry) => formatEntry(entry).length;

  test("ENT-5: an order's entry is as long whatever it says", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 10_000, max: 99_999 }),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.integer({ min: 2026, max: 2099 }),
        fc.integer({ min: 1, max: 12 }),
        (on, bytes, year, month) => {
          const secretUntil = `${year}-${String(month).padStart(2, "0")}` as Period;
          const other = signIntake(
            { ...warrant, day: dayNumber(on), commitment: commitment(hex(bytes)), secretUntil },
            bytes,
          );
          expect(size(other)).toBe(size(warrant));
        },
      ),
      { numRuns: 25 },
    );
  });

  test("ENT-7: a batch that holds something is as long as one that holds nothing", () => {
    const other = signBatch(
      { ...batch, slots: batch.slots.toReversed(), day: dayNumber(30_000) },
      seedOf("x"),
    );
    expect(size(other)).toBe(size(batch));
  });

  test("ENT-7: a batch has its eight slots, no more and no fewer", () => {
    for (const slots of [batch.slots.slice(1), [...batch.slots, random(8)], [], batch.slots.with(0, "00")]) {
      expect(() => parseEntry(formatEntry({ ...batch, slots }))).toThrow();
    }
  });

  test("ENT-1: an entry longer than a log can hold is refused", () => {
    const payload = "A".repeat(MAX_ENTRY_BYTES);
    expect(() => formatEntry({ type: "keys", document: { payload, signatures: [] } })).toThrow("too-long");
    expect(() => parseEntry(new Uint8Array(MAX_ENTRY_BYTES + 1))).toThrow("too-long");
  });

  test("ENT-9: suspension, resumption and early release are as long whatever they say, and so is an extension", () => {
    const of = (type: "suspension" | "resumption" | "notice-release", name: string) =>
      size(signIntake({ type, ...common, direction: hex(seedOf(name)) }, seedOf("Intake"))) - type.length;
    expect(new Set([of("suspension", "a"), of("resumption", "b"), of("notice-release", "c")]).size).toBe(1);
    const later = { type: "extension", ...common, direction: hex(seedOf("x")) } as const;
    expect(size(signIntake({ ...later, secretUntil: "2031-01" as Period }, seedOf("Intake")))).toBe(
      size(extension),
    );
  });

  test("ENT-11: statistics tell no cell below five, and as much for a month without an order as for any other", () => {
    const cells = (values: (number | null)[]) => ({ ...statistics, cells: values });
    expect(parseEntry(formatEntry(cells([5, null])))).toEqual(cells([5, null]));
    for (const few of [0, 1, 4]) {
      expect(() => parseEntry(formatEntry(cells([few, null])))).toThrow("out-of-range");
    }
  });

  test("ENT-11: what is told and how many there were in all leave every other cell open", () => {
    const tables: number[][] = [];
    for (let a = 0; a <= 12; a++) {
      for (let b = 0; b <= 12; b++) for (let c = 0; c <= 12; c++) tables.push([a, b, c]);
    }
    // Which tables somebody has to reckon with who knows the rule, what is told, and the number of orders in the log.
    const seen = new Map<string, number[][]>();
    for (const counts of tables) {
      const total = counts.reduce((sum, count) => sum + count);
      const key = JSON.stringify([total, toldCells(counts)]);
      seen.set(key, [...(seen.get(key) ?? []), counts]);
    }
    for (const [key, possible] of seen) {
      const [total, told] = JSON.parse(key) as [number, (number | null)[]];
      for (const [cell, count] of told.entries()) {
        if (count !== null) expect(count).toBeGreaterThanOrEqual(5);
        else if (total > 0 && total <= 12)
          expect(new Set(possible.map((one) => one[cell])).size, key).toBeGreaterThan(1);
      }
    }
    expect(toldCells([6, 0, 0])).toEqual([null, null, null]);
    expect(toldCells([9, 7, 3, 2])).toEqual([9, 7, null, null]);
    expect(toldCells([9, 7, 5, 0])).toEqual([9, 7, null, null]);
    expect(toldCells([5, 6])).toEqual([5, 6]);
  });

  test("ENT-5: days have five digits", () => {
    for (const on of [9_999, 100_000]) {
      expect(() => parseEntry(formatEntry({ ...warrant, day: dayNumber(on) }))).toThrow("out-of-range");
    }
  });
});

describe("ENT-8: who signs an entry", () => {
  const signed: [string, SignedEntry, typeof court][] = [
    ["warrant", warrant, court],
    ["hold-order", holdOrder, house],
    ["revocation", revocation, court],
    ["suspension", suspension, court],
    ["extension", extension, court],
    ["disclosed", disclosed, court],
    ["statistics", statistics, court],
    ["keyholder-batch", batch, court],
    ["ceremony", ceremony, court],
    ["ceremony, closing", signCeremony({ ...ceremony, body: "" }, seedOf("Keyholder 5")), court],
    ["erasure", erasure, court],
    ["app-release", appRelease, court],
  ];

  test.each(signed)("%s: holds under its own charter only", (_, entry, charter) => {
    expect(verifyEntrySignature(entry, charter)).toBe(true);
    expect(verifyEntrySignature(entry, charter === court ? house : court)).toBe(false);
  });

  const changes: [string, SignedEntry][] = [
    ["day of a warrant", { ...warrant, day: dayNumber(day + 1) }],
    ["commitment of a warrant", { ...warrant, commitment: commitment(random(1)) }],
    ["public part of a warrant", { ...warrant, public: random(1) }],
    ["type of a suspension", { ...suspension, type: "resumption" } as SignedEntry],
    ["direction of a suspension", { ...suspension, direction: random(1) }],
    ["month of an extension", { ...extension, secretUntil: "2027-01" as Period } as SignedEntry],
    ["key of a disclosed order", { ...disclosed, key: random(1) }],
    ["number of a disclosed order", { ...disclosed, part: { ...part, accounts: 3 } }],
    ["manifest of a release", { ...appRelease, manifest: random(1) }],
    ["version of a release", { ...appRelease, version: "1.0.1" }],
    ["day of a release", { ...appRelease, day: dayNumber(day + 1) }],
    ["cell of statistics", { ...statistics, cells: [7, null, null, 8] }],
    ["place in statistics", { ...statistics, cells: [null, 7, null, null] }],
    ["month of statistics", { ...statistics, month: "2026-07" as Period }],
    ["month of a warrant", { ...warrant, secretUntil: "2026-12" as Period }],
    ["charter of a warrant", { ...warrant, charter: charterId(random(1)) }],
    ["signature of a warrant", { ...warrant, intake: base64(new Uint8Array(64)) }],
    ["type of a warrant", { ...warrant, type: "hold-order" }],
    ["day of a revocation", { ...revocation, day: dayNumber(day + 1) }],
    ["commitment of a revocation", { ...revocation, commitment: commitment(random(1)) }],
    ["keyholder of a batch", { ...batch, keyholder: keyholderIndex(3) }],
    ["keyholder of a batch, to none of the charter", { ...batch, keyholder: keyholderIndex(6) }],
    ["day of a batch", { ...batch, day: dayNumber(day + 1) }],
    ["a slot of a batch", { ...batch, slots: batch.slots.with(3, random(20)) }],
    ["period of a ceremony", { ...ceremony, period: "2026-10" as Period }],
    ["generation of a ceremony", { ...ceremony, generation: 2 }],
    ["origin of a ceremony", { ...ceremony, from: 1 }],
    ["round of a ceremony", { ...ceremony, round: 3 }],
    ["keyholder of a ceremony", { ...ceremony, keyholder: keyholderIndex(4) }],
    ["body of a ceremony", { ...ceremony, body: "AAED" }],
    ["body of a ceremony, taken away", { ...ceremony, body: "" }],
    ["kind of an erasure", { ...erasure, kind: "notice" }],
    ["period of an erasure", { ...erasure, period: "2026-10" as Period }],
    ["generation of an erasure", { ...erasure, generation: 2 }],
    ["day of an erasure", { ...erasure, day: dayNumber(day + 1) }],
    ["keyholder of an erasure", { ...erasure, keyholder: keyholderIndex(4) }],
  ];

  test.each(changes)("a changed %s breaks it", (_, entry) => {
    expect(verifyEntrySignature(entry, court)).toBe(false);
  });

  test("a warrant's signature is no revocation's: each type signs other bytes", () => {
    expect(verifyEntrySignature({ ...warrant, type: "revocation" }, court)).toBe(false);
    const inputs = signed.map(([, entry]) => hex(entrySignatureInput(entry as never)));
    expect(new Set(inputs).size).toBe(inputs.length);
  });

  test("a court logs warrants, a house hold orders", () => {
    expect([orderEntryType("court"), orderEntryType("house")]).toEqual(["warrant", "hold-order"]);
    const crossed = signIntake({ ...warrant, type: "hold-order" }, seedOf("Intake"));
    expect(verifyEntrySignature(crossed, court)).toBe(false);
  });
});
