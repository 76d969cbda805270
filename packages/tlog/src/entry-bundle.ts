import { concat, Reader, Writer } from "@porchlight/encoding";
import { refuseAs, TlogError } from "./error.ts";
import { MAX_ENTRY_LENGTH } from "./merkle.ts";
import { TILE_WIDTH } from "./tile-path.ts";

/** C2SP tlog-tiles, "Log entries": each entry behind its length in two bytes. 1 to 256 entries. */
export function encodeEntries(entries: readonly Uint8Array[]): Uint8Array {
  if (entries.length < 1 || entries.length > TILE_WIDTH) {
    throw new TlogError("bundle-malformed", "entry count");
  }
  return concat(
    ...entries.map((entry) => {
      if (entry.length > MAX_ENTRY_LENGTH) throw new TlogError("bundle-malformed", "entry length");
      return new Writer().opaque(entry, 2).finish();
    }),
  );
}

/** Exactly `width` entries; missing and trailing bytes are refused. */
export function parseEntries(bundle: Uint8Array, width: number): Uint8Array[] {
  if (!Number.isInteger(width) || width < 1 || width > TILE_WIDTH) {
    throw new TlogError("out-of-range", "bundle width");
  }
  return refuseAs("bundle-malformed", "entry bundle", () => {
    const reader = new Reader(bundle);
    const entries = Array.from({ length: width }, () => reader.opaque(2, MAX_ENTRY_LENGTH, "entry"));
    reader.end("entry bundle");
    return entries;
  });
}
