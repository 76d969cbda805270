import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { makeDirectory, readFileOrNull, removeFileDurable, writeFileDurable } from "@porchlight/durable";
import { equalBytes } from "@porchlight/encoding";

const NAME = /^[0-9a-f]{16}$/;

/** Files of one kind in a folder of a party's directory, NAME.json each; a name has 16 hex digits. */
export class Shelf<T> {
  readonly #folder: string;
  readonly #read: (bytes: Uint8Array) => T;
  readonly #format: (one: T) => Uint8Array;

  constructor(
    directory: string,
    folder: string,
    form: { readonly read: (bytes: Uint8Array) => T; readonly format: (one: T) => Uint8Array },
  ) {
    this.#folder = join(directory, folder);
    this.#read = form.read;
    this.#format = form.format;
  }

  /** Durable when it returns; its path. The same bytes are not written again. */
  async keep(name: string, one: T): Promise<string> {
    if (!NAME.test(name)) throw new TypeError("a name on a shelf has 16 hex digits");
    await makeDirectory(this.#folder);
    const path = this.#path(name);
    const bytes = this.#format(one);
    const present = await readFileOrNull(path);
    if (present === null || !equalBytes(present, bytes)) await writeFileDurable(path, bytes);
    return path;
  }

  /** `null` where there is none of that name, or it is no name. Throws what the form's reader throws. */
  async find(name: string): Promise<T | null> {
    const bytes = NAME.test(name) ? await readFileOrNull(this.#path(name)) : null;
    return bytes === null ? null : this.#read(bytes);
  }

  /** All, by name. */
  async all(): Promise<{ readonly name: string; readonly one: T }[]> {
    const files = await readdir(this.#folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return [];
      throw error;
    });
    const found: { name: string; one: T }[] = [];
    for (const file of files.sort()) {
      const name = file.endsWith(".json") ? file.slice(0, -".json".length) : "";
      const one = await this.find(name);
      if (one !== null) found.push({ name, one });
    }
    return found;
  }

  async drop(name: string): Promise<void> {
    if ((await this.find(name)) !== null) await removeFileDurable(this.#path(name));
  }

  #path(name: string): string {
    return join(this.#folder, `${name}.json`);
  }
}
