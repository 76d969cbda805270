import { concat, Reader, Writer } from "@porchlight/encoding";
import { refuseAs, TlogError } from "./error.ts";
import { emptyRoot, HASH_LENGTH, nodeHash } from "./merkle.ts";
import { type TreeSize, treeSize } from "./size.ts";
import { nobleSuite, type TlogSuite } from "./suite.ts";
import { TILE_WIDTH, tilePath } from "./tile-path.ts";
import { readTile, type TileReader } from "./tile-reader.ts";

/**
 * The right edge of a tree: all that appending needs. A value; {@link appendLeaves} gives a new one.
 * `edge[l]` holds the hashes of the partial tile of level l (none where the level ends in a full tile); `peaks` are
 * the roots of the perfect subtrees that the size is the sum of, largest first.
 */
export type TreeFrontier = {
  readonly size: TreeSize;
  readonly edge: readonly Uint8Array[];
  readonly peaks: readonly Uint8Array[];
};

/** A tile as it is stored and served: `width` hashes of 32 bytes. */
export type Tile = {
  readonly path: string;
  readonly level: number;
  readonly index: number;
  readonly width: number;
  readonly hashes: Uint8Array;
};

export const EMPTY_FRONTIER: TreeFrontier = { size: treeSize(0), edge: [], peaks: [] };

/** Hashes that level `level` has in a tree of `size` leaves (C2SP tlog-tiles: floor(s / 256^l)). */
export function levelCount(size: number, level: number): number {
  return Math.floor(size / TILE_WIDTH ** level);
}

function levelsOf(size: number): number {
  let levels = 0;
  while (levelCount(size, levels) > 0) levels++;
  return levels;
}

/**
 * Appends leaf hashes (32 bytes each) at about one node hash per leaf. `newTiles` are the tiles that a log of the new
 * size serves and the old one did not: every tile that became full, then the partial tile of each level that grew.
 */
export function appendLeaves(
  state: TreeFrontier,
  leafHashes: readonly Uint8Array[],
  suite: TlogSuite = nobleSuite,
): { readonly state: TreeFrontier; readonly newTiles: readonly Tile[] } {
  let size: number = treeSize(state.size + leafHashes.length) - leafHashes.length;
  const peaks = [...state.peaks];
  const newTiles: Tile[] = [];
  const levels: { count: number; hashes: Uint8Array }[] = [];

  const addHash = (level: number, hash: Uint8Array): void => {
    let open = levels[level];
    if (open === undefined) {
      open = { count: levelCount(state.size, level), hashes: new Uint8Array(TILE_WIDTH * HASH_LENGTH) };
      open.hashes.set(state.edge[level] ?? []);
      levels[level] = open;
    }
    open.hashes.set(hash, (open.count % TILE_WIDTH) * HASH_LENGTH);
    open.count++;
    if (open.count % TILE_WIDTH !== 0) return;
    const index = open.count / TILE_WIDTH - 1;
    newTiles.push({ path: tilePath(level, index), level, index, width: TILE_WIDTH, hashes: open.hashes });
    open.hashes = new Uint8Array(TILE_WIDTH * HASH_LENGTH);
  };

  for (const leaf of leafHashes) {
    if (leaf.length !== HASH_LENGTH) throw new TlogError("tree-malformed", "leaf hash");
    let hash = leaf;
    let height = 0;
    addHash(0, hash);
    // As in binary addition: a subtree merges with the peak of its own height, and carries.
    for (let rest = size; rest % 2 === 1; rest = Math.floor(rest / 2)) {
      hash = nodeHash(peaks.pop() as Uint8Array, hash, suite);
      height++;
      if (height % 8 === 0) addHash(height / 8, hash);
    }
    peaks.push(hash);
    size++;
  }

  const edge = Array.from({ length: levelsOf(size) }, (_, level) => {
    const grown = levels[level];
    if (grown === undefined) return state.edge[level] ?? new Uint8Array(0);
    const width = grown.count % TILE_WIDTH;
    const hashes = grown.hashes.slice(0, width * HASH_LENGTH);
    const index = Math.floor(grown.count / TILE_WIDTH);
    if (width > 0) newTiles.push({ path: tilePath(level, index, width), level, index, width, hashes });
    return hashes;
  });
  return { state: { size: treeSize(size), edge, peaks }, newTiles };
}

/** RFC 6962 §2.1 Merkle tree hash of the whole tree. */
export function frontierRoot({ peaks }: TreeFrontier, suite: TlogSuite = nobleSuite): Uint8Array {
  return peaks.length === 0 ? emptyRoot(suite) : foldRight(peaks, suite);
}

/** Root over perfect subtrees of falling size. */
export function foldRight(peaks: readonly Uint8Array[], suite: TlogSuite): Uint8Array {
  return peaks.reduceRight((right, left) => nodeHash(left, right, suite));
}

/** Root over a power of two of hashes. */
export function foldPerfect(hashes: readonly Uint8Array[], suite: TlogSuite): Uint8Array {
  let row = hashes;
  while (row.length > 1) {
    const below = row;
    row = Array.from({ length: below.length / 2 }, (_, i) =>
      nodeHash(below[2 * i] as Uint8Array, below[2 * i + 1] as Uint8Array, suite),
    );
  }
  return row[0] as Uint8Array;
}

/** The hashes of a tile, as views. */
export function tileHashes(tile: Uint8Array): Uint8Array[] {
  return Array.from({ length: tile.length / HASH_LENGTH }, (_, i) =>
    tile.subarray(i * HASH_LENGTH, (i + 1) * HASH_LENGTH),
  );
}

function frontierOf(size: TreeSize, edge: readonly Uint8Array[], suite: TlogSuite): TreeFrontier {
  const peaks: Uint8Array[] = [];
  for (const tile of edge.toReversed()) {
    const hashes = tileHashes(tile);
    let at = 0;
    for (let span = TILE_WIDTH / 2; span >= 1; span /= 2) {
      if (hashes.length - at < span) continue;
      peaks.push(foldPerfect(hashes.slice(at, at + span), suite));
      at += span;
    }
  }
  return { size, edge, peaks };
}

/** The right edge from stored tiles. Compare {@link frontierRoot} with a signed checkpoint before building on it. */
export async function loadFrontier(
  read: TileReader,
  size: TreeSize,
  suite: TlogSuite = nobleSuite,
): Promise<TreeFrontier> {
  const edge = await Promise.all(
    Array.from({ length: levelsOf(size) }, async (_, level) => {
      const count = levelCount(size, level);
      const width = count % TILE_WIDTH;
      return width === 0 ? new Uint8Array(0) : readTile(read, level, Math.floor(count / TILE_WIDTH), width);
    }),
  );
  return frontierOf(size, edge, suite);
}

/** Root of the tree of `size` leaves that these tiles make up. */
export async function treeHash(
  read: TileReader,
  size: TreeSize,
  suite: TlogSuite = nobleSuite,
): Promise<Uint8Array> {
  return frontierRoot(await loadFrontier(read, size, suite), suite);
}

/** u64 size ‖ the partial tiles from level 0 upwards; their widths follow from the size. */
export function encodeFrontier({ size, edge }: TreeFrontier): Uint8Array {
  return concat(new Writer().u64(size).finish(), ...edge);
}

export function decodeFrontier(bytes: Uint8Array, suite: TlogSuite = nobleSuite): TreeFrontier {
  return refuseAs("tree-malformed", "frontier", () => {
    const reader = new Reader(bytes);
    const size = treeSize(reader.u64("size"));
    const edge = Array.from({ length: levelsOf(size) }, (_, level) =>
      reader.fixed((levelCount(size, level) % TILE_WIDTH) * HASH_LENGTH, "edge"),
    );
    reader.end("frontier");
    return frontierOf(size, edge, suite);
  });
}
