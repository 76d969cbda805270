import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { formatEntry } from "@porchlight/charter";
import { hex, parseDay } from "@porchlight/encoding";
import { treeHash, treeSize, verifyWitnessed } from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { charterDocument, signedCharter } from "../../../vectors/fixture/deployment.ts";
import { TestServer } from "./deployment.ts";
import { insist, Load } from "./load.ts";
import { type Person, roomOf } from "./people.ts";

const RESTORE = fileURLToPath(new URL("../src/restore.ts", import.meta.url));

let directory: string;
let server: TestServer;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "backup-test-"));
  server = await TestServer.start({}, {}, "own");
});
afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
});

let backups = 0;
async function backUp(): Promise<string> {
  const path = join(directory, `backup-${++backups}.age`);
  await server.admin("backup", { path });
  return path;
}

/** Runs the program as an operator does; the passphrase lies ready. */
function restore(backup: string, place: string): { status: number | null; out: string; error: string } {
  mkdirSync(place);
  copyFileSync(join(server.directory, "passphrase"), join(place, "passphrase"));
  const done = spawnSync(process.execPath, [RESTORE, backup, place], { encoding: "utf8" });
  return { status: done.status, out: done.stdout, error: done.stderr };
}

/** The server goes on where the backup was restored, and what it was is gone. */
async function replaceBy(place: string): Promise<void> {
  await server.supervisor.stop("server");
  for (const name of ["log", "postgres", "secrets", "public.json", "config.json"]) {
    rmSync(join(server.directory, name), { recursive: true });
    renameSync(join(place, name), join(server.directory, name));
  }
  await server.run();
}

async function allItems(person: Person): Promise<string[]> {
  const { items } = await person.client.items(person.conversation, 0);
  return items.map(({ seq, kind, bytes }) => `${seq} ${kind} ${hex(nodeSuite.sha256(bytes))}`);
}

async function publishedTree(): Promise<{ size: number; root: string }> {
  const client = server.client();
  const health = await client.health();
  const note = await client.waitForCheckpoint(health.log?.size ?? 0, { wait: 60 });
  const { size, root } = verifyWitnessed(note ?? "", server.cosigners.policy, nodeSuite);
  expect(hex(await treeHash(client.readTile, treeSize(size), nodeSuite))).toBe(hex(root));
  return { size, root: hex(root) };
}

/** A charter of the log that differs from others in its dates. */
async function append(until: string): Promise<number> {
  const document = await signedCharter(charterDocument("court", { validUntil: parseDay(until) }));
  const entry = formatEntry({ type: "charter", document });
  return await insist(() => server.client().appendEntry(entry));
}

describe("backup and restore", () => {
  test("DEL-49: a log that is older than what its witnesses saw signs nothing new, takes nothing, and says so", async () => {
    await append("2026-11-01");
    await publishedTree();
    const backup = await backUp();
    await append("2026-11-02");
    const newest = await publishedTree();
    expect(newest.size).toBe(2);
    const entries = join(directory, "entries");
    copyFileSync(join(server.directory, "log", "entries"), entries);

    const place = join(directory, "older");
    expect(restore(backup, place).status).toBe(0);
    await replaceBy(place);
    await expect
      .poll(async () => ((await server.admin("status")) as { hold: string }).hold)
      .toContain("has seen 2: restore the newest copy");
    const document = await signedCharter(charterDocument("house"));
    const refused = server.client().appendEntry(formatEntry({ type: "charter", document }));
    await expect(refused).rejects.toMatchObject({ refusal: "unavailable" });
    await expect(server.client().checkpoint()).rejects.toMatchObject({ refusal: "not-found" });
    expect((await server.client().health()).status).toBe("degraded");
    expect(server.logText).toContain('"event":"log-behind"');

    // The newest copy of the entries heals it: the same tree as before, and it grows again.
    await server.supervisor.stop("server");
    copyFileSync(entries, join(server.directory, "log", "entries"));
    await server.run();
    expect(await publishedTree()).toEqual(newest);
    expect(await append("2026-11-03")).toBe(2);
    expect(existsSync(join(server.directory, "log", "restored"))).toBe(false);
  });

  test("DEL-49: everything that was acknowledged before a backup under load is there again, and the log goes on", async () => {
    const people = await roomOf(server, 2, null);
    const [a, b] = people;
    if (a === undefined || b === undefined) throw new Error("nobody");
    const load = new Load(people);
    load.start();
    await load.progress(30);
    const before = new Map(load.acknowledged);
    const tree = await publishedTree();
    const backup = await backUp();
    await load.progress(5);
    await load.stop();

    const place = join(directory, "newest");
    const { status, out, error } = restore(backup, place);
    expect({ status, error }).toEqual({ status: 0, error: "" });
    expect(JSON.parse(out)).toMatchObject({ log: tree.size });
    await replaceBy(place);

    // Whoever was logged in still is.
    const there = await allItems(a);
    for (const [seq, digest] of before) expect(there[seq - 1]).toBe(`${seq} message ${digest}`);
    const ofB = await allItems(b);
    expect(ofB).toEqual(there.slice(-ofB.length));
    // New accounts, key packages and conversations go on without a clash of numbers.
    const [c] = await roomOf(server, 2, null);
    expect(await c?.send("after the restore")).toHaveLength(1);

    // The witnesses have seen nothing newer: the log is confirmed by itself and grows on the same tree.
    expect(await publishedTree()).toEqual(tree);
    expect(await append("2026-11-04")).toBe(tree.size);
    expect((await publishedTree()).size).toBe(tree.size + 1);
  });

  test("a wrong passphrase, a damaged backup and a directory in use are refused, and leave nothing that would start", async () => {
    const backup = await backUp();
    await expect(server.admin("backup", { path: backup })).rejects.toMatchObject({ code: "path-refused" });
    const used = spawnSync(process.execPath, [RESTORE, backup, server.directory], { encoding: "utf8" });
    expect(used.stderr).toContain("is not empty");

    const damaged = readFileSync(backup);
    damaged[damaged.length - 100] = (damaged[damaged.length - 100] as number) ^ 1;
    const other = join(directory, "damaged.age");
    writeFileSync(other, damaged);
    const result = restore(other, join(directory, "bad"));
    expect(result.status).toBe(1);
    expect(result.error).toContain("secret-unreadable");
    expect(existsSync(join(directory, "bad", "config.json"))).toBe(false);

    const place = join(directory, "wrong");
    mkdirSync(place);
    writeFileSync(join(place, "passphrase"), "not the server's\n", { mode: 0o600 });
    const wrong = spawnSync(process.execPath, [RESTORE, backup, place], { encoding: "utf8" });
    expect(wrong.stderr).toContain("secret-unreadable");
  });
});
