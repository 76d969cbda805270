import { asSeen, drawn, plain } from "@porchlight/charter/letters";
import { type AccountId, fromUtf8, type UnixSeconds, utf8 } from "@porchlight/encoding";
import { nameIn } from "../content.ts";
import { ClientError } from "../error.ts";
import type { Storage } from "../storage.ts";
import type { ContactView, TrustView } from "./view.ts";

const RECORD = "people";
const VERSION = 1;

type Person = {
  readonly name: string;
  /** Compared by this person, with the devices that the account then had. */
  readonly verified: { readonly at: UnixSeconds; readonly devices: readonly string[] } | null;
  /** Devices that came after that. */
  readonly unseen: readonly string[];
  /** When this person took the comparison back. */
  readonly unverified?: UnixSeconds;
};

const STRANGER: Person = { name: "", verified: null, unseen: [] };

/** Everybody this device has met: their own words for themselves, and whom its person has verified. */
export class People {
  readonly #storage: Storage;
  readonly #me: AccountId;
  readonly #people: Map<AccountId, Person>;
  readonly #skeletons = new Map<string, readonly string[]>();
  #dirty = false;
  #saving: Promise<void> = Promise.resolve();
  /** Called after each change. */
  onChange: () => void = () => {};

  private constructor(storage: Storage, me: AccountId, people: Map<AccountId, Person>) {
    this.#storage = storage;
    this.#me = me;
    this.#people = people;
  }

  static async open(storage: Storage, me: AccountId): Promise<People> {
    return new People(storage, me, parsePeople(await storage.load(RECORD)));
  }

  knows(account: AccountId): boolean {
    return this.#people.has(account);
  }

  name(account: AccountId): string {
    return this.#of(account).name;
  }

  trust(account: AccountId): TrustView {
    const { verified, unseen } = this.#of(account);
    if (verified === null) return { kind: "unverified" };
    if (unseen.length > 0) return { kind: "changed", at: verified.at, newDevices: unseen };
    return { kind: "verified", at: verified.at };
  }

  contact(account: AccountId, ownName: string): ContactView {
    const name = this.name(account);
    const isNameAmbiguous =
      name !== "" &&
      (this.#alike(ownName, name) ||
        [...this.#people].some(([other, one]) => other !== account && this.#alike(one.name, name)));
    return { account, name, isNameAmbiguous, trust: this.trust(account) };
  }

  contacts(ownName: string): { readonly [account: AccountId]: ContactView } {
    return Object.fromEntries(
      [...this.#people.keys()].map((account) => [account, this.contact(account, ownName)]),
    );
  }

  meet(account: AccountId): void {
    if (account !== this.#me && !this.#people.has(account)) this.#set(account, STRANGER);
  }

  /** What the person says its name is; gives the one before where it is another. */
  named(account: AccountId, text: string): string | null {
    const name = nameIn(text);
    const before = this.name(account);
    if (account === this.#me || name === null || name === before) return null;
    this.#set(account, { ...this.#of(account), name });
    return before;
  }

  /** Devices with which an account reads. `true`: it was verified, and one of them came after that and was not told yet. */
  saw(account: AccountId, devices: readonly string[]): boolean {
    const person = this.#of(account);
    if (person.verified === null) return false;
    const known = new Set([...person.verified.devices, ...person.unseen]);
    const unseen = devices.filter((device) => !known.has(device));
    if (unseen.length === 0) return false;
    this.#set(account, { ...person, unseen: [...person.unseen, ...unseen] });
    return true;
  }

  /** Hex keys of all devices of other people that are in a conversation: one that is gone warns nobody, until it comes back. */
  keepNew(present: ReadonlySet<string>): void {
    for (const [account, person] of this.#people) {
      const unseen = person.unseen.filter((device) => present.has(device));
      if (unseen.length < person.unseen.length) this.#set(account, { ...person, unseen });
    }
  }

  /** `devices`: those that were compared; one that was told as new and is not among them stays new. */
  verify(account: AccountId, at: UnixSeconds, devices: readonly string[]): void {
    const person = this.#of(account);
    const known = new Set([...(person.verified?.devices ?? []), ...devices]);
    const unseen = person.unseen.filter((device) => !known.has(device));
    const { unverified: _, ...rest } = person;
    this.#set(account, { ...rest, verified: { at, devices: [...known].sort() }, unseen });
  }

  unverify(account: AccountId, at: UnixSeconds): void {
    this.#set(account, { ...this.#of(account), verified: null, unseen: [], unverified: at });
  }

  /** Two that save at once write one after the other, and what changed while one wrote the next one writes. */
  save(): Promise<void> {
    const saved = this.#saving.then(() => this.#write());
    this.#saving = saved.catch(() => {});
    return saved;
  }

  async #write(): Promise<void> {
    if (!this.#dirty) return;
    this.#dirty = false;
    try {
      await this.#storage.save(RECORD, formatPeople(this.#people));
    } catch (error) {
      this.#dirty = true;
      throw error;
    }
    this.onChange();
  }

  /** Everybody is compared with everybody each time: a name's letters are looked at once. */
  #alike(one: string, other: string): boolean {
    const [ours, theirs] = [one, other].map((name) => {
      const known = this.#skeletons.get(name) ?? skeletons(name);
      this.#skeletons.set(name, known);
      return known;
    }) as [readonly string[], readonly string[]];
    return ours.some((skeleton, i) => skeleton === theirs[i]);
  }

  #of(account: AccountId): Person {
    return this.#people.get(account) ?? STRANGER;
  }

  #set(account: AccountId, person: Person): void {
    this.#people.set(account, person);
    this.#dirty = true;
  }
}

function formatPeople(people: ReadonlyMap<AccountId, Person>): Uint8Array {
  return utf8(JSON.stringify({ version: VERSION, people: Object.fromEntries(people) }));
}

function parsePeople(saved: Uint8Array | null): Map<AccountId, Person> {
  if (saved === null) return new Map();
  try {
    // JSON.parse: this program wrote it, and storage authenticates it.
    const { version, people } = JSON.parse(fromUtf8(saved)) as { version: number; people: object };
    if (version !== VERSION) throw new SyntaxError("version");
    return new Map(Object.entries(people) as [AccountId, Person][]);
  } catch (cause) {
    throw new ClientError("state-corrupt", "the saved contacts are not what was saved", { cause });
  }
}

/**
 * Whom two devices of one person know (CON-22). Of somebody whom both know, what was compared or taken back last counts; a
 * device that either of them has told as new stays so, unless it was compared.
 */
export function mergedPeople(ours: Uint8Array | null, theirs: Uint8Array): Uint8Array {
  const people = parsePeople(ours);
  for (const [account, there] of parsePeople(theirs)) {
    const here = people.get(account) ?? STRANGER;
    const name = here.name || there.name;
    const takenBack = Math.max(here.unverified ?? 0, there.unverified ?? 0) as UnixSeconds;
    const verified = (there.verified?.at ?? 0) > (here.verified?.at ?? 0) ? there.verified : here.verified;
    if (verified === null || takenBack >= verified.at) {
      people.set(account, {
        ...STRANGER,
        name,
        ...(takenBack > 0 ? { unverified: takenBack } : {}),
      });
      continue;
    }
    const compared = new Set(verified.devices);
    const unseen = [...new Set([...here.unseen, ...there.unseen])].filter((device) => !compared.has(device));
    people.set(account, { name, verified, unseen });
  }
  return formatPeople(people);
}

/** Letters that people take for one another become one: enough for a warning, not for a decision. */
function skeletons(name: string): readonly string[] {
  return [plain(name), drawn(name)].map(asSeen);
}
