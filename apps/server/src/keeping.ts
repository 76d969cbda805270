import type { Health } from "@porchlight/wire";
import type { Charters } from "./charters.ts";
import type { Route } from "./http.ts";

/** What differs between the process that keeps the log and those in front of it. */
export type Keeping = {
  readonly charters: Charters;
  /** Log, bulletin board and orders: answered here, or handed on. */
  readonly routes: readonly Route[];
  readonly health: () => Health;
  readonly onTime: () => void;
  /** Takes no more of the operator's commands. */
  readonly closeCommands: () => Promise<void>;
  readonly close: () => Promise<void>;
};
