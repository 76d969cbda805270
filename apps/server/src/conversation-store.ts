import {
  type AccountId,
  accountIdOf,
  type CharterId,
  type ConversationId,
  charterIdOf,
  dayNumber,
  hex,
  idBytes,
  unixSeconds,
} from "@porchlight/encoding";
import type { ItemKind, StoredItem } from "@porchlight/wire";
import { asciiArray, bigintArray, byteaArray } from "./binary-array.ts";
import type { ConversationState, Device } from "./conversation-state.ts";
import { fromRow, placeholders, type Queries, type Row } from "./database.ts";

// What a conversation is in the database's rows. Nothing is decided here.

export const KIND_CODES: Readonly<Record<ItemKind, number>> = { commit: 1, envelope: 2, message: 3 };
const KINDS: ReadonlyMap<number, ItemKind> = new Map([
  [1, "commit"],
  [2, "envelope"],
  [3, "message"],
]);

/** An item as it is stored; `at` is the transaction's. */
export type ItemRow = {
  readonly conversation: Uint8Array;
  readonly seq: number;
  readonly generation: number;
  readonly epoch: number;
  readonly kind: ItemKind;
  readonly submitter: Uint8Array;
  readonly key: string;
  readonly digest: Uint8Array;
  readonly bytes: Uint8Array;
};

/** Rows of one insert; each has a prepared statement of its own. */
const INSERT_SIZES = [64, 16, 4, 1] as const;

/** The rows that one transaction writes. */
export type Writes = {
  readonly items: ItemRow[];
  readonly envelopes: unknown[][];
  readonly welcomes: { readonly row: unknown[]; readonly devices: readonly Device[] }[];
  readonly memberships: { conversation: Uint8Array; account: AccountId; seq: number; joins: boolean }[];
};

export type KnownItem = { readonly seq: number; readonly digest: string };

/** Names an item among those of a transaction. */
export function itemKey(conversation: ConversationId, account: AccountId, key: string): string {
  return `${conversation} ${account} ${key}`;
}

/** Bytes of an id. */
export function idBuffer(id: AccountId | ConversationId | CharterId): Buffer {
  return Buffer.from(id, "hex");
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Items that are stored under these keys already, by {@link itemKey}. */
export async function knownItems(
  transaction: Queries,
  keys: readonly { conversation: ConversationId; account: AccountId; key: string }[],
): Promise<Map<string, KnownItem>> {
  const rows = await transaction.query({
    name: "known-items",
    text: `select i.conversation, i.submitter, i.key, i.seq, i.digest
      from unnest($1::bytea[], $2::bytea[], $3::text[]) as asked (conversation, submitter, key)
      join items i using (conversation, submitter, key)`,
    values: [
      keys.map(({ conversation }) => Buffer.from(idBytes(conversation))),
      keys.map(({ account }) => Buffer.from(idBytes(account))),
      keys.map(({ key }) => key),
    ],
  });
  return new Map(
    rows.map((row) => [
      `${hex(fromRow(row["conversation"]))} ${hex(fromRow(row["submitter"]))} ${row["key"] as string}`,
      { seq: row["seq"] as number, digest: hex(fromRow(row["digest"])) },
    ]),
  );
}

export function itemOf(row: Row): StoredItem {
  const kind = KINDS.get(row["kind"] as number);
  if (kind === undefined) throw new Error("items.kind");
  return {
    seq: row["seq"] as number,
    kind,
    epoch: row["epoch"] as number,
    submitter: accountIdOf(fromRow(row["submitter"])),
    at: unixSeconds(row["at"] as number),
    bytes: fromRow(row["bytes"]),
  };
}

/** The state without members and envelopes. */
export function shellOf(row: Readonly<Record<string, unknown>>): ConversationState {
  const optionalCharter = (value: unknown): CharterId | null =>
    value === null ? null : charterIdOf(fromRow(value));
  return {
    conversation: hex(fromRow(row["conversation"])) as ConversationId,
    charter: optionalCharter(row["charter"]),
    groupId: fromRow(row["group_id"]),
    generation: row["generation"] as number,
    epoch: row["epoch"] as number,
    day: dayNumber(row["day"] as number),
    head: row["head"] as number,
    next:
      row["next_group"] === null
        ? null
        : { groupId: fromRow(row["next_group"]), charter: optionalCharter(row["next_charter"]) },
    leaves: new Map(),
    envelopes: new Set(),
  };
}

/** The state of a shell, with members and envelopes. */
export async function loadMembers(queries: Queries, shell: ConversationState): Promise<ConversationState> {
  const conversation = Buffer.from(idBytes(shell.conversation));
  const leaves = await queries.query({
    name: "leaves",
    text: "select leaf, account, device_key from leaves where conversation = $1 order by leaf",
    values: [conversation],
  });
  const envelopes = await queries.query({
    name: "epoch-envelopes",
    text: "select device_key from envelopes where conversation = $1 and generation = $2 and epoch = $3",
    values: [conversation, shell.generation, shell.epoch],
  });
  return {
    ...shell,
    leaves: new Map(
      leaves.map((row) => [
        row["leaf"] as number,
        { account: accountIdOf(fromRow(row["account"])), deviceKey: fromRow(row["device_key"]) },
      ]),
    ),
    envelopes: new Set(envelopes.map((row) => hex(fromRow(row["device_key"])))),
  };
}

async function insert(transaction: Queries, table: string, rows: readonly unknown[][]): Promise<void> {
  let at = 0;
  for (const size of INSERT_SIZES) {
    while (rows.length - at >= size) {
      const part = rows.slice(at, at + size);
      const columns = part[0]?.length ?? 0;
      await transaction.query({
        name: `insert-${table}-${size}`,
        text: `insert into ${table} values ${placeholders(size, columns)}`,
        values: part.flat(),
      });
      at += size;
    }
  }
}

/** All items in one statement, however many: a parameter a column. */
const ITEMS = `insert into items select i.conversation, i.seq, i.generation::int, i.epoch, i.kind::smallint, i.submitter,
    i.key, i.digest, $10::bigint, i.bytes
  from unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bytea[], $7::text[], $8::bytea[],
    $9::bytea[]) as i (conversation, seq, generation, epoch, kind, submitter, key, digest, bytes)`;

function itemColumns(items: readonly ItemRow[], at: number): unknown[] {
  return [
    byteaArray(items.map(({ conversation }) => conversation)),
    bigintArray(items.map(({ seq }) => seq)),
    bigintArray(items.map(({ generation }) => generation)),
    bigintArray(items.map(({ epoch }) => epoch)),
    bigintArray(items.map(({ kind }) => KIND_CODES[kind])),
    byteaArray(items.map(({ submitter }) => submitter)),
    asciiArray(items.map(({ key }) => key)),
    byteaArray(items.map(({ digest }) => digest)),
    byteaArray(items.map(({ bytes }) => bytes)),
    at,
  ];
}

/** A conversation's head before and after a transaction. */
export type Advance = { readonly conversation: Uint8Array; readonly before: number; readonly after: number };

// Dividing by zero undoes all of it where a head was not what it was thought to be.
const APPEND = `with advanced as (
    update conversations c set head = g.after
    from unnest($11::bytea[], $12::bigint[], $13::bigint[]) as g (conversation, before, after)
    where c.conversation = g.conversation and c.head = g.before returning 1),
  sure as (select 1 / (count(*) = $14::bigint)::int as one from advanced)
  ${ITEMS} where (select one from sure) = 1`;

/** "22012": a head differs. "23505": a key or seq is taken. "40…": two processes were in each other's way. */
const MOVED = /^(?:22012|23505|40)/;

/**
 * Appends messages to conversations whose heads are `before`: one statement, which is one durable commit. `false`, and
 * nothing has happened, where a head differs or a key was used before: then it takes a look at the database first.
 */
export async function appendItems(
  queries: Queries,
  advances: readonly Advance[],
  items: readonly ItemRow[],
  at: number,
): Promise<boolean> {
  // In one order for all processes, so that they hardly ever wait for each other in a circle.
  const ordered = [...advances].sort((a, b) => Buffer.compare(a.conversation, b.conversation));
  const heads = [
    byteaArray(ordered.map(({ conversation }) => conversation)),
    bigintArray(ordered.map(({ before }) => before)),
    bigintArray(ordered.map(({ after }) => after)),
    advances.length,
  ];
  try {
    await queries.query({ name: "append", text: APPEND, values: [...itemColumns(items, at), ...heads] });
    return true;
  } catch (error) {
    if (MOVED.test(String((error as { code?: unknown }).code))) return false;
    throw error;
  }
}

export async function writeItems(transaction: Queries, writes: Writes, at: number): Promise<void> {
  if (writes.items.length > 0) {
    await transaction.query({ name: "insert-items", text: ITEMS, values: itemColumns(writes.items, at) });
  }
  await insert(transaction, "envelopes", writes.envelopes);
  for (const { row, devices } of writes.welcomes) {
    await insert(transaction, "welcomes", [row]);
    const recipients = devices.map(({ account, deviceKey }) => [
      Buffer.from(idBytes(account)),
      row[0],
      asBuffer(deviceKey),
    ]);
    await insert(transaction, "welcome_recipients", recipients);
  }
  for (const { conversation, account, seq, joins } of writes.memberships) {
    const id = Buffer.from(idBytes(account));
    await transaction.query(
      joins
        ? {
            name: "join",
            text: "insert into memberships values ($1, $2, $3, null)",
            values: [conversation, id, seq],
          }
        : {
            name: "leave",
            text: `update memberships set until_seq = $3
              where conversation = $1 and account = $2 and until_seq is null`,
            values: [conversation, id, seq],
          },
    );
  }
}

/** What an advance changes in the conversation's own rows. */
export async function writeState(
  transaction: Queries,
  before: ConversationState,
  after: ConversationState,
): Promise<void> {
  const conversation = Buffer.from(idBytes(after.conversation));
  const id = (charter: CharterId | null): Buffer | null =>
    charter === null ? null : Buffer.from(idBytes(charter));
  await transaction.query({
    name: "advance",
    text: `update conversations set charter = $2, group_id = $3, generation = $4, epoch = $5, day = $6, head = $7,
        next_group = $8, next_charter = $9 where conversation = $1`,
    values: [
      conversation,
      id(after.charter),
      asBuffer(after.groupId),
      after.generation,
      after.epoch,
      after.day,
      after.head,
      after.next === null ? null : asBuffer(after.next.groupId),
      after.next === null ? null : id(after.next.charter),
    ],
  });
  if (before.leaves === after.leaves) return;
  const gone = [...before.leaves].filter(([leaf, device]) => after.leaves.get(leaf) !== device);
  const come = [...after.leaves].filter(([leaf, device]) => before.leaves.get(leaf) !== device);
  await transaction.query({
    name: "drop-leaves",
    text: "delete from leaves where conversation = $1 and leaf = any($2::bigint[])",
    values: [conversation, gone.map(([leaf]) => leaf)],
  });
  const rows = come.map(([leaf, { account, deviceKey }]) => [
    conversation,
    leaf,
    Buffer.from(idBytes(account)),
    asBuffer(deviceKey),
  ]);
  await insert(transaction, "leaves", rows);
}
