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
import { OpenedRows } from "../opened-rows.ts";
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
type State = "pending" | "called-back" | "logged" | "usable" | "superseded" | "expired" | "revoked";

type Row = { readonly id: string; readonly stored: Stored };
type Newest = {
  readonly id: string;
  readonly index: number;
  readonly document: VerifiedRegistration["document"];
  readonly revoked: Revoked | null;
};

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
  readonly #opened = new OpenedRows<Row>((row) => {
    const id = row["id"] as string;
    return { id, stored: this.#read(id, fromRow(row["sealed"])) };
  });
  /** By signed bytes: a signature is checked once. */
  readonly #verified = new Map<string, VerifiedRegistration>();
  /** One change after the other: each reads what it changes. */
  #last: Promise<unknown> = Promise.resolve();

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
  ask(country: string, endpoint: string, key: Uint8Array): Promise<string> {
    return this.#alone(async () => await this.#ask(country, endpoint, key));
  }

  async #ask(country: string, endpoint: string, key: Uint8Array): Promise<string> {
    if (!/^[A-Z]{2}$/.test(country)) throw new EncodingError("not-canonical", "country");
    const id = randomUUID();
    const name = asName(endpoint, "endpoint", 100);
    // A message is known by this name alone: two authorities with one name would be each other.
    const at = this.#clock.now();
    // What was mistyped and never signed takes nobody's name once it is over.
    const takes = (stored: Stored): boolean => stored.signed !== null || !isOver(stored, at);
    const isNamesake = (stored: Stored): boolean =>
      stored.endpoint === name && stored.country !== country && takes(stored);
    if ((await this.#all()).some(({ stored }) => isNamesake(stored))) {
      throw refused("endpoint-taken", "an authority of another country has this name here: agree on another");
    }
    const asked = { country, endpoint: name, key, asked: at };
    await this.#keep(id, { ...asked, draft: null, signed: null, revoked: null });
    return id;
  }

  /** Records the call-back; the document that the registry has to sign. Throws Refusal. */
  callBack(id: string, charter: Charter, call: CallBack): Promise<Uint8Array> {
    return this.#alone(async () => await this.#callBack(id, charter, call));
  }

  async #callBack(id: string, charter: Charter, call: CallBack): Promise<Uint8Array> {
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
  complete(id: string, document: SignedDocument): Promise<Commitment> {
    return this.#alone(async () => await this.#complete(id, document));
  }

  async #complete(id: string, document: SignedDocument): Promise<Commitment> {
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
  revoke(id: string, by: string, words: string): Promise<void> {
    return this.#alone(async () => await this.#revoke(id, by, words));
  }

  async #revoke(id: string, by: string, words: string): Promise<void> {
    const stored = await this.#find(id);
    if (stored.revoked !== null) return;
    const at = this.#clock.now();
    await this.#keep(id, {
      ...stored,
      revoked: { at, by: asName(by, "by"), words: asProse(words, "words", 5000) },
    });
  }

  /** Keys that count now, by UniqueIdentifier, with the country that each was registered for. */
  async keys(): Promise<ReadonlyMap<string, { readonly country: string; readonly key: Uint8Array }>> {
    const today = dayOf(this.#clock.now());
    const newest = await this.#newest(await this.#all());
    return new Map(
      [...newest].flatMap(([endpoint, { document, revoked }]) => {
        const { country, key, until } = document;
        return revoked !== null || today > until ? [] : [[endpoint, { country, key }] as const];
      }),
    );
  }

  /**
   * Of each endpoint what was logged last, as far as witnesses saw it: a later key replaces the one before for good, also
   * when it ends or is taken back.
   */
  async #newest(rows: readonly Row[]): Promise<Map<string, Newest>> {
    const found = new Map<string, Newest>();
    const witnessed = this.#log.published?.size ?? 0;
    for (const { id, stored } of rows) {
      const { signed, revoked } = stored;
      if (signed === null) continue;
      // From the signed bytes alone: a key that was changed beside them has no effect.
      const { document } = await this.#verify(signed.bytes);
      const index = this.#log.catalogue.registration(registrationCommitment(signed.opening, signed.bytes));
      if (index === undefined || index >= witnessed) continue;
      const known = found.get(document.endpoint);
      if (known === undefined || known.index < index)
        found.set(document.endpoint, { id, index, document, revoked });
    }
    return found;
  }

  async #alone<T>(run: () => Promise<T>): Promise<T> {
    const before = this.#last;
    const mine = before.then(run, run);
    this.#last = mine.catch(() => {});
    return await mine;
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
    const newest = await this.#newest(rows);
    return rows
      .sort((a, b) => b.stored.asked - a.stored.asked)
      .map(({ id, stored }) => {
        const draft = stored.draft === null ? null : parseRegistration(stored.draft);
        return {
          id,
          state: this.#stateOf(id, stored, newest),
          country: stored.country,
          endpoint: stored.endpoint,
          key: base64(stored.key),
          asked: stored.asked,
          callBack: draft === null ? null : { ...draft.callBack },
          until: draft === null ? null : formatDay(draft.until),
          draft: stored.draft === null ? null : fromUtf8(stored.draft),
          revoked: stored.revoked === null ? null : { ...stored.revoked },
        };
      });
  }

  #stateOf(id: string, stored: Stored, newest: ReadonlyMap<string, Newest>): State {
    const { draft, signed, revoked } = stored;
    const now = this.#clock.now();
    if (revoked !== null) return "revoked";
    if (isOver(stored, now)) return "expired";
    if (draft === null) return "pending";
    if (signed === null) return "called-back";
    const commitment = registrationCommitment(signed.opening, signed.bytes);
    const index = this.#log.catalogue.registration(commitment);
    const last = newest.get(stored.endpoint);
    if (last?.id === id) return "usable";
    return last !== undefined && index !== undefined && index < last.index ? "superseded" : "logged";
  }

  async #find(id: string): Promise<Stored> {
    const [row] = await this.#database.query({
      text: "select sealed from hi1_registrations where id = $1",
      values: [id],
    });
    if (row === undefined) throw new Refusal("not-found", "there is no such registration");
    return this.#read(id, fromRow(row["sealed"]));
  }

  async #all(): Promise<Row[]> {
    return await this.#opened.of(
      await this.#database.query({ text: "select id, sealed from hi1_registrations" }),
    );
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

/** Taken back, or its time is over. */
function isOver({ asked, draft, revoked }: Stored, now: UnixSeconds): boolean {
  if (revoked !== null) return true;
  if (draft === null) return now > asked + PENDING_DAYS * SECONDS_PER_DAY;
  return dayOf(now) > parseRegistration(draft).until;
}
