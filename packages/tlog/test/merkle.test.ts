import { fromHex, hex } from "@porchlight/encoding";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  appendLeaves,
  consistencyProof,
  decodeFrontier,
  EMPTY_FRONTIER,
  emptyRoot,
  encodeFrontier,
  frontierRoot,
  inclusionProof,
  leafHash,
  loadFrontier,
  logIndex,
  nobleSuite,
  nodeHash,
  TlogError,
  type TreeFrontier,
  treeHash,
  treeSize,
  verifyConsistency,
  verifyInclusion,
} from "../src/index.ts";
import { nodeSuite } from "../src/node-suite.ts";
import { leaf, MemoryLog } from "./memory-log.ts";

// Leaves and roots of Certificate Transparency's own Merkle tree tests (RFC 6962 implementations share them).
const CT_LEAVES = [
  "",
  "00",
  "10",
  "2021",
  "3031",
  "40414243",
  "5051525354555657",
  "606162636465666768696a6b6c6d6e6f",
];
const CT_ROOTS = [
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

test.each([
  ["noble", nobleSuite],
  ["node", nodeSuite],
])("TLOG-8: RFC 6962 roots of Certificate Transparency's test tree (%s)", (_, suite) => {
  let state = EMPTY_FRONTIER;
  expect(hex(frontierRoot(state, suite))).toBe(hex(emptyRoot(suite)));
  CT_LEAVES.forEach((entry, i) => {
    state = appendLeaves(state, [leafHash(fromHex(entry), suite)], suite).state;
    expect(hex(frontierRoot(state, suite))).toBe(CT_ROOTS[i]);
  });
});

/** RFC 6962 §2.1, word for word: the slow definition that everything else is compared with. */
function definition(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return emptyRoot(nodeSuite);
  if (leaves.length === 1) return leaves[0] as Uint8Array;
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return nodeHash(definition(leaves.slice(0, k)), definition(leaves.slice(k)), nodeSuite);
}

test("TLOG-8: the incremental tree is RFC 6962's definition, however the leaves are batched", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 600 }), { maxLength: 6 }), (batches) => {
      let state: TreeFrontier = EMPTY_FRONTIER;
      const all: Uint8Array[] = [];
      for (const batch of batches) {
        const leaves = Array.from({ length: batch }, (_, i) => leaf(all.length + i));
        all.push(...leaves);
        state = appendLeaves(state, leaves, nodeSuite).state;
        const root = frontierRoot(state, nodeSuite);
        expect(hex(root)).toBe(hex(definition(all)));
        expect(decodeFrontier(encodeFrontier(state), nodeSuite)).toEqual(state);
      }
    }),
    { numRuns: 15 },
  );
});

test("TLOG-10: tiles hold the tree of every published size, at sizes around full tiles and levels", async () => {
  const log = new MemoryLog();
  for (const size of [1, 2, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 65_792, 70_000]) {
    log.grow(size);
    expect(hex(await treeHash(log.read, treeSize(size), nodeSuite))).toBe(hex(log.root()));
    expect(await loadFrontier(log.read, treeSize(size), nodeSuite)).toEqual(log.state);
  }
  // The example of C2SP tlog-tiles, "Partial Tiles".
  const widths = [...log.tiles.keys()].filter((path) => !path.includes(".p/"));
  expect(widths.filter((path) => path.startsWith("tile/0/"))).toHaveLength(273);
  expect(widths.filter((path) => path.startsWith("tile/1/"))).toHaveLength(1);
  expect(log.tiles.get("tile/0/273.p/112")?.length).toBe(112 * 32);
  expect(log.tiles.get("tile/1/001.p/17")?.length).toBe(17 * 32);
  expect(log.tiles.get("tile/2/000.p/1")?.length).toBe(32);
  expect([...log.tiles.values()].every((tile) => tile.length > 0)).toBe(true);
});

test("TLOG-11: proofs out of tiles verify at every size, and only for their own leaf, place and root", async () => {
  const log = new MemoryLog();
  log.grow(1100);
  const at = fc.integer({ min: 1, max: 1100 });
  await fc.assert(
    fc.asyncProperty(at, fc.nat(), async (n, pick) => {
      const size = treeSize(n);
      const index = logIndex(pick % n);
      const root = log.rootAt(n);
      const proof = await inclusionProof(log.reader(n), size, index, nodeSuite);
      const claim = { size, root, index, leafHash: leaf(index), proof };
      verifyInclusion(claim, nodeSuite);
      const refused = (change: Partial<typeof claim>): void => {
        expect(() => verifyInclusion({ ...claim, ...change }, nodeSuite)).toThrow(
          expect.objectContaining({ code: "inclusion-invalid" }),
        );
      };
      refused({ leafHash: leaf(index + 1) });
      refused({ root: log.rootAt(n + 1) });
      if (n > 1) refused({ index: logIndex((index + 1) % n) });
      refused({ index: logIndex(n) });
      refused({ proof: [...proof, leaf(0)] });
      if (proof.length > 0) refused({ proof: proof.slice(1) });
      if (proof.length > 0) refused({ proof: proof.slice(0, -1) });
      proof.forEach((hash, i) => {
        const flipped = hash.slice();
        flipped[pick % 32] = (flipped[pick % 32] as number) ^ (1 << (pick % 8));
        refused({ proof: proof.with(i, flipped) });
      });
    }),
    { numRuns: 40 },
  );
});

test("TLOG-11: consistency proofs verify between every two sizes of one tree, and no other", async () => {
  const log = new MemoryLog();
  log.grow(1100);
  const at = fc.integer({ min: 1, max: 1100 });
  await fc.assert(
    fc.asyncProperty(at, at, fc.nat(), async (a, b, pick) => {
      const [old, now] = [Math.min(a, b), Math.max(a, b)];
      const proof = await consistencyProof(log.reader(now), treeSize(old), treeSize(now), nodeSuite);
      const claim = {
        oldSize: treeSize(old),
        oldRoot: log.rootAt(old),
        newSize: treeSize(now),
        newRoot: log.rootAt(now),
        proof,
      };
      verifyConsistency(claim, nodeSuite);
      const refused = (change: Partial<typeof claim>): void => {
        expect(() => verifyConsistency({ ...claim, ...change }, nodeSuite)).toThrow(
          expect.objectContaining({ code: "consistency-invalid" }),
        );
      };
      refused({ oldRoot: leaf(1_000_000) });
      refused({ newRoot: leaf(1_000_000) });
      refused({ proof: [...proof, leaf(0)] });
      refused({ oldSize: treeSize(now + 1) });
      if (proof.length > 0) refused({ proof: proof.slice(0, -1) });
      if (proof.length > 0) refused({ proof: [] });
      proof.forEach((hash, i) => {
        const flipped = hash.slice();
        flipped[pick % 32] = (flipped[pick % 32] as number) ^ (1 << (pick % 8));
        refused({ proof: proof.with(i, flipped) });
      });
    }),
    { numRuns: 40 },
  );
});

test("TLOG-11: every pair of sizes up to 40, both kinds of proof", async () => {
  const log = new MemoryLog();
  log.grow(40);
  for (let n = 1; n <= 40; n++) {
    for (let m = 0; m <= n; m++) {
      const proof = await consistencyProof(log.reader(n), treeSize(m), treeSize(n), nodeSuite);
      const sizes = { oldSize: treeSize(m), newSize: treeSize(n) };
      verifyConsistency({ ...sizes, oldRoot: log.rootAt(m), newRoot: log.rootAt(n), proof }, nodeSuite);
      if (m === n) continue;
      const index = logIndex(m);
      const path = await inclusionProof(log.reader(n), treeSize(n), index, nodeSuite);
      verifyInclusion(
        { size: treeSize(n), root: log.rootAt(n), index, leafHash: leaf(m), proof: path },
        nodeSuite,
      );
    }
  }
});

test("TLOG-11: a proof that ends below the root is refused, also where a root was chosen to fit it", () => {
  const inclusion = { size: treeSize(2), root: leaf(0), index: logIndex(0), leafHash: leaf(0), proof: [] };
  expect(() => verifyInclusion(inclusion)).toThrow(expect.objectContaining({ code: "inclusion-invalid" }));
  verifyInclusion({ ...inclusion, size: treeSize(1) });
  const consistency = {
    oldSize: treeSize(1),
    oldRoot: leaf(0),
    newSize: treeSize(4),
    newRoot: nodeHash(leaf(0), leaf(1)),
    proof: [leaf(1)],
  };
  expect(() => verifyConsistency(consistency)).toThrow(
    expect.objectContaining({ code: "consistency-invalid" }),
  );
  verifyConsistency({ ...consistency, newSize: treeSize(2) });
});

test("TLOG-11: an empty tree is consistent with every tree, by an empty proof only", () => {
  const claim = {
    oldSize: treeSize(0),
    oldRoot: emptyRoot(),
    newSize: treeSize(3),
    newRoot: leaf(3),
    proof: [],
  };
  verifyConsistency(claim);
  for (const change of [{ proof: [leaf(0)] }, { oldRoot: leaf(0) }, { newSize: treeSize(0) }]) {
    expect(() => verifyConsistency({ ...claim, ...change })).toThrow(TlogError);
  }
});

test("TLOG-7: sizes near 2^53 do not wrap around", () => {
  const size = treeSize(2 ** 53 - 1);
  const proof = Array.from({ length: 53 }, (_, i) => leaf(i));
  const refused = { size, root: leaf(0), index: logIndex(2 ** 53 - 2), leafHash: leaf(1), proof };
  expect(() => verifyInclusion(refused)).toThrow(expect.objectContaining({ code: "inclusion-invalid" }));
  for (const wrong of [2 ** 53, -1, 0.5, Number.NaN]) expect(() => treeSize(wrong)).toThrow(TlogError);
});

test("TLOG-8: what is no hash, and an entry that no bundle could hold, is not hashed", () => {
  for (const wrong of [new Uint8Array(31), new Uint8Array(33)]) {
    expect(() => nodeHash(wrong, leaf(0))).toThrow(expect.objectContaining({ code: "out-of-range" }));
    expect(() => nodeHash(leaf(0), wrong)).toThrow(expect.objectContaining({ code: "out-of-range" }));
    expect(() => appendLeaves(EMPTY_FRONTIER, [wrong])).toThrow(
      expect.objectContaining({ code: "tree-malformed" }),
    );
  }
  leafHash(new Uint8Array(65_535));
  expect(() => leafHash(new Uint8Array(65_536))).toThrow(expect.objectContaining({ code: "out-of-range" }));
});

test("TLOG-10: a frontier with missing or trailing bytes is refused", () => {
  const log = new MemoryLog();
  log.grow(300);
  const bytes = encodeFrontier(log.state);
  for (const wrong of [bytes.slice(0, -1), new Uint8Array([...bytes, 0]), bytes.slice(0, 7)]) {
    expect(() => decodeFrontier(wrong)).toThrow(expect.objectContaining({ code: "tree-malformed" }));
  }
});
