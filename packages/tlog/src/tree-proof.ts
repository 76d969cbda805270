import { TlogError } from "./error.ts";
import { foldPerfect, foldRight, levelCount, tileHashes } from "./frontier.ts";
import { type LogIndex, type TreeSize, treeSize } from "./size.ts";
import { nobleSuite, type TlogSuite } from "./suite.ts";
import { TILE_WIDTH } from "./tile-path.ts";
import { memoize, readTile, type TileReader } from "./tile-reader.ts";

/** Leaves `from` up to and without `to`. */
type Range = readonly [from: number, to: number];

/** Largest power of two below `value`, which is at least 2. */
function splitPoint(value: number): number {
  let power = 1;
  while (power * 2 < value) power *= 2;
  return power;
}

/** Merkle hash of 2^height leaves from index · 2^height, out of tiles of a tree of `size`. */
async function perfectHash(
  read: TileReader,
  size: TreeSize,
  height: number,
  index: number,
  suite: TlogSuite,
): Promise<Uint8Array> {
  const level = Math.floor(height / 8);
  const span = 2 ** (height % 8);
  const tile = Math.floor((index * span) / TILE_WIDTH);
  const offset = (index * span) % TILE_WIDTH;
  const width = Math.min(TILE_WIDTH, levelCount(size, level) - tile * TILE_WIDTH);
  const hashes = tileHashes(await readTile(read, level, tile, width));
  return foldPerfect(hashes.slice(offset, offset + span), suite);
}

/** Merkle hash of a range that a proof names: perfect subtrees of falling size, the first aligned to its own size. */
async function rangeHash(
  read: TileReader,
  size: TreeSize,
  [from, to]: Range,
  suite: TlogSuite,
): Promise<Uint8Array> {
  const parts: Promise<Uint8Array>[] = [];
  let at = from;
  while (at < to) {
    let height = 0;
    while (2 ** (height + 1) <= to - at) height++;
    parts.push(perfectHash(read, size, height, at / 2 ** height, suite));
    at += 2 ** height;
  }
  return foldRight(await Promise.all(parts), suite);
}

function hashAll(
  read: TileReader,
  size: TreeSize,
  ranges: readonly Range[],
  suite: TlogSuite,
): Promise<Uint8Array[]> {
  const once = memoize(read);
  return Promise.all(ranges.map((range) => rangeHash(once, size, range, suite)));
}

/** The leaf hash that the tiles have for an entry; nothing is verified here. */
export async function leafHashAt(read: TileReader, size: TreeSize, index: LogIndex): Promise<Uint8Array> {
  if (index >= size) throw new TlogError("out-of-range", "log index");
  return perfectHash(read, size, 0, index, nobleSuite);
}

/** RFC 6962 §2.1.1 PATH(index, D[0:size]), from the leaf's sibling upwards. The tiles are not verified here. */
export async function inclusionProof(
  read: TileReader,
  size: TreeSize,
  index: LogIndex,
  suite: TlogSuite = nobleSuite,
): Promise<Uint8Array[]> {
  if (index >= size) throw new TlogError("out-of-range", "log index");
  const siblings: Range[] = [];
  let [from, to]: Range = [0, treeSize(size)];
  while (to - from > 1) {
    const middle = from + splitPoint(to - from);
    siblings.push(index < middle ? [middle, to] : [from, middle]);
    [from, to] = index < middle ? [from, middle] : [middle, to];
  }
  return hashAll(read, size, siblings.toReversed(), suite);
}

/** RFC 6962 §2.1.2 PROOF(oldSize, D[0:newSize]); empty where nothing needs proof. The tiles are not verified here. */
export async function consistencyProof(
  read: TileReader,
  oldSize: TreeSize,
  newSize: TreeSize,
  suite: TlogSuite = nobleSuite,
): Promise<Uint8Array[]> {
  if (oldSize > newSize) throw new TlogError("out-of-range", "old size");
  if (oldSize === 0 || oldSize === newSize) return [];
  const hashes: Range[] = [];
  let [from, to]: Range = [0, treeSize(newSize)];
  // Down to the subtree that the old tree ends with.
  while (to !== oldSize) {
    const middle = from + splitPoint(to - from);
    hashes.push(oldSize <= middle ? [middle, to] : [from, middle]);
    [from, to] = oldSize <= middle ? [from, middle] : [middle, to];
  }
  // A verifier has that subtree's hash already where it is the whole old tree.
  if (from !== 0) hashes.push([from, to]);
  return hashAll(read, newSize, hashes.toReversed(), suite);
}
