import { copyFile, type FileHandle, link, open, readdir, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { makeDirectory, removeFileDurable, syncDirectory } from "@porchlight/durable";

/** What an order to preserve keeps: its id, which may be another file's by now, and when its upload began (Unix seconds). */
export type HeldFile = { readonly id: string; readonly created: number };

/** How file systems say that they have no hard links. */
const NO_LINKS: ReadonlySet<string> = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

/**
 * Ciphertexts as files, `DIRECTORY/ab/ab…64 digits`, and below `held` what only an order to preserve keeps. A file
 * grows by parts written in any order; what is in it counts only by the database's rows. Several processes share a deployment's directory (a network file system whose fsync
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

  #heldPath({ id, created }: HeldFile): string {
    return join(this.#heldDirectory, `${id}-${created}`);
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
  async read(file: string | HeldFile, offset: number, length: number): Promise<Uint8Array | null> {
    let handle: FileHandle;
    try {
      handle = await open(typeof file === "string" ? this.#path(file) : this.#heldPath(file), "r");
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
   * Puts files where only what answers orders reads them: under its own id somebody may put another one, once this one is
   * gone for members. What is held already is left as it is. Resolves when all of it is on the disk. Where there is no file
   * there is nothing to hold: one that the disk lost must not stop the deletion of all others.
   */
  async hold(files: readonly HeldFile[]): Promise<void> {
    if (files.length === 0) return;
    await makeDirectory(this.#heldDirectory);
    for (const file of files) await this.#hold(file);
    await syncDirectory(this.#heldDirectory);
  }

  async #hold(file: HeldFile): Promise<void> {
    const from = this.#path(file.id);
    const to = this.#heldPath(file);
    try {
      await link(from, to);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? "";
      if (code === "ENOENT" || code === "EEXIST") return;
      if (!NO_LINKS.has(code)) throw error;
      await copy(from, to);
    }
  }

  /** Held ones; no error where there is none. */
  async removeHeld(file: HeldFile): Promise<void> {
    const path = this.#heldPath(file);
    await removeIfThere(path);
    await removeIfThere(unfinished(path));
  }

  async held(): Promise<HeldFile[]> {
    try {
      return (await readdir(this.#heldDirectory)).flatMap((name) => {
        const [, id, created] = /^([0-9a-f]{64})-([0-9]{1,15})(?:\.part)?$/.exec(name) ?? [];
        return id === undefined ? [] : [{ id, created: Number(created) }];
      });
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

/** A copy that a crash cut short: it is removed like a whole one. */
function unfinished(path: string): string {
  return `${path}.part`;
}

/** Whole or not at all. */
async function copy(from: string, to: string): Promise<void> {
  const part = unfinished(to);
  await copyFile(from, part);
  const handle = await open(part, "r+");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(part, to);
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await removeFileDurable(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
