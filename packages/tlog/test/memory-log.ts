import { utf8 } from "@porchlight/encoding";
import {
  appendLeaves,
  EMPTY_FRONTIER,
  frontierRoot,
  leafHash,
  parseTilePath,
  TILE_WIDTH,
  type TileReader,
  type TreeFrontier,
  tilePath,
} from "../src/index.ts";
import { nodeSuite } from "../src/node-suite.ts";

/** The entry at `index` of every test log. */
export function entry(index: number): Uint8Array {
  return utf8(`{"entry":${index}}`);
}

/** Its leaf hash. */
export function leaf(index: number): Uint8Array {
  return leafHash(entry(index), nodeSuite);
}

/** A log whose n-th entry is {@link entry}(n): all tiles that it ever published, and its root at every size. */
export class MemoryLog {
  state: TreeFrontier = EMPTY_FRONTIER;
  readonly tiles = new Map<string, Uint8Array>();
  readonly #roots: Uint8Array[] = [frontierRoot(EMPTY_FRONTIER, nodeSuite)];

  /** Publishes a checkpoint of `size`, not of the sizes between. */
  grow(size: number): void {
    const leaves = Array.from({ length: size - this.state.size }, (_, i) => leaf(this.state.size + i));
    const { state, newTiles } = appendLeaves(this.state, leaves, nodeSuite);
    this.state = state;
    for (const { path, hashes } of newTiles) this.tiles.set(path, hashes);
  }

  root(): Uint8Array {
    return frontierRoot(this.state, nodeSuite);
  }

  rootAt(size: number): Uint8Array {
    let state: TreeFrontier = EMPTY_FRONTIER;
    for (let n = this.#roots.length; n <= size; n++) {
      if (n === this.#roots.length && state.size !== n - 1) {
        state = appendLeaves(
          EMPTY_FRONTIER,
          Array.from({ length: n - 1 }, (_, i) => leaf(i)),
          nodeSuite,
        ).state;
      }
      state = appendLeaves(state, [leaf(n - 1)], nodeSuite).state;
      this.#roots.push(frontierRoot(state, nodeSuite));
    }
    return this.#roots[size] as Uint8Array;
  }

  readonly read: TileReader = async (path) => {
    const tile = this.tiles.get(path);
    if (tile === undefined) throw new Error(`no such tile: ${path}`);
    return tile;
  };

  /** Tiles as a log of `size` serves them, partial ones cut out of the widest that this log has by now. */
  reader(size: number): TileReader {
    return async (path) => {
      const parsed = parseTilePath(path);
      if (parsed.kind === "entries") throw new Error(`no entries here: ${path}`);
      const { level, index, width } = parsed;
      const count = Math.floor(size / TILE_WIDTH ** level) - index * TILE_WIDTH;
      if (width !== Math.min(count, TILE_WIDTH)) throw new Error(`not a tile of this size: ${path}`);
      for (let wider = TILE_WIDTH; wider >= width; wider--) {
        const tile = this.tiles.get(tilePath(level, index, wider));
        if (tile !== undefined) return tile.slice(0, width * 32);
      }
      throw new Error(`no such tile: ${path}`);
    };
  }
}
