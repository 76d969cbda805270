export * from "./approval.ts";
export * from "./bundle.ts";
export { checkDirection, checkDirectionDraft, EXTENSION_NOTICE } from "./check-direction.ts";
export {
  DIRECTION_KINDS,
  type Direction,
  type DirectionKind,
  directionHash,
  formatDirection,
  parseDirection,
  signersNeeded,
  type VerifiedDirection,
  verifyDirection,
} from "./direction.ts";
export * from "./error.ts";
export { type Examination, examineOrder } from "./examine.ts";
export type { GateInput, KeyholderMemory, OrderInput } from "./facts.ts";
export { type Further, furtherContext } from "./further.ts";
export {
  checkApproval,
  checkOrder,
  checkPlace,
  checkWarrant,
  type GateResult,
  passGate,
  type Refused,
} from "./gate.ts";
export type { Grant } from "./grant.ts";
export {
  formatIntent,
  generationsOf,
  type Intent,
  parseIntent,
  type ShareGeneration,
  slotOf,
} from "./intent.ts";
export {
  type LabelRequest,
  labelsHash,
  labelsOf,
  MAX_LABELS,
  releasableFrom,
  sortedLabels,
} from "./labels.ts";
export { type LogView, ordersSince } from "./log-view.ts";
export {
  envelopeFits,
  listAllowed,
  type MaterialAllowed,
  materialAllowed,
  type StoredEnvelope,
} from "./material.ts";
export { noticeRecipients, noticesOf, type OrderNotices } from "./notices.ts";
export { commitmentOf, coreOf, formatOrder, type Order, orderIdOf, parseOrder } from "./order.ts";
export {
  type OtherSide,
  otherSideMembers,
  readOtherSide,
  type VerifiedOtherSide,
  verifyOtherSide,
} from "./other-side.ts";
export * from "./public-part.ts";
export * from "./refusal.ts";
export { CHECKPOINT_TOLERANCE } from "./rules.ts";
export {
  type ContestPeriod,
  contestPeriod,
  inspectionPeriod,
  lastContestDay,
  type NoticeDue,
  noticeDue,
  secrecyEnds,
  secretUntilOf,
} from "./secrecy.ts";
export * from "./verify-order.ts";
export {
  MAX_WARRANT_BYTES,
  requesterContext,
  type VerifiedWarrant,
  verifyWarrant,
} from "./verify-warrant.ts";
export {
  type Disclosure,
  formatWarrant,
  parseWarrant,
  type Requester,
  type WarrantDocument,
} from "./warrant.ts";
