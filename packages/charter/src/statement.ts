import {
  type AccountId,
  accountId,
  type CharterId,
  charterId,
  EncodingError,
  equalBytes,
  Fields,
  type Json,
  parseJson,
  type UnixSeconds,
  unixSeconds,
  utf8,
} from "@porchlight/encoding";
import type { Charter } from "./charter.ts";
import { type SignedDocument, verifyDocument } from "./document.ts";
import { CharterError } from "./error.ts";
import { asName } from "./plain-text.ts";

/** The provider's word on whose accounts these are: nothing else in an evidence package vouches for it (CHA-20). */
export type PersonStatement = {
  readonly charter: CharterId;
  /** Each account once. */
  readonly accounts: readonly { readonly account: AccountId; readonly person: string }[];
  readonly at: UnixSeconds;
};

/** The canonical document bytes (CHA-2), to be signed as kind "statement". */
export function formatStatement(statement: PersonStatement): Uint8Array {
  return utf8(
    JSON.stringify({
      version: 1,
      charter: statement.charter,
      accounts: statement.accounts.map(({ account, person }) => ({ account, person })),
      at: statement.at,
    }),
  );
}

export function parseStatement(bytes: Uint8Array): PersonStatement {
  const fields = new Fields(parseJson(bytes, "statement"), "statement");
  fields.literal("version", 1);
  const statement: PersonStatement = {
    charter: charterId(fields.string("charter", 64)),
    accounts: fields.array("accounts", readAccount),
    at: unixSeconds(fields.integer("at")),
  };
  fields.end();
  if (new Set(statement.accounts.map(({ account }) => account)).size !== statement.accounts.length) {
    throw new EncodingError("duplicate-key", "statement.accounts");
  }
  if (!equalBytes(formatStatement(statement), bytes)) throw new EncodingError("not-canonical", "statement");
  return statement;
}

/** Throws CharterError or EncodingError unless the charter's provider signed it for this charter. */
export async function verifyStatement(
  document: Json | SignedDocument,
  charter: Charter,
): Promise<PersonStatement> {
  const keys = new Map([[charter.provider.name, charter.provider.key]]);
  const { payload } = await verifyDocument("statement", document, keys);
  const statement = parseStatement(payload);
  if (statement.charter !== charter.id) throw new CharterError("wrong-charter", "statement");
  return statement;
}

function readAccount(value: Json, where: string): PersonStatement["accounts"][number] {
  const fields = new Fields(value, where);
  const entry = {
    account: accountId(fields.string("account", 64)),
    person: asName(fields.json("person"), `${where}.person`),
  };
  fields.end();
  return entry;
}
