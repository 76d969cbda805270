// HI1-25: by when a task has to be answered. Counted from when it could be answered, not from when it was written.
import { SECONDS_PER_DAY, type UnixSeconds, unixSeconds } from "@porchlight/encoding";
import { type Hi1Object, type LPTask, objectTypeOf, whatOf } from "./object.ts";
import { associatedWith, isEmergency } from "./profile.ts";
import { isOver, statusOf } from "./status.ts";
import { secondsOf } from "./value.ts";

/** Regulation (EU) 2023/1543, Articles 10 and 11: ten days, eight hours in an emergency. */
export type Deadlines = { readonly disclosureDays: number; readonly emergencyHours: number };

export const EU_DEADLINES: Deadlines = Object.freeze({ disclosureDays: 10, emergencyHours: 8 });

const SECONDS_PER_HOUR = 3600;

/** The last second in time. */
function deadlineOf(since: UnixSeconds, isEmergency: boolean, deadlines: Deadlines): UnixSeconds {
  const allowed = isEmergency
    ? deadlines.emergencyHours * SECONDS_PER_HOUR
    : deadlines.disclosureDays * SECONDS_PER_DAY;
  return unixSeconds(since + allowed);
}

/** An object, and when it came to the provider; `null` where that is not known. */
export type Come = { readonly object: Hi1Object; readonly came: UnixSeconds | null };

/** The papers of a type that were not turned down: what a task is answered on is among them. */
export function standingPapers<T extends { readonly object: Hi1Object }>(
  all: readonly T[],
  type: "Warrant" | "OriginalAct",
): readonly T[] {
  return all.filter(
    ({ object }) =>
      objectTypeOf(object["@xsi:type"]) === "Document" &&
      whatOf(object) === type &&
      ["AwaitingApproval", "Approved"].includes(statusOf(object) ?? ""),
  );
}

/**
 * By when a task has to be answered, counted from when it and the paper that it needs are both here (HI1-25), or until when
 * what it asked for is kept (HI1-34). `null` where no clock runs, or nobody can say since when. `others`: of the same sender.
 */
export function clockOf(
  { object, came }: Come,
  others: readonly Come[],
  deadlines: Deadlines,
): UnixSeconds | null {
  const type = objectTypeOf(object["@xsi:type"]);
  if (statusOf(object) === null || isOver(object)) return null;
  if (type === "LPTask") return secondsOf((object as LPTask)["task:PreservationExpiration"] ?? "");
  if (type !== "LDTask" || came === null) return null;
  const [above] = associatedWith(object);
  const needed = whatOf(object) === "StoredContentData" ? "Warrant" : "OriginalAct";
  const here = standingPapers(others, needed).filter((one) => associatedWith(one.object)[0] === above);
  const times = here.flatMap((one) => (one.came === null ? [] : [one.came as number]));
  if (here.length === 0 || times.length < here.length) return null;
  return deadlineOf(unixSeconds(Math.max(came, Math.min(...times))), isEmergency(object), deadlines);
}
