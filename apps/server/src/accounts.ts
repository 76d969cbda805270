import { createHash, randomBytes } from "node:crypto";
import {
  type AccountId,
  accountIdOf,
  dayOf,
  hex,
  idBytes,
  type UnixSeconds,
  unixSeconds,
} from "@porchlight/encoding";
import { EnvelopeError, parseCredential, verifyCredential } from "@porchlight/envelope";
import { nodeSuite } from "@porchlight/envelope/node";
import type { Clock } from "@porchlight/runtime";
import { type Registration, type Role, type Session, sessionStatement } from "@porchlight/wire";
import type { Challenges } from "./challenges.ts";
import type { Device } from "./conversation-state.ts";
import { type Database, fromRow, type Queries } from "./database.ts";
import type { Invitations } from "./invitations.ts";
import { Refusal, reasonOf } from "./refusal.ts";

const SESSION_DAYS = 30;
const MAX_CACHED_SESSIONS = 50_000;
/** Milliseconds after which a cached session is looked up again: another process may have ended it (DEL-88). */
const RECHECK = 60_000;

export type OpenSession = Device & {
  readonly expires: UnixSeconds;
  /** Hex SHA-256 of the token. */
  readonly tokenHash: string;
  readonly usedDay: number;
  readonly checked: number;
};

/** What a device signs to log in or to register. */
export type Login = {
  readonly deviceKey: Uint8Array;
  readonly credential: Uint8Array;
  readonly nonce: Uint8Array;
  readonly signature: Uint8Array;
};

const LOGIN = "session";

/** Accounts and logged-in devices. */
export class Accounts {
  readonly #database: Database;
  readonly #clock: Clock;
  /** The log's origin: what devices sign for. */
  readonly #audience: string;
  readonly #challenges: Challenges;
  readonly #invitations: Invitations;
  readonly #registration: "open" | "invitation";
  /** By token. */
  readonly #sessions = new Map<string, OpenSession>();
  readonly #listeners = new Set<(tokenHash: string) => void>();
  /** Counts endings: what was read from the database before one may not be remembered after it. */
  #endings = 0;

  constructor(
    database: Database,
    clock: Clock,
    audience: string,
    challenges: Challenges,
    invitations: Invitations,
    registration: "open" | "invitation",
  ) {
    this.#database = database;
    this.#clock = clock;
    this.#audience = audience;
    this.#challenges = challenges;
    this.#invitations = invitations;
    this.#registration = registration;
  }

  challenge(): { nonce: Uint8Array; audience: string } {
    return { nonce: this.#challenges.issue(LOGIN), audience: this.#audience };
  }

  /** ACC-13: who invites with this, or without; refused as {@link register} would refuse it. */
  async lookIn(
    invitation: Uint8Array | null,
  ): Promise<{ readonly inviter: AccountId | null; readonly expires: number | null }> {
    const isOpen = this.#registration === "open" && invitation === null;
    return isOpen ? { inviter: null, expires: null } : await this.#invitations.look(invitation);
  }

  /**
   * ACC-1: opens a session, and registers the account where it is not known. Only who has a device of the account
   * learns whether it is.
   */
  async register(
    asked: Login & { readonly invitation: Uint8Array | null; readonly deviceName: string },
  ): Promise<Registration> {
    const account = this.#verify(asked);
    const { identityKey } = parseCredential(asked.credential);
    return await this.#database.transaction(async (transaction) => {
      const id = Buffer.from(idBytes(account));
      // Two devices of one account at once: the second waits here and finds it done.
      const [made] = await transaction.query({
        text: `insert into accounts (account, identity_key, created) values ($1, $2, $3)
          on conflict do nothing returning 1`,
        values: [id, Buffer.from(identityKey), this.#clock.now()],
      });
      if (made !== undefined && (this.#registration === "invitation" || asked.invitation !== null)) {
        const { inviter, role } = await this.#invitations.use(transaction, asked.invitation, account);
        await transaction.query({
          text: "update accounts set inviter = $2, role = $3 where account = $1",
          values: [id, inviter === null ? null : Buffer.from(idBytes(inviter)), role],
        });
      }
      const session = await this.#open(transaction, account, asked.deviceKey, asked.deviceName);
      const [row] = await transaction.query({
        text: "select inviter from accounts where account = $1",
        values: [id],
      });
      const inviter = row?.["inviter"];
      return { ...session, inviter: inviter == null ? null : accountIdOf(fromRow(inviter)) };
    });
  }

  /** DEL-11: the device key signed this server's challenge, and a registered account's identity key the device key. */
  async openSession(asked: Login): Promise<Session> {
    const account = this.#verify(asked);
    return await this.#database.transaction(async (transaction) => {
      const known = await transaction.query({
        text: "select 1 from accounts where account = $1",
        values: [Buffer.from(idBytes(account))],
      });
      if (known.length === 0) {
        throw new Refusal("credential-refused", "register the account first", { reason: "unregistered" });
      }
      return await this.#open(transaction, account, asked.deviceKey, "");
    });
  }

  #verify(asked: Login): AccountId {
    if (!this.#challenges.take(asked.nonce, LOGIN)) {
      throw new Refusal("challenge-unknown", "ask for a new challenge and answer it within two minutes");
    }
    const account = accountOfDevice(asked.credential, asked.deviceKey);
    const statement = sessionStatement(this.#audience, asked.nonce);
    if (!nodeSuite.ed25519Verify(asked.deviceKey, statement, asked.signature)) {
      throw new Refusal("credential-refused", "the device's signature does not verify");
    }
    return account;
  }

  async #open(
    transaction: Queries,
    account: AccountId,
    deviceKey: Uint8Array,
    name: string,
  ): Promise<Session> {
    const now = this.#clock.now();
    const id = Buffer.from(idBytes(account));
    // Locks the device's row, so that a revocation at the same time comes before or after, and not between.
    const [device] = await transaction.query({
      text: `insert into devices values ($1, $2, $3, $4, $5, null)
        on conflict (account, device_key) do update set used_day = excluded.used_day returning revoked`,
      values: [id, Buffer.from(deviceKey), name, now, dayOf(now)],
    });
    if (device?.["revoked"] !== null) {
      throw new Refusal(
        "device-revoked",
        "this device was removed from its account: pair or restore a new one",
      );
    }
    const token = randomBytes(32).toString("base64url");
    const expires = unixSeconds(now + SESSION_DAYS * 86_400);
    await transaction.query({
      text: "insert into sessions values ($1, $2, $3, $4, $5, $6)",
      values: [tokenHash(token), id, Buffer.from(deviceKey), expires, now, dayOf(now)],
    });
    return { token, account, expires };
  }

  /**
   * The device behind a bearer token. `roles`: those that an account needs one of. Throws Refusal "unauthenticated",
   * "session-expired" or "role-required".
   */
  async authenticate(header: string | undefined, roles?: readonly Role[]): Promise<OpenSession> {
    const token = /^Bearer ([A-Za-z0-9_-]{43})$/.exec(header ?? "")?.[1];
    if (token === undefined) throw new Refusal("unauthenticated", "log in: this needs a session");
    const session = await this.sessionOf(token);
    if (roles === undefined) return session;
    const role = await this.role(session.account);
    if (role === null || !roles.includes(role)) {
      throw new Refusal(
        "role-required",
        "your account has not the role that this takes: ask an administrator",
      );
    }
    return session;
  }

  /** The session behind a token. Throws Refusal "session-expired". */
  async sessionOf(token: string): Promise<OpenSession> {
    const cached = this.#sessions.get(token);
    const isFresh = cached !== undefined && performance.now() - cached.checked < RECHECK;
    const session = isFresh ? cached : await this.#stored(token);
    // A token that is not known any more was good once, or is a guess: both log in again.
    if (session === null || session.expires <= this.#clock.now()) {
      this.#sessions.delete(token);
      if (cached !== undefined) this.#tell(cached.tokenHash);
      throw new Refusal("session-expired", "the session is over: log in again");
    }
    if (session.usedDay < dayOf(this.#clock.now())) await this.#noteUse(token, session);
    return session;
  }

  async #stored(token: string): Promise<OpenSession | null> {
    const hash = tokenHash(token);
    const endings = this.#endings;
    const rows = await this.#database.query({
      name: "session",
      text: "select account, device_key, expires, used_day from sessions where token_hash = $1",
      values: [hash],
    });
    const row = rows[0];
    if (row === undefined) return null;
    const session = {
      account: accountIdOf(fromRow(row["account"])),
      deviceKey: fromRow(row["device_key"]),
      expires: unixSeconds(row["expires"] as number),
      usedDay: row["used_day"] as number,
      tokenHash: hash.toString("hex"),
      checked: performance.now(),
    };
    if (endings === this.#endings) this.#remember(token, session);
    return session;
  }

  /** ACC-5: the day, once a day. */
  async #noteUse(token: string, session: OpenSession): Promise<void> {
    const day = dayOf(this.#clock.now());
    this.#remember(token, { ...session, usedDay: day });
    await this.#database.query({
      text: `with session as (update sessions set used_day = $4 where token_hash = $1 returning 1)
        update devices set used_day = $4 where account = $2 and device_key = $3`,
      values: [
        Buffer.from(session.tokenHash, "hex"),
        Buffer.from(idBytes(session.account)),
        Buffer.from(session.deviceKey),
        day,
      ],
    });
  }

  #remember(token: string, session: OpenSession): void {
    this.#sessions.set(token, session);
    for (const oldest of this.#sessions.keys()) {
      if (this.#sessions.size <= MAX_CACHED_SESSIONS) break;
      this.#sessions.delete(oldest);
    }
  }

  /** Calls `listener` with the hex SHA-256 of each token whose session ends here or is found to have ended (DEL-88). */
  onSessionOver(listener: (tokenHash: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(tokenHash: string): void {
    for (const listener of this.#listeners) listener(tokenHash);
  }

  /** These sessions were deleted: nothing that is cached of them counts any more. */
  forget(tokenHashes: readonly Uint8Array[]): void {
    const over = new Set(tokenHashes.map((hash) => hex(hash)));
    if (over.size === 0) return;
    this.#endings++;
    for (const [token, { tokenHash }] of this.#sessions) {
      if (over.has(tokenHash)) this.#sessions.delete(token);
    }
    for (const tokenHash of over) this.#tell(tokenHash);
  }

  /** Finds which of these sessions, by their tokens' hashes, another process ended, and forgets them (DEL-88). */
  async recheck(tokenHashes: readonly string[]): Promise<void> {
    if (tokenHashes.length === 0) return;
    const rows = await this.#database.query({
      name: "open-sessions",
      text: "select token_hash from sessions where token_hash = any($1::bytea[])",
      values: [tokenHashes.map((hash) => Buffer.from(hash, "hex"))],
    });
    const open = new Set(rows.map((row) => hex(fromRow(row["token_hash"]))));
    this.forget(tokenHashes.filter((hash) => !open.has(hash)).map((hash) => Buffer.from(hash, "hex")));
  }

  /** What the account may do. Read anew each time: a role that was taken away is gone at once. */
  async role(account: AccountId): Promise<Role | null> {
    const rows = await this.#database.query({
      name: "role",
      text: "select role from accounts where account = $1",
      values: [Buffer.from(idBytes(account))],
    });
    return (rows[0]?.["role"] as Role | undefined) ?? null;
  }

  /** Forgets sessions that are over. */
  async forgetExpired(): Promise<void> {
    const rows = await this.#database.query({
      text: "delete from sessions where expires <= $1 returning token_hash",
      values: [this.#clock.now()],
    });
    this.forget(rows.map((row) => fromRow(row["token_hash"])));
  }
}

function accountOfDevice(credential: Uint8Array, deviceKey: Uint8Array): AccountId {
  try {
    return verifyCredential(credential, deviceKey, nodeSuite);
  } catch (error) {
    if (!(error instanceof EnvelopeError)) throw error;
    throw new Refusal("credential-refused", "the credential does not verify", reasonOf(error));
  }
}

/** The database never sees a token: a copy of it opens no session. */
function tokenHash(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
