/**
 * Where a member keeps its records. Names are short ASCII words; contents are private keys and plaintext, so an
 * implementation encrypts them at rest. Three implementations, {@link memoryStorage}, {@link browserStorage} and
 * `fileStorage` (`@porchlight/client/node`), and one contract suite for all.
 */
export type Storage = {
  /** The record last saved under the name, `null` where there is none. */
  readonly load: (name: string) => Promise<Uint8Array | null>;
  /** Resolves when the record would survive a power cut. After a crash the old or the new one is there, whole. */
  readonly save: (name: string, record: Uint8Array) => Promise<void>;
  /** Forgets a record; one that is not there is no error. Resolves when it would not come back after a power cut. */
  readonly remove: (name: string) => Promise<void>;
  /** Names that have a record, sorted. */
  readonly list: () => Promise<readonly string[]>;
};

/** Forgets at the end of the process: tests, and people who exist for one replay. */
export function memoryStorage(): Storage {
  const records = new Map<string, Uint8Array>();
  return {
    load: async (name) => records.get(name)?.slice() ?? null,
    save: async (name, record) => {
      records.set(name, record.slice());
    },
    remove: async (name) => {
      records.delete(name);
    },
    list: async () => [...records.keys()].sort(),
  };
}
