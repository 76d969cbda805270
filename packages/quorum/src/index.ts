export {
  type CombinedOrder,
  type CombineInput,
  type CombineOrder,
  type CombineResult,
  combineOrder,
  combinePartials,
  type LabelPartials,
} from "./combine.ts";
export { type Curve, noble } from "./curve.ts";
export {
  type DkgAborted,
  type DkgAgreed,
  type DkgEvent,
  type DkgFault,
  type DkgNamed,
  type DkgOutcome,
  type DkgOwn,
  type DkgRound,
  type DkgRunning,
  type DkgState,
  dkgDue,
  dkgMissing,
  dkgRound,
  dkgStart,
  dkgStep,
} from "./dkg.ts";
export type { DkgOrigin, DkgSession } from "./dkg-session.ts";
export * from "./error.ts";
export { IBE_LENGTH, type IbeOpen, type IbeSeal, ibeBase, ibeOpen, ibeSeal, type LabelBase } from "./ibe.ts";
export { type LabelKeyClaim, verifyLabelKey, verifyLabelKeys } from "./label-key.ts";
export { combineLabelShares, labelShare, verifyLabelShare } from "./label-share.ts";
export { type G1, type G2, parseG1, parseG2 } from "./points.ts";
export {
  PARTIAL_LENGTH,
  partialRelease,
  type Release,
  verifyPartial,
} from "./release.ts";
export * from "./requester.ts";
export type { Random } from "./scalar.ts";
export * from "./sealed-box.ts";
export { checkKeyShare, checkMasterKey, type KeyShare, type MasterKey } from "./sharing.ts";
export * from "./xwing.ts";
