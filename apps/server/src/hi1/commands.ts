import { readSignedDocument } from "@porchlight/charter";
import {
  accountId,
  asString,
  charterId,
  commitment,
  Fields,
  fromBase64,
  fromUtf8,
  type Json,
  parseDay,
} from "@porchlight/encoding";
import type { Hi1Endpoint } from "./endpoint.ts";
import { ACTS, type Hi1Officer } from "./officer.ts";
import type { Registrations } from "./registrations.ts";

export type Hi1Parts = {
  readonly endpoint: Hi1Endpoint;
  readonly officer: Hi1Officer;
  readonly registrations: Registrations;
};

type Command = (parts: Hi1Parts, fields: Fields) => () => Promise<Json>;

function namedIn(fields: Fields) {
  const person = fields.json("person") === null ? null : fields.string("person", 200);
  return { account: accountId(fields.string("account", 64)), person };
}

/** The response officer's commands of the admin socket. Each reads its members first and acts afterwards. */
export const HI1_COMMANDS: Readonly<Record<string, Command>> = {
  "hi1-status":
    ({ endpoint }) =>
    async () => {
      const { country, endpoint: name, owner, version } = endpoint.config;
      const { id, kind, clock } = endpoint.charter;
      return { country, endpoint: name, owner, version, charter: id, kind, clock, now: endpoint.now };
    },
  "hi1-inbox": ({ officer }, fields) => {
    const from = fields.optional("from") === undefined ? 0 : fields.integer("from");
    return async () => await officer.inbox(from);
  },
  "hi1-show": ({ officer }, fields) => {
    const id = fields.string("id", 100);
    return async () => await officer.show(id);
  },
  "hi1-contents": ({ officer }, fields) => {
    const id = fields.string("id", 100);
    return async () => await officer.contents(id);
  },
  "hi1-charter": ({ endpoint }, fields) => {
    const id = fields.optional("id") === undefined ? undefined : charterId(fields.string("id", 64));
    return async () => ({ document: endpoint.charterDocument(id) });
  },
  "hi1-decide": ({ officer }, fields) => {
    const decision = {
      id: fields.string("id", 100),
      generation: fields.integer("generation"),
      act: fields.literal("act", ...ACTS),
      by: fields.string("by", 200),
      words: fields.optional("words") === undefined ? "" : fields.string("words", 5000),
      preservations:
        fields.optional("preservations") === undefined
          ? []
          : fields.array("preservations", (item, where) => commitment(asString(item, where, 64)), 1000),
      persons:
        fields.optional("persons") === undefined
          ? null
          : fields.array("persons", (item, where) => namedIn(new Fields(item, where)), 1000),
    };
    return async () => await officer.decide(decision);
  },
  "hi1-registrations":
    ({ registrations }) =>
    async () => ({ registrations: await registrations.list() }),
  "hi1-register": ({ registrations }, fields) => {
    const country = fields.string("country", 2);
    const endpoint = fields.string("endpoint", 100);
    const key = fromBase64(fields.string("key", 100), 32, "key");
    return async () => ({ id: await registrations.ask(country, endpoint, key) });
  },
  "hi1-call-back": ({ endpoint, registrations }, fields) => {
    const id = fields.string("id", 100);
    const call = {
      by: fields.string("by", 200),
      number: fields.string("number", 200),
      found: fields.string("found", 200),
      words: fields.string("words", 5000),
      until: parseDay(fields.string("until", 10), "until"),
    };
    return async () => ({ draft: fromUtf8(await registrations.callBack(id, endpoint.charter, call)) });
  },
  "hi1-complete": ({ registrations }, fields) => {
    const id = fields.string("id", 100);
    const document = readSignedDocument(fields.json("document"), "registration");
    return async () => ({ commitment: await registrations.complete(id, document) });
  },
  "hi1-revoke": ({ registrations }, fields) => {
    const id = fields.string("id", 100);
    const by = fields.string("by", 200);
    const words = fields.string("words", 5000);
    return async () => {
      await registrations.revoke(id, by, words);
      return {};
    };
  },
};
