import { randomBytes, randomUUID } from "node:crypto";
import {
  asName,
  asProse,
  type Charter,
  CharterError,
  formatEntry,
  formatRegistration,
  formatSignedDocument,
  parseRegistration,
  registrationCommitment,
  type SignedDocument,
  signIntake,
  unverifiedPayload,
  type VerifiedRegistration,
  verifyRegistration,
} from "@porchlight/charter";
import {
  base64,
  type Commitment,
  type DayNumber,
  dayOf,
  EncodingError,
  equalBytes,
  Fields,
  formatDay,
  fromBase64,
  fromBase64url,
  fromHex,
  fromUtf8,
  hex,
  type Json,
  parseJson,
  SECONDS_PER_DAY,
  type UnixSeconds,
  unixSeconds,
  utf8,
} from "@porchlight/encoding";
import type { Clock } from "@porchlight/runtime";
import { type Database, fromRow } from "../database.ts";
import type { Identity } from "../identity.ts";
import type { Log } from "../log.ts";
import { Refusal } from "../refusal.ts";
import type { AtRest } from "./at-rest.ts";

/** A key that was asked for and not called back is forgotten about after this long (HI1-53). */
const PENDING_DAYS = 30;

type Asked = {
  readonly country: string;
  readonly endpoint: string;
  /** Ed25519, 32 B. */
  readonly key: Uint8Array;
  readonly asked: UnixSeconds;
};

type Revoked = { readonly at: UnixSeconds; readonly by: string; readonly words: string };

type Stored = Asked & {
  /** Document bytes as the registry has to sign them; null before the call-back. */
  readonly draft: Uint8Array | null;
  readonly signed: { readonly bytes: Uint8Array; readonly opening: Uint8Array } | null;
  readonly revoked: Revoked | null;
};

/** What somebody noted of the call-back. */
export type CallBack = {
  readonly by: string;
  readonly number: string;
  readonly found: string;
  readonly words: string;
  readonly until: DayNumber;
};

/** How a registration stands, for the officer. */
type State = "pending" | "called-back" | "logged" | "usable" | "expired" | "revoked";

/**
 * Keys of requesters' endpoints (HI1-50 to HI1-54). One counts only as a registry signed it after a call-back, and only once
 * witnesses have seen that it was logged: this server's own word, or that of its database, is not enough.
 */
export class Registrations {
  readonly #database: Database;
  readonly #log: Log;
  readonly #identity: Identity;
  readonly #clock: Clock;
  readonly #atRest: AtRest;
  /** By signed bytes: a signature is checked once. */
  readonly #verified = new Map<string, VerifiedRegistration>();

  constructor(parts: {
    readonly database: Database;
    readonly log: Log;
    readonly identity: Identity;
    readonly clock: Clock;
    readonly atRest: AtRest;
  }) {
    this.#database = parts.database;
    this.#log = parts.log;
    this.#identity = parts.identity;
    this.#clock = parts.clock;
    this.#atRest = parts.atRest;
  }

  /** Notes a key that somebody sent. It counts for nothing yet. */
  async ask(country: string, endpoint: string, key: Uint8Array): Promise<string> {
    if (!/^[A-Z]{2}$/.test(country)) throw new EncodingError("not-canonical", "country");
    const id = randomUUID();
    const asked = { country, endpoint: asName(endpoint, "endpoint", 100), key, asked: this.#clock.now() };
    await this.#keep(id, { ...asked, draft: null, signed: null, revoked: null });
    return id;
  }

  /** Records the call-back; the document that the registry has to sign. Throws Refusal. */
  async callBack(id: string, charter: Charter, call: CallBack): Promise<Uint8Array> {
    const stored = await this.#find(id);
    if (stored.draft !== null)
      throw refused("called-back", "the call-back is recorded: have the registry sign");
    const at = this.#clock.now();
    if (at > stored.asked + PENDING_DAYS * SECONDS_PER_DAY) {
      throw refused("expired", "the key was sent too long ago: have it sent again");
    }
    const { by, number, found, words, until } = call;
    const name = (text: string, member: string): string => asName(text, member);
    const callBack = {
      at,
      by: name(by, "by"),
      number: name(number, "number"),
      found: name(found, "found"),
      words: asProse(words, "words", 5000),
    };
    const { country, endpoint, key, asked } = stored;
    const draft = formatRegistration({ charter: charter.id, country, endpoint, key, asked, callBack, until });
    parseRegistration(draft);
    await this.#keep(id, { ...stored, draft });
    return draft;
  }

  /** Takes the registry's signature over exactly what was recorded, and logs the commitment. Idempotent. Throws Refusal. */
  async complete(id: string, document: SignedDocument): Promise<Commitment> {
    const stored = await this.#find(id);
    if (stored.draft === null) throw refused("not-called-back", "record the call-back first");
    if (stored.revoked !== null) throw refused("revoked", "the registration was taken back");
    if (!equalBytes(fromBase64url(document.payload), stored.draft)) {
      // HI1-53: another key, number or day than was called back about.
      throw refused("differs", "the registry signed something else than what was recorded here");
    }
    const signed = stored.signed ?? {
      bytes: formatSignedDocument(document),
      opening: new Uint8Array(randomBytes(32)),
    };
    const { document: registration } = await this.#verify(signed.bytes);
    if (registration.until < dayOf(this.#clock.now())) throw refused("expired", "its last day is over");
    // Kept before it is logged: what the log shows must be at hand.
    await this.#keep(id, { ...stored, signed });
    const commitment = registrationCommitment(signed.opening, signed.bytes);
    if (this.#log.catalogue.registration(commitment) === undefined) {
      const { charter } = registration;
      const day = dayOf(this.#clock.now());
      const entry = signIntake(
        { type: "registration", charter, day, commitment },
        this.#identity.intake.seed,
      );
      await this.#log.append(formatEntry(entry));
    }
    return commitment;
  }

  /** From now on the key counts for nothing. Takes no signature: it only closes. */
  async revoke(id: string, by: string, words: string): Promise<void> {
    const stored = await this.#find(id);
    if (stored.revoked !== null) return;
    const at = this.#clock.now();
    await this.#keep(id, {
      ...stored,
      revoked: { at, by: asName(by, "by"), words: asProse(words, "words", 5000) },
    });
  }

  /** Keys that count now, by UniqueIdentifier; of two the one that was logged later. */
  async keys(): Promise<ReadonlyMap<string, Uint8Array>> {
    const found = new Map<string, { readonly key: Uint8Array; readonly index: number }>();
    for (const { stored } of await this.#all()) {
      const usable = await this.#usable(stored);
      if (usable === null) continue;
      const { endpoint, key } = usable.document;
      const known = found.get(endpoint);
      if (known === undefined || known.index < usable.index)
        found.set(endpoint, { key, index: usable.index });
    }
    return new Map([...found].map(([endpoint, { key }]) => [endpoint, key]));
  }

  async #usable({ signed, revoked }: Stored) {
    if (signed === null || revoked !== null) return null;
    // From the signed bytes alone: a key that was changed beside them has no effect.
    const { document } = await this.#verify(signed.bytes);
    const index = this.#log.catalogue.registration(registrationCommitment(signed.opening, signed.bytes));
    const witnessed = this.#log.published?.size ?? 0;
    const today = dayOf(this.#clock.now());
    if (index === undefined || index >= witnessed || today > document.until) return null;
    return { document, index };
  }

  async #verify(bytes: Uint8Array): Promise<VerifiedRegistration> {
    const name = base64(bytes);
    const known = this.#verified.get(name);
    if (known !== undefined) return known;
    try {
      const { charter: id } = parseRegistration(
        unverifiedPayload(JSON.parse(fromUtf8(bytes)) as SignedDocument),
      );
      const charter = this.#log.charter(id);
      if (charter === undefined) throw refused("unknown-charter", "its charter is not in this server's log");
      const verified = await verifyRegistration(bytes, charter);
      this.#verified.set(name, verified);
      return verified;
    } catch (cause) {
      if (!(cause instanceof CharterError || cause instanceof EncodingError)) throw cause;
      throw refused(cause.code, `this is no registration by the registry (${cause.message})`, cause);
    }
  }

  /** All of them, newest first, for the officer. */
  async list(): Promise<Json[]> {
    const rows = await this.#all();
    rows.sort((a, b) => b.stored.asked - a.stored.asked);
    return await Promise.all(
      rows.map(async ({ id, stored }) => {
        const draft = stored.draft === null ? null : parseRegistration(stored.draft);
        return {
          id,
          state: await this.#stateOf(stored),
          country: stored.country,
          endpoint: stored.endpoint,
          key: base64(stored.key),
          asked: stored.asked,
          callBack: draft === null ? null : { ...draft.callBack },
          until: draft === null ? null : formatDay(draft.until),
          draft: stored.draft === null ? null : fromUtf8(stored.draft),
          revoked: stored.revoked === null ? null : { ...stored.revoked },
        };
      }),
    );
  }

  async #stateOf(stored: Stored): Promise<State> {
    const { draft, signed, revoked, asked } = stored;
    const now = this.#clock.now();
    if (revoked !== null) return "revoked";
    if (draft === null) return now > asked + PENDING_DAYS * SECONDS_PER_DAY ? "expired" : "pending";
    if (dayOf(now) > parseRegistration(draft).until) return "expired";
    if (signed === null) return "called-back";
    return (await this.#usable(stored)) === null ? "logged" : "usable";
  }

  async #find(id: string): Promise<Stored> {
    const [row] = await this.#database.query({
      text: "select sealed from hi1_registrations where id = $1",
      values: [id],
    });
    if (row === undefined) throw new Refusal("not-found", "there is no such registration");
    return this.#read(id, fromRow(row["sealed"]));
  }

  async #all(): Promise<{ readonly id: string; readonly stored: Stored }[]> {
    const rows = await this.#database.query<{ id: string; sealed: Buffer }>({
      text: "select id, sealed from hi1_registrations",
    });
    return rows.map(({ id, sealed }) => ({ id, stored: this.#read(id, fromRow(sealed)) }));
  }

  async #keep(id: string, { country, endpoint, key, asked, draft, signed, revoked }: Stored): Promise<void> {
    const plaintext = utf8(
      JSON.stringify({
        version: 1,
        country,
        endpoint,
        key: base64(key),
        asked,
        draft: draft === null ? null : fromUtf8(draft),
        signed: signed === null ? null : base64(signed.bytes),
        opening: signed === null ? null : hex(signed.opening),
        revoked,
      }),
    );
    await this.#database.query({
      text: `insert into hi1_registrations values ($1, $2) on conflict (id) do update set sealed = excluded.sealed`,
      values: [id, this.#atRest.seal(`registration ${id}`, plaintext)],
    });
  }

  #read(id: string, sealed: Uint8Array): Stored {
    const fields = new Fields(
      parseJson(this.#atRest.open(`registration ${id}`, sealed), "registration"),
      "row",
    );
    fields.literal("version", 1);
    const text = (member: string): string | null =>
      fields.json(member) === null ? null : fields.string(member, 200_000);
    const signed = text("signed");
    const opening = text("opening");
    const draft = text("draft");
    return {
      country: fields.string("country"),
      endpoint: fields.string("endpoint"),
      key: fromBase64(fields.string("key"), 32),
      asked: unixSeconds(fields.integer("asked")),
      draft: draft === null ? null : utf8(draft),
      signed:
        signed === null || opening === null
          ? null
          : { bytes: fromBase64(signed), opening: fromHex(opening, 32) },
      revoked: fields.json("revoked") as unknown as Revoked | null,
    };
  }
}

function refused(reason: string, message: string, cause?: unknown): Refusal {
  return new Refusal("registration-refused", message, { reason, cause });
}
