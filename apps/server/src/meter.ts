import type { RefusalCode } from "@porchlight/wire";

/** What the rooms report while they work; metrics.ts counts it. */
export type Meter = {
  /** A transaction of delivery: items that it stored, and how long it took with its commit. */
  readonly committed: (items: number, seconds: number) => void;
  /** Items that were handed to a reader. */
  readonly delivered: (items: number) => void;
  readonly refused: (code: RefusalCode) => void;
};

export const silentMeter: Meter = { committed: () => {}, delivered: () => {}, refused: () => {} };
