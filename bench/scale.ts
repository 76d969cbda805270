// What one message, envelope, commit and log entry cost in bytes, and what that comes to for many members: the figures
// of docs/scale.md. Bytes hardly depend on the machine.
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { utf8 } from "@porchlight/encoding";
import { accessLabel, sealEnvelope } from "@porchlight/envelope";
import { nodeSuite } from "@porchlight/envelope/node";
import { encryptMessage, prepareCommit } from "@porchlight/mls";
import { ibeBase, partialRelease, requesterPoint } from "@porchlight/quorum";
import { createLogger, systemClock } from "@porchlight/runtime";
import { Database, placeholders } from "../apps/server/src/database.ts";
import { LogStore } from "../apps/server/src/log-store.ts";
import { startPostgres } from "../apps/server/src/postgres.ts";
import { device, escrow } from "../packages/envelope/test/device.ts";
import { noon, Room, random, sent } from "../packages/mls/test/world.ts";
import { deal } from "../packages/quorum/test/dealer.ts";
import type { Row } from "./run.ts";

export const name = "scale: bytes of everything, and of many members";

/** How people are taken to behave; docs/scale.md says why. Each is per member and day. */
const HABITS = {
  /** Characters and attachments' references of a message, before encryption. */
  content: 600,
  messages: 30,
  /** Conversations in which a member writes on a day. */
  conversations: 4,
  /** Members of a conversation. */
  group: 8,
  /** Days for which everything is kept. */
  retention: 180,
  /** Share of a day's messages that come in its busiest hour. */
  busiest: 0.12,
  /** Orders a month for a million members, and the labels (account, conversation, day) of one. */
  orders: 20,
  labels: 100,
  keyholders: 5,
} as const;

const ROWS = 4_000;

type Sizes = {
  readonly message: number;
  readonly commit: number;
  readonly envelope: number;
};

async function wireSizes(): Promise<Sizes> {
  const room = await Room.of(HABITS.group);
  const writer = room.seat(0);
  const made = sent(
    await encryptMessage(writer.conversation, {
      content: new Uint8Array(HABITS.content).fill(0x78),
      frankingKey: random(32),
      now: noon(),
    }),
  );
  writer.conversation = made.conversation;
  const { commit } = await prepareCommit(writer.conversation, { day: room.day });
  const { header, secret, sign } = device("bea", nodeSuite);
  const { keys } = escrow();
  const base = ibeBase(keys.mpk, accessLabel(header.label));
  const { envelope } = sealEnvelope({ header, secret, keys, sign, base, suite: nodeSuite });
  return { message: made.wire.length, commit: commit.length, envelope: envelope.length };
}

/** Bytes of table with indexes, and of WAL, a row: conversations of 50 items each, 64 rows a transaction. */
async function storeSizes(database: Database, length: number, withEnvelope: boolean) {
  const place = async (): Promise<{ disk: number; wal: number }> => {
    const [row] = await database.query<{ disk: number; wal: string }>({
      text: `select pg_total_relation_size('items') + pg_total_relation_size('envelopes') as disk,
        pg_current_wal_insert_lsn() - '0/0'::pg_lsn as wal`,
    });
    return { disk: row?.disk ?? 0, wal: Number(row?.wal ?? 0) };
  };
  await database.query({ text: "truncate items, envelopes" });
  // Full pages are written once after each checkpoint: not a part of a row's own cost.
  await database.query({ text: "checkpoint" });
  const before = await place();
  for (let at = 0; at < ROWS; at += 50) {
    const conversation = randomBytes(32);
    const account = randomBytes(32);
    const items = Array.from({ length: 50 }, (_, i) => [
      ...[conversation, i + 1, 0, 1, withEnvelope ? 2 : 3, account],
      ...[randomBytes(16).toString("base64url"), randomBytes(32), 1_790_000_000, randomBytes(length)],
    ]);
    await database.query({ text: `insert into items values ${placeholders(50, 10)}`, values: items.flat() });
    if (!withEnvelope) continue;
    const rows = Array.from({ length: 50 }, (_, i) => [
      ...[conversation, 0, i, randomBytes(32), account, 20_700, randomBytes(32), i + 1],
    ]);
    await database.query({
      text: `insert into envelopes values ${placeholders(50, 8)}`,
      values: rows.flat(),
    });
  }
  const after = await place();
  return { disk: (after.disk - before.disk) / ROWS, wal: (after.wal - before.wal) / ROWS };
}

/** Bytes on the disk an entry, hashes and frames included, of the keyholders' daily batches as the vectors have them. */
async function logSize(directory: string): Promise<{ entry: number; stored: number }> {
  const { entries } = JSON.parse(
    readFileSync(new URL("../vectors/entries.json", import.meta.url), "utf8"),
  ) as { entries: { entry: string }[] };
  const batch = entries.map(({ entry }) => entry).find((entry) => entry.includes('"keyholder-batch"'));
  if (batch === undefined) throw new Error("the vectors have a batch");
  const bytes = utf8(batch);
  const store = await LogStore.open(join(directory, "log"));
  const count = 2_560;
  for (let i = 0; i < count; i++) await store.append([bytes]);
  const stored = (store.end + 32 * count * (256 / 255)) / count;
  await store.close();
  return { entry: bytes.length, stored };
}

/** Milliseconds of one partial release, of this process' CPU time. */
function releaseTime(): number {
  const { master, shares } = deal(3, [1, 2, 3, 4, 5], random);
  const share = shares[0];
  if (share === undefined) throw new Error("no share");
  const label = utf8("a label of the bench");
  const requester = requesterPoint(random, label).point;
  const input = { share, mpk: master.mpk, label, requester, random };
  partialRelease(input);
  const { user } = process.cpuUsage();
  for (let i = 0; i < 20; i++) partialRelease(input);
  return (process.cpuUsage().user - user) / 1000 / 20;
}

export async function run(): Promise<Row[]> {
  const directory = mkdtempSync(join(tmpdir(), "bench-scale-"));
  try {
    const wire = await wireSizes();
    const silent = createLogger("bench", systemClock(), () => {});
    const postgres = await startPostgres(directory, silent);
    const database = await Database.open(postgres.connection);
    const message = await storeSizes(database, wire.message, false);
    const envelope = await storeSizes(database, wire.envelope, true);
    const commit = await storeSizes(database, wire.commit, false);
    await database.close();
    await postgres.stop();
    const log = await logSize(directory);
    const release = releaseTime();
    const bytes = (what: string, value: number): Row => ({ what, value: Math.round(value), unit: "B" });
    return [
      bytes(`message of ${HABITS.content} B, on the wire`, wire.message),
      bytes("  in PostgreSQL with indexes", message.disk),
      bytes("  of write-ahead log", message.wal),
      bytes("envelope, on the wire", wire.envelope),
      bytes("  in PostgreSQL with indexes", envelope.disk),
      bytes("  of write-ahead log", envelope.wal),
      bytes(`day commit in a group of ${HABITS.group}, on the wire`, wire.commit),
      bytes("  in PostgreSQL with indexes", commit.disk),
      bytes("keyholder's batch in the log", log.entry),
      bytes("  on the disk with tiles", log.stored),
      { what: "partial release of one label", value: release, unit: "ms" },
      ...[10_000, 1_000_000].flatMap((members) =>
        forMembers(members, { wire, message, envelope, commit, log, release }),
      ),
    ];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

type Stored = { readonly disk: number; readonly wal: number };

function forMembers(
  members: number,
  measured: {
    wire: Sizes;
    message: Stored;
    envelope: Stored;
    commit: Stored;
    log: { stored: number };
    release: number;
  },
): Row[] {
  const { wire, message, envelope, commit, log, release } = measured;
  const { messages, conversations, group, retention, busiest, orders, labels, keyholders } = HABITS;
  const commits = conversations / group;
  const disk = messages * message.disk + conversations * envelope.disk + commits * commit.disk;
  const wal = messages * message.wal + conversations * envelope.wal + commits * commit.wal;
  const sentBytes = messages * wire.message + conversations * wire.envelope + commits * wire.commit;
  const perMonth = (orders * members) / 1_000_000;
  const of = (what: string, value: number, unit: string): Row => ({
    what: `${members.toLocaleString("en")} members: ${what}`,
    value,
    unit,
  });
  return [
    of("messages", members * messages, "a day"),
    of("messages in the busiest hour", (members * messages * busiest) / 3600, "a second"),
    of("deliveries in the busiest hour", (members * messages * busiest * (group - 1)) / 3600, "a second"),
    of("envelopes", members * conversations, "a day"),
    of("day commits", members * commits, "a day"),
    of("stored, a member and day", disk / 1000, "kB"),
    of("sent by a member, a day", sentBytes / 1000, "kB"),
    of("received by a member, a day", (sentBytes * (group - 1)) / 1000, "kB"),
    of("stored in all, while kept", (members * disk * retention) / 1e9, "GB"),
    of("write-ahead log", (members * wal) / 1e9, "GB a day"),
    of("public log, quiet days", (keyholders * log.stored * 365) / 1e6, "MB a year"),
    of("a keyholder's releases", perMonth * labels, "labels a month"),
    of("a keyholder's computing for them", (perMonth * labels * release) / 1000, "s a month"),
  ];
}
