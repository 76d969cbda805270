// The churn in a town in memory, on sealed files.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Charter } from "@porchlight/charter";
import { fileStorage } from "../src/file-storage.ts";
import type { ChurnWorld } from "./churn-world.ts";
import { random, Town } from "./town.ts";

/** A memory file system where there is one: what is tested is what is written, not how fast the disk is. */
const PLACE = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

export async function inTown<T>(
  charter: Charter | null,
  days: readonly number[],
  run: (world: ChurnWorld) => Promise<T>,
): Promise<T> {
  const directory = mkdtempSync(join(PLACE, "porchlight-churn-"));
  try {
    const town = new Town();
    if (charter !== null) await town.publish(charter, days);
    return await run({
      audience: "log",
      now: () => town.now,
      setNow: async (now) => {
        town.now = now;
      },
      context: async (storage) => town.context(storage, charter === null ? null : await town.book()),
      storage: (device) => fileStorage({ directory: join(directory, device), key: random(32) }),
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
}
