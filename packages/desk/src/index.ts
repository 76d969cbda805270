export { DESK_KINDS, labelOf, openDesk } from "./desks.ts";
export { DeskError, type DeskErrorCode } from "./shell/error.ts";
export { type ServedDesk, type ServeOptions, serveDesk } from "./shell/serve.ts";
