// What the server relies on in a PostgreSQL, whichever it is: run against each by store.test.ts.

import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { accountIdOf, hex, unixSeconds, utf8 } from "@porchlight/encoding";
import { createLogger, systemClock } from "@porchlight/runtime";
import { nodeSuite } from "@porchlight/tlog/node";
import type { ClientConfig } from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Database, isDatabaseOutage } from "../src/database.ts";
import { KeyPackages } from "../src/key-packages.ts";
import { LogLease } from "../src/log-lease.ts";
import { LogStore } from "../src/log-store.ts";
import { MIGRATIONS } from "../src/schema/index.ts";

/** A PostgreSQL of this test's own. */
export type Store = { readonly connection: ClientConfig; readonly stop: () => Promise<void> };

const silent = createLogger("test", systemClock(), () => {});
const clock = { now: () => unixSeconds(1_788_264_000) };
const id = (): Buffer => randomBytes(32);

/** Data that the first version of the schema could hold, a row for every table that later versions may touch. */
async function fill(database: Database): Promise<Buffer> {
  const conversation = id();
  const account = id();
  const rows: [string, unknown[]][] = [
    ["accounts", [account, id(), 1]],
    ["persons", [account, id()]],
    ["sessions", [id(), account, id(), 2 ** 40]],
    ["conversations", [conversation, account, null, conversation, 0, 3, 20_000, 2, null, null]],
    ["leaves", [conversation, 0, account, id()]],
    ["memberships", [conversation, account, 0, null]],
    ["items", [conversation, 1, 0, 2, 1, account, "key-of-item-1", id(), 1, utf8("commit")]],
    ["items", [conversation, 2, 0, 3, 3, account, "key-of-item-2", id(), 2, utf8("message")]],
    ["envelopes", [conversation, 0, 3, id(), account, 20_000, id(), 2]],
    ["welcomes", [randomBytes(16), conversation, null, 1, 3, account, utf8("welcome"), null]],
  ];
  for (const [table, values] of rows) {
    const places = values.map((_, i) => `$${i + 1}`).join(",");
    await database.query({ text: `insert into ${table} values (${places})`, values });
  }
  return conversation;
}

export function storeContract(name: string, start: () => Promise<Store>): void {
  describe(`the store: ${name}`, () => {
    let store: Store;
    let directory: string;
    beforeAll(async () => {
      store = await start();
    });
    afterAll(() => store.stop());
    beforeEach(async () => {
      directory = mkdtempSync(join(tmpdir(), "store-test-"));
      await withDatabase(async (database) => {
        await database.query({ text: "drop schema public cascade; create schema public" });
      });
      return () => rmSync(directory, { recursive: true, force: true });
    });

    /** Runs on what {@link Database.open} made of what is there. */
    async function withDatabase<T>(work: (database: Database) => Promise<T>): Promise<T> {
      const database = await Database.open(store.connection);
      try {
        return await work(database);
      } finally {
        await database.close();
      }
    }

    /** A database as the version that had the first `count` migrations left it, with data. */
    async function earlier(count: number): Promise<Buffer> {
      return await withDatabase(async (database) => {
        await database.query({ text: "drop schema public cascade; create schema public" });
        await database.query({ text: "create table migrations (name text primary key)" });
        let conversation: Buffer | null = null;
        for (const migration of MIGRATIONS.slice(0, count)) {
          await database.query({ text: migration.sql });
          await database.query({ text: "insert into migrations values ($1)", values: [migration.name] });
          conversation ??= await fill(database);
        }
        return conversation ?? Buffer.alloc(0);
      });
    }

    test("DEL-48: every earlier version's database, with data in it, becomes this version's and loses nothing", async () => {
      for (let count = 1; count <= MIGRATIONS.length; count++) {
        const conversation = await earlier(count);
        await withDatabase(async (database) => {
          const applied = await database.query({ text: "select name from migrations" });
          expect(new Set(applied.map((row) => row["name"]))).toEqual(
            new Set(MIGRATIONS.map((one) => one.name)),
          );
          const items = await database.query({
            text: "select seq, bytes from items where conversation = $1 order by seq",
            values: [conversation],
          });
          expect(items.map((row) => Buffer.from(row["bytes"] as Uint8Array).toString())).toEqual([
            "commit",
            "message",
          ]);
          const [row] = await database.query({ text: "select head, epoch from conversations" });
          expect(row).toEqual({ head: 2, epoch: 3 });
          const [members] = await database.query({ text: "select count(*)::int as n from memberships" });
          expect(members).toEqual({ n: 1 });
        });
      }
    });

    test("DEL-48: of processes that start at once on an older database one brings it up to date, the others wait", async () => {
      await earlier(1);
      const all = await Promise.all(Array.from({ length: 4 }, () => Database.open(store.connection)));
      const [row] = await (all[0] as Database).query({ text: "select count(*)::int as n from migrations" });
      expect(row).toEqual({ n: MIGRATIONS.length });
      await Promise.all(all.map((database) => database.close()));
    });

    test("DEL-48: the first version's schema is what it was: a database out there has it", () => {
      expect(hex(nodeSuite.sha256(utf8(MIGRATIONS[0]?.sql ?? ""))).slice(0, 16)).toBe("80e7d946a799ce27");
    });

    test("DEL-13: two who claim at the same time, at two processes, never get one key package both", async () => {
      const [one, two] = [await Database.open(store.connection), await Database.open(store.connection)];
      const owner = { account: accountIdOf(new Uint8Array(id())), deviceKey: new Uint8Array(id()) };
      const shelves = [one, two].map((database) => new KeyPackages(database, clock));
      const packages = Array.from({ length: 40 }, () => new Uint8Array(id()));
      await shelves[0]?.store(owner, packages);
      const claimed = await Promise.all(
        packages.map(async (_, i) => (await shelves[i % 2]?.claim(owner.account)) ?? []),
      );
      const keys = claimed.flat().map(({ keyPackage }) => hex(keyPackage));
      expect(new Set(keys).size).toBe(keys.length);
      expect(keys.length).toBe(packages.length);
      await one.close();
      await two.close();
    });

    test("a statement's own mistake is no outage; a connection that was cut is one", async () => {
      await withDatabase(async (database) => {
        const wrong = await database
          .query({ text: "select no_such_column" })
          .catch((error: unknown) => error);
        expect(isDatabaseOutage(wrong)).toBe(false);
        const cut = await database
          .transaction(async (transaction) => {
            const [row] = await transaction.query<{ pid: number }>({
              text: "select pg_backend_pid() as pid",
            });
            await database.query({ text: "select pg_terminate_backend($1)", values: [row?.pid] });
            await transaction.query({ text: "select pg_sleep(10)" });
          })
          .catch((error: unknown) => error);
        expect(isDatabaseOutage(cut)).toBe(true);
        expect(await database.query({ text: "select 1 as n" })).toEqual([{ n: 1 }]);
      });
    });

    test("DEL-6: what is acknowledged has been written through, whatever the operator's defaults are", async () => {
      await withDatabase(async (database) => {
        await database.query({ text: "alter role porchlight set synchronous_commit = off" });
      });
      await withDatabase(async (database) => {
        const settings = await database.query({
          text: "select setting from pg_settings where name in ('fsync', 'synchronous_commit')",
        });
        expect(settings).toEqual([{ setting: "on" }, { setting: "on" }]);
        await database.query({ text: "alter role porchlight reset synchronous_commit" });
      });
    });

    describe("DEL-45: one writer of the log", () => {
      const pace = { beat: 20, silence: 200 };

      async function logAt(place: string, entries: number): Promise<LogStore> {
        const log = await LogStore.open(join(directory, place));
        if (entries > 0) await log.append(Array.from({ length: entries }, (_, i) => utf8(`entry ${i}`)));
        return log;
      }

      async function take(database: Database, place: string, tree: LogStore, origin = "log.test") {
        const lost: unknown[] = [];
        const lease = await LogLease.take({
          database,
          origin,
          directory: join(directory, place),
          tree,
          log: silent,
          onLost: (error) => lost.push(error),
          pace,
        });
        return { lease, lost };
      }

      test("another directory has to wait until the holder is silent, and then the former can acknowledge nothing", async () => {
        await withDatabase(async (database) => {
          const [a, b] = [await logAt("a", 2), await logAt("b", 2)];
          const first = await take(database, "a", a);
          await expect(take(database, "b", b)).rejects.toMatchObject({ code: "log-elsewhere" });
          // As if it had been stopped: no signs of life, and no knowledge of what follows.
          await first.lease.release();
          await database.query({ text: "update log_heads set holder = 'a-silent-one'" });
          const second = await take(database, "b", b);
          await a.append([utf8("of the former")]);
          await expect(first.lease.seal(a.size, a.root)).rejects.toMatchObject({ code: "log-taken-over" });
          await b.append([utf8("of the latter")]);
          await second.lease.seal(b.size, b.root);
          expect(second.lost).toEqual([]);
          await second.lease.release();
          await Promise.all([a.close(), b.close()]);
        });
      });

      test("a holder that lives and was passed over notices by itself", async () => {
        await withDatabase(async (database) => {
          const a = await logAt("a", 1);
          const first = await take(database, "a", a);
          // The same directory gets it back at once: whoever holds its lock is its only process.
          const again = await take(database, "a", a);
          await expect.poll(() => first.lost.length).toBeGreaterThan(0);
          expect(first.lost[0]).toMatchObject({ code: "log-taken-over" });
          await first.lease.release();
          expect(again.lost).toEqual([]);
          await again.lease.seal(a.size, a.root);
          await again.lease.release();
          await a.close();
        });
      });

      test("a log that is older, or other, than what was acknowledged is not written; nor is another deployment's database", async () => {
        await withDatabase(async (database) => {
          const a = await logAt("a", 5);
          const { lease } = await take(database, "a", a);
          await lease.release();
          const older = await logAt("older", 3);
          await expect(take(database, "older", older)).rejects.toMatchObject({ code: "log-behind" });
          const other = await logAt("other", 0);
          await other.append(Array.from({ length: 6 }, (_, i) => utf8(`other ${i}`)));
          await expect(take(database, "other", other)).rejects.toMatchObject({ code: "log-behind" });
          await expect(take(database, "a", a, "log.elsewhere")).rejects.toMatchObject({
            code: "database-foreign",
          });
          await Promise.all([a.close(), older.close(), other.close()]);
        });
      });
    });
  });
}
