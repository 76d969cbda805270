import {
  type AccountId,
  accountIdOf,
  equalBytes,
  hex,
  idBytes,
  SECONDS_PER_DAY,
  unixSeconds,
} from "@porchlight/encoding";
import type { Clock } from "@porchlight/runtime";
import type { DeviceInfo, OwnAccount, Role, SessionInfo } from "@porchlight/wire";
import type { Accounts } from "./accounts.ts";
import type { Device } from "./conversation-state.ts";
import { type Database, fromRow, type Row } from "./database.ts";
import { Refusal } from "./refusal.ts";
import type { Roles } from "./roles.ts";

/** Everything of an account but its conversations' items, which retention deletes; in the order of deletion. */
const TABLES = [
  "sessions",
  "devices",
  "key_packages",
  "passkeys",
  "pairings",
  "recoveries",
  "backup_chunks",
  "relay_chunks",
  "welcome_recipients",
  "accounts",
] as const;

/** An account as its own devices see and change it. */
export class Devices {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #accounts: Accounts;
  readonly #roles: Roles;
  readonly #quota: number;

  constructor(parts: {
    readonly database: Database;
    readonly clock: Clock;
    readonly accounts: Accounts;
    readonly roles: Roles;
    /** Bytes of backups and relayed chunks that an account may have. */
    readonly quota: number;
  }) {
    this.#database = parts.database;
    this.#clock = parts.clock;
    this.#accounts = parts.accounts;
    this.#roles = parts.roles;
    this.#quota = parts.quota;
  }

  async own(account: AccountId): Promise<OwnAccount> {
    const [row] = await this.#database.query({
      text: `select a.created, a.role, a.inviter, r.created as recovery,
          (select coalesce(sum(octet_length(bytes)), 0)::bigint from backup_chunks where account = $1) +
          (select coalesce(sum(octet_length(bytes)), 0)::bigint from relay_chunks where account = $1) as stored
        from accounts a left join recoveries r using (account) where account = $1`,
      values: [Buffer.from(idBytes(account))],
    });
    if (row === undefined) throw new Refusal("session-expired", "the account was deleted");
    const recovery = row["recovery"] as number | null;
    return {
      account,
      created: unixSeconds(row["created"] as number),
      role: row["role"] as Role,
      inviter: row["inviter"] === null ? null : accountIdOf(fromRow(row["inviter"])),
      stored: row["stored"] as number,
      quota: this.#quota,
      recovery: recovery === null ? null : unixSeconds(recovery),
    };
  }

  /** `token`: hex SHA-256 of the calling session's token. */
  async list(device: Device, token: string): Promise<DeviceInfo[]> {
    const account = Buffer.from(idBytes(device.account));
    const devices = await this.#database.query({
      text: "select * from devices where account = $1 order by created, device_key",
      values: [account],
    });
    const sessions = await this.#database.query({
      text: "select * from sessions where account = $1 and expires > $2 order by created, token_hash",
      values: [account, this.#clock.now()],
    });
    const daysOf = (row: Row) => unixSeconds((row["used_day"] as number) * SECONDS_PER_DAY);
    const sessionOf = (row: Row): SessionInfo => {
      const tokenHash = hex(fromRow(row["token_hash"]));
      return {
        id: tokenHash.slice(0, 32),
        created: unixSeconds(row["created"] as number),
        lastUsed: daysOf(row),
        current: tokenHash === token,
      };
    };
    return devices.map((row) => {
      const deviceKey = fromRow(row["device_key"]);
      const revoked = row["revoked"] as number | null;
      return {
        deviceKey,
        name: row["name"] as string,
        created: unixSeconds(row["created"] as number),
        lastUsed: daysOf(row),
        current: equalBytes(deviceKey, device.deviceKey),
        revoked: revoked === null ? null : unixSeconds(revoked),
        sessions: sessions
          .filter((session) => equalBytes(fromRow(session["device_key"]), deviceKey))
          .map(sessionOf),
      };
    });
  }

  async name(device: Device, name: string): Promise<void> {
    await this.#database.query({
      text: "update devices set name = $3 where account = $1 and device_key = $2",
      values: [Buffer.from(idBytes(device.account)), Buffer.from(device.deviceKey), name],
    });
  }

  /**
   * ACC-6: from now on nobody logs in with this device's key, nobody adds it with its key packages, and its Welcomes are
   * gone. Also of a device that never logged in here. One of another account is not touched.
   */
  async revoke(account: AccountId, deviceKey: Uint8Array): Promise<void> {
    const ended = await this.#database.transaction(async (transaction) => {
      const values = [Buffer.from(idBytes(account)), Buffer.from(deviceKey)];
      await transaction.query({
        text: `insert into devices values ($1, $2, '', $3, 0, $3)
          on conflict (account, device_key) do update set revoked = coalesce(devices.revoked, excluded.revoked)`,
        values: [...values, this.#clock.now()],
      });
      for (const table of ["key_packages", "welcome_recipients"]) {
        await transaction.query({
          text: `delete from ${table} where account = $1 and device_key = $2`,
          values,
        });
      }
      return await transaction.query({
        text: "delete from sessions where account = $1 and device_key = $2 returning token_hash",
        values,
      });
    });
    this.#accounts.forget(ended.map((row) => fromRow(row["token_hash"])));
  }

  /** Ends an own session by what names it. */
  async endSession(account: AccountId, id: string): Promise<void> {
    const ended = await this.#database.query({
      text: "delete from sessions where account = $1 and substring(token_hash from 1 for 16) = $2 returning token_hash",
      values: [Buffer.from(idBytes(account)), Buffer.from(id, "hex")],
    });
    this.#accounts.forget(ended.map((row) => fromRow(row["token_hash"])));
  }

  /** ACC-90. The conversations' items stay until their retention ends: others were sent them. */
  async delete(account: AccountId): Promise<void> {
    const id = Buffer.from(idBytes(account));
    const ended = await this.#database.transaction(async (transaction) => {
      const sessions = await transaction.query({
        text: "select token_hash from sessions where account = $1 for update",
        values: [id],
      });
      for (const table of TABLES) {
        await transaction.query({ text: `delete from ${table} where account = $1`, values: [id] });
      }
      await transaction.query({
        text: "delete from invitations where inviter = $1 and used_by is null",
        values: [id],
      });
      await this.#roles.note(transaction, account, "delete-account", account, "");
      return sessions;
    });
    this.#accounts.forget(ended.map((row) => fromRow(row["token_hash"])));
  }
}
