import { TlogError } from "./error.ts";
import { HASH_LENGTH } from "./merkle.ts";
import { tilePath } from "./tile-path.ts";

/** Gives the bytes stored under a path of {@link tilePath} or `entriesPath`; rejects where there are none. */
export type TileReader = (path: string) => Promise<Uint8Array>;

/** Reads one tile; one of another length than `width` hashes is TlogError "tile-malformed". */
export async function readTile(
  read: TileReader,
  level: number,
  index: number,
  width: number,
): Promise<Uint8Array> {
  const tile = await read(tilePath(level, index, width));
  if (tile.length !== width * HASH_LENGTH) throw new TlogError("tile-malformed", "tile length");
  return tile;
}

/** Reads each path once, however many hashes of it are asked for. For the length of one proof. */
export function memoize(read: TileReader): TileReader {
  const pending = new Map<string, Promise<Uint8Array>>();
  return (path) => {
    const tile = pending.get(path) ?? read(path);
    pending.set(path, tile);
    return tile;
  };
}
