export * from "./account.ts";
export { AccountClient } from "./account-client.ts";
export * from "./attachment.ts";
export * from "./codec.ts";
export { Cosigner, type CosignerAnswer, type CosignerOptions } from "./cosigner.ts";
export * from "./delivery.ts";
export * from "./disclosure.ts";
export { type Head, REFUSAL_CODES, type RefusalCode, WireError, type WireErrorCode } from "./error.ts";
export {
  CLOSE,
  type ClientFrame,
  type Cursor,
  encodeClientFrame,
  encodeServerFrame,
  FRAME_HEADER,
  readClientFrames,
  readServerFrames,
  type ServerFrame,
  type StreamItem,
  type StreamRefusal,
} from "./frames.ts";
export { type ClientOptions, type Fetch, HttpCaller } from "./http.ts";
export { KeyholderClient } from "./keyholder-client.ts";
export { LIMITS } from "./limits.ts";
export { auditLog, type LogAudit, type LogAuditOptions } from "./log-audit.ts";
export { LogError, type LogErrorCode } from "./log-error.ts";
export {
  type EntryHandler,
  type FollowedEntry,
  LogFollower,
  type LogFollowerOptions,
  type LogUpdate,
} from "./log-follower.ts";
export { httpLogSource, type LogSource, readLogFile } from "./log-source.ts";
export * from "./published.ts";
export { type DeviceLogin, ServerClient } from "./server-client.ts";
export { memoryStateStore, type StateStore } from "./state-store.ts";
export { Stream, type StreamListener, type StreamOptions, type StreamState } from "./stream.ts";
export { StreamingClient, type StreamingListener, type StreamingOptions } from "./streaming-client.ts";
export { WitnessClient } from "./witness-client.ts";
