import { type AccountId, accountIdOf, idBytes, unixSeconds } from "@porchlight/encoding";
import type { Clock } from "@porchlight/runtime";
import type { AuditLine, Role } from "@porchlight/wire";
import { type Database, fromRow, type Queries } from "./database.ts";
import { Refusal } from "./refusal.ts";

const PAGE = 1000;

/** Who may do what beyond talking, and who changed that (ACC-80 to ACC-82). */
export class Roles {
  readonly #database: Database;
  readonly #clock: Clock;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /**
   * `actor`: an administrator, or `null` for the operator. The change and its audit line are one. Throws Refusal
   * "not-found", or "forbidden" where the last administrator would be gone by an administrator's own hand.
   */
  async set(actor: AccountId | null, account: AccountId, role: Role): Promise<void> {
    await this.#database.transaction(async (transaction) => {
      // One change at a time: two administrators who demote each other would leave none.
      const administrators = await transaction.query({
        text: "select account from accounts where role = 'administrator' or account = $1 order by account for update",
        values: [Buffer.from(idBytes(account))],
      });
      const [before] = await transaction.query({
        text: "select role from accounts where account = $1",
        values: [Buffer.from(idBytes(account))],
      });
      if (before === undefined) throw new Refusal("not-found", "no such account is registered here");
      if (before["role"] === role) return;
      const leavesNone = before["role"] === "administrator" && administrators.length === 1;
      if (actor !== null && leavesNone) {
        throw new Refusal("forbidden", "this is the last administrator: make another one first");
      }
      await transaction.query({
        text: "update accounts set role = $2 where account = $1",
        values: [Buffer.from(idBytes(account)), role],
      });
      await this.note(transaction, actor, "role", account, `${before["role"] as string} to ${role}`);
    });
  }

  /** A line of the audit, inside the transaction of what it tells. `detail` holds no person's words. */
  async note(
    transaction: Queries,
    actor: AccountId | null,
    act: string,
    subject: AccountId | null,
    detail: string,
  ): Promise<void> {
    const id = (account: AccountId | null): Buffer | null =>
      account === null ? null : Buffer.from(idBytes(account));
    await transaction.query({
      text: "insert into audit (at, actor, act, subject, detail) values ($1, $2, $3, $4, $5)",
      values: [this.#clock.now(), id(actor), act, id(subject), detail],
    });
  }

  /** Oldest first, after a number. */
  async audit(after: number): Promise<AuditLine[]> {
    const rows = await this.#database.query({
      text: "select * from audit where number > $1 order by number limit $2",
      values: [after, PAGE],
    });
    const account = (value: unknown): AccountId | null =>
      value === null ? null : accountIdOf(fromRow(value));
    return rows.map((row) => ({
      number: row["number"] as number,
      at: unixSeconds(row["at"] as number),
      actor: account(row["actor"]),
      act: row["act"] as string,
      subject: account(row["subject"]),
      detail: row["detail"] as string,
    }));
  }
}
