import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { CharterError } from "@porchlight/charter";
import { makeDirectory, readFileOrNull, removeFileDurable, writeFileDurable } from "@porchlight/durable";
import { EncodingError, equalBytes } from "@porchlight/encoding";
import { GateError } from "@porchlight/gate";
import { PartyError } from "./error.ts";

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

  /** The same; `null` too for one that is damaged. */
  async whole(name: string): Promise<T | null> {
    return await this.find(name).catch(unlessDamaged);
  }

  /** All that can be read, by name; of what is damaged, which keeps nobody from the rest, the files as FOLDER/NAME.json. */
  async all(): Promise<{
    readonly whole: readonly { readonly name: string; readonly one: T }[];
    readonly damaged: readonly string[];
  }> {
    const files = await readdir(this.#folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return [];
      throw error;
    });
    const whole: { name: string; one: T }[] = [];
    const damaged: string[] = [];
    for (const file of files.sort()) {
      const name = file.endsWith(".json") ? file.slice(0, -".json".length) : "";
      if (!NAME.test(name)) continue;
      const one = await this.whole(name);
      if (one === null) damaged.push(join(basename(this.#folder), file));
      else whole.push({ name, one });
    }
    return { whole, damaged };
  }

  async drop(name: string): Promise<void> {
    if (NAME.test(name) && (await readFileOrNull(this.#path(name))) !== null)
      await removeFileDurable(this.#path(name));
  }

  #path(name: string): string {
    return join(this.#folder, `${name}.json`);
  }
}

/** What a form's reader says of bytes that are not of the form. */
function unlessDamaged(error: unknown): null {
  const isDamage = [PartyError, EncodingError, CharterError, GateError].some((one) => error instanceof one);
  if (isDamage) return null;
  throw error;
}
