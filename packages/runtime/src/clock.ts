import { type UnixSeconds, unixSeconds } from "@porchlight/encoding";
import { RuntimeError } from "./error.ts";

/** Where the time comes from: an argument everywhere, so that a whole deployment can run on a replayed clock. */
export type Clock = { now(): UnixSeconds };

export type ClockKind = "system" | "replay";

/** The computer's clock. */
export function systemClock(): Clock {
  return { now: () => unixSeconds(Math.floor(Date.now() / 1000)) };
}

/** A clock that stands still until it is told the time, and never goes back. */
export class ReplayClock implements Clock {
  #at: UnixSeconds;
  constructor(at: UnixSeconds) {
    this.#at = at;
  }

  now(): UnixSeconds {
    return this.#at;
  }

  /** Throws RuntimeError "clock-backwards". The time that it already shows is no error. */
  advance(at: UnixSeconds): void {
    if (at < this.#at) throw new RuntimeError("clock-backwards", "replay clock");
    this.#at = at;
  }
}
