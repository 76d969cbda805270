import { randomBytes } from "node:crypto";
import {
  asName,
  type Charter,
  formatStatement,
  type SignedDocument,
  signDocument,
} from "@porchlight/charter";
import { skeleton } from "@porchlight/charter/letters";
import { type AccountId, accountIdOf, fromUtf8, idBytes, utf8 } from "@porchlight/encoding";
import { openFrom, sealTo, XWING_SEED_LENGTH } from "@porchlight/quorum";
import type { Clock } from "@porchlight/runtime";
import { type Database, fromRow, type Queries } from "./database.ts";
import type { Identity } from "./identity.ts";
import { NoticeCards } from "./notice-cards.ts";
import { Refusal } from "./refusal.ts";

const AT_REST_INFO = utf8("porchlight-v1/person-at-rest");

export type Bound = { readonly account: AccountId; readonly person: string };

type Names = {
  /** By the name as it stands. */
  readonly exact: ReadonlyMap<string, readonly AccountId[]>;
  /** By what the eye takes it for. */
  readonly alike: ReadonlyMap<string, readonly Bound[]>;
};

/** Accounts that one refusal names. */
const MAX_NAMED = 20;

/**
 * Which person an account is, as far as the provider's staff knows (DEL-70): bound by hand, sealed at rest, and told
 * only in a statement that the operator asks for.
 */
export class Persons {
  readonly #database: Database;
  readonly #identity: Identity;
  readonly #clock: Clock;
  readonly #noticeCards: NoticeCards;
  /** null where it has to be read anew. */
  #byName: Names | null = null;
  /** How often something was bound: names that were read before are not kept as if they were of now. */
  #changes = 0;

  constructor(database: Database, identity: Identity, clock: Clock) {
    this.#noticeCards = new NoticeCards(database);
    this.#database = database;
    this.#identity = identity;
    this.#clock = clock;
  }

  /** Binds or rebinds. `person` as it will stand in statements. Throws EncodingError or Refusal. */
  async bind(account: AccountId, person: string): Promise<void> {
    const id = Buffer.from(idBytes(account));
    const seed = new Uint8Array(randomBytes(XWING_SEED_LENGTH));
    const name = utf8(asName(person, "person"));
    const sealed = sealTo(this.#identity.xwing.publicKey, name, AT_REST_INFO, id, seed);
    const rows = await this.#database.query({
      text: `insert into persons select account, $2 from accounts where account = $1
        on conflict (account) do update set sealed = excluded.sealed returning 1`,
      values: [id, Buffer.from(sealed)],
    });
    this.#changes += 1;
    this.#byName = null;
    if (rows.length === 0) throw new Refusal("not-found", "no such account is registered here");
  }

  /** The name that an account is bound to; null for none. */
  async nameOf(account: AccountId): Promise<string | null> {
    const id = Buffer.from(idBytes(account));
    const rows = await this.#database.query({
      text: "select sealed from persons where account = $1",
      values: [id],
    });
    const sealed = rows[0]?.["sealed"];
    return sealed === undefined ? null : this.#open(id, fromRow(sealed));
  }

  /** All bound names, each with whom it is bound to: opened once, as each is sealed on its own. */
  async byName(queries: Queries): Promise<Names> {
    if (this.#byName !== null) return this.#byName;
    const changes = this.#changes;
    const rows = await queries.query({ text: "select account, sealed from persons" });
    const exact = new Map<string, AccountId[]>();
    const alike = new Map<string, Bound[]>();
    for (const row of rows) {
      const id = Buffer.from(fromRow(row["account"]));
      const person = this.#open(id, fromRow(row["sealed"]));
      const account = accountIdOf(new Uint8Array(id));
      const looks = skeleton(person);
      exact.set(person, [...(exact.get(person) ?? []), account]);
      alike.set(looks, [...(alike.get(looks) ?? []), { account, person }]);
    }
    const found = { exact, alike };
    if (changes === this.#changes) this.#byName = found;
    return found;
  }

  /** Other accounts whose name is this one, or looks like it. */
  async lookingLike(account: AccountId, person: string): Promise<readonly Bound[]> {
    const { alike } = await this.byName(this.#database);
    return (alike.get(skeleton(person)) ?? []).filter((one) => one.account !== account);
  }

  #open(id: Buffer, sealed: Uint8Array): string {
    return fromUtf8(openFrom(this.#identity.xwing.secretKey, sealed, AT_REST_INFO, id), "person");
  }

  /** What {@link statement} would say of these accounts, unsigned. Throws Refusal as it does. */
  async review(accounts: readonly AccountId[]): Promise<Bound[]> {
    const bound = await this.#bound(accounts);
    for (const account of accounts) await this.#card(account);
    return bound;
  }

  /** The accounts of these names, each as it is bound. Throws Refusal "not-found" where one has none, or another looks like it. */
  async accountsOf(names: readonly string[]): Promise<AccountId[]> {
    const { exact, alike } = await this.byName(this.#database);
    return names.flatMap((name) => {
      const found = exact.get(name);
      if (found === undefined)
        throw new Refusal("not-found", "no such account: nobody here has one of these names");
      if (alike.get(skeleton(name))?.some(({ person }) => person !== name) === true) {
        throw new Refusal(
          "not-found",
          "somebody else here has a name that looks like one of these: write the account's number instead",
        );
      }
      return [...found];
    });
  }

  /** The provider's signed word for these accounts. Throws Refusal "not-found" where one is bound to nobody. */
  async statement(charter: Charter, accounts: readonly AccountId[]): Promise<SignedDocument> {
    const bound = [];
    for (const one of await this.#bound(accounts)) {
      bound.push({ ...one, notice: await this.#card(one.account) });
    }
    const at = this.#clock.now();
    const bytes = formatStatement({ charter: charter.id, accounts: bound, at });
    const signer = { name: charter.provider.name, seed: this.#identity.provider.seed };
    return await signDocument("statement", bytes, [signer]);
  }

  async #card(account: AccountId): Promise<Uint8Array> {
    const card = await this.#noticeCards.of(account);
    if (card === null) {
      throw new Refusal("not-found", "this account has no notice key: nothing of it is escrowed either");
    }
    return card;
  }

  /** Whoever keeps these records is told which are missing: of an order over both sides nobody else can say. */
  async #bound(accounts: readonly AccountId[]): Promise<Bound[]> {
    const bound: Bound[] = [];
    const missing: AccountId[] = [];
    for (const account of accounts) {
      const person = await this.nameOf(account);
      if (person === null) missing.push(account);
      else bound.push({ account, person });
    }
    if (missing.length === 0) return bound;
    const more = missing.length > MAX_NAMED ? `, and ${missing.length - MAX_NAMED} more` : "";
    throw new Refusal(
      "not-found",
      `nobody is noted for ${missing.slice(0, MAX_NAMED).join(", ")}${more}: note whose account each is, then ask again`,
    );
  }
}
