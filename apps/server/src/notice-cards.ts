import { CharterError, verifyNoticeCard } from "@porchlight/charter";
import { type AccountId, accountIdOf, EncodingError, equalBytes, idBytes } from "@porchlight/encoding";
import { type Database, fromRow, type Queries } from "./database.ts";
import { Refusal } from "./refusal.ts";

/** Accounts of which this process remembers that they have a card. */
const MAX_REMEMBERED = 100_000;

/** The notice keys of the accounts (DEL-15): what an order's notices are sealed to. */
export class NoticeCards {
  readonly #database: Database;
  readonly #known = new Set<AccountId>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** Keeps an account's card for good. Idempotent. Throws Refusal "credential-refused", "exists" for another key. */
  async publish(account: AccountId, card: Uint8Array): Promise<void> {
    if (accountOf(card) !== account) {
      throw new Refusal(
        "credential-refused",
        "this is not a notice key that the account's identity key signed",
      );
    }
    const rows = await this.#database.query({
      text: `insert into notice_cards values ($1, $2)
        on conflict (account) do update set card = notice_cards.card returning card`,
      values: [Buffer.from(idBytes(account)), Buffer.from(card)],
    });
    // The signature in it can be made in more than one way; the key can not.
    if (!equalBytes(fromRow(rows[0]?.["card"]).slice(0, -64), card.slice(0, -64))) {
      throw new Refusal("exists", "the account has another notice key, for life");
    }
    this.#remember(account);
  }

  async of(account: AccountId): Promise<Uint8Array | null> {
    const rows = await this.#database.query({
      name: "notice-card",
      text: "select card from notice_cards where account = $1",
      values: [Buffer.from(idBytes(account))],
    });
    const card = rows[0]?.["card"];
    return card === undefined ? null : fromRow(card);
  }

  /** Which of these accounts have published a key; one query for those that are not remembered. */
  async among(queries: Queries, accounts: ReadonlySet<AccountId>): Promise<ReadonlySet<AccountId>> {
    const unknown = [...accounts].filter((account) => !this.#known.has(account));
    if (unknown.length > 0) {
      const rows = await queries.query({
        name: "notice-cards-among",
        text: "select account from notice_cards where account = any($1::bytea[])",
        values: [unknown.map((account) => Buffer.from(idBytes(account)))],
      });
      for (const row of rows) this.#remember(accountIdOf(fromRow(row["account"])));
    }
    return new Set([...accounts].filter((account) => this.#known.has(account)));
  }

  #remember(account: AccountId): void {
    if (this.#known.size >= MAX_REMEMBERED) this.#known.clear();
    this.#known.add(account);
  }
}

function accountOf(card: Uint8Array): AccountId | null {
  try {
    return verifyNoticeCard(card).account;
  } catch (error) {
    if (error instanceof CharterError || error instanceof EncodingError) return null;
    throw error;
  }
}
