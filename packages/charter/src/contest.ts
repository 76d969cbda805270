import {
  type AccountId,
  accountId,
  type CharterId,
  type Commitment,
  charterId,
  commitment,
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
import { asProse } from "./plain-text.ts";

/** What somebody whom an order is about says against it (CONT-1). The provider signs that it took it in. */
export type Contest = {
  readonly charter: CharterId;
  /** Of the order. */
  readonly commitment: Commitment;
  /** Whose: it proved to hold this account's notice key. */
  readonly account: AccountId;
  readonly at: UnixSeconds;
  readonly ground: string;
};

/** The canonical document bytes (CHA-2), to be signed as kind "contest". */
export function formatContest({ charter, commitment: of, account, at, ground }: Contest): Uint8Array {
  return utf8(JSON.stringify({ version: 1, charter, commitment: of, account, at, ground }));
}

/** Strict inverse of {@link formatContest}. Throws EncodingError. */
export function parseContest(bytes: Uint8Array): Contest {
  const fields = new Fields(parseJson(bytes, "contest"), "contest");
  fields.literal("version", 1);
  const contest: Contest = {
    charter: charterId(fields.string("charter", 64)),
    commitment: commitment(fields.string("commitment", 64)),
    account: accountId(fields.string("account", 64)),
    at: unixSeconds(fields.integer("at")),
    ground: asGround(fields.json("ground")),
  };
  fields.end();
  if (!equalBytes(formatContest(contest), bytes)) throw new EncodingError("not-canonical", "contest");
  return contest;
}

/** CONT-1: prose that says something. Throws EncodingError. */
export function asGround(value: Json): string {
  const ground = asProse(value, "contest.ground");
  if (ground.trim() === "") throw new EncodingError("missing-field", "contest.ground");
  return ground;
}

/** Throws CharterError or EncodingError unless the charter's provider alone signed it for this charter. */
export async function verifyContest(document: Json | SignedDocument, charter: Charter): Promise<Contest> {
  const keys = new Map([[charter.provider.name, charter.provider.key]]);
  const { payload } = await verifyDocument("contest", document, keys);
  const contest = parseContest(payload);
  if (contest.charter !== charter.id) throw new CharterError("wrong-charter", "contest");
  return contest;
}
