export * from "./board.ts";
export * from "./codec.ts";
export * from "./delivery.ts";
export * from "./disclosure.ts";
export { type Head, REFUSAL_CODES, type RefusalCode, WireError, type WireErrorCode } from "./error.ts";
export { type ClientOptions, type Fetch, HttpCaller } from "./http.ts";
export { KeyholderClient } from "./keyholder-client.ts";
export { LIMITS } from "./limits.ts";
export { type DeviceLogin, ServerClient } from "./server-client.ts";
