import { randomBytes } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { DurableError } from "./error.ts";
import { readFileOrNull, writeFileDurable } from "./file.ts";

/** Names the file that holds the passphrase, where it is not `passphrase` in the party's own directory. */
export const PASSPHRASE_VARIABLE = "PORCHLIGHT_PASSPHRASE_FILE";

/**
 * Where the passphrase of a party's directory is read from. A passphrase that lies beside what it seals protects a
 * backup or a copied file, not a copied directory: real deployments set the variable to a file kept elsewhere.
 */
export function passphrasePath(directory: string): string {
  const named = process.env[PASSPHRASE_VARIABLE];
  return named !== undefined && named !== "" ? named : join(directory, "passphrase");
}

/**
 * The passphrase, one line. Throws DurableError "passphrase-missing", "passphrase-empty", or "passphrase-exposed" where
 * the file is readable by others than its owner (a systemd or Docker credential is mounted 0400).
 */
export async function readPassphrase(directory: string): Promise<string> {
  const path = passphrasePath(directory);
  let mode: number;
  let text: string;
  try {
    mode = (await stat(path)).mode;
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new DurableError("passphrase-missing", path, { cause: error });
  }
  if ((mode & 0o077) !== 0) throw new DurableError("passphrase-exposed", path);
  const passphrase = text.replace(/\r?\n$/, "");
  if (passphrase === "") throw new DurableError("passphrase-empty", path);
  return passphrase;
}

/** Writes a random passphrase of 160 bits (0600) where none is; an existing one stays. */
export async function createPassphrase(directory: string): Promise<void> {
  const path = passphrasePath(directory);
  if ((await readFileOrNull(path)) !== null) return;
  await writeFileDurable(path, `${randomBytes(20).toString("base64url")}\n`, { mode: 0o600 });
}
