import { randomBytes } from "node:crypto";
import { link, lstat, readdir, rename, stat, symlink } from "node:fs/promises";
import { join } from "node:path";
import { createFileDurable, makeDirectory, syncDirectory, writeFileDurable } from "@porchlight/durable";

/** A sealed package of an order. Numbers count from 1, as the packages were collected. */
export type KeptPackage = { readonly number: number; readonly path: string };

const NEWEST = "evidence.age";

/**
 * The sealed packages of one order: evidence-1.age, evidence-2.age, … as they were collected, and evidence.age, a link to
 * the newest. None takes another's place: what a provider gave once it may give no more. Several processes may add at once.
 */
export class PackageShelf {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Oldest first. */
  async all(): Promise<KeptPackage[]> {
    await this.#number();
    return await this.#numbered();
  }

  /** Durable when it returns. */
  async add(sealed: Uint8Array): Promise<KeptPackage> {
    await makeDirectory(this.#folder);
    for (let number = ((await this.all()).at(-1)?.number ?? 0) + 1; ; number++) {
      const path = this.#path(number);
      if (!(await createFileDurable(path, sealed))) continue;
      await this.#pointAt(number);
      return { number, path };
    }
  }

  /** The same package with more in it, in its own place. */
  async complete({ path }: KeptPackage, sealed: Uint8Array): Promise<void> {
    await writeFileDurable(path, sealed);
  }

  async #numbered(): Promise<KeptPackage[]> {
    const names = await readdir(this.#folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return [];
      throw error;
    });
    return names
      .flatMap((name) => /^evidence-([1-9][0-9]{0,8})\.age$/.exec(name)?.[1] ?? [])
      .map((digits) => ({ number: Number(digits), path: this.#path(Number(digits)) }))
      .sort((a, b) => a.number - b.number);
  }

  /** A package that an earlier version, or a person, put there as evidence.age itself gets its number. */
  async #number(): Promise<void> {
    const path = join(this.#folder, NEWEST);
    if (!((await lstat(path).catch(absent))?.isFile() ?? false)) return;
    const last = (await this.#numbered()).at(-1);
    let number = last?.number ?? 0;
    // After a crash between link and rename it has its number already.
    while (number === 0 || !(await this.#isOne(path, number))) {
      number++;
      await link(path, this.#path(number)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "EEXIST") throw error;
      });
    }
    await this.#pointAt(number);
  }

  async #isOne(path: string, number: number): Promise<boolean> {
    const [one, other] = [await stat(path), await stat(this.#path(number))];
    return one.ino === other.ino && one.dev === other.dev;
  }

  async #pointAt(number: number): Promise<void> {
    const temporary = join(this.#folder, `.${NEWEST}.${randomBytes(6).toString("hex")}.tmp`);
    await symlink(`evidence-${number}.age`, temporary);
    await rename(temporary, join(this.#folder, NEWEST));
    await syncDirectory(this.#folder);
  }

  #path(number: number): string {
    return join(this.#folder, `evidence-${number}.age`);
  }
}

function absent(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT") return null;
  throw error;
}
