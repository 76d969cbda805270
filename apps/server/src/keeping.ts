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
  /** Origins at which a page may read copies of the log and what keyholders give of notices, as far as it is known here. */
  readonly readable: () => readonly string[];
  readonly health: () => Health;
  /** Of the log; `null` where the process keeps none. */
  readonly figures: () => LogFigures | null;
  readonly onTime: () => void;
  /** Takes no more of the operator's commands. */
  readonly closeCommands: () => Promise<void>;
  readonly close: () => Promise<void>;
};
