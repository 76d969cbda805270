import { readFileOrNull, writeFileDurable } from "@porchlight/durable";
import type { StateStore } from "@porchlight/wire";

/** A follower's or cosigner's memory in one file, replaced durably. */
export function fileStore(path: string): StateStore {
  return { load: () => readFileOrNull(path), save: (state) => writeFileDurable(path, state) };
}
