import type { Charter, ProviderData } from "@porchlight/charter";
import {
  conversationIdOf,
  dayStart,
  hex,
  idBytes,
  type Json,
  type UnixSeconds,
  utf8,
} from "@porchlight/encoding";
import { dateTimeOf, MAX_CONTENTS_BYTES, type Scope } from "@porchlight/hi1";
import { KIND_CODES } from "../conversation-store.ts";
import { fromRow, type Queries } from "../database.ts";
import type { Persons } from "../persons.ts";
import { Refusal } from "../refusal.ts";

/** Messages that are read for one answer: more than {@link MAX_CONTENTS_BYTES} take, each with more than 200 bytes. */
const MAX_ROWS = 60_000;

/** What a task would bring, in numbers (HI1-35): of envelopes, messages and files, never whose or what. */
export type Extent = {
  readonly accounts: number;
  readonly conversations: number;
  /** One account's in one conversation on one day: what a key opens. */
  readonly labels: number;
  readonly messages: number;
  readonly attachments: number;
};

function limits({ accounts, conversations, firstDay, lastDay }: Scope) {
  return {
    accounts: accounts.map((account) => Buffer.from(idBytes(account))),
    among: conversations.length === 0 ? null : conversations.map((id) => Buffer.from(idBytes(id))),
    firstDay,
    lastDay,
    from: dayStart(firstDay),
    to: dayStart(lastDay) + 86_399,
  };
}

/** `charters`: under whose labels it may have been written. */
export async function extentOf(
  scope: Scope,
  charters: readonly Charter[],
  queries: Queries,
): Promise<Extent> {
  const { accounts, among, firstDay, lastDay, from, to } = limits(scope);
  const [row] = await queries.query<{
    conversations: number;
    labels: number;
    messages: number;
    files: number;
  }>({
    text: `select
        (select count(distinct conversation)::integer from kept_envelopes where account = any($1::bytea[])
          and day between $3 and $4 and charter = any($5::bytea[]) and ($2::bytea[] is null or conversation = any($2::bytea[]))) as conversations,
        (select count(distinct (account, conversation, day))::integer from kept_envelopes where account = any($1::bytea[])
          and day between $3 and $4 and charter = any($5::bytea[]) and ($2::bytea[] is null or conversation = any($2::bytea[]))) as labels,
        (select count(*)::integer from kept_items where submitter = any($1::bytea[]) and at between $6 and $7 and kind = $8
          and ($2::bytea[] is null or conversation = any($2::bytea[]))) as messages,
        (select count(*)::integer from kept_attachments where account = any($1::bytea[]) and day between $3 and $4 and charter = any($5::bytea[])
          and ($2::bytea[] is null or conversation = any($2::bytea[]))) as files`,
    values: [
      accounts,
      among,
      firstDay,
      lastDay,
      charters.map(({ id }) => Buffer.from(idBytes(id))),
      from,
      to,
      KIND_CODES.message,
    ],
  });
  return {
    accounts: scope.accounts.length,
    conversations: row?.conversations ?? 0,
    labels: row?.labels ?? 0,
    messages: row?.messages ?? 0,
    attachments: row?.files ?? 0,
  };
}

/**
 * What the provider knows anyway and tells on an order: JSON, as it is delivered. No message is in it. Throws Refusal for what
 * no message of HI1-1 carries (HI1-31).
 */
export async function providerData(
  data: ProviderData,
  scope: Scope,
  queries: Queries,
  persons: Persons,
): Promise<Uint8Array> {
  const about =
    data === "subscriber" ? await subscribers(scope, queries, persons) : await traffic(scope, queries);
  const answer = utf8(`${JSON.stringify({ version: 1, data, ...about }, null, 1)}\n`);
  if (answer.length > MAX_CONTENTS_BYTES) throw tooMany();
  return answer;
}

function tooMany(): Refusal {
  const words = "this is more than one answer carries: refuse, and ask for fewer days or people in a task";
  return new Refusal("act-refused", words, { reason: "too-many" });
}

async function subscribers(
  { accounts }: Scope,
  queries: Queries,
  persons: Persons,
): Promise<{ accounts: Json[] }> {
  const told: Json[] = [];
  for (const account of accounts) {
    const id = Buffer.from(idBytes(account));
    const [row] = await queries.query<{ created: number }>({
      text: "select created from accounts where account = $1",
      values: [id],
    });
    const devices = await queries.query<{ created: number; used_day: number; revoked: number | null }>({
      text: "select created, used_day, revoked from devices where account = $1 order by created",
      values: [id],
    });
    told.push({
      account,
      person: await persons.nameOf(account),
      registered: row === undefined ? null : instant(row.created),
      devices: devices.map(({ created, used_day: usedDay, revoked }) => ({
        added: created === 0 ? null : instant(created),
        lastUsed: usedDay === 0 ? null : instant(dayStart(usedDay as never)).slice(0, 10),
        revoked: revoked === null ? null : instant(revoked),
      })),
    });
  }
  return { accounts: told };
}

async function traffic(scope: Scope, queries: Queries): Promise<{ sent: Json[] }> {
  const { accounts, among, from, to } = limits(scope);
  const rows = await queries.query<{ submitter: Buffer; conversation: Buffer; at: number; size: number }>({
    text: `select submitter, conversation, at, octet_length(bytes) as size from kept_items
      where submitter = any($1::bytea[]) and at between $3 and $4 and kind = $5
        and ($2::bytea[] is null or conversation = any($2::bytea[])) order by at, conversation, seq limit $6`,
    values: [accounts, among, from, to, KIND_CODES.message, MAX_ROWS + 1],
  });
  if (rows.length > MAX_ROWS) throw tooMany();
  return {
    sent: rows.map(({ submitter, conversation, at, size }) => ({
      account: hex(fromRow(submitter)),
      conversation: conversationIdOf(fromRow(conversation)),
      at: instant(at),
      encryptedBytes: size,
    })),
  };
}

function instant(at: number): string {
  return dateTimeOf(at as UnixSeconds);
}
