// What a device saved, searched for keys of epochs that are over (MLS-5): for tests.
import { hex } from "@porchlight/encoding";
import type { Conversation } from "@porchlight/mls";
import { secretsOf } from "../../mls/test/eavesdropper.ts";
import type { Storage } from "../src/index.ts";

const MAX_SECRETS = 1500;

/** Everything that a device has on its disk, unsealed. */
export async function recordsOf(storage: Storage): Promise<Uint8Array[]> {
  const records: Uint8Array[] = [];
  for (const name of await storage.list()) {
    const record = await storage.load(name);
    if (record !== null) records.push(record);
  }
  return records;
}

/** The secrets of one device's epochs, and the search for those whose epoch is over. */
export class OldSecrets {
  readonly name: string;
  readonly #storage: Storage;
  readonly #secrets = new Map<string, Uint8Array>();

  constructor(name: string, storage: Storage) {
    this.name = name;
    this.#storage = storage;
  }

  get isFull(): boolean {
    return this.#secrets.size > MAX_SECRETS;
  }

  /**
   * How many secrets are over and were looked for, none of them found. What the present epoch shares with an earlier
   * one, path keys that nobody renewed, is not over.
   */
  async search(conversation: Conversation): Promise<number> {
    const live = conversation.kind === "active" ? secretsOf(conversation) : [];
    const over = new Map(this.#secrets);
    for (const secret of live) over.delete(hex(secret));
    const records = (await recordsOf(this.#storage)).map((record) => Buffer.from(record));
    const found = (secret: Uint8Array): boolean =>
      records.some((record) => record.includes(Buffer.from(secret)));
    for (const secret of over.values()) {
      if (found(secret)) throw new Error(`${this.name} keeps a secret of an epoch that is over`);
    }
    const [one] = live;
    if (one !== undefined && !found(one)) throw new Error("a secret that must be there is not found");
    for (const secret of live) this.#secrets.set(hex(secret), secret);
    return over.size;
  }
}
