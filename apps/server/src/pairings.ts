import { createHash, randomBytes } from "node:crypto";
import { type AccountId, hex, idBytes, type UnixSeconds, unixSeconds } from "@porchlight/encoding";
import type { Clock } from "@porchlight/runtime";
import type { PairingGuestAnswer, PairingOffer } from "@porchlight/wire";
import type { Device } from "./conversation-state.ts";
import { type Database, fromRow, type Row } from "./database.ts";
import { Refusal } from "./refusal.ts";
import type { Waiters } from "./waiters.ts";

const LIFETIME = 600;
/** Open pairings of the whole deployment: who has no session can make one. */
const MAX_OPEN = 10_000;
/** Seconds after which who waits looks again: a hint from another process may be lost. */
const LOOK_AGAIN = 2;

const COLUMNS = { answer: "answer", grant: "grant_box", reveal: "reveal" } as const;

/**
 * Mailboxes in which a new device and one of an account speak before the new one has a session (ACC-30). The server
 * reads nothing in them; that it changed nothing is what the two digits' comparison shows.
 */
export class Pairings {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #waiters: Waiters;

  constructor(database: Database, clock: Clock, waiters: Waiters) {
    this.#database = database;
    this.#clock = clock;
    this.#waiters = waiters;
  }

  async open(id: Uint8Array, offer: Uint8Array): Promise<{ token: string; expires: UnixSeconds }> {
    const token = randomBytes(32).toString("base64url");
    const now = this.#clock.now();
    const expires = unixSeconds(now + LIFETIME);
    await this.#database.query({ text: "delete from pairings where expires <= $1", values: [now] });
    const rows = await this.#database.query({
      text: `insert into pairings (id, token_hash, offer, expires)
        select $1, $2, $3, $4::bigint where (select count(*) from pairings) < ${MAX_OPEN}
        on conflict do nothing returning 1`,
      values: [Buffer.from(id), hashOf(token), Buffer.from(offer), expires],
    });
    if (rows.length === 0)
      throw new Refusal("too-many-requests", "too much is going on: try again in a minute");
    return { token, expires };
  }

  /** ACC-25: the person behind the new device showed a passkey of this account. Unknown tokens change nothing. */
  async attach(token: string, account: AccountId): Promise<void> {
    await this.#database.query({
      text: "update pairings set account = $2 where token_hash = $1 and account is null and expires > $3",
      values: [hashOf(token), Buffer.from(idBytes(account)), this.#clock.now()],
    });
  }

  /** The first device that comes has it, if the pairing is of its account or of none yet. */
  async claim(device: Device, id: Uint8Array): Promise<PairingOffer> {
    const rows = await this.#database.query({
      text: `update pairings set account = $2, host_key = $3
        where id = $1 and expires > $4 and (account is null or account = $2) and (host_key is null or host_key = $3)
        returning id, offer, expires`,
      values: [
        Buffer.from(id),
        Buffer.from(idBytes(device.account)),
        Buffer.from(device.deviceKey),
        this.#clock.now(),
      ],
    });
    return offerOf(rows[0] ?? unknown());
  }

  /** Those that wait for a device of this account. */
  async waiting(account: AccountId): Promise<PairingOffer[]> {
    const rows = await this.#database.query({
      text: `select id, offer, expires from pairings
        where account = $1 and host_key is null and expires > $2 order by expires`,
      values: [Buffer.from(idBytes(account)), this.#clock.now()],
    });
    return rows.map(offerOf);
  }

  /** Each slot once; the same bytes again are no error. */
  async say(
    device: Device,
    id: Uint8Array,
    slot: "answer" | "grant" | "refusal",
    bytes: Uint8Array,
  ): Promise<void> {
    const values = [
      Buffer.from(id),
      Buffer.from(idBytes(device.account)),
      Buffer.from(device.deviceKey),
      this.#clock.now(),
    ];
    const mine = "where id = $1 and account = $2 and host_key = $3 and expires > $4 and not refused";
    if (slot === "refusal") {
      await this.#database.query({ text: `update pairings set refused = true ${mine}`, values });
    } else {
      const column = COLUMNS[slot];
      const rows = await this.#database.query({
        text: `update pairings set ${column} = $5 ${mine} and (${column} is null or ${column} = $5) returning 1`,
        values: [...values, Buffer.from(bytes)],
      });
      if (rows.length === 0) unknown();
    }
    this.#waiters.notify(nameOf(id));
  }

  /** What the new device revealed, `null` after `wait` seconds without. */
  async reveal(
    device: Device,
    id: Uint8Array,
    wait: number,
    signal: AbortSignal,
  ): Promise<Uint8Array | null> {
    return await this.#until(id, wait, signal, async () => {
      const rows = await this.#database.query({
        text: "select reveal from pairings where id = $1 and account = $2 and host_key = $3 and expires > $4",
        values: [
          Buffer.from(id),
          Buffer.from(idBytes(device.account)),
          Buffer.from(device.deviceKey),
          this.#clock.now(),
        ],
      });
      const reveal = (rows[0] ?? unknown())["reveal"];
      return reveal === null ? null : fromRow(reveal);
    });
  }

  /** For the new device, by its token: takes what it reveals, and waits until there is an answer, or a grant. */
  async guest(
    asked: {
      readonly token: string;
      readonly reveal: Uint8Array | null;
      readonly until: "answer" | "grant";
      readonly wait: number;
    },
    signal: AbortSignal,
  ): Promise<PairingGuestAnswer> {
    const look = async (): Promise<Row> => {
      const rows = await this.#database.query({
        text: "select * from pairings where token_hash = $1 and expires > $2",
        values: [hashOf(asked.token), this.#clock.now()],
      });
      return rows[0] ?? unknown();
    };
    const first = await look();
    const id = fromRow(first["id"]);
    if (asked.reveal !== null) {
      // ACC-33: revealed before there is an answer, the nonce would let who answers choose the digits.
      const rows = await this.#database.query({
        text: `update pairings set reveal = $2 where id = $1 and answer is not null
          and (reveal is null or reveal = $2) returning 1`,
        values: [Buffer.from(id), Buffer.from(asked.reveal)],
      });
      if (rows.length === 0) unknown();
      this.#waiters.notify(nameOf(id));
    }
    const column = COLUMNS[asked.until];
    const isReady = (row: Row): boolean => row[column] !== null || row["refused"] === true;
    const row =
      (await this.#until(id, asked.wait, signal, async () => {
        const found = await look();
        return isReady(found) ? found : null;
      })) ?? (await look());
    const optional = (value: unknown): Uint8Array | null => (value === null ? null : fromRow(value));
    return {
      answer: optional(row["answer"]),
      grant: optional(row["grant_box"]),
      refused: row["refused"] as boolean,
    };
  }

  async #until<T>(
    id: Uint8Array,
    wait: number,
    signal: AbortSignal,
    look: () => Promise<T | null>,
  ): Promise<T | null> {
    for (let left = wait; ; left -= LOOK_AGAIN) {
      const found = await this.#waiters.until(nameOf(id), Math.min(left, LOOK_AGAIN), signal, look);
      if (found !== null || left <= LOOK_AGAIN || signal.aborted) return found;
    }
  }
}

function nameOf(id: Uint8Array): string {
  return `pairing ${hex(id)}`;
}

function hashOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

function unknown(): never {
  throw new Refusal(
    "pairing-unknown",
    "this pairing is over, or there was none: begin again on the new device",
  );
}

function offerOf(row: Row): PairingOffer {
  return {
    id: fromRow(row["id"]),
    offer: fromRow(row["offer"]),
    expires: unixSeconds(row["expires"] as number),
  };
}
