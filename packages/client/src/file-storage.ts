import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { makeDirectory, readFileOrNull, removeFileDurable, writeFileDurable } from "@porchlight/durable";
import { concat, utf8 } from "@porchlight/encoding";
import { ClientError } from "./error.ts";
import type { Storage } from "./storage.ts";

const SUFFIX = ".sealed";
const NONCE = 12;
const TAG = 16;

/**
 * Records as files in one directory (0700, files 0600), each sealed with AES-256-GCM under `key` (32 bytes; the
 * caller keeps it, in a secret file behind a passphrase for instance). The record's name is authenticated with it, so
 * that two files cannot be swapped. An old file put back in place of a newer one cannot be told from it: whoever can
 * write to the directory can set a device back.
 */
export async function fileStorage(options: {
  readonly directory: string;
  readonly key: Uint8Array;
}): Promise<Storage> {
  const { directory, key } = options;
  if (key.length !== 32) throw new ClientError("state-corrupt", "the storage key has 32 bytes");
  await makeDirectory(directory);
  return {
    load: async (name) => {
      const sealed = await readFileOrNull(pathOf(directory, name));
      return sealed === null ? null : unseal(key, name, sealed);
    },
    save: (name, record) => writeFileDurable(pathOf(directory, name), seal(key, name, record)),
    remove: (name) => removeFileDurable(pathOf(directory, name)),
    list: async () =>
      (await readdir(directory))
        .filter((file) => file.endsWith(SUFFIX))
        .map((file) => file.slice(0, -SUFFIX.length))
        .sort(),
  };
}

function pathOf(directory: string, name: string): string {
  if (!/^[a-z0-9][a-z0-9-]{0,99}$/.test(name)) throw new ClientError("state-corrupt", "no name of a record");
  return join(directory, name + SUFFIX);
}

function domain(name: string): Uint8Array {
  return utf8(`porchlight-v1/record\0${name}`);
}

function seal(key: Uint8Array, name: string, record: Uint8Array): Uint8Array {
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  cipher.setAAD(domain(name));
  return concat(nonce, cipher.update(record), cipher.final(), cipher.getAuthTag());
}

function unseal(key: Uint8Array, name: string, sealed: Uint8Array): Uint8Array {
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, NONCE));
    decipher.setAAD(domain(name));
    decipher.setAuthTag(sealed.subarray(-TAG));
    return concat(decipher.update(sealed.subarray(NONCE, -TAG)), decipher.final());
  } catch (cause) {
    throw new ClientError(
      "state-corrupt",
      "a saved record does not open: wrong key, or the file was altered",
      { cause },
    );
  }
}
