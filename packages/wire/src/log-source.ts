import { fromUtf8 } from "@porchlight/encoding";
import {
  encodeEntries,
  entriesPath,
  parseEntries,
  parseTilePath,
  TILE_WIDTH,
  type TilePath,
  tilePath,
} from "@porchlight/tlog";
import { WireError } from "./error.ts";
import { type ClientOptions, HttpCaller } from "./http.ts";
import { LogError } from "./log-error.ts";

/** A log's files (C2SP tlog-tiles), wherever they come from. Nothing that it gives is verified. */
export type LogSource = {
  /** The newest checkpoint note. */
  readonly checkpoint: () => Promise<string>;
  /** Bytes of a tile or entry bundle; `null` where the log has none under this path. */
  readonly file: (path: string) => Promise<Uint8Array | null>;
};

/** A log over HTTP; `url` is its prefix, "http://127.0.0.1:7400/log". Throws WireError. */
export function httpLogSource(options: ClientOptions): LogSource {
  const http = new HttpCaller(options);
  const get = async (path: string): Promise<Uint8Array> =>
    (await http.send({ method: "GET", path: `/${path}` })).bytes;
  return {
    checkpoint: async () => {
      const bytes = await get("checkpoint");
      try {
        return fromUtf8(bytes);
      } catch (cause) {
        throw new LogError("note-refused", { cause });
      }
    },
    file: async (path) => {
      try {
        return await get(path);
      } catch (error) {
        if (error instanceof WireError && error.status === 404) return null;
        throw error;
      }
    },
  };
}

const HASH_LENGTH = 32;

/**
 * Reads a path, or its first hashes or entries out of the full tile: a log may drop a partial tile once the full one
 * exists (C2SP tlog-tiles, "Partial Tiles"). Throws LogError "tile-refused" where it has neither.
 */
export async function readLogFile(source: LogSource, path: string): Promise<Uint8Array> {
  const found = await source.file(path);
  if (found !== null) return found;
  const parsed = parseTilePath(path);
  const full = parsed.width === TILE_WIDTH ? null : await source.file(fullPath(parsed));
  if (full === null) throw new LogError("tile-refused");
  return parsed.kind === "entries"
    ? encodeEntries(parseEntries(full, TILE_WIDTH).slice(0, parsed.width))
    : full.slice(0, parsed.width * HASH_LENGTH);
}

function fullPath(path: TilePath): string {
  return path.kind === "entries" ? entriesPath(path.index) : tilePath(path.level, path.index);
}
