import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DurableError } from "./error.ts";

export type DirectoryLock = { readonly directory: string; release(): void };

/**
 * Takes a directory for this process alone; throws DurableError "locked" while another one (or an earlier call) holds
 * it. The lock is the kernel's own (SQLite's file lock on the empty file `lock`): it ends with the process however
 * that ends, so that nothing stale is ever left to be judged by a process id.
 */
export function lockDirectory(directory: string): DirectoryLock {
  const path = join(directory, "lock");
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec("PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    throw new DurableError("locked", directory, { cause: error });
  }
  // For people and launchers only; the lock does not depend on it.
  writeFileSync(join(directory, "pid"), `${process.pid}\n`, { mode: 0o600 });
  return {
    directory,
    release: () => {
      if (database.isOpen) database.close();
    },
  };
}

/** The process that last took the directory's lock, `null` where none ever did. It may be gone. */
export function lastHolder(directory: string): number | null {
  try {
    const pid = Number(readFileSync(join(directory, "pid"), "utf8").trim());
    return Number.isSafeInteger(pid) && pid > 0 ? pid : null;
  } catch {
    return null;
  }
}
