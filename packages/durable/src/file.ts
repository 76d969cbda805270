import { randomBytes } from "node:crypto";
import { link, mkdir, open, readFile, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Makes renames and new names in `directory` survive a power cut. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Replaces a file so that after a crash or a power cut either the old or the new contents are there, whole.
 * Resolves when the new contents and their name are on the disk. `mode` defaults to 0600.
 */
export async function writeFileDurable(
  path: string,
  contents: Uint8Array | string,
  options: { readonly mode?: number } = {},
): Promise<void> {
  await rename(await writeBeside(path, contents, options.mode ?? 0o600), path);
  await syncDirectory(dirname(path));
}

/**
 * Makes a file that is there whole or not at all after a crash or a power cut; `false`, and nothing is written, where the
 * name is taken: of two who make one at once, one does. 0600. Durable when it resolves.
 */
export async function createFileDurable(path: string, contents: Uint8Array): Promise<boolean> {
  const temporary = await writeBeside(path, contents, 0o600);
  try {
    await link(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await unlink(temporary);
  }
  await syncDirectory(dirname(path));
  return true;
}

/** The contents, on the disk under a name of their own: two writers never share a half-written file. */
async function writeBeside(path: string, contents: Uint8Array | string, mode: number): Promise<string> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
  const handle = await open(temporary, "wx", mode);
  try {
    await handle.writeFile(contents);
    await handle.sync();
  } catch (error) {
    await handle.close();
    await unlink(temporary);
    throw error;
  }
  await handle.close();
  return temporary;
}

/** The file's bytes, or `null` where there is no such file. */
export async function readFileOrNull(path: string): Promise<Uint8Array | null> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/** Removes a file, durably; one that is not there is no error. */
export async function removeFileDurable(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  await syncDirectory(dirname(path));
}

/**
 * Removes a file after writing over it, durably; one that is not there is no error. On a file system that writes in place
 * (ext4, XFS) the old bytes are gone with that; a copy-on-write one (btrfs, ZFS), a snapshot, a drive that moves its blocks
 * (any SSD) or a backup can keep them. What is erased must therefore have been encrypted under a key that is kept
 * elsewhere; this makes it harder to find, not impossible.
 */
export async function eraseFileDurable(path: string): Promise<void> {
  try {
    const handle = await open(path, "r+");
    try {
      const { size } = await handle.stat();
      await handle.write(randomBytes(size), 0, size, 0);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  await removeFileDurable(path);
}

/** A private directory (0700) and its parents, durably named. */
export async function makeDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 });
  if (first !== undefined) await syncDirectory(dirname(first));
}
