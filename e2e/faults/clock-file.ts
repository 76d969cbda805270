import { existsSync, renameSync, writeFileSync } from "node:fs";

const LIBRARY = ["x86_64", "aarch64"]
  .map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketime.so.1`)
  .find((path) => existsSync(path));

/** Whether programs here can be given a clock that is wrong. */
export const hasFaketime = LIBRARY !== undefined;

/** What a program's environment needs so that it takes the time from a file; timers go on as they are. */
export function clockEnvironment(path: string): Record<string, string> {
  if (LIBRARY === undefined) throw new Error("no libfaketime here");
  return {
    LD_PRELOAD: LIBRARY,
    FAKETIME_TIMESTAMP_FILE: path,
    FAKETIME_CACHE_DURATION: "1",
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
  };
}

/** Sets a clock so many seconds ahead of the machine's; negative, behind. */
export function setClock(path: string, seconds: number): void {
  // Whoever reads it meanwhile reads the old one or the new one.
  writeFileSync(`${path}.new`, `${seconds < 0 ? "" : "+"}${seconds}\n`);
  renameSync(`${path}.new`, path);
}
