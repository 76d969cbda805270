import { concat, utf8 } from "@porchlight/encoding";
import { openDB } from "idb";
import { ClientError } from "./error.ts";
import type { Storage } from "./storage.ts";

const RECORDS = "records";
const NONCE = 12;

/**
 * Records in this origin's IndexedDB database `database`, each sealed with AES-256-GCM under `key` (32 bytes, which the
 * caller keeps elsewhere: behind a passkey or a passphrase). As with files, a record's name is authenticated with it, and
 * whoever can write to the browser's profile can set a device back. Only for browsers and their workers.
 */
export async function browserStorage(options: {
  readonly database: string;
  readonly key: Uint8Array;
}): Promise<Storage & { readonly close: () => void }> {
  if (options.key.length !== 32) throw new ClientError("state-corrupt", "the storage key has 32 bytes");
  const key = await crypto.subtle.importKey("raw", options.key as Uint8Array<ArrayBuffer>, "AES-GCM", false, [
    "encrypt",
    "decrypt",
  ]);
  const database = await openDB(options.database, 1, {
    upgrade: (fresh) => void fresh.createObjectStore(RECORDS),
  });
  const parameters = (name: string, nonce: Uint8Array) => ({
    name: "AES-GCM",
    iv: nonce as Uint8Array<ArrayBuffer>,
    additionalData: utf8(`porchlight-v1/record\0${name}`) as Uint8Array<ArrayBuffer>,
  });
  // "strict": resolved when the browser has flushed it to the disk, not when it intends to.
  const change = async (act: (store: Writable) => Promise<unknown>): Promise<void> => {
    const transaction = database.transaction(RECORDS, "readwrite", { durability: "strict" });
    await Promise.all([act(transaction.store as unknown as Writable), transaction.done]);
  };
  return {
    load: async (name) => {
      const sealed = (await database.get(RECORDS, checked(name))) as Uint8Array<ArrayBuffer> | undefined;
      if (sealed === undefined) return null;
      try {
        const cipher = parameters(name, sealed.subarray(0, NONCE));
        return new Uint8Array(await crypto.subtle.decrypt(cipher, key, sealed.subarray(NONCE)));
      } catch (cause) {
        throw new ClientError(
          "state-corrupt",
          "a saved record does not open: wrong key, or the record was altered",
          { cause },
        );
      }
    },
    save: async (name, record) => {
      checked(name);
      const nonce = crypto.getRandomValues(new Uint8Array(NONCE));
      // A transaction ends by itself when it waits for anything else: sealed before it begins.
      const body = await crypto.subtle.encrypt(
        parameters(name, nonce),
        key,
        record.slice() as Uint8Array<ArrayBuffer>,
      );
      await change((store) => store.put(concat(nonce, new Uint8Array(body)), name));
    },
    remove: (name) => change((store) => store.delete(checked(name))),
    list: async () => (await database.getAllKeys(RECORDS)).map(String).sort(),
    close: () => database.close(),
  };
}

type Writable = {
  readonly put: (value: Uint8Array, name: string) => Promise<unknown>;
  readonly delete: (name: string) => Promise<void>;
};

function checked(name: string): string {
  if (!/^[a-z0-9][a-z0-9-]{0,99}$/.test(name)) throw new ClientError("state-corrupt", "no name of a record");
  return name;
}
