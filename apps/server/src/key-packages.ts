import { type AccountId, idBytes, SECONDS_PER_DAY } from "@porchlight/encoding";
import type { Clock } from "@porchlight/runtime";
import { type ClaimedKeyPackage, LIMITS } from "@porchlight/wire";
import type { Device } from "./conversation-state.ts";
import { type Database, fromRow } from "./database.ts";
import { Refusal } from "./refusal.ts";

/** The key packages that devices leave for those who want to add them (DEL-13). */
export class KeyPackages {
  readonly #database: Database;
  readonly #clock: Clock;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }
  /** Stores key packages of the calling device. What is in them is for those who claim them to check. */

  /** Stores key packages of the calling device. What is in them is for those who claim them to check. */
  async store(device: Device, keyPackages: readonly Uint8Array[]): Promise<number> {
    const account = Buffer.from(idBytes(device.account));
    const deviceKey = Buffer.from(device.deviceKey);
    await this.#database.query({
      text: "delete from key_packages where account = $1 and device_key = $2 and left_at < $3",
      values: [account, deviceKey, this.#oldest()],
    });
    const rows = await this.#database.query<{ stored: number }>({
      text: `with room as (select $4::int - count(*)::int as left_over from key_packages
          where account = $1 and device_key = $2),
        added as (insert into key_packages (account, device_key, bytes, left_at)
          select $1, $2, unnest($3::bytea[]), $5::bigint from room where left_over >= cardinality($3::bytea[]) returning 1)
        select count(*)::int as stored from added`,
      values: [
        account,
        deviceKey,
        keyPackages.map((bytes) => Buffer.from(bytes)),
        LIMITS.keyPackagesPerDevice,
        this.#clock.now(),
      ],
    });
    const stored = rows[0]?.stored ?? 0;
    if (stored !== keyPackages.length) {
      throw new Refusal(
        "too-many-key-packages",
        `the server keeps ${LIMITS.keyPackagesPerDevice} unclaimed key packages of a device: there are enough`,
      );
    }
    return stored;
  }

  /** When a key package was left that is only just handed out (DEL-13). */
  #oldest(): number {
    return Math.max(0, this.#clock.now() - LIMITS.keyPackageDays * SECONDS_PER_DAY);
  }

  /** Takes the oldest usable key package of each of the account's devices, or of those named. Throws Refusal "no-key-package". */
  async claim(account: AccountId, devices?: readonly Uint8Array[]): Promise<ClaimedKeyPackage[]> {
    const rows = await this.#database.query({
      // Skipping what another claim has just locked: otherwise one of two would go away empty-handed.
      text: `delete from key_packages where id in (
          select oldest.id from (select distinct device_key from key_packages where account = $1
            and ($3::bytea[] is null or device_key = any($3))) device
          cross join lateral (
            select id from key_packages k where k.account = $1 and k.device_key = device.device_key
              and k.left_at >= $2 order by id limit 1 for update skip locked) oldest)
        returning device_key, bytes`,
      values: [
        Buffer.from(idBytes(account)),
        this.#oldest(),
        devices === undefined ? null : devices.map((key) => Buffer.from(key)),
      ],
    });
    if (rows.length === 0) {
      throw new Refusal(
        "no-key-package",
        "this account has left no key package: try again when it was online",
      );
    }
    return rows.map((row) => ({ deviceKey: fromRow(row["device_key"]), keyPackage: fromRow(row["bytes"]) }));
  }
}
