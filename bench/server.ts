// The log's durable append beside raw fsyncs of the same bytes, and delivery beside the bare inserts it comes down to.
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { accountIdOf, concat, conversationIdOf, dayOf, idBytes, Writer } from "@porchlight/encoding";
import { formatAuthenticatedData } from "@porchlight/envelope";
import { createLogger, systemClock } from "@porchlight/runtime";
import type { NewItem } from "@porchlight/wire";
import { StoredCharters } from "../apps/server/src/charters.ts";
import type { Device } from "../apps/server/src/conversation-state.ts";
import { Conversations } from "../apps/server/src/conversations.ts";
import { Database, placeholders } from "../apps/server/src/database.ts";
import { Delivery } from "../apps/server/src/delivery.ts";
import { LogSequencer } from "../apps/server/src/log-sequencer.ts";
import { LogStore } from "../apps/server/src/log-store.ts";
import { NoticeCards } from "../apps/server/src/notice-cards.ts";
import { startPostgres } from "../apps/server/src/postgres.ts";
import { Waiters } from "../apps/server/src/waiters.ts";
import type { Row } from "./run.ts";

export const name = "server: durable log entries and messages of 600 bytes";

const ENTRY = 350;
const BATCH = 256;
const BATCHES = 120;
const MESSAGE = 600;

function perSecond(count: number, started: number): number {
  return Math.round(count / ((performance.now() - started) / 1000));
}

function ratio(ours: number, raw: number): string {
  return `${(ours / raw).toFixed(2)} of it`;
}

async function logRows(directory: string): Promise<Row[]> {
  const entries = Array.from({ length: BATCH * BATCHES }, () => new Uint8Array(randomBytes(ENTRY)));
  const file = await open(join(directory, "raw"), "w");
  let started = performance.now();
  for (let at = 0; at < entries.length; at += BATCH) {
    await file.write(concat(...entries.slice(at, at + BATCH)));
    await file.datasync();
  }
  const raw = perSecond(entries.length, started);
  await file.close();

  const fail = (error: unknown): never => {
    throw error;
  };
  const store = await LogStore.open(join(directory, "log"));
  const sequencer = new LogSequencer(store, () => {}, fail);
  started = performance.now();
  for (let at = 0; at < entries.length; at += BATCH) await sequencer.append(entries.slice(at, at + BATCH));
  const batches = perSecond(entries.length, started);
  started = performance.now();
  await Promise.all(entries.slice(0, BATCH * 40).map((entry) => sequencer.append([entry])));
  const grouped = perSecond(BATCH * 40, started);
  await sequencer.close();
  await store.close();
  return [
    { what: `write + fdatasync of ${BATCH} × ${ENTRY} B`, value: raw, unit: "entries/s" },
    {
      what: `log append, durable and in the tree, batches of ${BATCH}`,
      value: batches,
      unit: "entries/s",
      ratio: ratio(batches, raw),
    },
    {
      what: "log append, one by one, grouped",
      value: grouped,
      unit: "entries/s",
      ratio: ratio(grouped, raw),
    },
  ];
}

/** A PrivateMessage of which the server can read what it reads, and nothing more. */
function privateMessage(groupId: Uint8Array, day: ReturnType<typeof dayOf>, counter: number): Uint8Array {
  const vector = (bytes: Uint8Array): Uint8Array =>
    bytes.length < 64
      ? concat(Uint8Array.of(bytes.length), bytes)
      : concat(Uint8Array.of(0x40 | (bytes.length >> 8), bytes.length & 0xff), bytes);
  return concat(
    new Writer().uint(1, 2).uint(2, 2).finish(),
    vector(groupId),
    new Writer().u64(0).uint(1, 1).finish(),
    vector(formatAuthenticatedData({ day, counter, franking: null })),
    vector(new Uint8Array(28)),
    vector(new Uint8Array(randomBytes(MESSAGE - 130))),
  );
}

type Room = { conversation: ReturnType<typeof conversationIdOf>; device: Device };

async function deliveryRows(directory: string): Promise<Row[]> {
  const clock = systemClock();
  const postgres = await startPostgres(
    directory,
    createLogger("bench", clock, () => {}),
  );
  const database = await Database.open(postgres.connection);
  const waiters = new Waiters();
  const charters = new StoredCharters(database);
  const delivery = new Delivery(database, clock, waiters, charters, new NoticeCards(database));
  const conversations = new Conversations(database, clock, waiters, charters);
  try {
    const day = dayOf(clock.now());
    const rooms: Room[] = [];
    for (let i = 0; i < 50; i++) {
      const conversation = conversationIdOf(new Uint8Array(randomBytes(32)));
      const account = accountIdOf(new Uint8Array(randomBytes(32)));
      const device = { account, deviceKey: new Uint8Array(randomBytes(32)) };
      await conversations.create(device, { conversation, charter: null, day });
      rooms.push({ conversation, device });
    }
    let counter = 0;
    const message = ({ conversation }: Room): NewItem => ({
      kind: "message",
      key: `bench-${counter++}`,
      epoch: 0,
      bytes: privateMessage(idBytes(conversation), day, counter),
    });

    const rows = Array.from({ length: 200 }, (_, batch) =>
      Array.from({ length: 64 }, (_, i) => [batch * 64 + i, randomBytes(MESSAGE)]),
    );
    await database.query({ text: "create table bench (seq bigint primary key, bytes bytea not null)" });
    let started = performance.now();
    for (const batch of rows) {
      await database.query({
        name: "bench",
        text: `insert into bench values ${placeholders(64, 2)}`,
        values: batch.flat(),
      });
    }
    const raw = perSecond(rows.length * 64, started);

    const [first] = rooms;
    if (first === undefined) throw new Error("no room");
    const batches = Array.from({ length: 100 }, () => Array.from({ length: 64 }, () => message(first)));
    started = performance.now();
    for (const items of batches) await delivery.submit(first.conversation, first.device, items);
    const inBatches = perSecond(100 * 64, started);

    const single = rooms.map((room) => Array.from({ length: 80 }, () => message(room)));
    const times: number[] = [];
    started = performance.now();
    await Promise.all(
      rooms.map(async (room, i) => {
        for (const item of single[i] ?? []) {
          const sent = performance.now();
          await delivery.submit(room.conversation, room.device, [item]);
          times.push(performance.now() - sent);
        }
      }),
    );
    const apart = perSecond(50 * 80, started);
    const late = times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? 0;
    return [
      { what: `insert of 64 rows of ${MESSAGE} B a transaction`, value: raw, unit: "rows/s" },
      {
        what: "delivery, one conversation, batches of 64",
        value: inBatches,
        unit: "messages/s",
        ratio: ratio(inBatches, raw),
      },
      {
        what: "delivery, 50 conversations, one message at a time each",
        value: apart,
        unit: "messages/s",
        ratio: ratio(apart, raw),
      },
      { what: "of these, 99 in 100 acknowledged within", value: Math.round(late), unit: "ms" },
    ];
  } finally {
    await delivery.close();
    await database.close();
    await postgres.stop();
  }
}

export async function run(): Promise<Row[]> {
  const directory = mkdtempSync(join(tmpdir(), "bench-server-"));
  try {
    return [...(await logRows(directory)), ...(await deliveryRows(directory))];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
