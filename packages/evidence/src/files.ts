import { createHash } from "node:crypto";
import { lstat, mkdir, mkdtemp, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { EvidenceError } from "./error.ts";

/** A package in memory: path from its top (with `/`) → bytes. */
export type Files = ReadonlyMap<string, Uint8Array>;

/** A package holds one person's day or a few; what is larger than this did not come from here. */
const MAX_FILE_BYTES = 2 ** 31 - 1;

/**
 * EVI-2: names are ASCII letters, digits, `.`, `_` and `-` in parts joined by `/`, no part starting with a dot, so that
 * every file system, tar and BagIt manifest spells them alike and none points outside. Throws EvidenceError "file-name".
 */
export function checkFileName(path: string): void {
  if (path.length > 200 || !/^[A-Za-z0-9_-][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/.test(path)) {
    throw new EvidenceError("file-name", JSON.stringify(path.slice(0, 200)));
  }
}

/** SHA-256 in lower-case hex. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** All files under `directory`. Links, devices and names outside EVI-2 throw: nothing of a package is ever followed elsewhere. */
export async function readFiles(directory: string): Promise<Files> {
  const files = new Map<string, Uint8Array>();
  const walk = async (prefix: string): Promise<void> => {
    const entries = await readdir(join(directory, prefix), { withFileTypes: true });
    for (const entry of entries) {
      const path = prefix === "" ? entry.name : `${prefix}/${entry.name}`;
      checkFileName(path);
      if (entry.isDirectory()) await walk(path);
      else if (entry.isFile()) {
        if ((await lstat(join(directory, path))).size > MAX_FILE_BYTES)
          throw new EvidenceError("archive-too-large", path);
        files.set(path, new Uint8Array(await readFile(join(directory, path))));
      } else throw new EvidenceError("not-a-file", path);
    }
  };
  await walk("");
  return files;
}

/**
 * Writes the files as the new directory `directory`, whole or not at all: it appears under its name when every file is
 * on the disk. Throws EvidenceError "exists" where something has that name.
 */
export async function writeFiles(directory: string, files: Files): Promise<void> {
  const parent = dirname(directory);
  await mkdir(parent, { recursive: true });
  const present = await lstat(directory).catch(() => null);
  if (present !== null) throw new EvidenceError("exists", directory);
  // mkdtemp makes it 0700; messages are readable by the agency's own user only.
  const temporary = await mkdtemp(join(parent, `.${basename(directory)}-`));
  try {
    const made = new Set<string>();
    for (const [path, bytes] of files) {
      checkFileName(path);
      const folder = dirname(join(temporary, path));
      if (!made.has(folder)) {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        made.add(folder);
      }
      const handle = await open(join(temporary, path), "wx", 0o600);
      try {
        await handle.writeFile(bytes);
        await handle.sync();
      } finally {
        await handle.close();
      }
    }
    await rename(temporary, directory);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}
