import type { CharterId, UnixSeconds } from "@porchlight/encoding";
import type { MemberContext, Storage } from "../src/index.ts";

/** Where the churn takes place: a server, its clock, and storage for each device. */
export type ChurnWorld = {
  readonly audience: string;
  now(): UnixSeconds;
  /** The clock of everybody. */
  setNow(now: UnixSeconds): Promise<void>;
  context(storage: Storage): Promise<MemberContext>;
  storage(device: string): Promise<Storage>;
};

export type ChurnOptions = {
  readonly seed: number;
  readonly steps: number;
  readonly charter?: CharterId;
  readonly maxDevices?: number;
};

/** What a run came to. Sizes in bytes. */
export type ChurnReport = {
  readonly steps: Readonly<Record<string, number>>;
  readonly epochs: number;
  readonly sent: number;
  readonly read: number;
  /** Attempts with the keys of those who were removed, of those who never were in, and of old epochs; all failed. */
  readonly attacks: number;
  /** The same attempts with a member's keys, which show that they would succeed. */
  readonly controls: number;
  /** Old secrets that were looked for in what devices hold on their disks. */
  readonly searched: number;
  /** Largest record of a device, and heap in use, at a quarter of the way and at the end. */
  readonly record: readonly [quarter: number, end: number];
  readonly heap: readonly [quarter: number, end: number];
};
