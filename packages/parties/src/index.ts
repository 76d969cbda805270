export { Agency, type Lacking } from "./agency.ts";
export { logView, ordersLeft } from "./caps.ts";
export { charterInWords } from "./charter-words.ts";
export {
  type Collected,
  type Collector,
  type CollectPhase,
  type CollectProgress,
  type RequestSecrets,
} from "./collection.ts";
export {
  Court,
  checkOrder,
  type Decision,
  type OrderStatus,
  orderStatus,
  placeInLog,
  verifyBrought,
  withOthers,
} from "./court.ts";
export {
  copyForDefence,
  DEFENCE_ROLE_WORDS,
  DEFENCE_ROLES,
  type DefenceCopy,
  type DefenceRole,
  defenceCopies,
  isPrivileged,
} from "./defence-copies.ts";
export type { Party, Sealing } from "./directory.ts";
export { PartyError, type PartyErrorCode } from "./error.ts";
export { type DirectionAnswer, handToKeyholders, type KeyholderAnswer, keyholderStates } from "./hand-in.ts";
export { type LineNames, lineOf, namesIn, readLineNames, writeLineNames } from "./line-names.ts";
export { type LineAct, type LineObject, lineObjects } from "./line-object.ts";
export { type LineRecord, LineRecords, type UnreadObject } from "./line-record.ts";
export { noAnswerRecord } from "./no-answer.ts";
export { dropOrder, type KeptOrder, keepOrder, keptOrder, keptOrders, orderName } from "./order-shelf.ts";
export type { KeptPackage } from "./package-shelf.ts";
export {
  cosignPreservation,
  formatPreservationFile,
  lodgePreservation,
  type PreservationFile,
  preservationOf,
  readPreservationFile,
  signPreservation,
  signPreservationLift,
} from "./preservation.ts";
export { preservationName, preservationShelf } from "./preservation-shelf.ts";
export {
  askProvider,
  authorisationOf,
  createAtProvider,
  documentOf,
  type ProviderLine,
  preservationTaskOf,
  type Span,
  type TaskTargets,
  type TaskType,
  taskOf,
} from "./provider-line.ts";
export {
  formatOrderFile,
  formatRequest,
  namesOf,
  type OrderFile,
  type Request,
  readOrderFile,
  readRequest,
  readStatementFile,
} from "./request-file.ts";
export { fitsMessage, orderContents, type Part, planSending, type SendingWish } from "./sending.ts";
export {
  isUnfinished,
  type OpenSending,
  progressOf,
  readParts,
  type Sending,
  Sendings,
  type SentPart,
} from "./sendings.ts";
export { chooseCharter, type Replacement, Service, type ServiceOptions } from "./service.ts";
export { Shelf } from "./shelf.ts";
export {
  completeSuccession,
  draftSuccession,
  formatSuccessionFile,
  readSuccessionFile,
  type SuccessionFile,
  stateOfSuccession,
  withSignature,
} from "./succession.ts";
export type { Stamped, TimeStampService } from "./time-stamps.ts";
