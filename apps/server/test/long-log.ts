// A log of any length on a disk, followed while it grows and audited at the end, with what it took: for tests.
import { once } from "node:events";
import { readdirSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type UnixSeconds, unixSeconds, utf8 } from "@porchlight/encoding";
import {
  accountablePolicy,
  cosign,
  formatCheckpoint,
  formatVkey,
  makeSigner,
  parseTilePath,
  signNote,
  TILE_WIDTH,
} from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import { auditLog, httpLogSource, type LogAudit, LogFollower, memoryStateStore } from "@porchlight/wire";
import { LogSequencer } from "../src/log-sequencer.ts";
import { LogStore } from "../src/log-store.ts";

const ORIGIN = "log.long.example";
const NOW = unixSeconds(1_800_000_000);
const clock = { now: (): UnixSeconds => NOW };
const seed = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const signer = makeSigner("ed25519", ORIGIN, seed(1), nodeSuite);
const cosigners = [2, 3, 11, 12, 13, 14, 15].map((byte) =>
  makeSigner("cosignature", `cosigner-${byte}.long.example`, seed(byte), nodeSuite),
);
const vkeys = cosigners.map(({ key }) => ({ vkey: formatVkey(key) }));
const policy = accountablePolicy(
  {
    log: { vkey: formatVkey(signer.key) },
    witnesses: vkeys.slice(0, 2),
    keyholders: vkeys.slice(2),
    threshold: 3,
  },
  nodeSuite,
);

/** How many times the follower looks while the log grows, and memory is measured. */
const LOOKS = 40;
/** Entries that come one by one, so that every size among them has partial tiles of its own. */
const SINGLE = 500;

export type LongLog = {
  readonly audit: LogAudit;
  /** Entries that the follower handled; it looked while the log grew. */
  readonly followed: number;
  /** Requests that asked for a partial tile whose full tile had taken its place. */
  readonly collected: number;
  /** Bytes of all entries, and of all files. */
  readonly entryBytes: number;
  readonly diskBytes: number;
  /**
   * Bytes of heap and buffers after a collection, in use whatever else was going on: the least in the second and in the
   * last quarter of the way. And of the whole process at the end, with its slope over the last half, for each entry.
   */
  readonly heap: readonly [second: number, last: number];
  readonly rss: number;
  readonly rssSlope: number;
  readonly cpuSeconds: { readonly append: number; readonly follow: number; readonly audit: number };
};

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

function entry(index: number): Uint8Array {
  return utf8(`{"type":"test","number":${index},"text":"${"x".repeat(100 + (index % 64))}"}`);
}

export async function runLongLog(directory: string, length: number): Promise<LongLog> {
  let store = await LogStore.open(directory);
  let note = "";
  let collected = 0;
  const server = createServer((request, response) => {
    const path = (request.url ?? "").slice(1);
    const answer = async (): Promise<Uint8Array | null> => {
      if (path === "checkpoint") return utf8(note);
      const tile = parseTilePath(path);
      const level = tile.kind === "hashes" ? tile.level : 0;
      const isWhole = (tile.index + 1) * TILE_WIDTH <= Math.floor(store.size / TILE_WIDTH ** level);
      // As a log that drops partial tiles as soon as it may.
      if (tile.width < TILE_WIDTH && isWhole) {
        collected++;
        return null;
      }
      return await store.read(path);
    };
    void answer().then((bytes) => response.writeHead(bytes === null ? 404 : 200).end(bytes));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const source = httpLogSource({ url: `http://127.0.0.1:${port}` });
  const publish = (): void => {
    const text = formatCheckpoint({ origin: ORIGIN, size: store.size, root: store.root });
    note = signNote(text, [signer]) + cosigners.map((one) => cosign(text, one, NOW)).join("");
  };
  const follower = await LogFollower.open({
    source,
    policy,
    store: memoryStateStore(),
    clock,
    maxAge: 60,
    suite: nodeSuite,
  });

  const cpu = { append: 0, follow: 0, audit: 0 };
  const timed = async <T>(what: keyof typeof cpu, run: () => Promise<T>): Promise<T> => {
    const before = process.cpuUsage();
    const result = await run();
    const { user, system } = process.cpuUsage(before);
    cpu[what] += (user + system) / 1e6;
    return result;
  };

  const grow = (target: number): Promise<void> =>
    timed("append", async () => {
      const sequencer = new LogSequencer(
        store,
        () => {},
        (error) => {
          throw error;
        },
      );
      while (store.size < target) {
        const count = store.size < SINGLE ? 1 : Math.min(TILE_WIDTH, target - store.size);
        const entries = Array.from({ length: count }, (_, i) => entry(store.size + i));
        for (const { length: bytes } of entries) entryBytes += bytes;
        await sequencer.append(entries);
      }
      await sequencer.close();
    });

  let followed = 0;
  let entryBytes = 0;
  const memory: { size: number; heap: number; rss: number }[] = [];
  for (let look = 1; look <= LOOKS; look++) {
    await grow(Math.round((length * look) / LOOKS));
    publish();
    // The log goes on before the follower reads: some tiles of the checkpoint are gone by then.
    await grow(Math.min(length, store.size + 300));
    await timed("follow", async () => {
      const { entries } = await follower.update(() => {});
      followed += entries;
    });
    if (look % 10 === 0) {
      // As after a crash: opened while nothing was closed, all is read again.
      const before = store;
      store = await LogStore.open(directory);
      await before.close();
    }
    collectGarbage();
    const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
    memory.push({ size: store.size, heap: heapUsed + arrayBuffers, rss });
  }
  const audit = await timed("audit", () => auditLog({ source, policy, clock, maxAge: 60, suite: nodeSuite }));
  server.close();
  server.closeAllConnections();
  await store.close();
  const diskBytes = readdirSync(directory).reduce(
    (sum, file) => sum + statSync(join(directory, file)).size,
    0,
  );
  const floor = (from: number, to: number): number =>
    Math.min(...memory.slice(from, to).map(({ heap }) => heap));
  return {
    audit,
    followed,
    collected,
    entryBytes,
    diskBytes,
    heap: [floor(LOOKS / 4, LOOKS / 2), floor((3 * LOOKS) / 4, LOOKS)],
    rss: memory.at(-1)?.rss ?? 0,
    rssSlope: slope(memory.slice(LOOKS / 2).map(({ size, rss }) => [size, rss])),
    cpuSeconds: cpu,
  };
}

/** Least squares. */
function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (of: 0 | 1): number => points.reduce((sum, point) => sum + point[of], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const above = points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0);
  return above / points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
}
