// A whole ceremony over a log in memory: everybody's course is read from the same entries. `interfere` makes some lie.
import type { Charter, SignedDocument } from "@porchlight/charter";
import { fromHex, type KeyholderIndex, type Period } from "@porchlight/encoding";
import { type DkgSession, dkgStart, type KeyShare } from "@porchlight/quorum";
import { seedOf } from "../../../vectors/fixture/deployment.ts";
import {
  type Course,
  type CourseEvent,
  type CourseTerms,
  courseDue,
  courseMissing,
  courseRound,
  courseStart,
  courseStep,
} from "../src/ceremony-course.ts";
import { sessionId } from "../src/ceremony-name.ts";

export type CourseRun = {
  /** Index 0 is that of who only watches. */
  readonly courses: ReadonlyMap<number, Course>;
  readonly log: readonly CourseEvent[];
  readonly terms: CourseTerms;
};

/** A ceremony's terms and the session of its key generation. */
export function startOf(
  charter: Charter,
  period: Period,
): { readonly terms: CourseTerms; readonly course: Course } {
  const name = { charter: charter.id, period, generation: 1, from: 0 };
  const all = charter.keyholders.map(({ index }) => index);
  const { threshold } = charter;
  const session = {
    session: sessionId(name),
    dealers: all,
    receivers: all,
    threshold,
    origin: { kind: "new", keys: 2 },
  } as const;
  return { terms: { name, charter, successions: [] }, course: courseStart(dkgStart(session, null)) };
}

export function runCourse(
  charter: Charter,
  options: {
    readonly period: Period;
    readonly generation?: number;
    readonly successions?: readonly SignedDocument[];
    /** Keys to reshare, and who holds what of them. */
    readonly reshare?: {
      readonly from: number;
      readonly origin: DkgSession["origin"];
      readonly dealers: readonly KeyholderIndex[];
      readonly held: ReadonlyMap<number, readonly KeyShare[]>;
    };
    /** What the log shows in place of what is said. */
    readonly interfere?: (event: CourseEvent) => readonly CourseEvent[];
    readonly closers?: readonly number[];
  },
): CourseRun {
  const { period, generation = 1, successions = [], reshare, interfere = (event) => [event] } = options;
  const name = { charter: charter.id, period, generation, from: reshare?.from ?? 0 };
  const terms: CourseTerms = { name, charter, successions };
  const receivers = charter.keyholders.map(({ index }) => index);
  const session: DkgSession = {
    session: sessionId(name),
    dealers: reshare?.dealers ?? receivers,
    receivers,
    threshold: charter.threshold,
    origin: reshare?.origin ?? { kind: "new", keys: 2 },
  };
  const courses = new Map<number, Course>([[0, courseStart(dkgStart(session, null))]]);
  for (const self of receivers) {
    const shares = reshare?.held.get(self)?.map(({ secret }) => secret) ?? null;
    const seed = seedOf(`ceremony ${period} ${generation} ${self}`);
    courses.set(self, courseStart(dkgStart(session, { self, seed, shares })));
  }
  const log: CourseEvent[] = [];
  const append = (event: CourseEvent): void => {
    log.push(event);
    for (const [self, course] of courses) courses.set(self, courseStep(course, event, terms));
  };
  const said = new Set<string>();
  const goOn = (): boolean => {
    for (const { index, name: signer } of charter.keyholders) {
      const due = courseDue(courses.get(index) as Course, terms, index, seedOf(signer));
      if (due === null || said.has(`${index} ${due.round}`)) continue;
      said.add(`${index} ${due.round}`);
      for (const event of interfere({ round: due.round, from: index, body: due.body })) append(event);
      return true;
    }
    return false;
  };
  for (;;) {
    while (goOn());
    const round = courseRound(courses.get(0) as Course);
    if (round === null) return { courses, log, terms };
    for (const { index } of charter.keyholders) {
      if (options.closers !== undefined && !options.closers.includes(index)) continue;
      append({ round, from: index, body: new Uint8Array() });
      if (courseRound(courses.get(0) as Course) !== round) break;
    }
    if (courseRound(courses.get(0) as Course) === round) {
      throw new Error(`nobody goes on; missing ${courseMissing(courses.get(0) as Course, terms).join(", ")}`);
    }
  }
}

/** The body of a signature that is none. */
export const NO_SIGNATURE = fromHex("00".repeat(64));
