import { constants } from "node:fs";
import { copyFile, type FileHandle, open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { makeDirectory, removeFileDurable, syncDirectory } from "@porchlight/durable";

/**
 * Ciphertexts as files, `DIRECTORY/ab/ab…64 digits`, and below `held` what only an order to preserve keeps. A file grows by parts written in any order; what is in it counts
 * only by the database's rows. Several processes share a deployment's directory (a network file system whose fsync
 * reaches the disk).
 */
export class AttachmentFiles {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async open(directory: string): Promise<AttachmentFiles> {
    await makeDirectory(directory);
    return new AttachmentFiles(directory);
  }

  #folder(id: string): string {
    return join(this.#directory, id.slice(0, 2));
  }

  #path(id: string): string {
    return join(this.#folder(id), id);
  }

  get #heldDirectory(): string {
    return join(this.#directory, "held");
  }

  #heldPath(id: string): string {
    return join(this.#heldDirectory, id);
  }

  /** Resolves when the bytes are on the disk. */
  async write(id: string, offset: number, bytes: Uint8Array): Promise<void> {
    await makeDirectory(this.#folder(id));
    const { handle, isNew } = await this.#forWriting(id);
    try {
      await handle.write(bytes, 0, bytes.length, offset);
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (isNew) await syncDirectory(this.#folder(id));
  }

  async #forWriting(id: string): Promise<{ handle: FileHandle; isNew: boolean }> {
    try {
      return { handle: await open(this.#path(id), "r+"), isNew: false };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    try {
      return { handle: await open(this.#path(id), "wx", 0o600), isNew: true };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      return { handle: await open(this.#path(id), "r+"), isNew: true };
    }
  }

  /** Up to `length` bytes; fewer at the end of the file, `null` where there is no file. */
  async read(id: string, offset: number, length: number, isHeld = false): Promise<Uint8Array | null> {
    let handle: FileHandle;
    try {
      handle = await open(isHeld ? this.#heldPath(id) : this.#path(id), "r");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
      throw error;
    }
    try {
      const buffer = new Uint8Array(length);
      const { bytesRead } = await handle.read(buffer, 0, length, offset);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  }

  /** A file that is not there is no error. */
  async remove(id: string): Promise<void> {
    await removeIfThere(this.#path(id));
  }

  /**
   * Copies a file to where only what answers orders reads it: under its own id somebody may put another one, once this one is
   * gone for members. Resolves when the copy is on the disk. Where there is no file there is nothing to copy: one that the disk
   * lost must not stop the deletion of all others.
   */
  async hold(id: string): Promise<void> {
    const path = this.#heldPath(id);
    await makeDirectory(this.#heldDirectory);
    try {
      await copyFile(this.#path(id), path, constants.COPYFILE_FICLONE);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
      throw error;
    }
    const handle = await open(path, "r+");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
    await syncDirectory(this.#heldDirectory);
  }

  /** Held ones; no error where there is none. */
  async removeHeld(id: string): Promise<void> {
    await removeIfThere(this.#heldPath(id));
  }

  async held(): Promise<string[]> {
    try {
      return (await readdir(this.#heldDirectory)).filter((name) => /^[0-9a-f]{64}$/.test(name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  }

  /** Ids whose files were last written before `before` (milliseconds of the file system's clock). */
  async *unchangedSince(before: number): AsyncGenerator<string> {
    for (const folder of await readdir(this.#directory)) {
      if (!/^[0-9a-f]{2}$/.test(folder)) continue;
      for (const id of await readdir(join(this.#directory, folder))) {
        if (!/^[0-9a-f]{64}$/.test(id)) continue;
        const found = await stat(this.#path(id)).catch(() => null);
        if (found !== null && found.mtimeMs < before) yield id;
      }
    }
  }
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await removeFileDurable(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
