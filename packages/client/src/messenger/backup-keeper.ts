import type { UnixSeconds } from "@porchlight/encoding";
import type { Account } from "../account.ts";
import type { AccountRecord } from "../account-record.ts";
import type { Backup } from "../backup.ts";
import { ClientError } from "../error.ts";
import { keepsakes } from "./keepsake.ts";
import type { NotedStorage } from "./noted-storage.ts";
import { codeOf, mayPass } from "./refusal.ts";
import type { BackupView } from "./view.ts";

/** Seconds between two additions to the backup. */
const PAUSE = 60;

/** What it needs of the account. */
export type Keeping = Pick<Account, "backup" | "isRecoveryUnfinished" | "dropOutdated" | "enableRecovery">;

type Surroundings = {
  readonly now: () => UnixSeconds;
  /** There is another {@link BackupKeeper.view}. */
  readonly changed: () => void;
  /** The storage or this program failed: nothing goes on. */
  readonly failed: (error: unknown) => void;
};

/** Brings what is new on this device into the account's backup, by and by, and says where that stands. */
export class BackupKeeper {
  readonly #storage: NotedStorage;
  readonly #around: Surroundings;
  #view: BackupView = { kind: "none" };
  #adding: Promise<void> | null = null;
  #added = 0;
  #isOver = false;

  constructor(storage: NotedStorage, around: Surroundings) {
    this.#storage = storage;
    this.#around = around;
  }

  get view(): BackupView {
    return this.#view;
  }

  /** What this device has of the account, before anybody else was asked. */
  remember(record: Pick<AccountRecord, "recovery" | "backup">): void {
    if (record.recovery !== null) this.#view = { kind: "unfinished" };
    else if (record.backup !== null) this.#view = { kind: "unseen" };
  }

  /** Where the account's backup stands, as far as the account knows. The caller looks at {@link view} itself. */
  look(account: Keeping): void {
    if (account.isRecoveryUnfinished) this.#view = { kind: "unfinished" };
    else if (account.backup === null) this.#view = { kind: "none" };
    else if (["none", "unseen", "unfinished"].includes(this.#view.kind)) this.#view = { kind: "uploading" };
  }

  /** A new recovery code; its backup is sent by and by. */
  async begin(account: Keeping): Promise<string> {
    try {
      const code = await account.enableRecovery();
      this.#show({ kind: "uploading" });
      return code;
    } catch (error) {
      if (account.isRecoveryUnfinished) this.#show({ kind: "unfinished" });
      throw error;
    }
  }

  /**
   * Sends what the backup does not have yet; not with every message, since a chunk is sent whole. Resolves, whatever comes
   * of it, when nothing is under way; no message waits for that.
   */
  async add(account: Keeping): Promise<void> {
    const { backup } = account;
    const isPaused = this.#around.now() - this.#added < PAUSE && this.#view.kind !== "uploading";
    if (backup === null || this.#storage.isIn(backup.id) || isPaused || this.#isOver) return;
    this.#adding ??= this.#add(account, backup).finally(() => {
      this.#adding = null;
    });
    await this.#adding;
  }

  /** Resolves when nothing is under way. The rest is sent after the next start. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#adding;
  }

  async #add(account: Keeping, backup: Backup): Promise<void> {
    const storage = this.#storage;
    let names: ReadonlySet<string> = new Set();
    try {
      names = await storage.takeDue(backup.id);
      await account.dropOutdated();
      await backup.append(this.#records(names));
      await storage.noteBackedUp(names, backup.id);
      this.#says(account, backup, { kind: "current" });
    } catch (error) {
      storage.putBack(names);
      const code = codeOf(error);
      if (this.#isOver || mayPass(error)) return;
      if (code === "internal" || code === "state-corrupt") return this.#around.failed(error);
      this.#says(account, backup, { kind: "refused", code });
    } finally {
      this.#added = this.#around.now();
    }
  }

  async *#records(names: ReadonlySet<string>): AsyncGenerator<Uint8Array> {
    // What changes while it is read goes along, and once more next time.
    const isWanted = (name: string) => names.has(name) || this.#storage.changed.has(name);
    for await (const record of keepsakes(this.#storage, isWanted)) {
      if (this.#isOver)
        throw new ClientError("not-now", "the messenger was closed: the rest is sent next time");
      yield record;
    }
  }

  /** Said of the backup that a code opens; while nobody knows which one that is, of none. */
  #says(account: Keeping, backup: Backup, view: BackupView): void {
    if (account.isRecoveryUnfinished) return;
    if (account.backup === null) this.#show({ kind: "none" });
    else if (account.backup === backup) this.#show(view);
  }

  #show(view: BackupView): void {
    this.#view = view;
    this.#around.changed();
  }
}
