import { createHash } from "node:crypto";
import { type AccountId, hex, idBytes } from "@porchlight/encoding";
import { nodeSuite } from "@porchlight/envelope/node";
import type { Clock } from "@porchlight/runtime";
import { type BackupStream, recoveryStatement } from "@porchlight/wire";
import type { Challenges } from "./challenges.ts";
import type { Device } from "./conversation-state.ts";
import { type Database, fromRow, type Queries } from "./database.ts";
import { Refusal } from "./refusal.ts";
import type { Waiters } from "./waiters.ts";

/** Seconds for which what one device sends to another waits. */
const RELAY_LIFETIME = 7 * 86_400;
const LOOK_AGAIN = 2;
const LOGIN = "session";

/**
 * What an account's devices keep here sealed, for themselves: the record behind the recovery code, backups, and chunks
 * on their way from one device to another (ACC-50 to ACC-55). The server can open none of it.
 */
export class Vault {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #waiters: Waiters;
  readonly #challenges: Challenges;
  readonly #audience: string;
  readonly #quota: number;

  constructor(parts: {
    readonly database: Database;
    readonly clock: Clock;
    readonly waiters: Waiters;
    readonly challenges: Challenges;
    readonly audience: string;
    /** Bytes of an account. */
    readonly quota: number;
  }) {
    this.#database = parts.database;
    this.#clock = parts.clock;
    this.#waiters = parts.waiters;
    this.#challenges = parts.challenges;
    this.#audience = parts.audience;
    this.#quota = parts.quota;
  }

  async setRecovery(account: AccountId, recoveryKey: Uint8Array, sealed: Uint8Array): Promise<void> {
    const rows = await this.#database.query({
      // Somebody else's key stays theirs: two records under one would be a way to lock the other out.
      text: `insert into recoveries select $1, $2, $3, $4::bigint
        where not exists (select 1 from recoveries where recovery_key = $2 and account <> $1)
        on conflict (account) do update
          set recovery_key = excluded.recovery_key, sealed = excluded.sealed, created = excluded.created
        returning 1`,
      values: [
        Buffer.from(idBytes(account)),
        Buffer.from(recoveryKey),
        Buffer.from(sealed),
        this.#clock.now(),
      ],
    });
    if (rows.length === 0) throw new Refusal("exists", "make a fresh recovery code");
  }

  /** ACC-52: one refusal for a key that is not known and for a signature that does not verify. */
  async openRecovery(asked: {
    readonly recoveryKey: Uint8Array;
    readonly nonce: Uint8Array;
    readonly signature: Uint8Array;
  }): Promise<Uint8Array> {
    if (!this.#challenges.take(asked.nonce, LOGIN)) {
      throw new Refusal("challenge-unknown", "ask for a new challenge and answer it within two minutes");
    }
    const statement = recoveryStatement(this.#audience, asked.nonce);
    const isSigned = nodeSuite.ed25519Verify(asked.recoveryKey, statement, asked.signature);
    const [row] = await this.#database.query({
      text: "select sealed from recoveries where recovery_key = $1",
      values: [Buffer.from(asked.recoveryKey)],
    });
    if (row === undefined || !isSigned) {
      throw new Refusal("recovery-refused", "this recovery code opens nothing here: look for typing errors");
    }
    return fromRow(row["sealed"]);
  }

  async backups(account: AccountId): Promise<BackupStream[]> {
    const rows = await this.#database.query({
      text: `select device_key, generation, count(*) as chunks, sum(octet_length(bytes))::bigint as bytes
        from backup_chunks where account = $1 group by device_key, generation order by device_key, generation`,
      values: [Buffer.from(idBytes(account))],
    });
    return rows.map((row) => ({
      deviceKey: fromRow(row["device_key"]),
      generation: row["generation"] as number,
      chunks: row["chunks"] as number,
      bytes: row["bytes"] as number,
    }));
  }

  /** The next chunk of the device's stream, durable when this resolves. Throws Refusal "exists", "conflict", "quota". */
  async putBackup(device: Device, generation: number, number: number, chunk: Uint8Array): Promise<void> {
    const stream = [Buffer.from(idBytes(device.account)), Buffer.from(device.deviceKey), generation];
    await this.#put(device.account, chunk, async (transaction) => {
      const [known] = await transaction.query({
        text: `select digest from backup_chunks
          where account = $1 and device_key = $2 and generation = $3 and number = $4`,
        values: [...stream, number],
      });
      if (known !== undefined) return fromRow(known["digest"]);
      const rows = await transaction.query({
        text: `insert into backup_chunks select $1, $2, $3::bigint, $4::bigint, $5, $6
          where (select count(*) from backup_chunks where account = $1 and device_key = $2 and generation = $3) = $4
          returning 1`,
        values: [...stream, number, digestOf(chunk), Buffer.from(chunk)],
      });
      if (rows.length === 0) {
        throw new Refusal("conflict", "chunks of a backup come one after the other: look at what is there");
      }
      return null;
    });
  }

  async backup(
    account: AccountId,
    deviceKey: Uint8Array,
    generation: number,
    number: number,
  ): Promise<Uint8Array> {
    const rows = await this.#database.query({
      text: `select bytes from backup_chunks
        where account = $1 and device_key = $2 and generation = $3 and number = $4`,
      values: [Buffer.from(idBytes(account)), Buffer.from(deviceKey), generation, number],
    });
    if (rows[0] === undefined) throw new Refusal("not-found", "there is no such chunk");
    return fromRow(rows[0]["bytes"]);
  }

  async prune(account: AccountId, deviceKey: Uint8Array, before: number): Promise<void> {
    await this.#database.query({
      text: "delete from backup_chunks where account = $1 and device_key = $2 and generation < $3",
      values: [Buffer.from(idBytes(account)), Buffer.from(deviceKey), before],
    });
  }

  async putRelay(account: AccountId, transfer: string, number: number, chunk: Uint8Array): Promise<void> {
    const key = [Buffer.from(idBytes(account)), Buffer.from(transfer, "hex"), number];
    await this.#put(account, chunk, async (transaction) => {
      const [known] = await transaction.query({
        text: "select digest from relay_chunks where account = $1 and transfer = $2 and number = $3",
        values: key,
      });
      if (known !== undefined) return fromRow(known["digest"]);
      await transaction.query({
        text: "insert into relay_chunks values ($1, $2, $3, $4, $5, $6)",
        values: [...key, digestOf(chunk), this.#clock.now(), Buffer.from(chunk)],
      });
      return null;
    });
    this.#waiters.notify(relayName(account, transfer));
  }

  /** The chunk, as soon as it is there; `null` after `wait` seconds without. */
  async relay(
    account: AccountId,
    transfer: string,
    number: number,
    wait: number,
    signal: AbortSignal,
  ): Promise<Uint8Array | null> {
    const look = async (): Promise<Uint8Array | null> => {
      const rows = await this.#database.query({
        text: "select bytes from relay_chunks where account = $1 and transfer = $2 and number = $3",
        values: [Buffer.from(idBytes(account)), Buffer.from(transfer, "hex"), number],
      });
      return rows[0] === undefined ? null : fromRow(rows[0]["bytes"]);
    };
    for (let left = wait; ; left -= LOOK_AGAIN) {
      const name = relayName(account, transfer);
      const found = await this.#waiters.until(name, Math.min(left, LOOK_AGAIN), signal, look);
      if (found !== null || left <= LOOK_AGAIN || signal.aborted) return found;
    }
  }

  async dropRelay(account: AccountId, transfer: string): Promise<void> {
    await this.#database.query({
      text: "delete from relay_chunks where account = $1 and transfer = $2",
      values: [Buffer.from(idBytes(account)), Buffer.from(transfer, "hex")],
    });
  }

  async forgetOld(): Promise<void> {
    await this.#database.query({
      text: "delete from relay_chunks where created < $1",
      values: [this.#clock.now() - RELAY_LIFETIME],
    });
  }

  /** `write` gives the digest of what is there already, or `null` after it wrote. */
  async #put(
    account: AccountId,
    chunk: Uint8Array,
    write: (transaction: Queries) => Promise<Uint8Array | null>,
  ): Promise<void> {
    await this.#database.transaction(async (transaction) => {
      const id = Buffer.from(idBytes(account));
      // One at a time for an account: two at once would both fit, and together be too much.
      await transaction.query({ text: "select 1 from accounts where account = $1 for update", values: [id] });
      const known = await write(transaction);
      if (known !== null) {
        if (!digestOf(chunk).equals(known))
          throw new Refusal("exists", "another chunk has this place already");
        return;
      }
      const [row] = await transaction.query({
        text: `select
          (select coalesce(sum(octet_length(bytes)), 0)::bigint from backup_chunks where account = $1) +
          (select coalesce(sum(octet_length(bytes)), 0)::bigint from relay_chunks where account = $1) as stored`,
        values: [id],
      });
      if ((row?.["stored"] as number) > this.#quota) {
        throw new Refusal("quota", "the account's room for backups is used up: delete older ones");
      }
    });
  }
}

function digestOf(chunk: Uint8Array): Buffer {
  return createHash("sha256").update(chunk).digest();
}

function relayName(account: AccountId, transfer: string): string {
  return `relay ${hex(idBytes(account))} ${transfer}`;
}
