import { parseDecimal } from "@porchlight/encoding";
import { refuseAs, TlogError } from "./error.ts";

/** Hashes in a full tile, and entries in a full bundle. */
export const TILE_WIDTH = 256;
const MAX_LEVEL = 63;

/** Where a tile or an entry bundle is served, relative to the log's prefix. */
export type TilePath =
  | { readonly kind: "hashes"; readonly level: number; readonly index: number; readonly width: number }
  | { readonly kind: "entries"; readonly index: number; readonly width: number };

/** 1234067 → `x001/x234/067`. */
function indexPath(index: number): string {
  if (!Number.isSafeInteger(index) || index < 0) throw new TlogError("out-of-range", "tile index");
  const digits = String(index);
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, "0");
  return padded.replace(/([0-9]{3})(?=[0-9])/g, "x$1/");
}

function widthSuffix(width: number): string {
  if (!Number.isInteger(width) || width < 1 || width > TILE_WIDTH) {
    throw new TlogError("out-of-range", "tile width");
  }
  return width === TILE_WIDTH ? "" : `.p/${width}`;
}

/** `tile/L/N[.p/W]` (C2SP tlog-tiles, "Merkle Tree"). `width` is 1 to 256 hashes. */
export function tilePath(level: number, index: number, width: number = TILE_WIDTH): string {
  if (!Number.isInteger(level) || level < 0 || level > MAX_LEVEL) {
    throw new TlogError("out-of-range", "tile level");
  }
  return `tile/${level}/${indexPath(index)}${widthSuffix(width)}`;
}

/** `tile/entries/N[.p/W]` (C2SP tlog-tiles, "Log entries"). */
export function entriesPath(index: number, width: number = TILE_WIDTH): string {
  return `tile/entries/${indexPath(index)}${widthSuffix(width)}`;
}

/** Parses either path; every other spelling of the same tile is refused (TLOG-9). */
export function parseTilePath(path: string): TilePath {
  const match = /^tile\/(entries|[0-9]{1,2})\/((?:x[0-9]{3}\/){0,5}[0-9]{3})(?:\.p\/([0-9]{1,3}))?$/.exec(
    path,
  );
  if (match === null) throw new TlogError("path-malformed", "tile path");
  const [, place = "", elements = "", suffix] = match;
  return refuseAs("path-malformed", "tile path", () => {
    const index = Number(elements.replace(/[x/]/g, ""));
    const width = suffix === undefined ? TILE_WIDTH : parseDecimal(suffix, "tile width");
    const parsed: TilePath =
      place === "entries"
        ? { kind: "entries", index, width }
        : { kind: "hashes", level: parseDecimal(place, "tile level"), index, width };
    // One spelling only: no `x000/` in front, no `.p/256`, no leading zeroes.
    if (formatTilePath(parsed) !== path) throw new TlogError("path-malformed", "tile path");
    return parsed;
  });
}

function formatTilePath(path: TilePath): string {
  return path.kind === "entries"
    ? entriesPath(path.index, path.width)
    : tilePath(path.level, path.index, path.width);
}
