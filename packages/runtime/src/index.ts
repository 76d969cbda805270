export {
  ADMIN_SOCKET,
  AdminRefusal,
  type AdminRequest,
  type AdminServer,
  callAdmin,
  serveAdmin,
} from "./admin-socket.ts";
export { type Clock, type ClockKind, ReplayClock, systemClock } from "./clock.ts";
export { RuntimeError, type RuntimeErrorCode } from "./error.ts";
export { type Listening, listen } from "./listen.ts";
export { createLogger, type Facts, type Logger } from "./logger.ts";
export {
  checkAnswer,
  checkMade,
  clientDataOf,
  type PasskeyAnswer,
  type PasskeyAsked,
  type PasskeyMade,
} from "./passkey.ts";
export { type Program, type ProgramContext, type Running, startProgram } from "./program.ts";
export {
  type ProgramSpec,
  Supervisor,
  type SupervisorOptions,
  type TickResult,
  type UnexpectedExit,
} from "./supervisor.ts";
