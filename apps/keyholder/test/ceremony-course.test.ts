import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { type Charter, formatEntry, parseEntry, verifyKeys } from "@porchlight/charter";
import {
  charterId,
  fromBase64,
  fromUtf8,
  hex,
  type KeyholderIndex,
  keyholderIndex,
  type Period,
  parsePeriod,
  utf8,
} from "@porchlight/encoding";
import type { KeyShare, MasterKey } from "@porchlight/quorum";
import { describe, expect, test } from "vitest";
import { charterOf, signedSuccession, successionDocument } from "../../../vectors/fixture/deployment.ts";
import { type Course, type CourseEvent, courseStep } from "../src/ceremony-course.ts";
import { sessionId } from "../src/ceremony-name.ts";
import { type CourseRun, NO_SIGNATURE, runCourse, startOf } from "./course-log.ts";

const PERIOD = "2026-09" as Period;
const charter = await charterOf("court");
const ALL = charter.keyholders.map(({ index }) => index);
const [two, three] = [2, 3].map(keyholderIndex) as [KeyholderIndex, KeyholderIndex];

function signed({ courses }: CourseRun): Extract<Course, { kind: "signed" }> {
  const end = courses.get(0);
  expect(end).toMatchObject({ kind: "signed" });
  // All come to the same end, but for their own shares.
  const common = (course: Course | undefined) =>
    course?.kind === "signed" ? { ...course, outcome: { ...course.outcome, shares: null } } : course;
  for (const course of courses.values()) expect(common(course)).toEqual(end);
  return end as Extract<Course, { kind: "signed" }>;
}

function namesOf(course: Course): string[] {
  return course.kind === "signed" || course.kind === "aborted"
    ? course.named.map(({ keyholder, fault, round }) => `${keyholder} ${fault} ${round}`)
    : [];
}

function sharesOf({ courses }: CourseRun): Map<number, readonly KeyShare[]> {
  return new Map(
    [...courses].flatMap(([self, course]) =>
      course.kind === "signed" && course.outcome.shares !== null ? [[self, course.outcome.shares]] : [],
    ),
  );
}

const instead =
  (from: KeyholderIndex, round: number, change: (event: CourseEvent) => readonly CourseEvent[]) =>
  (event: CourseEvent) =>
    event.from === from && event.round === round ? change(event) : [event];

const honest = runCourse(charter, { period: PERIOD });

describe("signatures", () => {
  test("CER-10, CER-11: an honest ceremony ends after three messages of each, in keys that all signed", async () => {
    const { document, absent } = signed(honest);
    expect(honest.log.map(({ round }) => round)).toEqual([1, 2, 3].flatMap((round) => ALL.map(() => round)));
    expect(absent).toEqual([]);
    const keys = await verifyKeys(document, charter);
    const { masters, transcript } = signed(honest).outcome;
    expect([keys.access, keys.notice]).toEqual(masters);
    expect(hex(keys.transcript)).toBe(hex(transcript));
  });

  test("CER-11: who does not sign is named as absent, and the others sign that", async () => {
    const interfere = (event: CourseEvent) => (event.from === two && event.round >= 3 ? [] : [event]);
    const end = signed(runCourse(charter, { period: PERIOD, interfere }));
    expect(namesOf(end)).toEqual(["2 absent 3"]);
    await expect(verifyKeys(end.document, charter)).resolves.toMatchObject({ absent: [2] });
    // Its deal counts: it was good.
    expect(end.outcome.qualified).toEqual(ALL);
  });

  test("CER-11: a signature that does not hold is none; it delays nobody", async () => {
    const interfere = instead(two, 3, (event) => [
      { ...event, body: Buffer.concat([event.body.subarray(0, 1), NO_SIGNATURE]) },
    ]);
    // It signs properly when asked again.
    const again = signed(runCourse(charter, { period: PERIOD, interfere, closers: [] }));
    expect(again.absent).toEqual([]);
    const never = (event: CourseEvent) =>
      event.from === two && event.round > 3 ? [{ ...event, body: NO_SIGNATURE }] : interfere(event);
    const end = signed(runCourse(charter, { period: PERIOD, interfere: never, closers: [] }));
    expect(namesOf(end)).toEqual(["2 unsigned 5"]);
    expect(end.absent).toEqual([2]);
    await expect(verifyKeys(end.document, charter)).resolves.toMatchObject({ absent: [2] });
  });

  test("CER-11: with two of five that do not sign there are no keys", () => {
    const interfere = (event: CourseEvent) =>
      [2, 3].includes(event.from) && event.round >= 3 ? [] : [event];
    const { courses } = runCourse(charter, { period: PERIOD, interfere });
    for (const course of courses.values()) {
      expect(course).toMatchObject({ kind: "aborted", reason: "too-few-signers" });
      expect(namesOf(course)).toEqual(["2 absent 3", "3 absent 3"]);
    }
  });

  test("CER-11: after a complaint that holds, all sign keys without the dealer, which has a share and signs too", async () => {
    const broken = instead(two, 2, (event) => {
      const body = event.body.slice();
      body[body.length - 1] = (body.at(-1) as number) ^ 1;
      return [{ ...event, body }];
    });
    const run = runCourse(charter, { period: PERIOD, interfere: broken });
    const end = signed(run);
    expect(namesOf(end)).toEqual(["2 bad-deal 4"]);
    expect(end).toMatchObject({ absent: [], outcome: { qualified: [1, 3, 4, 5] } });
    expect(sharesOf(run).size).toBe(5);
    await expect(verifyKeys(end.document, charter)).resolves.toMatchObject({ absent: [] });
  });

  test("CER-11: two traitors of five at once, each in its own way, are named and the rest finish", () => {
    const interfere = (event: CourseEvent) => {
      if (event.from === two && event.round === 1)
        return [event, { ...event, body: Buffer.concat([event.body.subarray(0, -1), Uint8Array.of(1)]) }];
      if (event.from === three && event.round === 2) return [];
      return [event];
    };
    const end = signed(runCourse(charter, { period: PERIOD, interfere }));
    expect(namesOf(end)).toEqual(["2 equivocation 1", "3 silent 2"]);
    expect(end).toMatchObject({ absent: [], outcome: { qualified: [1, 4, 5] } });
  });

  test("CER-11: a signature on something else, in another round or by who is absent changes nothing", () => {
    const end = honest.courses.get(0) as Course;
    expect(courseStep(end, { round: 5, from: two, body: NO_SIGNATURE }, honest.terms)).toBe(end);
    const interfere = (event: CourseEvent) => (event.from === two && event.round >= 3 ? [] : [event]);
    const run = runCourse(charter, {
      period: PERIOD,
      interfere: (event) =>
        event.round === 5 && event.from === 1
          ? [event, { ...event, from: two, body: NO_SIGNATURE }, { ...event, round: 6, from: three }]
          : interfere(event),
    });
    expect(namesOf(signed(run))).toEqual(["2 absent 3"]);
  });
});

describe("resharing", () => {
  const { masters } = signed(honest).outcome;
  const held = sharesOf(honest);
  const reshare = { from: 1, origin: { kind: "reshare", masters } as const, dealers: ALL, held };

  test("CER-20: a refresh makes keys of the next generation with the same master keys", async () => {
    const end = signed(runCourse(charter, { period: PERIOD, generation: 2, reshare }));
    const keys = await verifyKeys(end.document, charter);
    expect(keys.generation).toBe(2);
    expect(hex(keys.access.mpk)).toBe(hex((masters[0] as MasterKey).mpk));
    expect(hex(keys.notice.mpk)).toBe(hex((masters[1] as MasterKey).mpk));
  });

  test("CER-20, CHA-21: after a succession the new keyholder receives and signs, and the keys say why", async () => {
    const succession = await signedSuccession(charter, successionDocument(charter));
    const keyholders = charter.keyholders.map((one) =>
      one.index === two ? successionDocument(charter).keyholder : one,
    );
    const under = { ...charter, keyholders } as Charter;
    const run = runCourse(under, {
      period: PERIOD,
      generation: 2,
      successions: [succession],
      reshare: {
        ...reshare,
        dealers: ALL.filter((index) => index !== two),
        held: new Map([...held].filter(([index]) => index !== two)),
      },
    });
    const end = signed(run);
    expect(sharesOf(run).size).toBe(5);
    const keys = await verifyKeys(end.document, charter);
    expect(keys).toMatchObject({ generation: 2, absent: [] });
    expect(keys.under.keyholders[1]?.name).toBe("Keyholder 2, new");
    expect(hex(keys.access.mpk)).toBe(hex((masters[0] as MasterKey).mpk));
  });
});

describe("vectors/ceremony.json", () => {
  type Vectors = {
    sessions: { charter: string; period: string; generation: number; from: number; session: string }[];
    ceremony: { charter: string; entries: string[]; keys: string };
  };
  const vectors = JSON.parse(
    readFileSync(new URL("../../../vectors/ceremony.json", import.meta.url), "utf8"),
  ) as Vectors;

  test("CER-5: a session id covers charter, period, generation and the generation that is reshared", () => {
    for (const { charter: id, period, generation, from, session } of vectors.sessions) {
      const name = { charter: charterId(id), period: parsePeriod(period), generation, from };
      expect(hex(sessionId(name))).toBe(session);
      // As the page says it, without this program's code.
      const text = Buffer.alloc(8);
      text.writeUInt32BE(generation);
      text.writeUInt32BE(from, 4);
      const parts = [utf8("porchlight-v1/ceremony-session\0"), Buffer.from(id, "hex"), utf8(period), text];
      expect(createHash("sha256").update(Buffer.concat(parts)).digest("hex")).toBe(session);
    }
    expect(new Set(vectors.sessions.map(({ session }) => session)).size).toBe(vectors.sessions.length);
  });

  test("CER-7 to CER-11: whoever reads the entries comes to the keys entry", () => {
    const { entries, keys } = vectors.ceremony;
    const watcher = startOf(charter, PERIOD);
    let { course } = watcher;
    for (const text of entries) {
      const entry = parseEntry(utf8(text));
      if (entry.type !== "ceremony") throw new Error("a ceremony's entries");
      course = courseStep(
        course,
        { round: entry.round, from: entry.keyholder, body: fromBase64(entry.body) },
        watcher.terms,
      );
    }
    if (course.kind !== "signed") throw new Error("the ceremony ends in keys");
    expect(fromUtf8(formatEntry({ type: "keys", document: course.document }))).toBe(keys);
  });
});
