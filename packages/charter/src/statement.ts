import {
  type AccountId,
  accountId,
  base64,
  type CharterId,
  charterId,
  EncodingError,
  equalBytes,
  Fields,
  fromBase64,
  type Json,
  parseJson,
  type UnixSeconds,
  unixSeconds,
  utf8,
} from "@porchlight/encoding";
import type { Charter } from "./charter.ts";
import { type SignedDocument, verifyDocument } from "./document.ts";
import { CharterError } from "./error.ts";
import { NOTICE_CARD_LENGTH, verifyNoticeCard } from "./notice-key.ts";
import { asName } from "./plain-text.ts";

export type StatedAccount = {
  readonly account: AccountId;
  readonly person: string;
  /** The account's notice card (NOT-2), 1313 B. */
  readonly notice: Uint8Array;
};

/** The provider's word on whose accounts these are: nothing else in an evidence package vouches for it (CHA-20). */
export type PersonStatement = {
  readonly charter: CharterId;
  /** Each account once. */
  readonly accounts: readonly StatedAccount[];
  readonly at: UnixSeconds;
};

/** The canonical document bytes (CHA-2), to be signed as kind "statement". */
export function formatStatement(statement: PersonStatement): Uint8Array {
  return utf8(
    JSON.stringify({
      version: 1,
      charter: statement.charter,
      accounts: statement.accounts.map(({ account, person, notice }) => ({
        account,
        person,
        notice: base64(notice),
      })),
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

/**
 * Throws CharterError or EncodingError unless the charter's provider signed it for this charter, and every account's own
 * identity key its notice key.
 */
export async function verifyStatement(
  document: Json | SignedDocument,
  charter: Charter,
): Promise<PersonStatement> {
  const keys = new Map([[charter.provider.name, charter.provider.key]]);
  const { payload } = await verifyDocument("statement", document, keys);
  const statement = parseStatement(payload);
  if (statement.charter !== charter.id) throw new CharterError("wrong-charter", "statement");
  for (const { account, notice } of statement.accounts) {
    if (verifyNoticeCard(notice).account !== account) {
      throw new CharterError("notice-card-invalid", "statement.accounts");
    }
  }
  return statement;
}

function readAccount(value: Json, where: string): StatedAccount {
  const fields = new Fields(value, where);
  const entry = {
    account: accountId(fields.string("account", 64)),
    person: asName(fields.json("person"), `${where}.person`),
    notice: fromBase64(fields.string("notice", 2000), NOTICE_CARD_LENGTH, `${where}.notice`),
  };
  fields.end();
  return entry;
}
