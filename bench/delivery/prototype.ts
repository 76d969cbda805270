// The bare minimum that delivers durably: WebSockets and group commit into one table, without accounts, checks, limits or
// an order that survives two processes. What the server is measured against, and nothing to be used.
// `node prototype.ts DIRECTORY`: where PostgreSQL may be. Client: 1 ‖ conversation 2 to follow; 2 ‖ id 4 ‖ conversation 2 ‖ body.
// Server: 3 ‖ id 4 ‖ seq 8 for an answer; 4 ‖ conversation 2 ‖ seq 8 ‖ body.
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { createLogger, systemClock } from "@porchlight/runtime";
import { Pool } from "pg";
import { type WebSocket, WebSocketServer } from "ws";
import { startPostgres } from "../../apps/server/src/postgres.ts";

type Row = { client: Client; id: number; conversation: number; seq: number; body: Buffer };
type Client = { socket: Socket; ws: WebSocket; out: Buffer[] };

const WRITERS = 2;
const WAIT = 2;
const SIZES = [128, 32, 8, 1] as const;

const log = createLogger("prototype", systemClock(), () => {});
const postgres = await startPostgres(String(process.argv[2]), log);
const pool = new Pool({ ...postgres.connection, max: WRITERS });
// A connection that PostgreSQL ends when it stops; what is under way is told by its own query.
pool.on("error", () => {});
await pool.query(
  "create table bare (conversation int not null, seq bigint not null, at bigint not null, body bytea not null, primary key (conversation, seq))",
);
await pool.query("alter table bare alter body set storage plain");

const statements = new Map(
  SIZES.map((size) => [
    size,
    {
      name: `insert-${size}`,
      text: `insert into bare values ${Array.from({ length: size }, (_, i) => `($${4 * i + 1},$${4 * i + 2},$${4 * i + 3},$${4 * i + 4})`).join(",")}`,
    },
  ]),
);

async function commit(rows: readonly Row[]): Promise<void> {
  const parts: Row[][] = [];
  let at = 0;
  for (const size of SIZES) {
    for (; rows.length - at >= size; at += size) parts.push(rows.slice(at, at + size));
  }
  const run = (to: { query: Pool["query"] }, part: Row[]): Promise<unknown> =>
    to.query({
      ...(statements.get(part.length as (typeof SIZES)[number]) as { name: string; text: string }),
      values: part.flatMap(({ conversation, seq, body }) => [conversation, seq, Date.now(), body]),
    });
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return void (await run(pool, only));
  const client = await pool.connect();
  try {
    await client.query("begin");
    for (const part of parts) await run(client as unknown as Pool, part);
    await client.query("commit");
  } finally {
    client.release();
  }
}

const followers = new Map<number, Set<Client>>();
const seqs = new Map<number, number>();
let queue: Row[] = [];
let writing = 0;
let armed = false;
let dirty: Client[] = [];

function message(length: number): { frame: Buffer; at: number } {
  const at = length < 126 ? 2 : 4;
  const frame = Buffer.allocUnsafe(at + length);
  frame[0] = 0x82;
  if (at === 2) frame[1] = length;
  else {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  }
  return { frame, at };
}

function say(client: Client, frame: Buffer): void {
  if (client.out.length === 0) {
    if (dirty.length === 0) setImmediate(flush);
    dirty.push(client);
  }
  client.out.push(frame);
}

function flush(): void {
  const clients = dirty;
  dirty = [];
  for (const client of clients) {
    const { out, socket, ws } = client;
    client.out = [];
    if (ws.readyState === 1) socket.write(out.length === 1 ? (out[0] as Buffer) : Buffer.concat(out));
  }
}

async function pump(): Promise<void> {
  if (writing >= WRITERS || queue.length === 0) return;
  writing++;
  const rows = queue.slice(0, 1000);
  queue = queue.slice(1000);
  await commit(rows);
  writing--;
  for (const { client, id, conversation, seq, body } of rows) {
    const answer = message(13);
    answer.frame[answer.at] = 3;
    answer.frame.writeUInt32BE(id, answer.at + 1);
    answer.frame.writeBigUInt64BE(BigInt(seq), answer.at + 5);
    say(client, answer.frame);
    const item = message(11 + body.length);
    item.frame[item.at] = 4;
    item.frame.writeUInt16BE(conversation, item.at + 1);
    item.frame.writeBigUInt64BE(BigInt(seq), item.at + 3);
    body.copy(item.frame, item.at + 11);
    for (const follower of followers.get(conversation) ?? []) say(follower, item.frame);
  }
  arm();
}

function arm(): void {
  if (armed || queue.length === 0) return;
  armed = true;
  setTimeout(() => {
    armed = false;
    void pump();
  }, WAIT);
}

const server = createServer();
new WebSocketServer({ server, perMessageDeflate: false }).on("connection", (ws, request) => {
  const client: Client = { socket: request.socket, ws, out: [] };
  request.socket.setNoDelay(true);
  ws.on("error", () => {});
  ws.on("message", (data: Buffer) => {
    if (data[0] === 1) {
      const conversation = data.readUInt16BE(1);
      followers.set(conversation, (followers.get(conversation) ?? new Set()).add(client));
      return;
    }
    const conversation = data.readUInt16BE(5);
    const seq = (seqs.get(conversation) ?? 0) + 1;
    seqs.set(conversation, seq);
    queue.push({ client, id: data.readUInt32BE(1), conversation, seq, body: data.subarray(7) });
    arm();
  });
});
server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on("disconnect", () => {
  void pool
    .end()
    .then(() => postgres.stop())
    .finally(() => process.exit(0));
});
