import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { Decrypter, Encrypter, generateHybridIdentity, identityToRecipient } from "age-encryption";
import { DurableError } from "./error.ts";
import {
  eraseFileDurable,
  makeDirectory,
  readFileOrNull,
  removeFileDurable,
  writeFileDurable,
} from "./file.ts";

/** scrypt N = 2^18: about a second. age itself uses the same; files that ask for more than 2^20 are refused. */
export const STRONG_WORK_FACTOR = 18;

export type Sealing = {
  readonly passphrase: string;
  /** Base-2 logarithm of scrypt's N; STRONG_WORK_FACTOR where it is left out. Tests and demonstrations take less. */
  readonly workFactor?: number;
};

/** One file sealed with a passphrase in age's own format: `age -d FILE` opens it too. */
export class SecretFile {
  readonly path: string;
  readonly #sealing: Sealing;
  constructor(path: string, sealing: Sealing) {
    this.path = path;
    this.#sealing = sealing;
  }

  /** The contents, `null` where there is no file. Throws DurableError "secret-unreadable" for a wrong passphrase and for altered bytes alike. */
  async read(): Promise<Uint8Array | null> {
    const sealed = await readFileOrNull(this.path);
    if (sealed === null) return null;
    const decrypter = new Decrypter();
    decrypter.addPassphrase(this.#sealing.passphrase);
    return await unseal(decrypter, sealed, this.path);
  }

  /** Replaces the contents, durably (0600). */
  async write(contents: Uint8Array): Promise<void> {
    const encrypter = new Encrypter();
    encrypter.setPassphrase(this.#sealing.passphrase);
    encrypter.setScryptWorkFactor(this.#sealing.workFactor ?? STRONG_WORK_FACTOR);
    await writeFileDurable(this.path, await encrypter.encrypt(contents));
  }

  async remove(): Promise<void> {
    await removeFileDurable(this.path);
  }
}

/**
 * A directory of secrets behind one passphrase, so that the slow derivation happens once a start: `identity.age` holds
 * an age identity (hybrid: X25519 with ML-KEM-768) sealed with the passphrase, `NAME.age` is sealed to it. By hand:
 * `age -d identity.age > id; age -d -i id NAME.age`.
 */
export class SecretStore {
  readonly #directory: string;
  readonly #identity: string;
  readonly #recipient: string;

  private constructor(directory: string, identity: string, recipient: string) {
    this.#directory = directory;
    this.#identity = identity;
    this.#recipient = recipient;
  }

  /** Opens, or creates with a new identity. Throws DurableError "secret-unreadable" for a wrong passphrase. */
  static async open(directory: string, sealing: Sealing): Promise<SecretStore> {
    await makeDirectory(directory);
    // A crash in the middle of a write leaves a sealed copy under a name that nobody would look for.
    for (const name of await readdir(directory)) {
      if (name.endsWith(".tmp")) await eraseFileDurable(join(directory, name));
    }
    const file = new SecretFile(join(directory, "identity.age"), sealing);
    let contents = await file.read();
    if (contents === null) {
      contents = new TextEncoder().encode(`${await generateHybridIdentity()}\n`);
      await file.write(contents);
    }
    const identity = new TextDecoder().decode(contents).trim();
    contents.fill(0);
    return new SecretStore(directory, identity, await identityToRecipient(identity));
  }

  #path(name: string): string {
    if (!/^[a-z0-9][a-z0-9.-]{0,100}$/.test(name) || name === "identity") {
      throw new DurableError("name-invalid", "secret name");
    }
    return join(this.#directory, `${name}.age`);
  }

  async read(name: string): Promise<Uint8Array | null> {
    const path = this.#path(name);
    const sealed = await readFileOrNull(path);
    if (sealed === null) return null;
    const decrypter = new Decrypter();
    decrypter.addIdentity(this.#identity);
    return await unseal(decrypter, sealed, path);
  }

  /** Resolves when the sealed contents are on the disk. */
  async write(name: string, contents: Uint8Array): Promise<void> {
    const path = this.#path(name);
    await writeFileDurable(path, await this.seal(contents));
  }

  /** Erases the secret as far as a file system can ({@link eraseFileDurable}); one that is not there is no error. */
  async remove(name: string): Promise<void> {
    await eraseFileDurable(this.#path(name));
  }

  /** Names present, sorted. */
  async names(): Promise<string[]> {
    return (await readdir(this.#directory))
      .filter((file) => /^[a-z0-9].*\.age$/.test(file) && file !== "identity.age")
      .map((file) => file.slice(0, -".age".length))
      .sort();
  }

  /** Seals to the store's identity without writing: for records of a journal. About 2 kB longer than the contents. */
  async seal(contents: Uint8Array): Promise<Uint8Array> {
    const encrypter = new Encrypter();
    encrypter.addRecipient(this.#recipient);
    return await encrypter.encrypt(contents);
  }

  /** Inverse of {@link seal}. Throws DurableError "secret-unreadable". */
  async unseal(sealed: Uint8Array): Promise<Uint8Array> {
    const decrypter = new Decrypter();
    decrypter.addIdentity(this.#identity);
    return await unseal(decrypter, sealed, this.#directory);
  }
}

async function unseal(decrypter: Decrypter, sealed: Uint8Array, where: string): Promise<Uint8Array> {
  try {
    return await decrypter.decrypt(sealed);
  } catch (error) {
    throw new DurableError("secret-unreadable", where, { cause: error });
  }
}
