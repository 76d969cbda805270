// Writes numbered records as one of our programs does, and says "A n" when record n is acknowledged; `check` says what is
// there. Run as a program of its own: by the tests under a full disk, under failing fsyncs, and in a machine whose power is cut.
//     node writer.ts journal|file|postgres|check-journal|check-file|check-postgres DIRECTORY [LIMIT]
import { existsSync } from "node:fs";
import { join } from "node:path";
import { DurableError, Journal, readFileOrNull, writeFileDurable } from "@porchlight/durable";
import { createLogger, systemClock } from "@porchlight/runtime";
import { Client } from "pg";
import { startPostgres } from "../../apps/server/src/postgres.ts";

const [mode = "", directory = "", limit = "1000000000"] = process.argv.slice(2);
const LIMIT = Number(limit);
/** As large as a small order or a handful of envelopes. */
const record = (n: number): Buffer => Buffer.concat([Buffer.from(`${n} `), Buffer.alloc(1500, n % 251)]);
const numberOf = (bytes: Uint8Array): number => {
  const n = Number.parseInt(Buffer.from(bytes.subarray(0, 12)).toString("latin1"), 10);
  if (!Buffer.from(bytes).equals(record(n))) throw new Error("a record is damaged");
  return n;
};
const acknowledged = (n: number): void => {
  process.stdout.write(`A ${n}\n`);
};
const failed = (error: unknown): never => {
  const code =
    error instanceof DurableError ? error.code : ((error as { code?: string }).code ?? String(error));
  process.stdout.write(`E ${code}\n`);
  process.exit(3);
};

async function journal(): Promise<void> {
  const opened = await Journal.open(join(directory, "test.journal"));
  let last = 0;
  for await (const bytes of opened) last = numberOf(bytes);
  for (let n = last + 1; n <= last + LIMIT; n++) {
    await opened.append(record(n)).catch(failed);
    acknowledged(n);
  }
}

async function checkJournal(): Promise<number> {
  const opened = await Journal.open(join(directory, "test.journal"));
  let last = 0;
  for await (const bytes of opened) {
    if (numberOf(bytes) !== last + 1) throw new Error(`record ${last + 1} is missing`);
    last++;
  }
  await opened.close();
  return last;
}

async function file(): Promise<void> {
  const path = join(directory, "state");
  const saved = await readFileOrNull(path);
  const last = saved === null ? 0 : numberOf(saved);
  for (let n = last + 1; n <= last + LIMIT; n++) {
    await writeFileDurable(path, record(n)).catch(failed);
    acknowledged(n);
  }
}

async function checkFile(): Promise<number> {
  const saved = await readFileOrNull(join(directory, "state"));
  return saved === null ? 0 : numberOf(saved);
}

async function withPostgres<T>(work: (client: Client) => Promise<T>): Promise<T> {
  const postgres = await startPostgres(directory, createLogger("writer", systemClock()));
  const client = new Client(postgres.connection);
  client.on("error", failed);
  await client.connect();
  await client.query("create table if not exists records (n bigint primary key, bytes bytea not null)");
  const result = await work(client);
  await client.end();
  await postgres.stop();
  return result;
}

async function postgres(): Promise<void> {
  await withPostgres(async (client) => {
    const { rows } = await client.query("select coalesce(max(n), 0)::int as last from records");
    const { last } = rows[0] as { last: number };
    for (let n = last + 1; n <= last + LIMIT; n++) {
      await client.query("insert into records values ($1, $2)", [n, record(n)]).catch(failed);
      acknowledged(n);
    }
  });
}

async function checkPostgres(): Promise<number> {
  return await withPostgres(async (client) => {
    const { rows } = await client.query("select n::int, bytes from records order by n");
    for (const [i, row] of (rows as { n: number; bytes: Buffer }[]).entries()) {
      if (row.n !== i + 1 || numberOf(row.bytes) !== i + 1) throw new Error(`record ${i + 1} is missing`);
    }
    return rows.length;
  });
}

const modes: Record<string, () => Promise<number | void>> = {
  journal,
  file,
  postgres,
  "check-journal": checkJournal,
  "check-file": checkFile,
  "check-postgres": checkPostgres,
};
const run = modes[mode];
if (run === undefined || !existsSync(directory)) throw new Error(`no mode ${mode}, or no directory`);
const found = await run().catch(failed);
if (typeof found === "number") process.stdout.write(`FOUND ${found}\n`);
process.exit(0);
