// HI1-25: by when a task has to be answered. Counted from when it could be answered, not from when it was written.
import { SECONDS_PER_DAY, type UnixSeconds, unixSeconds } from "@porchlight/encoding";

/** Regulation (EU) 2023/1543, Articles 10 and 11: ten days, eight hours in an emergency. */
export type Deadlines = { readonly disclosureDays: number; readonly emergencyHours: number };

export const EU_DEADLINES: Deadlines = Object.freeze({ disclosureDays: 10, emergencyHours: 8 });

const SECONDS_PER_HOUR = 3600;

/** The last second in time. */
export function deadlineOf(since: UnixSeconds, isEmergency: boolean, deadlines: Deadlines): UnixSeconds {
  const allowed = isEmergency
    ? deadlines.emergencyHours * SECONDS_PER_HOUR
    : deadlines.disclosureDays * SECONDS_PER_DAY;
  return unixSeconds(since + allowed);
}
