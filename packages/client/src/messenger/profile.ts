import { fromUtf8, utf8 } from "@porchlight/encoding";
import { nameIn } from "../content.ts";
import { ClientError } from "../error.ts";
import type { Storage } from "../storage.ts";
import type { SettingsView } from "./view.ts";

const RECORD = "profile";
const VERSION = 1;

type ProfileRecord = {
  readonly name: string;
  readonly settings: SettingsView;
  /** Notices that the person has seen. */
  readonly noticesRead?: readonly string[];
  /** The provider's signed word for each contest that it took. */
  readonly contests?: Readonly<Record<string, string>>;
};

const DEFAULTS: SettingsView = { receipts: true, typing: true, notifications: "all" };

/** The own name and choices. */
export class Profile {
  readonly #storage: Storage;
  #record: ProfileRecord;
  /** Called after each change. */
  onChange: () => void = () => {};

  private constructor(storage: Storage, record: ProfileRecord) {
    this.#storage = storage;
    this.#record = record;
  }

  /** What was saved, or a new one of this name, saved. Throws ClientError "name-refused", "state-corrupt". */
  static async open(storage: Storage, name: string): Promise<Profile> {
    const saved = await storage.load(RECORD);
    if (saved === null) {
      const profile = new Profile(storage, { name: checkedName(name), settings: DEFAULTS });
      await profile.#save(profile.#record);
      return profile;
    }
    try {
      // JSON.parse: this program wrote it, and storage authenticates it.
      const { version, ...record } = JSON.parse(fromUtf8(saved)) as ProfileRecord & { version: number };
      if (version !== VERSION) throw new SyntaxError("version");
      return new Profile(storage, record);
    } catch (cause) {
      throw new ClientError("state-corrupt", "the saved profile is not what was saved", { cause });
    }
  }

  /** Whether who the person is came over from another device. */
  static async isIn(storage: Storage): Promise<boolean> {
    return (await storage.load(RECORD)) !== null;
  }

  get name(): string {
    return this.#record.name;
  }

  get settings(): SettingsView {
    return this.#record.settings;
  }

  /** Throws ClientError "name-refused". */
  async rename(name: string): Promise<void> {
    await this.#save({ ...this.#record, name: checkedName(name) });
  }

  get noticesRead(): readonly string[] {
    return this.#record.noticesRead ?? [];
  }

  async readNotice(id: string): Promise<void> {
    if (this.noticesRead.includes(id)) return;
    await this.#save({ ...this.#record, noticesRead: [...this.noticesRead, id] });
  }

  get contests(): Readonly<Record<string, string>> {
    return this.#record.contests ?? {};
  }

  async keepContest(notice: string, document: string): Promise<void> {
    await this.#save({ ...this.#record, contests: { ...this.contests, [notice]: document } });
  }

  async choose(settings: Partial<SettingsView>): Promise<void> {
    await this.#save({ ...this.#record, settings: { ...this.#record.settings, ...settings } });
  }

  async #save(record: ProfileRecord): Promise<void> {
    await this.#storage.save(RECORD, utf8(JSON.stringify({ version: VERSION, ...record })));
    this.#record = record;
    this.onChange();
  }
}

/** Throws ClientError "name-refused". */
export function checkedName(text: string): string {
  const name = nameIn(text);
  if (name !== null) return name;
  throw new ClientError("name-refused", "a name has 1 to 64 characters, on one line, without invisible ones");
}
