import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { CharterError } from "@porchlight/charter";
import { makeDirectory, readFileOrNull, removeFileDurable, writeFileDurable } from "@porchlight/durable";
import { EncodingError, equalBytes } from "@porchlight/encoding";
import { GateError } from "@porchlight/gate";
import { PartyError } from "./error.ts";

const SHORT = 16;
const NAME = /^(?:[0-9a-f]{16}|[0-9a-f]{64})$/;

/** Files of one kind in a folder of a party's directory, NAME.json each; a name has 16 hex digits, or 64. */
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

  /**
   * The name of the thing whose 64 digits are `id`: the first 16, and all of them where another one has these. Whoever makes a thing can
   * find two that begin alike; neither takes the other's place, nor what is noted of it. A damaged one is taken for the same.
   */
  async nameFor(id: string, idOf: (one: T) => string): Promise<string> {
    if ((await readFileOrNull(this.#path(id))) !== null) return id;
    const short = id.slice(0, SHORT);
    const there = await this.whole(short);
    return there === null || idOf(there) === id ? short : id;
  }

  /** Durable when it returns; its path. The same bytes are not written again. */
  async keep(name: string, one: T): Promise<string> {
    if (!NAME.test(name)) throw new TypeError("a name on a shelf has 16 hex digits, or 64");
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
