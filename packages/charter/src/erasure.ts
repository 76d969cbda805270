import { type DayNumber, dayNumber, lastDayOf, type Period } from "@porchlight/encoding";
import type { CharterDocument } from "./charter.ts";
import type { ShareKind } from "./log-entry.ts";

/**
 * Days after the last moment at which a notice can fall due in which keyholders still answer for it: a keyholder may have
 * been down, a person away.
 */
const NOTICE_GRACE_DAYS = 30;

/**
 * KEY-6: the last UTC day on which a period's share of this kind may be needed; it is erased on the next. Access: until
 * retention and the longest preservation after the period are over. Notice: the last order of the period may be logged on
 * its last day and be secret for the longest time.
 */
export function erasedAfter(
  charter: Pick<CharterDocument, "retentionDays" | "longestPreservationDays" | "longestSecrecyDays">,
  kind: ShareKind,
  period: Period,
): DayNumber {
  const { retentionDays, longestPreservationDays, longestSecrecyDays } = charter;
  const last = lastDayOf(period);
  return kind === "access"
    ? dayNumber(last + retentionDays + longestPreservationDays)
    : dayNumber(last + longestSecrecyDays + NOTICE_GRACE_DAYS);
}
