import { createHash, randomBytes } from "node:crypto";
import {
  type AccountId,
  accountIdOf,
  base64url,
  idBytes,
  SECONDS_PER_DAY,
  type UnixSeconds,
  unixSeconds,
} from "@porchlight/encoding";
import { accountOf, EnvelopeError, verifyCredential } from "@porchlight/envelope";
import { nodeSuite } from "@porchlight/envelope/node";
import type { Clock } from "@porchlight/runtime";
import { type ClaimedKeyPackage, LIMITS, type Session, sessionStatement } from "@porchlight/wire";
import type { Device } from "./conversation-state.ts";
import { type Database, fromRow } from "./database.ts";
import { Refusal, reasonOf } from "./refusal.ts";

const SESSION_DAYS = 30;
/** Real seconds within which a challenge has to be answered. */
const CHALLENGE_SECONDS = 120;
const MAX_CHALLENGES = 100_000;
const MAX_CACHED_SESSIONS = 50_000;

type OpenSession = Device & { readonly expires: UnixSeconds };

/** Accounts, logged-in devices and the key packages that devices leave for those who want to add them. */
export class Accounts {
  readonly #database: Database;
  readonly #clock: Clock;
  /** The log's origin: what devices sign for. */
  readonly #audience: string;
  /** Nonce → when it lapses, in order of issue. A restart forgets them: the client asks again. */
  readonly #challenges = new Map<string, number>();
  readonly #sessions = new Map<string, OpenSession>();

  constructor(database: Database, clock: Clock, audience: string) {
    this.#database = database;
    this.#clock = clock;
    this.#audience = audience;
  }

  /** Idempotent. Registering proves nothing; opening a session does. */
  async register(identityKey: Uint8Array): Promise<AccountId> {
    const account = accountOf(identityKey, nodeSuite);
    await this.#database.query({
      text: "insert into accounts values ($1, $2, $3) on conflict do nothing",
      values: [Buffer.from(idBytes(account)), Buffer.from(identityKey), this.#clock.now()],
    });
    return account;
  }

  challenge(): { nonce: Uint8Array; audience: string } {
    const now = performance.now();
    for (const [nonce, lapses] of this.#challenges) {
      if (lapses > now && this.#challenges.size < MAX_CHALLENGES) break;
      this.#challenges.delete(nonce);
    }
    const nonce = new Uint8Array(randomBytes(32));
    this.#challenges.set(base64url(nonce), now + CHALLENGE_SECONDS * 1000);
    return { nonce, audience: this.#audience };
  }

  /** DEL-11: the device key signed this server's challenge, and a registered account's identity key the device key. */
  async openSession(asked: {
    readonly deviceKey: Uint8Array;
    readonly credential: Uint8Array;
    readonly nonce: Uint8Array;
    readonly signature: Uint8Array;
  }): Promise<Session> {
    const nonce = base64url(asked.nonce);
    const lapses = this.#challenges.get(nonce);
    this.#challenges.delete(nonce);
    if (lapses === undefined || lapses < performance.now()) {
      throw new Refusal("challenge-unknown", "ask for a new challenge and answer it within two minutes");
    }
    const account = accountOfDevice(asked.credential, asked.deviceKey);
    const statement = sessionStatement(this.#audience, asked.nonce);
    if (!nodeSuite.ed25519Verify(asked.deviceKey, statement, asked.signature)) {
      throw new Refusal("credential-refused", "the device's signature does not verify");
    }
    const known = await this.#database.query({
      text: "select 1 from accounts where account = $1",
      values: [Buffer.from(idBytes(account))],
    });
    if (known.length === 0) throw new Refusal("credential-refused", "register the account first");
    const token = randomBytes(32).toString("base64url");
    const expires = unixSeconds(this.#clock.now() + SESSION_DAYS * 86_400);
    await this.#database.query({
      text: "insert into sessions values ($1, $2, $3, $4)",
      values: [tokenHash(token), Buffer.from(idBytes(account)), Buffer.from(asked.deviceKey), expires],
    });
    this.#remember(token, { account, deviceKey: asked.deviceKey, expires });
    return { token, account, expires };
  }

  /** The device behind a bearer token. Throws Refusal "unauthenticated" or "session-expired". */
  async authenticate(header: string | undefined): Promise<Device> {
    const token = /^Bearer ([A-Za-z0-9_-]{43})$/.exec(header ?? "")?.[1];
    if (token === undefined) throw new Refusal("unauthenticated", "log in: this needs a session");
    const session = this.#sessions.get(token) ?? (await this.#stored(token));
    // A token that is not known any more was good once, or is a guess: both log in again.
    if (session === null || session.expires <= this.#clock.now()) {
      this.#sessions.delete(token);
      throw new Refusal("session-expired", "the session is over: log in again");
    }
    return session;
  }

  async #stored(token: string): Promise<OpenSession | null> {
    const rows = await this.#database.query({
      name: "session",
      text: "select account, device_key, expires from sessions where token_hash = $1",
      values: [tokenHash(token)],
    });
    const row = rows[0];
    if (row === undefined) return null;
    const session = {
      account: accountIdOf(fromRow(row["account"])),
      deviceKey: fromRow(row["device_key"]),
      expires: unixSeconds(row["expires"] as number),
    };
    this.#remember(token, session);
    return session;
  }

  #remember(token: string, session: OpenSession): void {
    this.#sessions.set(token, session);
    for (const oldest of this.#sessions.keys()) {
      if (this.#sessions.size <= MAX_CACHED_SESSIONS) break;
      this.#sessions.delete(oldest);
    }
  }

  /** Forgets sessions that are over. */
  async forgetExpired(): Promise<void> {
    await this.#database.query({
      text: "delete from sessions where expires <= $1",
      values: [this.#clock.now()],
    });
  }

  /** Stores key packages of the calling device. What is in them is for those who claim them to check. */
  async storeKeyPackages(device: Device, keyPackages: readonly Uint8Array[]): Promise<number> {
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

  /** Takes the oldest usable key package of each of the account's devices. Throws Refusal "no-key-package". */
  async claimKeyPackages(account: AccountId): Promise<ClaimedKeyPackage[]> {
    const rows = await this.#database.query({
      // Skipping what another claim has just locked: otherwise one of two would go away empty-handed.
      text: `delete from key_packages where id in (
          select oldest.id from (select distinct device_key from key_packages where account = $1) device
          cross join lateral (
            select id from key_packages k where k.account = $1 and k.device_key = device.device_key
              and k.left_at >= $2 order by id limit 1 for update skip locked) oldest)
        returning device_key, bytes`,
      values: [Buffer.from(idBytes(account)), this.#oldest()],
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
