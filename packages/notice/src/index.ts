export {
  blockHash,
  blockLength,
  labelOf,
  makeNoticeBlock,
  type NoticeRecipient,
  type NoticeScope,
  readNotice,
  SLOT_LENGTH,
  SLOTS_PER_PART,
  splitBlock,
  unlockBlock,
} from "./block.ts";
export * from "./code.ts";
export { formatNotice, NOTICE_LENGTH, type NoticeContent, parseNotice } from "./content.ts";
export * from "./error.ts";
export {
  type AllClear,
  allClear,
  NOTICE_GRACE_DAYS,
  NoticeLedger,
  type OrderNotice,
  type OverdueNotice,
  overdue,
  type Stopped,
} from "./ledger.ts";
