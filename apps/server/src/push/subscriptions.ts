import type { AccountId, ConversationId } from "@porchlight/encoding";
import type { Clock } from "@porchlight/runtime";
import type { PushSubscription } from "@porchlight/wire";
import { byteaArray } from "../binary-array.ts";
import type { Device } from "../conversation-state.ts";
import { asBuffer, idBuffer } from "../conversation-store.ts";
import { type Database, fromRow } from "../database.ts";
import { Refusal } from "../refusal.ts";
import { checkEndpoint } from "./endpoint.ts";

/** Seconds for which a device counts as streaming after its stream was last seen; told more often than that. */
const STREAMING = 60;
/** Seconds after which a device that is not heard of may be told again. */
const AGAIN = 60;

export type Told = {
  readonly account: Uint8Array;
  readonly deviceKey: Uint8Array;
  readonly endpoint: string;
  readonly p256dh: Uint8Array;
  readonly auth: Uint8Array;
};

/** Devices that want to be told when something waits for them (PUSH-1). */
export class PushSubscriptions {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #allowed: readonly string[];

  constructor(database: Database, clock: Clock, allowed: readonly string[]) {
    this.#database = database;
    this.#clock = clock;
    this.#allowed = allowed;
  }

  /** The key that browsers subscribe for. Throws Refusal "not-found" where the server sends nothing. */
  async publicKey(): Promise<Uint8Array> {
    const rows = await this.#database.query({ text: "select public_key from push_keys" });
    const key = rows[0]?.["public_key"];
    if (key === undefined) throw new Refusal("not-found", "this server sends no push messages");
    return fromRow(key);
  }

  /** What the primary sends with; subscriptions for another key are of no use any more. */
  async useKey(publicKey: Uint8Array): Promise<void> {
    await this.#database.transaction(async (transaction) => {
      const rows = await transaction.query({ text: "select public_key from push_keys for update" });
      const before = rows[0]?.["public_key"];
      if (before !== undefined && !Buffer.from(fromRow(before)).equals(publicKey)) {
        await transaction.query({ text: "delete from push_subscriptions" });
      }
      await transaction.query({
        text: `insert into push_keys values (1, $1)
          on conflict (id) do update set public_key = excluded.public_key`,
        values: [asBuffer(publicKey)],
      });
    });
  }

  async stopSending(): Promise<void> {
    await this.#database.query({ text: "delete from push_keys" });
  }

  /** One for each device; a new one takes the place of the old. Throws Refusal "malformed" for where it may not go. */
  async subscribe({ account, deviceKey }: Device, asked: PushSubscription): Promise<void> {
    await this.publicKey();
    const { href } = checkEndpoint(asked.endpoint, this.#allowed);
    await this.#database.query({
      text: `insert into push_subscriptions values ($1, $2, $3, $4, $5, 0, 0)
        on conflict (account, device_key) do update
        set endpoint = excluded.endpoint, p256dh = excluded.p256dh, auth = excluded.auth, told = 0`,
      values: [idBuffer(account), asBuffer(deviceKey), href, asBuffer(asked.p256dh), asBuffer(asked.auth)],
    });
  }

  async remove({ account, deviceKey }: Device): Promise<void> {
    await this.#database.query({
      text: "delete from push_subscriptions where account = $1 and device_key = $2",
      values: [idBuffer(account), asBuffer(deviceKey)],
    });
  }

  /** The push service knows this endpoint no more. */
  async forget({ account, deviceKey, endpoint }: Told): Promise<void> {
    await this.#database.query({
      text: "delete from push_subscriptions where account = $1 and device_key = $2 and endpoint = $3",
      values: [asBuffer(account), asBuffer(deviceKey), endpoint],
    });
  }

  /** These devices have streams at the moment: they hear by themselves. */
  async streaming(devices: readonly Device[]): Promise<void> {
    if (devices.length > 0) await this.#mark(devices, this.#clock.now());
  }

  /** This device has no stream any more. */
  async gone(device: Device): Promise<void> {
    await this.#mark([device], 0);
  }

  async #mark(devices: readonly Device[], at: number): Promise<void> {
    await this.#database.query({
      name: "push-streaming",
      text: `update push_subscriptions p set streaming = $3::bigint, told = 0
        from unnest($1::bytea[], $2::bytea[]) as d (account, device_key)
        where p.account = d.account and p.device_key = d.device_key`,
      values: [
        byteaArray(devices.map(({ account }) => idBuffer(account))),
        byteaArray(devices.map(({ deviceKey }) => deviceKey)),
        at,
      ],
    });
  }

  /**
   * Devices to be told, once: logged in, without a stream, not told lately, and of a member other than whom the newest
   * item of one of these conversations is from; or of one of these accounts, for which a Welcome waits.
   */
  async claim(conversations: readonly ConversationId[], accounts: readonly AccountId[]): Promise<Told[]> {
    const now = this.#clock.now();
    const rows = await this.#database.query({
      name: "push-claim",
      text: `update push_subscriptions p set told = $3::bigint
        where p.streaming <= $3::bigint - ${STREAMING} and p.told <= $3::bigint - ${AGAIN}
          and exists (select from sessions s
            where s.account = p.account and s.device_key = p.device_key and s.expires > $3::bigint)
          and (p.account = any($2::bytea[]) or exists (
            select from memberships m join conversations c using (conversation)
              join items i on i.conversation = c.conversation and i.seq = c.head
            where m.account = p.account and m.until_seq is null and m.conversation = any($1::bytea[])
              and i.submitter <> p.account))
        returning p.account, p.device_key, p.endpoint, p.p256dh, p.auth`,
      values: [byteaArray(conversations.map(idBuffer)), byteaArray(accounts.map(idBuffer)), now],
    });
    return rows.map((row) => ({
      account: fromRow(row["account"]),
      deviceKey: fromRow(row["device_key"]),
      endpoint: row["endpoint"] as string,
      p256dh: fromRow(row["p256dh"]),
      auth: fromRow(row["auth"]),
    }));
  }

  /** Devices that have no session any more. */
  async forgetOld(): Promise<void> {
    await this.#database.query({
      text: `delete from push_subscriptions p where not exists (
        select from sessions s where s.account = p.account and s.device_key = p.device_key)`,
    });
  }
}
