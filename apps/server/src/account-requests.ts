import { type ConversationId, hex, idBytes } from "@porchlight/encoding";
import { EnvelopeError, parseAccountRequest } from "@porchlight/envelope";
import { nodeSuite } from "@porchlight/envelope/node";
import type { Clock } from "@porchlight/runtime";
import type { AccountRequest } from "@porchlight/wire";
import type { Device } from "./conversation-state.ts";
import { type Database, fromRow } from "./database.ts";
import { Refusal, reasonOf } from "./refusal.ts";

/** Seconds for which one member's client is left to deal with a request before another is shown it. */
const LEASE = 60;
const LIFETIME = 30 * 86_400;
const PAGE = 100;

/**
 * What an account asks of the members of its conversations: to let its restored device in, or to let it go. The server
 * carries the signed words; each member's client verifies them and decides (ACC-60 to ACC-64).
 */
export class AccountRequests {
  readonly #database: Database;
  readonly #clock: Clock;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /** A later request of the same account in the same conversation replaces the one before. */
  async post(device: Device, { conversation, document }: AccountRequest): Promise<void> {
    let request: ReturnType<typeof parseAccountRequest>;
    try {
      request = parseAccountRequest(document, nodeSuite);
    } catch (error) {
      if (!(error instanceof EnvelopeError)) throw error;
      throw new Refusal("malformed", "this is no request of an account", reasonOf(error));
    }
    // The signature is for the members to check, who trust no server with it.
    if (request.account !== device.account || request.conversation !== conversation) {
      throw new Refusal("forbidden", "an account speaks for itself, about one conversation");
    }
    const rows = await this.#database.query({
      text: `insert into account_requests
        select $1, $2, $3::bigint, $4, $5, 0 where exists (
          select 1 from memberships where conversation = $1 and account = $2 and until_seq is null)
        on conflict (conversation, account) do update
          set at = excluded.at, device_key = excluded.device_key, document = excluded.document, taken_until = 0
          where account_requests.at <= excluded.at
        returning 1`,
      values: [
        Buffer.from(idBytes(conversation)),
        Buffer.from(idBytes(device.account)),
        request.at,
        Buffer.from(request.kind === "rejoin" ? request.deviceKey : new Uint8Array(0)),
        Buffer.from(document),
      ],
    });
    if (rows.length === 0) throw new Refusal("forbidden", "the account is not in this conversation");
  }

  /** Requests in this account's conversations that are not done yet; for a while nobody else is shown them. */
  async take(device: Device): Promise<AccountRequest[]> {
    const now = this.#clock.now();
    await this.#database.query({
      // Done, or out of date.
      text: `delete from account_requests r where r.at < $1
        or not exists (select 1 from memberships m
          where m.conversation = r.conversation and m.account = r.account and m.until_seq is null)
        or exists (select 1 from leaves l where l.conversation = r.conversation and l.device_key = r.device_key)`,
      values: [now - LIFETIME],
    });
    const rows = await this.#database.query({
      text: `update account_requests set taken_until = $2 where (conversation, account) in (
          select r.conversation, r.account from account_requests r
          join leaves l on l.conversation = r.conversation and l.account = $1 and l.device_key = $3
          where r.taken_until <= $4 and r.device_key <> $3 and (r.account <> $1 or r.device_key <> '') order by r.at limit ${PAGE}
          for update of r skip locked)
        returning conversation, document`,
      values: [Buffer.from(idBytes(device.account)), now + LEASE, Buffer.from(device.deviceKey), now],
    });
    return rows.map((row) => ({
      conversation: hex(fromRow(row["conversation"])) as ConversationId,
      document: fromRow(row["document"]),
    }));
  }
}
