import type { Charter } from "@porchlight/charter";
import { type DayNumber, dayNumber, hex } from "@porchlight/encoding";
import type { NoticeContent } from "@porchlight/notice";
import type { Clearance, NoticeLog } from "../notice-log.ts";
import type { AllClearView, NoticeView } from "./view.ts";

/** What this device knows of a person's notices beside the log: which were looked at, and what was signed of contests. */
type Handled = {
  readonly noticesRead?: readonly string[];
  readonly contests?: Readonly<Record<string, string>>;
};

/** Those that this seed reads, the newest order first. */
export function noticeViews(
  log: NoticeLog,
  seed: Uint8Array,
  charters: readonly Charter[],
  { noticesRead = [], contests = {} }: Handled = {},
): NoticeView[] {
  return log
    .notices(seed)
    .map((notice): NoticeView => {
      const charter = charters.find(({ id }) => id === notice.charter);
      return {
        id: notice.commitment,
        kind: notice.kind,
        orderedBy: titleOf(notice.issuer, charter),
        requester: notice.requester,
        reference: notice.reference,
        legalBasis: notice.legalBasis,
        offenceCategory: notice.offenceCategory,
        role: notice.role,
        conversations: notice.conversations,
        firstDay: notice.firstDay,
        lastDay: notice.lastDay,
        issued: notice.issued,
        contestUntil: charter === undefined ? null : contestUntil(notice, charter),
        stopped: log.stopped(notice),
        isRead: noticesRead.includes(notice.commitment),
        contested: contests[notice.commitment] ?? null,
        actHash: hex(notice.actHash),
        orderHash: hex(notice.orderHash),
      };
    })
    .sort((a, b) => b.issued - a.issued);
}

/** As people know it: the charter's own word for who signs, which the notice names by a short name. */
function titleOf(issuer: string, charter: Charter | undefined): string {
  return charter?.issuers.find(({ name }) => name === issuer)?.title ?? issuer;
}

/** GATE-20: told first, an order waits for whole days after that of its logging, unless it is an emergency. */
function contestUntil(notice: NoticeContent, { contestDays }: Charter): DayNumber | null {
  if (notice.disclosure !== "notice-first" || notice.emergency) return null;
  return dayNumber(notice.until + contestDays);
}

export function allClearView({ asOf, endedBy, signedBefore, overdue }: Clearance): AllClearView {
  return { asOf, clearUntil: endedBy, secretSince: signedBefore, overdue };
}
