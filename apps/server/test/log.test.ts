import { randomBytes } from "node:crypto";
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromHex, hex, unixSeconds, utf8 } from "@porchlight/encoding";
import {
  appendLeaves,
  EMPTY_FRONTIER,
  entriesPath,
  frontierRoot,
  inclusionProof,
  leafHash,
  logIndex,
  makeSigner,
  parseEntries,
  parsePolicy,
  tilePath,
  verifyInclusion,
} from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DEPLOYMENT, POLICY, seedOf } from "../../../vectors/fixture/deployment.ts";
import { LogPublisher } from "../src/log-publisher.ts";
import { LogSequencer } from "../src/log-sequencer.ts";
import { LogStore } from "../src/log-store.ts";
import { Waiters } from "../src/waiters.ts";
import { Cosigners } from "./deployment.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "log-test-"));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

const entry = (i: number): Uint8Array => utf8(`entry ${i} ${"x".repeat(i % 50)}`);
const range = (from: number, to: number): Uint8Array[] =>
  Array.from({ length: to - from }, (_, i) => entry(from + i));

function rootOf(size: number): string {
  const leaves = range(0, size).map((bytes) => leafHash(bytes, nodeSuite));
  return hex(frontierRoot(appendLeaves(EMPTY_FRONTIER, leaves, nodeSuite).state, nodeSuite));
}

async function filled(...sizes: number[]): Promise<LogStore> {
  const store = await LogStore.open(directory);
  for (const size of sizes) await store.append(range(store.size, store.size + size));
  return store;
}

describe("store", () => {
  test("DEL-40: whatever the batches, tree, bundles and tiles are those of the entries, after a reopening too", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 6 }),
        async (sizes) => {
          rmSync(directory, { recursive: true, force: true });
          const before = await filled(...sizes);
          const size = sizes.reduce((sum, one) => sum + one, 0);
          expect([before.size, hex(before.root)]).toEqual([size, rootOf(size)]);
          // Without closing: as a crash leaves it.
          const store = await LogStore.open(directory);
          expect([store.size, hex(store.root)]).toEqual([size, rootOf(size)]);
          for (const index of [0, size - 1, Math.floor(size / 2)]) {
            expect((await store.entriesFrom(index))[0]).toEqual(entry(index));
            const bundle = Math.floor(index / 256);
            const width = (index % 256) + 1;
            const bytes = await store.read(entriesPath(bundle, width));
            expect(parseEntries(bytes ?? new Uint8Array(), width).at(-1)).toEqual(entry(index));
            const proof = await inclusionProof(store.tiles, store.size, logIndex(index), nodeSuite);
            const leaf = leafHash(entry(index), nodeSuite);
            verifyInclusion(
              { size: store.size, root: store.root, index: logIndex(index), leafHash: leaf, proof },
              nodeSuite,
            );
          }
          expect(await store.read(entriesPath(Math.floor(size / 256), (size % 256) + 1))).toBeNull();
          expect(await store.read(tilePath(0, 9999))).toBeNull();
          await store.close();
          const closed = await LogStore.open(directory);
          expect(hex(closed.root)).toBe(rootOf(size));
          await closed.close();
          await before.close();
        },
      ),
      { numRuns: 8 },
    );
  });

  test("DEL-41: a torn tail that was never acknowledged is cut off, wherever it was torn", async () => {
    const store = await filled(300, 7);
    await store.close();
    const file = join(directory, "entries");
    const whole = readFileSync(file);
    const state = readFileSync(join(directory, "state"));
    const longer = await LogStore.open(directory);
    await longer.append(range(307, 312));
    await longer.close();
    const tail = readFileSync(file).subarray(whole.length);
    for (const cut of [1, 5, 20, 38, tail.length - 1]) {
      writeFileSync(file, Buffer.concat([whole, tail.subarray(0, cut)]));
      writeFileSync(join(directory, "state"), state);
      const opened = await LogStore.open(directory);
      expect([opened.size, hex(opened.root)]).toEqual([307, rootOf(307)]);
      await opened.append(range(307, 400));
      expect(hex(opened.root)).toBe(rootOf(400));
      await opened.close();
    }
    // Zeroes, as a file system may leave them, are no entries.
    writeFileSync(file, whole);
    writeFileSync(join(directory, "state"), state);
    appendFileSync(file, Buffer.alloc(5000));
    const zeroes = await LogStore.open(directory);
    expect(zeroes.size).toBe(307);
    await zeroes.close();
  });

  test("DEL-40: a frame on the disk is that of the vectors", async () => {
    const path = new URL("../../../vectors/delivery.json", import.meta.url);
    const { frame } = JSON.parse(readFileSync(path, "utf8")) as {
      frame: { firstIndex: number; entries: string[]; frame: string };
    };
    const store = await filled(frame.firstIndex);
    const { size } = statSync(join(directory, "entries"));
    await store.append(frame.entries.map((text) => fromHex(text)));
    expect(hex(readFileSync(join(directory, "entries")).subarray(size))).toBe(frame.frame);
    await store.close();
  });

  test("DEL-40: what was saved and is damaged is not opened", async () => {
    await (await filled(600)).close();
    const level = join(directory, "level-0");
    const bytes = readFileSync(level);
    bytes[600 * 32 - 1] = (bytes[600 * 32 - 1] ?? 0) ^ 1;
    writeFileSync(level, bytes);
    await expect(LogStore.open(directory)).rejects.toMatchObject({ code: "log-damaged" });
    truncateSync(level, 100);
    await expect(LogStore.open(directory)).rejects.toMatchObject({ code: "log-damaged" });
  });
});

describe("sequencer", () => {
  test("DEL-41: indices follow the order of arrival, several entries of one call stand together", async () => {
    const store = await LogStore.open(directory);
    let grown = 0;
    const sequencer = new LogSequencer(
      store,
      () => void grown++,
      () => {},
    );
    const sizes = [1, 3, 256, 2, 255, 1, 40];
    const firsts = await Promise.all(sizes.map((size) => sequencer.append(range(0, size))));
    expect(firsts).toEqual(sizes.map((_, i) => sizes.slice(0, i).reduce((sum, size) => sum + size, 0)));
    expect(grown).toBeLessThan(sizes.length);
    await sequencer.close();
    await expect(sequencer.append([entry(1)])).rejects.toMatchObject({ code: "unavailable" });
    await store.close();
  });

  test("DEL-41: after a failed write nothing is taken, and what waited is told", async () => {
    const failures: unknown[] = [];
    const broken = { size: 0, append: () => Promise.reject(new Error("EIO")) } as unknown as LogStore;
    const sequencer = new LogSequencer(
      broken,
      () => {},
      (error) => failures.push(error),
    );
    const results = await Promise.allSettled([sequencer.append([entry(0)]), sequencer.append([entry(1)])]);
    expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(failures.length).toBe(1);
    await expect(sequencer.append([entry(2)])).rejects.toMatchObject({ code: "unavailable" });
  });
});

describe("publisher", () => {
  const signer = makeSigner("ed25519", `log.${DEPLOYMENT}`, seedOf(`log.${DEPLOYMENT} ed25519`), nodeSuite);
  const log = { event: () => {}, failure: () => {} };

  test("DEL-42: a log that is shorter or other than what was published is not started", async () => {
    let now = unixSeconds(1_800_000_000);
    const cosigners = await Cosigners.start(() => now);
    const clock = { now: () => now };
    const path = join(directory, "checkpoint");
    const policy = parsePolicy(POLICY, nodeSuite);
    const options = { signer, cosigners: cosigners.addresses, clock, log, waiters: new Waiters() };
    const store = await filled(10);
    const publisher = await LogPublisher.open(path, policy, { ...options, store });
    const published = await options.waiters.until("log", 60, new AbortController().signal, () =>
      Promise.resolve(publisher.published),
    );
    expect(published?.size).toBe(10);
    now = unixSeconds(now + 100);
    publisher.refresh();
    await options.waiters.until("log", 60, new AbortController().signal, () =>
      Promise.resolve((publisher.published?.time ?? 0) >= now ? true : null),
    );
    expect([publisher.published?.time, publisher.published?.size]).toEqual([now, 10]);
    await publisher.close();
    await store.close();
    cosigners.stop();

    rmSync(join(directory, "entries"));
    rmSync(join(directory, "state"));
    const shorter = await LogStore.open(directory);
    await expect(LogPublisher.open(path, policy, { ...options, store: shorter })).rejects.toMatchObject({
      code: "log-behind",
    });
    await shorter.append(Array.from({ length: 20 }, () => new Uint8Array(randomBytes(10))));
    await expect(LogPublisher.open(path, policy, { ...options, store: shorter })).rejects.toMatchObject({
      code: "log-behind",
    });
    await shorter.close();
  });
});

describe("waiting", () => {
  test("a waiter sees what happened before, during and after it began, and leaves nothing behind", async () => {
    const waiters = new Waiters();
    const never = new AbortController().signal;
    let value: number | null = 1;
    const look = (): Promise<number | null> => Promise.resolve(value);
    expect(await waiters.until("a", 10, never, look)).toBe(1);
    value = null;
    const waiting = waiters.until("a", 10, never, look);
    waiters.notify("a");
    waiters.notify("b");
    value = 2;
    waiters.notify("a");
    expect(await waiting).toBe(2);
    value = null;
    expect(await waiters.until("a", 0, never, look)).toBeNull();
    const gone = new AbortController();
    const abandoned = waiters.until("a", 30, gone.signal, look);
    gone.abort();
    expect(await abandoned).toBeNull();
    const stopped = waiters.until("a", 30, never, look);
    waiters.close();
    expect(await stopped).toBeNull();
  });
});
