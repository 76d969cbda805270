// One PostgreSQL for all the servers that a test worker starts, each with a database of its own: making and starting a
// cluster takes longer than most tests, and what those do with PostgreSQL itself start one of their own.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLogger, systemClock } from "@porchlight/runtime";
import { Client, type ClientConfig } from "pg";
import { startPostgres } from "../src/postgres.ts";

/** Where the workers' clusters are; set for them by the run. */
const PLACE = "PORCHLIGHT_TEST_CLUSTERS";

/** For the run as a whole (vitest's global set-up): a place for clusters, and their end when all tests are over. */
export default function setup(): () => void {
  const place = mkdtempSync(join(tmpdir(), "test-postgres-"));
  process.env[PLACE] = place;
  return () => {
    for (const worker of readdirSync(place)) {
      try {
        const pid = readFileSync(join(place, worker, "postgres", "postmaster.pid"), "utf8").split("\n")[0];
        process.kill(Number(pid), "SIGKILL");
      } catch {
        // It ended with its worker.
      }
    }
    rmSync(place, { recursive: true, force: true, maxRetries: 5 });
  };
}

let cluster: Promise<ClientConfig> | null = null;
let databases = 0;

/** Address of a new, empty database; null outside such a run. */
export async function newDatabase(): Promise<string | null> {
  const place = process.env[PLACE];
  if (place === undefined) return null;
  cluster ??= start(join(place, String(process.pid)));
  const connection = await cluster;
  databases += 1;
  const name = `test_${databases}`;
  const client = new Client({ ...connection, database: "postgres" });
  await client.connect();
  await client.query(`create database ${name}`);
  await client.end();
  return `postgresql://${connection.user}@localhost/${name}?host=${encodeURIComponent(connection.host ?? "")}`;
}

async function start(directory: string): Promise<ClientConfig> {
  mkdirSync(directory);
  const { connection, failed } = await startPostgres(
    directory,
    createLogger("test", systemClock(), () => {}),
  );
  failed.catch(() => {});
  return connection;
}
