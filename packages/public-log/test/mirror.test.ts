import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { base64, utf8 } from "@porchlight/encoding";
import { appendLeaves, EMPTY_FRONTIER, frontierRoot, leafHash } from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import { afterAll, expect, test } from "vitest";
import { Mirror } from "../src/mirror.ts";

const directory = mkdtempSync(join(tmpdir(), "porchlight-mirror-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const entries = Array.from({ length: 70_000 }, (_, i) => utf8(`entry ${i}`));
const leaves = entries.map((entry) => leafHash(entry, nodeSuite));

/** A note of the log's first entries; its signature is the follower's to verify, not the copy's. */
function noteOf(size: number): string {
  const { state } = appendLeaves(EMPTY_FRONTIER, leaves.slice(0, size), nodeSuite);
  const root = base64(frontierRoot(state, nodeSuite));
  return `log.example\n${size}\n${root}\n\n— log.example AAAAAAAA\n`;
}

const open = (name: string): Promise<Mirror> => Mirror.open(join(directory, name), "log.example", nodeSuite);

test("PUB-2: a copy grows over full tiles and levels, whatever the steps, and a restart goes on from it", async () => {
  let at = 0;
  for (const size of [1, 3, 256, 300, 65_535, 65_537, 70_000]) {
    const mirror = await open("grows");
    expect(mirror.size).toBe(at);
    // What comes again after a crash is passed over.
    const from = Math.max(0, at - 5);
    await mirror.add(from, entries.slice(from, size));
    await mirror.cover(noteOf(size));
    mirror.close();
    at = size;
  }
  const tiles = join(directory, "grows/tile");
  const { newTiles } = appendLeaves(EMPTY_FRONTIER, leaves, nodeSuite);
  for (const { path, hashes } of newTiles) {
    expect(readFileSync(join(directory, "grows", path)).equals(hashes), path).toBe(true);
  }
  // Of partial tiles only the right edge's are left.
  const partial = readdirSync(tiles, { recursive: true }).filter((name) => /\.p\/[0-9]+$/.test(String(name)));
  expect(partial.map(String).sort()).toEqual(["0/273.p/112", "1/001.p/17", "2/000.p/1", "entries/273.p/112"]);
});

test("PUB-2: what was added and not covered before a crash does not count, and comes again", async () => {
  const before = await open("crash");
  await before.add(0, entries.slice(0, 200));
  await before.cover(noteOf(200));
  await before.add(200, entries.slice(200, 400));
  before.close();
  const after = await open("crash");
  expect(after.size).toBe(200);
  await after.add(200, entries.slice(200, 500));
  await after.cover(noteOf(500));
  after.close();
  const again = await open("crash");
  expect(again.size).toBe(500);
  again.close();
});

test("PUB-2: who has the checkpoint before this one still gets its right edge, and older ones are dropped", async () => {
  const mirror = await open("edge");
  let at = 0;
  for (const size of [10, 20, 30]) {
    await mirror.add(at, entries.slice(at, size));
    await mirror.cover(noteOf(size));
    at = size;
  }
  const widths = (await Promise.all([10, 20, 30].map((w) => mirror.file(`tile/0/000.p/${w}`)))).map(
    (tile) => tile !== null,
  );
  expect(widths).toEqual([false, true, true]);
  mirror.close();
});

test("PUB-2: another log's copy and a damaged one are refused by name", async () => {
  const mirror = await open("damaged");
  await mirror.add(0, entries.slice(0, 10));
  await mirror.cover(noteOf(10));
  mirror.close();
  await expect(Mirror.open(join(directory, "damaged"), "other.example", nodeSuite)).rejects.toMatchObject({
    code: "mirror-foreign",
  });
  const tile = join(directory, "damaged/tile/0/000.p/10");
  const bytes = readFileSync(tile);
  bytes[5] = (bytes[5] as number) ^ 1;
  writeFileSync(tile, bytes);
  await expect(open("damaged")).rejects.toMatchObject({ code: "mirror-corrupt" });
  // A directory that was refused is free again.
  expect(existsSync(join(directory, "damaged/checkpoint"))).toBe(true);
  await expect(open("damaged")).rejects.toMatchObject({ code: "mirror-corrupt" });
});

test("a path that is no tile's gives nothing", async () => {
  const mirror = await open("paths");
  for (const path of [
    "../checkpoint",
    "tile/0/../../checkpoint",
    "tile/0/0",
    "checkpoint",
    "tile/0/x000/000",
  ]) {
    expect(await mirror.file(path)).toBeNull();
  }
  mirror.close();
});
