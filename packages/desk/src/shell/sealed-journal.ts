import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { rename } from "node:fs/promises";
import { join } from "node:path";
import {
  DurableError,
  eraseFileDurable,
  Journal,
  removeFileDurable,
  type Sealing,
  SecretFile,
  syncDirectory,
} from "@porchlight/durable";
import { equalBytes } from "@porchlight/encoding";

const KEY = "journal-key.age";
const FILE = "journal.sealed";
/** As it was before records were sealed. */
const PLAIN = "journal";
/** What was the plain one, once it is whole in the sealed one: never read again. */
const ERASING = "journal.erasing";
const DOMAIN = "porchlight-v1/desk-journal\0";
const NONCE = 12;
const TAG = 16;

/**
 * A journal whose records are sealed (DESK-7): AES-256-GCM, `nonce[12] ciphertext tag[16]`, with the record's number as
 * associated data, so that none is moved, repeated or taken out of the middle. The key is its own, in a file sealed with
 * the party's passphrase: a desk beside a keyholder or a server needs none of theirs.
 */
export class SealedJournal {
  readonly #journal: Journal;
  readonly #key: Uint8Array;
  #count: number;

  private constructor(journal: Journal, key: Uint8Array, count: number) {
    this.#journal = journal;
    this.#key = key;
    this.#count = count;
  }

  /**
   * With its records, oldest first. A plain journal of an earlier version is sealed and erased. Throws DurableError
   * "journal-corrupt" for what was altered, "secret-unreadable" for a wrong passphrase or a key that is gone.
   */
  static async open(
    directory: string,
    sealing: Sealing,
  ): Promise<{ readonly journal: SealedJournal; readonly records: readonly Uint8Array[] }> {
    const path = join(directory, FILE);
    const erasing = join(directory, ERASING);
    await eraseFileDurable(erasing);
    const key = await keyOf(directory, sealing, !existsSync(path));
    const [plain, old] = [join(directory, PLAIN), await plainRecords(join(directory, PLAIN))];
    if (old !== null && !existsSync(path)) {
      const draft = `${path}.new`;
      await removeFileDurable(draft);
      const sealed = await Journal.open(draft);
      await Promise.all(old.map(async (record, i) => await sealed.append(seal(key, i, record))));
      await sealed.close();
      await rename(draft, path);
      await syncDirectory(directory);
    }
    const journal = await Journal.open(path);
    try {
      const records: Uint8Array[] = [];
      for await (const sealed of journal) records.push(unseal(key, records.length, sealed, path));
      if (old !== null) {
        // Whole in the sealed one, or it is not what this desk wrote.
        if (!old.every((record, i) => equalBytes(record, records[i] ?? new Uint8Array()))) {
          throw new DurableError("journal-corrupt", plain);
        }
        // Renamed first: a power cut while it is overwritten leaves no journal that cannot be read.
        await rename(plain, erasing);
        await syncDirectory(directory);
        await eraseFileDurable(erasing);
      }
      return { journal: new SealedJournal(journal, key, records.length), records };
    } catch (error) {
      await journal.close();
      throw error;
    }
  }

  /** Resolves when the record is on the disk. */
  async append(record: Uint8Array): Promise<void> {
    // Numbered in the order in which they are written: nothing waits in between.
    await this.#journal.append(seal(this.#key, this.#count++, record));
  }

  async close(): Promise<void> {
    await this.#journal.close();
  }
}

async function keyOf(directory: string, sealing: Sealing, isNew: boolean): Promise<Uint8Array> {
  const file = new SecretFile(join(directory, KEY), sealing);
  const known = await file.read();
  if (known !== null) return known;
  // A journal whose key is gone is not begun anew over it.
  if (!isNew) throw new DurableError("secret-unreadable", file.path);
  const key = new Uint8Array(randomBytes(32));
  await file.write(key);
  return key;
}

async function plainRecords(path: string): Promise<Uint8Array[] | null> {
  if (!existsSync(path)) return null;
  const journal = await Journal.open(path);
  const records: Uint8Array[] = [];
  for await (const record of journal) records.push(record);
  await journal.close();
  return records;
}

function placeOf(number: number): Buffer {
  return Buffer.from(`${DOMAIN}${number}`);
}

function seal(key: Uint8Array, number: number, record: Uint8Array): Uint8Array {
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(placeOf(number));
  return Buffer.concat([nonce, cipher.update(record), cipher.final(), cipher.getAuthTag()]);
}

function unseal(key: Uint8Array, number: number, sealed: Uint8Array, where: string): Uint8Array {
  try {
    const bytes = Buffer.from(sealed);
    const options = { authTagLength: TAG };
    const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, NONCE), options);
    decipher.setAAD(placeOf(number)).setAuthTag(bytes.subarray(-TAG));
    return new Uint8Array(Buffer.concat([decipher.update(bytes.subarray(NONCE, -TAG)), decipher.final()]));
  } catch (cause) {
    throw new DurableError("journal-corrupt", where, { cause });
  }
}
