import {
  encodeEntries,
  entriesPath,
  parseEntries,
  parseTilePath,
  TILE_WIDTH,
  tilePath,
} from "@porchlight/tlog";

const HASH_LENGTH = 32;

/** This site's copy of the log. Nothing that it gives is verified here. */
export const copy = {
  /** The newest checkpoint note. Rejects where there is none. */
  async checkpoint(): Promise<string> {
    const answer = await fetch("/checkpoint", { cache: "no-store" });
    if (!answer.ok) throw new Error("no checkpoint");
    return await answer.text();
  },

  /** A tile or bundle, also out of the full one where the partial one is gone (C2SP tlog-tiles, "Partial Tiles"). */
  async file(path: string): Promise<Uint8Array> {
    const found = await bytesAt(path);
    if (found !== null) return found;
    const parsed = parseTilePath(path);
    const { kind, index, width } = parsed;
    const whole = kind === "entries" ? entriesPath(index) : tilePath(parsed.level, index);
    const full = width === TILE_WIDTH ? null : await bytesAt(whole);
    if (full === null) throw new Error("the copy has no such tile");
    return kind === "entries"
      ? encodeEntries(parseEntries(full, TILE_WIDTH).slice(0, width))
      : full.slice(0, width * HASH_LENGTH);
  },

  /** Bytes of one entry of a log of `size`. Throws TlogError "bundle-malformed". */
  async entry(index: number, size: number): Promise<Uint8Array> {
    const bundle = Math.floor(index / TILE_WIDTH);
    const width = Math.min(TILE_WIDTH, size - bundle * TILE_WIDTH);
    const entries = parseEntries(await copy.file(entriesPath(bundle, width)), width);
    return entries[index % TILE_WIDTH] as Uint8Array;
  },

  /** Indices that the site knows under a number; it may keep some from us. */
  async find(number: string): Promise<number[]> {
    const answer = await fetch(`/find/${number}`);
    const { indices } = (await answer.json()) as { indices?: unknown };
    return Array.isArray(indices) ? indices.filter((one) => Number.isSafeInteger(one) && one >= 0) : [];
  },
};

async function bytesAt(path: string): Promise<Uint8Array | null> {
  const answer = await fetch(`/${path}`);
  if (answer.status === 404) return null;
  if (!answer.ok) throw new Error("the copy did not answer");
  return new Uint8Array(await answer.arrayBuffer());
}
