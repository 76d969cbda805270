import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLogger, systemClock } from "@porchlight/runtime";
import { Client } from "pg";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Database } from "../src/database.ts";
import { startPostgres } from "../src/postgres.ts";
import { hold, pathOf, postmaster } from "./holder.ts";

const events: string[] = [];
const log = createLogger("test", systemClock(), (line) => {
  events.push((JSON.parse(line) as { event: string }).event);
});

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "pg-test-"));
  events.length = 0;
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

async function value(connection: object): Promise<unknown> {
  const client = new Client(connection);
  await client.connect();
  const { rows } = await client.query<{ n: number }>("select n from kept");
  await client.end();
  return rows[0]?.n;
}

describe("PostgreSQL", () => {
  test("DEL-6: one that a killed server left over is stopped; one that is named by its address is used", async () => {
    const state = join(directory, "state");
    // Without setpriv nothing ends PostgreSQL when its server is killed.
    const holder = await hold(state, pathOf(directory, "unshare", "id"));
    const left = postmaster(state);
    const sockets = readFileSync(join(state, "postgres.sockets"), "utf8");
    const client = new Client({ host: sockets, user: "porchlight", database: "postgres" });
    await client.connect();
    await client.query("create table kept (n int)");
    await client.query("insert into kept values (42)");
    await client.end();
    holder.kill("SIGKILL");
    await once(holder, "exit");
    expect(() => process.kill(left, 0)).not.toThrow();

    const postgres = await startPostgres(state, log);
    expect(events).toContain("postgres-left-over");
    expect(postmaster(state)).not.toBe(left);
    expect(await value(postgres.connection)).toBe(42);
    expect(existsSync(sockets)).toBe(false);

    // Another server is told the address of this one's database, and starts none.
    const url = `postgresql://porchlight@/postgres?host=${encodeURIComponent(String(postgres.connection.host))}`;
    const elsewhere = join(directory, "elsewhere");
    mkdirSync(elsewhere);
    const other = await startPostgres(elsewhere, log, url);
    const database = await Database.open(other.connection);
    expect(await database.query({ text: "select count(*)::int as n from items" })).toEqual([{ n: 0 }]);
    expect(readdirSync(elsewhere)).toEqual([]);
    await database.query({ text: "insert into migrations values ('of-a-newer-version')" });
    await database.close();
    await expect(Database.open(other.connection)).rejects.toMatchObject({ code: "schema-newer" });
    await other.stop();

    await postgres.stop();
    expect(existsSync(join(state, "postgres.sockets"))).toBe(false);
    expect(existsSync(join(state, "postgres", "postmaster.pid"))).toBe(false);
  });
});
