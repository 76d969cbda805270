import { fromUtf8, utf8 } from "@porchlight/encoding";
import type { Storage } from "../storage.ts";
import { isKept } from "./keepsake.ts";

/** A chunk of a history. */
const CHUNK = /^history-([0-9a-f]{64})-(\d+)$/;
const RECORD = "backed-up";

/** What a backup has: of each conversation all chunks before the newest, and the newest as it once was. */
type Had = { readonly backup: string; readonly newest: { readonly [conversation: string]: number } };

/**
 * A device's storage that knows which of the kept records a backup lacks. What it knows over a restart errs to one side
 * only: a record may be sent once more, none is left out.
 */
export class NotedStorage implements Storage {
  readonly #inner: Storage;
  #changed = new Set<string>();
  /** The backup that lacks what is in `changed` and nothing else. */
  #backup: string | null = null;
  #had: Had | null;
  #saving: Promise<void> = Promise.resolve();

  private constructor(inner: Storage, had: Had | null) {
    this.#inner = inner;
    this.#had = had;
  }

  static async open(inner: Storage): Promise<NotedStorage> {
    const saved = await inner.load(RECORD);
    // JSON.parse: this program wrote it, and storage authenticates it.
    return new NotedStorage(inner, saved === null ? null : (JSON.parse(fromUtf8(saved)) as Had));
  }

  /** What has changed since {@link takeDue}. */
  get changed(): ReadonlySet<string> {
    return this.#changed;
  }

  /** Whether this backup, by its id, has everything. */
  isIn(backup: string): boolean {
    return this.#backup === backup && this.#changed.size === 0;
  }

  /** Names of what this backup lacks; from now on changes are noted anew. Of a backup that is not known it is everything. */
  async takeDue(backup: string): Promise<ReadonlySet<string>> {
    if (this.#backup !== backup) {
      if (this.#had?.backup !== backup) this.#had = null;
      for (const name of await this.#inner.list()) {
        const chunk = chunkIn(name);
        const newest = chunk === null ? undefined : this.#had?.newest[chunk.conversation];
        const isDue = chunk === null || newest === undefined || chunk.number >= newest;
        if (isKept(name) && isDue) this.#changed.add(name);
      }
      this.#backup = backup;
    }
    const due = this.#changed;
    this.#changed = new Set();
    return due;
  }

  /** They are not in the backup after all. */
  putBack(names: ReadonlySet<string>): void {
    for (const name of names) this.#changed.add(name);
  }

  /** The backup has these, which {@link takeDue} gave, and so all that it lacked but what has changed since. */
  async noteBackedUp(names: ReadonlySet<string>, backup: string): Promise<void> {
    const newest = { ...(this.#had?.backup === backup ? this.#had.newest : {}) };
    for (const chunk of chunksIn(names)) {
      newest[chunk.conversation] = Math.max(newest[chunk.conversation] ?? 0, chunk.number);
    }
    for (const chunk of chunksIn(this.#changed)) {
      const before = newest[chunk.conversation];
      if (before !== undefined) newest[chunk.conversation] = Math.min(before, chunk.number);
    }
    await this.#note({ backup, newest });
  }

  load(name: string): Promise<Uint8Array | null> {
    return this.#inner.load(name);
  }

  async save(name: string, record: Uint8Array): Promise<void> {
    const chunk = chunkIn(name);
    const newest = chunk === null ? undefined : this.#had?.newest[chunk.conversation];
    // Noted first: who takes a message back and closes the program at once wants it out of the backup all the same.
    if (this.#had !== null && chunk !== null && newest !== undefined && chunk.number < newest) {
      await this.#note({
        ...this.#had,
        newest: { ...this.#had.newest, [chunk.conversation]: chunk.number },
      });
    }
    await this.#inner.save(name, record);
    if (isKept(name)) this.#changed.add(name);
  }

  remove(name: string): Promise<void> {
    return this.#inner.remove(name);
  }

  list(): Promise<readonly string[]> {
    return this.#inner.list();
  }

  /** Conversations are saved at the same time; the last word stays. */
  #note(had: Had): Promise<void> {
    if (JSON.stringify(had) === JSON.stringify(this.#had)) return this.#saving;
    this.#had = had;
    const saved = this.#saving.then(() => this.#inner.save(RECORD, utf8(JSON.stringify(had))));
    this.#saving = saved.catch(() => {});
    return saved;
  }
}

function chunkIn(name: string): { readonly conversation: string; readonly number: number } | null {
  const [, conversation, number] = CHUNK.exec(name) ?? [];
  return conversation === undefined ? null : { conversation, number: Number(number) };
}

function chunksIn(names: ReadonlySet<string>) {
  return [...names].flatMap((name) => chunkIn(name) ?? []);
}
