import { createHash } from "node:crypto";
import {
  type AccountId,
  accountIdOf,
  base64url,
  dayOf,
  EncodingError,
  fromBase64url,
  idBytes,
  SECONDS_PER_DAY,
  unixSeconds,
} from "@porchlight/encoding";
import { type Clock, checkAnswer, checkMade, clientDataOf, type PasskeyAsked } from "@porchlight/runtime";
import type {
  PasskeyAssertion,
  PasskeyChallenge,
  PasskeyCreation,
  PasskeyInfo,
  PasskeyRegistration,
} from "@porchlight/wire";
import type { Challenges } from "./challenges.ts";
import { type Database, fromRow, type Row } from "./database.ts";
import { Refusal } from "./refusal.ts";

/** The relying party: where pages that may use these passkeys are served from (ACC-21). */
export type RelyingParty = {
  /** A host name; passkeys of one are worth nothing at another. */
  readonly id: string;
  readonly name: string;
  /** Exactly these; `null`: `http://localhost` at any port, for a deployment on one computer. */
  readonly origins: readonly string[] | null;
};

const MAX_PASSKEYS = 20;
const SIGN_IN = "passkey sign-in";
const USER_DOMAIN = "porchlight-v1/passkey-user\0";

/** Passkeys: they tell the server which account a person is of. They open no session and sign no device (ACC-24). */
export class Passkeys {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #challenges: Challenges;
  readonly #party: RelyingParty;

  constructor(database: Database, clock: Clock, challenges: Challenges, party: RelyingParty) {
    this.#database = database;
    this.#clock = clock;
    this.#challenges = challenges;
    this.#party = party;
  }

  async begin(account: AccountId): Promise<PasskeyCreation> {
    const passkeys = await this.list(account);
    if (passkeys.length >= MAX_PASSKEYS) {
      throw new Refusal("quota", `an account has at most ${MAX_PASSKEYS} passkeys: remove one first`);
    }
    const { id, name } = this.#party;
    return {
      challenge: base64url(this.#challenges.issue(registrationOf(account))),
      rp: { id, name },
      userId: createHash("sha256").update(USER_DOMAIN).update(idBytes(account)).digest("base64url"),
      exclude: passkeys.map(({ id, transports }) => ({ id, transports })),
    };
  }

  /** Throws Refusal "passkey-refused", or "exists" where the passkey is registered already. */
  async register(account: AccountId, asked: PasskeyRegistration): Promise<PasskeyInfo> {
    const challenge = this.#challengeOf(asked.clientDataJSON, registrationOf(account));
    const checked = await checkMade(asked, this.#asked(asked.clientDataJSON, challenge));
    if (checked.kind === "refused") throw refused(checked);
    const rows = await this.#database.query({
      text: `insert into passkeys select $1, $2, $3, $4::bigint, $5, $6::boolean, $7, $8::bigint
        where (select count(*) from passkeys where account = $2) < ${MAX_PASSKEYS}
        on conflict do nothing returning *`,
      values: [
        checked.id,
        Buffer.from(idBytes(account)),
        Buffer.from(checked.publicKey),
        checked.counter,
        JSON.stringify(asked.transports),
        checked.isBackedUp,
        asked.label,
        this.#clock.now(),
      ],
    });
    if (rows[0] === undefined) throw new Refusal("exists", "this passkey is registered already");
    return infoOf(rows[0]);
  }

  async list(account: AccountId): Promise<PasskeyInfo[]> {
    const rows = await this.#database.query({
      text: "select * from passkeys where account = $1 order by created, credential_id",
      values: [Buffer.from(idBytes(account))],
    });
    return rows.map(infoOf);
  }

  async remove(account: AccountId, id: string): Promise<void> {
    await this.#database.query({
      text: "delete from passkeys where account = $1 and credential_id = $2",
      values: [Buffer.from(idBytes(account)), id],
    });
  }

  /** The same for everybody: who asks names nobody (ACC-22). */
  beginSignIn(): PasskeyChallenge {
    return { challenge: base64url(this.#challenges.issue(SIGN_IN)), rpId: this.#party.id };
  }

  /** Whose it is. One refusal for an unknown passkey, a wrong signature and a counter that went back. */
  async signIn(asked: PasskeyAssertion): Promise<AccountId> {
    const challenge = this.#challengeOf(asked.clientDataJSON, SIGN_IN);
    return await this.#database.transaction(async (transaction) => {
      // Locked: two answers with one counter are two copies of an authenticator, and one of them is refused.
      const [row] = await transaction.query({
        text: "select * from passkeys where credential_id = $1 for update",
        values: [asked.id],
      });
      if (row === undefined) throw refused();
      const { id, clientDataJSON } = asked;
      const key = { publicKey: fromRow(row["public_key"]), counter: row["counter"] as number };
      const checked = await checkAnswer(asked, key, this.#asked(clientDataJSON, challenge));
      if (checked.kind === "refused") throw refused(checked);
      await transaction.query({
        text: "update passkeys set counter = $2, used_day = $3, backed_up = $4 where credential_id = $1",
        values: [id, checked.counter, dayOf(this.#clock.now()), checked.isBackedUp],
      });
      return accountIdOf(fromRow(row["account"]));
    });
  }

  /** The challenge that the authenticator signed, if it was open for this purpose. */
  #challengeOf(clientDataJSON: string, purpose: string): string {
    const { challenge } = clientData(clientDataJSON);
    let nonce: Uint8Array;
    try {
      nonce = fromBase64url(challenge);
    } catch (error) {
      if (!(error instanceof EncodingError)) throw error;
      throw refused({ reason: "challenge" });
    }
    if (!this.#challenges.take(nonce, purpose)) {
      throw new Refusal("challenge-unknown", "ask for a new challenge and answer it within two minutes");
    }
    return challenge;
  }

  #asked(clientDataJSON: string, challenge: string): PasskeyAsked {
    const { origin } = clientData(clientDataJSON);
    const { id: host, origins } = this.#party;
    const isOurs =
      origins === null ? /^http:\/\/localhost(?::[0-9]{1,5})?$/.test(origin) : origins.includes(origin);
    if (!isOurs) throw refused({ reason: "origin" });
    return { challenge, origin, host };
  }
}

function registrationOf(account: AccountId): string {
  return `passkey registration ${account}`;
}

function clientData(encoded: string): NonNullable<ReturnType<typeof clientDataOf>> {
  const data = clientDataOf(encoded);
  if (data === null) throw refused({ reason: "client-data" });
  return data;
}

function refused({ reason, cause }: { readonly reason?: string; readonly cause?: unknown } = {}): Refusal {
  return new Refusal(
    "passkey-refused",
    "this passkey is not accepted here: use another one, or a device that is signed in",
    { ...(reason === undefined ? {} : { reason }), ...(cause === undefined ? {} : { cause }) },
  );
}

function infoOf(row: Row): PasskeyInfo {
  const used = row["used_day"] as number | null;
  return {
    id: row["credential_id"] as string,
    label: row["label"] as string,
    created: unixSeconds(row["created"] as number),
    lastUsed: used === null ? null : unixSeconds(used * SECONDS_PER_DAY),
    transports: JSON.parse(row["transports"] as string) as string[],
    backedUp: row["backed_up"] as boolean,
  };
}
