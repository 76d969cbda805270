import { readFileSync, statSync, writeFileSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hex, unixSeconds, utf8 } from "@porchlight/encoding";
import { Supervisor } from "@porchlight/runtime";
import {
  appendLeaves,
  EMPTY_FRONTIER,
  formatAddCheckpoint,
  formatCheckpoint,
  formatVkey,
  frontierRoot,
  leafHash,
  makeSigner,
  nodeHash,
  parseVkey,
  signNote,
  treeSize,
  verifyNote,
} from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import { afterEach, expect, test } from "vitest";
import { type GoodRequest, knock, send } from "../../../fuzz/doors.ts";

const ENTRY = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const ORIGIN = "log.test.example";
const logSigner = makeSigner("ed25519", ORIGIN, new Uint8Array(32).fill(1), nodeSuite);
const START = unixSeconds(1_800_000_000);

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function party(config: object = {}): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "porchlight-witness-"));
  cleanups.push(() => rm(directory, { recursive: true }));
  const whole = {
    clock: "replay",
    name: "witness-1",
    deployment: "test.example",
    port: 0,
    logs: [formatVkey(logSigner.key)],
    workFactor: 4,
    ...config,
  };
  writeFileSync(join(directory, "config.json"), JSON.stringify(whole));
  return directory;
}

async function run(directory: string): Promise<{ url: string; supervisor: Supervisor }> {
  const supervisor = new Supervisor({ replayFrom: START });
  cleanups.push(() => supervisor.stopAll());
  const port = await supervisor.start({ name: "witness-1", entry: ENTRY, directory });
  return { url: `http://127.0.0.1:${port}`, supervisor };
}

/** The log's checkpoint of a tree whose leaves are these texts. */
function checkpoint(...leaves: readonly string[]): string {
  const hashes = leaves.map((text) => leafHash(utf8(text)));
  const root = frontierRoot(appendLeaves(EMPTY_FRONTIER, hashes).state);
  return signNote(formatCheckpoint({ origin: ORIGIN, size: treeSize(leaves.length), root }), [logSigner]);
}

async function add(url: string, oldSize: number, proof: Uint8Array[], note: string): Promise<Response> {
  const body = formatAddCheckpoint({ oldSize: treeSize(oldSize), proof, note });
  return await fetch(`${url}/add-checkpoint`, { method: "POST", body });
}

test("WIT-3: C2SP's statuses over HTTP, and kill -9 forgets nothing", async () => {
  const directory = await party();
  const { url, supervisor } = await run(directory);
  const vkey = (await (await fetch(url)).text()).trim();
  expect(JSON.parse(readFileSync(join(directory, "public.json"), "utf8"))).toEqual({
    name: "witness-1.test.example",
    vkey,
  });

  const one = checkpoint("a");
  const answer = await add(url, 0, [], one);
  expect(answer.status).toBe(200);
  const cosigned = one + (await answer.text());
  const { signatures } = verifyNote(cosigned, [parseVkey(vkey)], nodeSuite);
  expect(signatures).toMatchObject([{ time: START }]);
  const monitored = await fetch(`${url}/${hex(nodeSuite.sha256(utf8(ORIGIN)))}/checkpoint`);
  expect(await monitored.text()).toBe(cosigned);

  const two = checkpoint("a", "b");
  const proof = [leafHash(utf8("b"))];
  const stranger = makeSigner("ed25519", "log.other.example", new Uint8Array(32).fill(9));
  const forged = makeSigner("ed25519", ORIGIN, new Uint8Array(32).fill(9));
  const text = two.slice(0, two.indexOf("\n\n") + 1);
  const refusals: [number, Promise<Response>][] = [
    [409, add(url, 0, [], two)],
    [400, add(url, 3, [], two)],
    [422, add(url, 1, [], two)],
    [422, add(url, 1, [leafHash(utf8("x"))], two)],
    [422, add(url, 1, [], checkpoint("x"))],
    [404, add(url, 1, proof, signNote(text.replace(ORIGIN, "log.other.example"), [stranger]))],
    [403, add(url, 1, proof, signNote(text, [forged]))],
    [403, add(url, 1, proof, two.replace("\n2\n", "\n3\n"))],
    [400, fetch(`${url}/add-checkpoint`, { method: "POST", body: "old 01\n\n" })],
    [400, fetch(`${url}/add-checkpoint`, { method: "POST" })],
    [413, fetch(`${url}/add-checkpoint`, { method: "POST", body: "x".repeat(400_000) })],
    [404, fetch(`${url}/${"0".repeat(64)}/checkpoint`)],
    [404, fetch(`${url}/elsewhere`)],
  ];
  for (const [status, response] of refusals) expect((await response).status).toBe(status);
  const conflict = await add(url, 0, [], two);
  expect(conflict.headers.get("content-type")).toBe("text/x.tlog.size");
  expect(await conflict.text()).toBe("1\n");

  expect((await add(url, 1, proof, two)).status).toBe(200);
  await supervisor.kill("witness-1");
  const port = await supervisor.start({ name: "witness-1", entry: ENTRY, directory });
  const again = `http://127.0.0.1:${port}`;
  const fork = await add(again, 0, [], checkpoint("x", "y", "z"));
  expect([fork.status, await fork.text()]).toEqual([409, "2\n"]);
  const root = [leafHash(utf8("c")), nodeHash(leafHash(utf8("a")), leafHash(utf8("b")))];
  expect((await add(again, 2, root.slice(0, 1), checkpoint("a", "b", "c"))).status).toBe(200);
});

test("WIT-3: cosignatures carry the replayed time", async () => {
  const { url, supervisor } = await run(await party());
  const vkey = (await (await fetch(url)).text()).trim();
  const note = checkpoint("a");
  for (const [oldSize, at] of [
    [0, START],
    [1, START + 86_400],
  ] as const) {
    await supervisor.tick(unixSeconds(at));
    const lines = await (await add(url, oldSize, [], note)).text();
    expect(verifyNote(note + lines, [parseVkey(vkey)], nodeSuite).signatures).toMatchObject([{ time: at }]);
  }
});

test("WIT-2: the key is sealed and private, survives restarts, and is never silently replaced", async () => {
  const directory = await party();
  const first = await run(directory);
  const vkey = await (await fetch(first.url)).text();
  await first.supervisor.stopAll();
  for (const name of ["witness-key.age", "passphrase"]) {
    expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
  }
  expect(readFileSync(join(directory, "witness-key.age"), "latin1")).not.toContain("PRIVATE");

  const second = await run(directory);
  expect(await (await fetch(second.url)).text()).toBe(vkey);
  await expect(run(directory)).rejects.toThrow(/locked/);
  await second.supervisor.stopAll();

  await rm(join(directory, "witness-key.age"));
  await expect(run(directory)).rejects.toThrow(/restore witness-key\.age/);
  expect(await readdir(directory)).not.toContain("witness-key.age");
});

test("WIT-1: a configuration without a log, with a cosigner's key for one, or with unknown members is refused", async () => {
  const wrongKey = formatVkey(makeSigner("cosignature", ORIGIN, new Uint8Array(32).fill(1)).key);
  for (const config of [{ logs: [] }, { logs: [wrongKey] }, { log: "x" }, { logs: ["x"] }]) {
    await expect(run(await party(config))).rejects.toThrow();
  }
});

test("WIT-3, TLOG-18: whatever is sent is answered with a status of C2SP's, never 500, and what it cosigned stays", async () => {
  const slow = process.env["PORCHLIGHT_SLOW"] === "1";
  const directory = await party();
  const { url } = await run(directory);
  const one = checkpoint("a");
  expect((await add(url, 0, [], one)).status).toBe(200);
  const [proof, two] = [[leafHash(utf8("b"))], checkpoint("a", "b")];
  const monitored = `/${hex(nodeSuite.sha256(utf8(ORIGIN)))}/checkpoint`;
  const post = (oldSize: number, hashes: Uint8Array[], note: string): GoodRequest => {
    const body = utf8(formatAddCheckpoint({ oldSize: treeSize(oldSize), proof: hashes, note }));
    return { method: "POST", path: "/add-checkpoint", body };
  };
  const good: GoodRequest[] = [
    post(1, proof, two),
    post(1, [], one),
    ...["/", monitored].map((path) => ({ method: "GET", path, body: null }) as const),
  ];
  const statuses = await knock(
    url,
    good,
    ({ status, type }, { path }) => {
      expect([200, 400, 403, 404, 409, 422], path).toContain(status);
      expect(type, path).toMatch(/^text\//);
    },
    slow ? { runs: 20_000, seconds: 300 } : { runs: 150, seconds: 60 },
  );
  console.log(`spoilt requests to a witness: ${JSON.stringify(Object.fromEntries(statuses))}`);
  const large = { method: "POST", path: "/add-checkpoint", body: new Uint8Array(300_001) } as const;
  expect((await send(url, large)).status).toBe(413);
  // One of the two that were good, if by chance the unspoilt second came through.
  const text = (await send(url, { method: "GET", path: monitored, body: null })).text;
  expect([one, two].some((note) => text.startsWith(note))).toBe(true);
  expect(readFileSync(join(directory, "witness-1.log"), "utf8")).not.toContain("request-failed");
}, 400_000);
