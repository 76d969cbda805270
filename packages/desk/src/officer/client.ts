// What the server behind this desk says of orders over TS 103 120, read into what it means (spec/hi1.md).
import { type Charter, verifyCharter } from "@porchlight/charter";
import {
  type AccountId,
  accountId,
  asString,
  type CharterId,
  charterId,
  Fields,
  fromBase64,
  type Json,
  type JsonObject,
  type UnixSeconds,
  unixSeconds,
} from "@porchlight/encoding";
import type { Words } from "@porchlight/evidence";
import { AdminRefusal, callAdmin } from "@porchlight/runtime";

export type Status = {
  readonly endpoint: string;
  readonly kind: "court" | "house";
  readonly isReplay: boolean;
  readonly now: UnixSeconds;
};

/** One line of the inbox. */
export type Listed = {
  readonly id: string;
  /** Its type, and of a task what is asked for. */
  readonly what: string;
  readonly owner: string;
  readonly status: string;
  readonly generation: number;
  readonly received: UnixSeconds;
  readonly reference: string | null;
  readonly isEmergency: boolean;
  readonly isOpen: boolean;
  /** Of what is kept from deletion: it was asked to be kept longer than it is. */
  readonly wantsMore: boolean;
  readonly deadline: UnixSeconds | null;
};

/** Some of what came, most urgent first. */
export type Inbox = { readonly from: number; readonly lines: readonly Listed[]; readonly more: number };

/** An account and whose it is, by the provider's records; null where nobody was noted. */
type Named = { readonly account: string; readonly person: string | null };

export type Shown = Listed & {
  /** Everything that was asked beside scope and document, as it came. */
  readonly asked: readonly Words[];
  readonly scope: {
    readonly accounts: readonly Named[];
    readonly conversations: readonly string[];
    readonly firstDay: string;
    readonly lastDay: string;
  } | null;
  readonly extent: Readonly<Record<(typeof EXTENT)[number], number>> | null;
  readonly checks: readonly { readonly code: string; readonly isMet: boolean; readonly words: string }[];
  readonly acts: readonly string[];
  /** Of a document: `checksum` is the SHA-256 of its bytes in hexadecimal, which the server compared (HI1-24). */
  readonly document: {
    readonly contentType: string | null;
    readonly checksum: string | null;
    readonly isKeptHere: boolean;
  } | null;
  readonly related: readonly { readonly id: string; readonly what: string; readonly status: string }[];
  readonly index: number | null;
  readonly preservations: readonly {
    readonly commitment: string;
    readonly reference: string;
    readonly issuer: string;
    readonly until: string;
  }[];
  readonly custody: readonly {
    readonly at: UnixSeconds;
    readonly by: string;
    readonly act: string;
    readonly words: string;
    readonly digest: string;
  }[];
};

/** An account and whose it is, by the provider's records. */
export type Bound = { readonly account: AccountId; readonly person: string };

export type Registration = {
  readonly id: string;
  readonly state: string;
  readonly country: string;
  readonly endpoint: string;
  readonly key: string;
  readonly asked: UnixSeconds;
  readonly until: string | null;
  readonly draft: string | null;
  readonly callBack: {
    readonly at: UnixSeconds;
    readonly by: string;
    readonly number: string;
    readonly found: string;
    readonly words: string;
  } | null;
};

const EXTENT = ["accounts", "conversations", "labels", "messages", "attachments"] as const;
const LONG = 70_000;
/** A thousand values of what was asked for, each a name at most. */
const MAX_ASKED = 16 * 2 ** 20;
/** Digits of base64 that fit into a message of HI1-1. */
const MAX_CONTENTS = 16 * 2 ** 20;

function optionalText(fields: Fields, member: string): string | null {
  return fields.json(member) === null ? null : fields.string(member, LONG);
}

function listed(fields: Fields): Listed {
  return {
    id: fields.string("id", 100),
    what: fields.string("what", 100),
    owner: fields.string("owner", LONG),
    status: fields.string("status", 100),
    generation: fields.integer("generation"),
    received: unixSeconds(fields.integer("received")),
    reference: optionalText(fields, "reference"),
    isEmergency: fields.boolean("isEmergency"),
    isOpen: fields.boolean("isOpen"),
    wantsMore: fields.boolean("wantsMore"),
    deadline: fields.json("deadline") === null ? null : unixSeconds(fields.integer("deadline")),
  };
}

function many<T>(fields: Fields, member: string, read: (item: Fields) => T): T[] {
  return fields.array(member, (item, where) => read(new Fields(item, where)), 1_000_000);
}

const strings = (fields: Fields, member: string): string[] =>
  fields.array(member, (item, where) => asString(item, where, LONG), 1_000_000);

function shown(fields: Fields): Shown {
  const scope = fields.json("scope") === null ? null : fields.object("scope");
  const extent = fields.json("extent") === null ? null : fields.object("extent");
  const document = fields.json("document") === null ? null : fields.object("document");
  const logged = fields.json("logged") === null ? null : fields.object("logged");
  const count = (member: string): number => extent?.integer(member) ?? 0;
  return {
    ...listed(fields),
    asked: many(fields, "asked", (one) => ({
      term: one.string("term", LONG),
      text: one.string("text", MAX_ASKED),
    })),
    scope:
      scope === null
        ? null
        : {
            accounts: many(scope, "accounts", (one) => ({
              account: one.string("account", 64),
              person: optionalText(one, "person"),
            })),
            conversations: strings(scope, "conversations"),
            firstDay: scope.string("firstDay", 10),
            lastDay: scope.string("lastDay", 10),
          },
    extent:
      extent === null
        ? null
        : {
            accounts: count("accounts"),
            conversations: count("conversations"),
            labels: count("labels"),
            messages: count("messages"),
            attachments: count("attachments"),
          },
    checks: many(fields, "checks", (one) => ({
      code: one.string("code", 100),
      isMet: one.boolean("isMet"),
      words: one.string("words", LONG),
    })),
    acts: strings(fields, "acts"),
    document:
      document === null
        ? null
        : {
            contentType: optionalText(document, "contentType"),
            checksum: optionalText(document, "checksum"),
            isKeptHere: document.boolean("isKeptHere"),
          },
    related: many(fields, "related", (one) => ({
      id: one.string("id", 100),
      what: one.string("what", 100),
      status: one.string("status", 100),
    })),
    index: logged === null || logged.json("index") === null ? null : logged.integer("index"),
    preservations: many(fields, "preservations", (one) => ({
      commitment: one.string("commitment", 64),
      reference: one.string("reference", LONG),
      issuer: one.string("issuer", LONG),
      until: one.string("until", 10),
    })),
    custody: many(fields, "custody", (one) => ({
      at: unixSeconds(one.integer("at")),
      by: one.string("by", LONG),
      act: one.string("act", 200),
      words: one.string("words", LONG),
      digest: one.string("digest", 64),
    })),
  };
}

function registration(fields: Fields): Registration {
  const call = fields.json("callBack") === null ? null : fields.object("callBack");
  return {
    id: fields.string("id", 100),
    state: fields.string("state", 100),
    country: fields.string("country", 2),
    endpoint: fields.string("endpoint", 200),
    key: fields.string("key", 100),
    asked: unixSeconds(fields.integer("asked")),
    until: optionalText(fields, "until"),
    draft: optionalText(fields, "draft"),
    callBack:
      call === null
        ? null
        : {
            at: unixSeconds(call.integer("at")),
            by: call.string("by", 300),
            number: call.string("number", 300),
            found: call.string("found", 300),
            words: call.string("words", LONG),
          },
  };
}

function boundIn(fields: Fields): Bound[] {
  return many(fields, "accounts", (one) => ({
    account: accountId(one.string("account", 64)),
    person: one.string("person", 200),
  }));
}

/** The server's admin socket, as far as the response officer uses it. Throws AdminRefusal, EncodingError. */
export class OfficerSocket {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async #ask(command: string, members: JsonObject = {}): Promise<Fields> {
    return new Fields(await callAdmin(this.#directory, { command, ...members }), command);
  }

  async status(): Promise<Status> {
    const fields = await this.#ask("hi1-status");
    return {
      endpoint: fields.string("endpoint", 200),
      kind: fields.literal("kind", "court", "house"),
      isReplay: fields.literal("clock", "system", "replay") === "replay",
      now: unixSeconds(fields.integer("now")),
    };
  }

  /** From the `from`th line on, and how many there are behind those that came. */
  async inbox(from = 0): Promise<Inbox> {
    const fields = await this.#ask("hi1-inbox", { from });
    return { from, lines: many(fields, "objects", listed), more: fields.integer("more") };
  }

  async show(id: string): Promise<Shown> {
    return shown(await this.#ask("hi1-show", { id }));
  }

  /** A document's bytes as they came. */
  async contents(id: string): Promise<Uint8Array> {
    return fromBase64((await this.#ask("hi1-contents", { id })).string("contents", MAX_CONTENTS));
  }

  /** A charter of the log, with all its signatures; without a name the one under which is ordered now. */
  async charter(id?: CharterId): Promise<Charter> {
    const charter = await verifyCharter(
      (await this.#ask("hi1-charter", id === undefined ? {} : { id })).json("document"),
    );
    // A charter is what its name is the hash of.
    if (id !== undefined && charter.id !== id)
      throw new AdminRefusal("unknown-charter", "another charter came");
    return charter;
  }

  /** What a statement would say of these accounts, and of the accounts of these names. Throws AdminRefusal "not-found". */
  async reviewStatement(accounts: readonly AccountId[], names: readonly string[]): Promise<Bound[]> {
    return boundIn(await this.#ask("review-statement", { accounts: [...accounts], names: [...names] }));
  }

  /** Whom an order over both sides opens beside those whom its warrant names. */
  async reviewOthers(
    warrant: string,
  ): Promise<{ readonly charter: CharterId; readonly accounts: readonly Bound[] }> {
    const fields = await this.#ask("review-others", { warrant });
    return { charter: charterId(fields.string("charter", 64)), accounts: boundIn(fields) };
  }

  /** Other accounts whose name is this one or looks like it. */
  async lookingLike(account: AccountId, person: string): Promise<Bound[]> {
    return boundIn(await this.#ask("review-person", { account, person }));
  }

  /** `null` where nobody was noted. */
  async boundTo(account: AccountId): Promise<string | null> {
    try {
      const [bound] = await this.reviewStatement([account], []);
      return bound?.person ?? null;
    } catch (error) {
      if (error instanceof AdminRefusal) return null;
      throw error;
    }
  }

  async registrations(): Promise<Registration[]> {
    return many(await this.#ask("hi1-registrations"), "registrations", registration);
  }

  /** Anything that changes: the server checks it all again. */
  async act(command: string, members: JsonObject): Promise<Json> {
    return await callAdmin(this.#directory, { command, ...members });
  }
}
