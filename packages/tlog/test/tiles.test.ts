import { fromHex, hex } from "@porchlight/encoding";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  decodeFrontier,
  encodeEntries,
  encodeFrontier,
  entriesPath,
  frontierRoot,
  inclusionProof,
  logIndex,
  parseEntries,
  parseTilePath,
  TlogError,
  tilePath,
  treeSize,
  verifyConsistency,
  verifyInclusion,
} from "../src/index.ts";
import { nodeSuite } from "../src/node-suite.ts";
import { MemoryLog } from "./memory-log.ts";
import { vectors } from "./vectors.ts";

const { tree, paths, bundles } = vectors;
const roots = new Map(tree.roots.map(({ size, root }) => [size, fromHex(root)]));
const rootOf = (size: number): Uint8Array => roots.get(size) as Uint8Array;

test("TLOG-8, TLOG-10: roots and tiles of the vectors", () => {
  const log = new MemoryLog();
  for (const { size, root } of tree.roots) {
    log.grow(size);
    expect(hex(log.root())).toBe(root);
    if (size === tree.frontier.size) expect(hex(encodeFrontier(log.state))).toBe(tree.frontier.bytes);
  }
  expect([...log.tiles.keys()].sort()).toEqual(tree.tiles.map(({ path }) => path).sort());
  for (const { path, width, first, last } of tree.tiles) {
    const hashes = log.tiles.get(path) as Uint8Array;
    expect([hashes.length, hex(hashes.slice(0, 32)), hex(hashes.slice(-32))]).toEqual([
      32 * width,
      first,
      last,
    ]);
  }
  const frontier = decodeFrontier(fromHex(tree.frontier.bytes));
  expect(hex(frontierRoot(frontier))).toBe(hex(rootOf(tree.frontier.size)));
});

test("TLOG-11: proofs of the vectors verify", () => {
  for (const { size, index, leafHash, proof } of tree.inclusion) {
    verifyInclusion({
      size: treeSize(size),
      root: rootOf(size),
      index: logIndex(index),
      leafHash: fromHex(leafHash),
      proof: proof.map((hash) => fromHex(hash)),
    });
  }
  for (const { oldSize, newSize, proof } of tree.consistency) {
    verifyConsistency({
      oldSize: treeSize(oldSize),
      oldRoot: rootOf(oldSize),
      newSize: treeSize(newSize),
      newRoot: rootOf(newSize),
      proof: proof.map((hash) => fromHex(hash)),
    });
  }
});

test("TLOG-9: tile paths of the vectors, one spelling each", () => {
  for (const { level, index, width, path } of paths.hashes) {
    expect(tilePath(level, index, width)).toBe(path);
    expect(parseTilePath(path)).toEqual({ kind: "hashes", level, index, width });
  }
  for (const { index, width, path } of paths.entries) {
    expect(entriesPath(index, width)).toBe(path);
    expect(parseTilePath(path)).toEqual({ kind: "entries", index, width });
  }
  for (const path of paths.refused) {
    expect(() => parseTilePath(path), path).toThrow(expect.objectContaining({ code: "path-malformed" }));
  }
  expect(tilePath(0, 1_234_067)).toBe("tile/0/x001/x234/067");
});

test("TLOG-9: every path that is made parses back", () => {
  const width = fc.integer({ min: 1, max: 256 });
  const index = fc.nat({ max: 10 ** 12 });
  fc.assert(
    fc.property(fc.nat({ max: 63 }), index, width, (l, n, w) => {
      expect(parseTilePath(tilePath(l, n, w))).toEqual({ kind: "hashes", level: l, index: n, width: w });
      expect(parseTilePath(entriesPath(n, w))).toEqual({ kind: "entries", index: n, width: w });
    }),
  );
  for (const [l, n, w] of [
    [64, 0, 1],
    [-1, 0, 1],
    [0, -1, 1],
    [0, 0.5, 1],
    [0, 0, 0],
    [0, 0, 257],
  ] as const) {
    expect(() => tilePath(l, n, w)).toThrow(expect.objectContaining({ code: "out-of-range" }));
  }
});

test("TLOG-12: bundles of the vectors; missing and trailing bytes and wrong counts are refused", () => {
  const entries = bundles.entries.map((entry) => fromHex(entry));
  expect(hex(encodeEntries(entries))).toBe(bundles.bundle);
  expect(parseEntries(fromHex(bundles.bundle), entries.length).map(hex)).toEqual(bundles.entries);
  for (const { width, bundle } of bundles.refused) {
    expect(() => parseEntries(fromHex(bundle), width)).toThrow(
      expect.objectContaining({ code: "bundle-malformed" }),
    );
  }
  expect(() => encodeEntries([])).toThrow(TlogError);
  expect(() => encodeEntries([new Uint8Array(65_536)])).toThrow(TlogError);
  expect(() => encodeEntries(Array.from({ length: 257 }, () => new Uint8Array(1)))).toThrow(TlogError);
  expect(parseEntries(encodeEntries([new Uint8Array(65_535)]), 1)[0]?.length).toBe(65_535);
});

test("TLOG-12: bundles round-trip", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 256 }), (entries) => {
      expect(parseEntries(encodeEntries(entries), entries.length)).toEqual(entries);
    }),
    { numRuns: 30 },
  );
});

test("TLOG-10: an empty tile is never asked for", async () => {
  const log = new MemoryLog();
  log.grow(256);
  const asked: string[] = [];
  const read = async (path: string): Promise<Uint8Array> => {
    asked.push(path);
    return await log.read(path);
  };
  await inclusionProof(read, treeSize(256), logIndex(0), nodeSuite);
  expect(asked).toEqual(["tile/0/000"]);
});

test("TLOG-10: a tile of the wrong length is refused", async () => {
  const log = new MemoryLog();
  log.grow(300);
  const read = async (path: string): Promise<Uint8Array> => (await log.read(path)).slice(1);
  await expect(inclusionProof(read, treeSize(300), logIndex(0))).rejects.toMatchObject({
    code: "tile-malformed",
  });
});
