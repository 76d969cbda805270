export * from "./approval.ts";
export * from "./bundle.ts";
export * from "./error.ts";
export type { GateInput, KeyholderMemory, OrderInput } from "./facts.ts";
export { checkOrder, checkWarrant, type GateResult, passGate, type Refused } from "./gate.ts";
export type { Grant } from "./grant.ts";
export {
  formatIntent,
  generationsOf,
  type Intent,
  parseIntent,
  type ShareGeneration,
  slotOf,
} from "./intent.ts";
export { type LabelRequest, labelsHash, labelsOf, MAX_LABELS } from "./labels.ts";
export type { LogView } from "./log-view.ts";
export { envelopeFits, type MaterialAllowed, materialAllowed, type StoredEnvelope } from "./material.ts";
export * from "./order.ts";
export * from "./refusal.ts";
export * from "./revocation.ts";
export { CHECKPOINT_TOLERANCE, secretUntilOf } from "./rules.ts";
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
