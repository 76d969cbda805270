export { type Come, clockOf, type Deadlines, EU_DEADLINES, standingPapers } from "./deadline.ts";
export {
  type Answer,
  advance,
  answerActions,
  CANCELLED_COUNTS,
  checkMessage,
  type DeskContext,
  errorOf,
  type Held,
  MESSAGE_TOLERANCE,
  offer,
  revise,
  type Shelf,
} from "./desk.ts";
export {
  type Action,
  type ActionResponse,
  formatJson,
  type Header,
  MAX_CONTENTS_BYTES,
  MAX_MESSAGE_BYTES,
  type Message,
  messageJson,
  type Payload,
  parseMessage,
  parseObject,
} from "./message.ts";
export {
  type Authorisation,
  apart,
  type Delivery,
  type DocumentObject,
  type Endpoint,
  type Hi1Object,
  type LDTask,
  type LPTask,
  type Notification,
  type ObjectType,
  objectTypeOf,
  referenceOf,
  together,
  typeName,
  whatOf,
} from "./object.ts";
export {
  associatedWith,
  isEmergency,
  judgeLength,
  type Profile,
  type Resolve,
  type Scope,
} from "./profile.ts";
export { type Hi1Code, Hi1Error, type Hi1Refusal, objection, refusal, refusalTable } from "./refusal.ts";
export { canonicalJson, type EndpointSigner, signedMessage, signMessage } from "./signature.ts";
export {
  isAllowed,
  isOver,
  isStateful,
  longerFor,
  OPEN,
  reasonOf,
  statusOf,
  WAITING,
  wishFor,
} from "./status.ts";
export { type DictionaryEntry, dateTimeOf, etsi, secondsOf } from "./value.ts";
