import type { Health } from "@porchlight/wire";
import type { Charters } from "./charters.ts";
import type { Route } from "./http.ts";

type LogFigures = {
  readonly size: number;
  readonly published: number | null;
  /** Seconds. */
  readonly checkpointAge: number | null;
  readonly hold: 0 | 1;
};

/** What differs between the process that keeps the log and those in front of it. */
export type Keeping = {
  readonly charters: Charters;
  /** Log and orders: answered here, or handed on. */
  readonly routes: readonly Route[];
  readonly health: () => Health;
  /** Of the log; `null` where the process keeps none. */
  readonly figures: () => LogFigures | null;
  readonly onTime: () => void;
  /** Takes no more of the operator's commands. */
  readonly closeCommands: () => Promise<void>;
  readonly close: () => Promise<void>;
};
