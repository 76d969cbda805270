// When the secrecy of an order ends, as its issuer set it, moved it or cut it short.
import { type Charter, verifyEntrySignature } from "@porchlight/charter";
import { type DayNumber, dayNumber, type Period, periodOf } from "@porchlight/encoding";
import { directionOf } from "./direction.ts";
import { type LogFacts, logFacts, type OrderInput } from "./facts.ts";
import { directionEntries } from "./log-view.ts";
import type { WarrantDocument } from "./warrant.ts";

/** The day on which an order's secrecy was first to end: for ever the day of its notices' label. */
export function secrecyEnds(
  { disclosure }: Pick<WarrantDocument, "disclosure">,
  loggedOn: DayNumber,
): DayNumber {
  return disclosure.kind === "secret" ? disclosure.until : loggedOn;
}

/** The month that an order's entry shows (GATE-9): in which secrecy ends, or, told at once, of the day it is logged. */
export function secretUntilOf(document: Pick<WarrantDocument, "disclosure">, loggedOn: DayNumber): Period {
  return periodOf(secrecyEnds(document, loggedOn));
}

/** GATE-20: the last day on which an order waits for the person to contest it; null for one that waits for nobody. */
export function lastContestDay({
  warrant,
  loggedDay,
}: {
  readonly warrant: {
    readonly document: Pick<WarrantDocument, "disclosure" | "emergency">;
    readonly charter: Pick<Charter, "contestDays">;
  };
  readonly loggedDay: DayNumber;
}): DayNumber | null {
  const { disclosure, emergency } = warrant.document;
  const mayWait = disclosure.kind === "notice-first" && !emergency;
  return mayWait ? dayNumber(loggedDay + warrant.charter.contestDays) : null;
}

/** GATE-33: the last day on which a house's order waits for its inspectors; null where there are none. */
export function lastInspectionDay({
  warrant,
  loggedDay,
}: Pick<LogFacts, "warrant" | "loggedDay">): DayNumber | null {
  const { inspection } = warrant.charter;
  const mayWait = inspection !== null && inspection.inspectors.length > 0;
  return mayWait ? dayNumber(loggedDay + inspection.days) : null;
}

export type ContestPeriod = {
  readonly lastDay: DayNumber;
  /** By witnessed time. */
  readonly isOver: boolean;
};

/** CONT-4: until when an order that is told first can be contested; null for one that waits for nobody. */
export function contestPeriod(input: OrderInput): ContestPeriod | null {
  const facts = logFacts(input);
  const lastDay = lastContestDay(facts);
  return lastDay === null ? null : { lastDay, isOver: facts.today > lastDay };
}

/** GATE-33: until when inspectors can look at an order before anything is released; null where there are none. */
export function inspectionPeriod(input: OrderInput): ContestPeriod | null {
  const facts = logFacts(input);
  const lastDay = lastInspectionDay(facts);
  return lastDay === null ? null : { lastDay, isOver: facts.today > lastDay };
}

export type NoticeDue = {
  /** Told as soon as witnessed time has come to this day. */
  readonly day: DayNumber;
  /** Index of the entry that set it: the order's own, an extension's, or that of an early release. */
  readonly setBy: number;
};

/**
 * DIR-9: the day on which those whom an order opens are told. `directions` of the input are those that count: extensions
 * that were accepted in time, early releases that the issuer signed. The lower index wins. Null where the order is not
 * in the log.
 */
export function noticeDue(input: OrderInput): NoticeDue | null {
  const { warrant, opening, index, view, directions } = input;
  const { entry } = logFacts(input);
  if (entry === null) return null;
  let due: NoticeDue = { day: secrecyEnds(warrant.document, entry.day), setBy: index };
  for (const found of directionEntries(view, warrant.charter, entry.commitment)) {
    if (!verifyEntrySignature(found.entry, warrant.charter)) continue;
    const direction = directionOf(found.entry, opening, directions);
    if (direction?.kind === "notice-release") {
      return { day: Math.min(due.day, found.entry.day) as DayNumber, setBy: found.index };
    }
    if (direction?.kind === "extension") due = { day: direction.until, setBy: found.index };
  }
  return due;
}
