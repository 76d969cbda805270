import { createHash } from "node:crypto";
import { type AccountId, accountIdOf, idBytes, unixSeconds } from "@porchlight/encoding";
import type { Clock } from "@porchlight/runtime";
import type { InvitationInfo, Role } from "@porchlight/wire";
import { type Database, fromRow, type Queries, type Row } from "./database.ts";
import { Refusal } from "./refusal.ts";

const DAY = 86_400;
/** Days for which an inviter sees what became of an invitation. */
const REMEMBERED_DAYS = 90;

/** Who may invite, and how many invitations of one account may be open at a time (ACC-12). */
export type InvitationRules = {
  readonly by: "members" | "administrators";
  readonly open: number;
};

/** One-time invitations: of the secret the server has the hash until somebody comes with it (ACC-10). */
export class Invitations {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly rules: InvitationRules;

  constructor(database: Database, clock: Clock, rules: InvitationRules) {
    this.#database = database;
    this.#clock = clock;
    this.rules = rules;
  }

  /**
   * `by`: an account and its role, or `null` for the operator. Throws Refusal "role-required", "quota", "exists".
   */
  async make(
    by: { readonly account: AccountId; readonly role: Role } | null,
    asked: { readonly secretHash: Uint8Array; readonly days: number; readonly role: Role },
  ): Promise<InvitationInfo> {
    const isAdministrator = by === null || by.role === "administrator";
    if (!isAdministrator && (this.rules.by === "administrators" || asked.role !== "member")) {
      throw new Refusal("role-required", "an administrator can make this invitation: ask one");
    }
    const now = this.#clock.now();
    const inviter = by === null ? null : Buffer.from(idBytes(by.account));
    const rows = await this.#database.query({
      text: `insert into invitations (secret_hash, inviter, role, created, expires)
        select $1, $2, $3, $4::bigint, $5::bigint
        where $6 or (select count(*) from invitations where inviter = $2 and used_by is null and expires > $4) < $7
        on conflict do nothing returning *`,
      values: [
        Buffer.from(asked.secretHash),
        inviter,
        asked.role,
        now,
        now + asked.days * DAY,
        isAdministrator,
        this.rules.open,
      ],
    });
    if (rows[0] !== undefined) return infoOf(rows[0]);
    const known = await this.#database.query({
      text: "select 1 from invitations where secret_hash = $1",
      values: [Buffer.from(asked.secretHash)],
    });
    throw known.length > 0
      ? new Refusal("exists", "there is such an invitation already: make one with a fresh secret")
      : new Refusal("quota", `${this.rules.open} of your invitations are open: revoke one, or wait`);
  }

  /** Of one inviter, newest first. */
  async list(inviter: AccountId): Promise<InvitationInfo[]> {
    const rows = await this.#database.query({
      text: "select * from invitations where inviter = $1 order by created desc, secret_hash",
      values: [Buffer.from(idBytes(inviter))],
    });
    return rows.map(infoOf);
  }

  /** An own one, or any for an administrator. One that is used stays. */
  async revoke(
    by: { readonly account: AccountId; readonly role: Role },
    secretHash: Uint8Array,
  ): Promise<void> {
    await this.#database.query({
      text: "delete from invitations where secret_hash = $1 and used_by is null and ($3 or inviter = $2)",
      values: [Buffer.from(secretHash), Buffer.from(idBytes(by.account)), by.role === "administrator"],
    });
  }

  /** For who holds the secret. Unknown, used and over are one answer (ACC-11). */
  async look(
    secret: Uint8Array | null,
  ): Promise<{ readonly inviter: AccountId | null; readonly expires: number }> {
    if (secret === null) throw required();
    const rows = await this.#database.query({
      text: "select inviter, expires from invitations where secret_hash = $1 and used_by is null and expires > $2",
      values: [hashOf(secret), this.#clock.now()],
    });
    if (rows[0] === undefined) throw refused();
    return { inviter: optional(rows[0]["inviter"]), expires: rows[0]["expires"] as number };
  }

  /** Uses one up, inside the transaction that registers the account. */
  async use(
    transaction: Queries,
    secret: Uint8Array | null,
    account: AccountId,
  ): Promise<{ readonly inviter: AccountId | null; readonly role: Role }> {
    if (secret === null) throw required();
    const now = this.#clock.now();
    const rows = await transaction.query({
      text: `update invitations set used_by = $2, used_at = $3::bigint
        where secret_hash = $1 and used_by is null and expires > $3 returning inviter, role`,
      values: [hashOf(secret), Buffer.from(idBytes(account)), now],
    });
    if (rows[0] === undefined) throw refused();
    return { inviter: optional(rows[0]["inviter"]), role: rows[0]["role"] as Role };
  }

  async forgetOld(): Promise<void> {
    await this.#database.query({
      text: "delete from invitations where expires < $1",
      values: [this.#clock.now() - REMEMBERED_DAYS * DAY],
    });
  }
}

function required(): Refusal {
  return new Refusal("invitation-required", "here one comes by invitation: ask somebody inside for a link");
}

function refused(): Refusal {
  return new Refusal("invitation-refused", "this invitation is not, or no longer, good: ask for a new one");
}

function hashOf(secret: Uint8Array): Buffer {
  return createHash("sha256").update(secret).digest();
}

function optional(account: unknown): AccountId | null {
  return account === null || account === undefined ? null : accountIdOf(fromRow(account));
}

function infoOf(row: Row): InvitationInfo {
  const usedAt = row["used_at"] as number | null;
  return {
    secretHash: fromRow(row["secret_hash"]),
    created: unixSeconds(row["created"] as number),
    expires: unixSeconds(row["expires"] as number),
    role: row["role"] as Role,
    usedBy: optional(row["used_by"]),
    usedAt: usedAt === null ? null : unixSeconds(usedAt),
  };
}
