import { readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { lockDirectory, makeDirectory, readFileOrNull, writeFileDurable } from "@porchlight/durable";
import { equalBytes, fromUtf8, utf8 } from "@porchlight/encoding";
import {
  appendLeaves,
  EMPTY_FRONTIER,
  encodeEntries,
  entriesPath,
  frontierRoot,
  leafHash,
  loadFrontier,
  parseCheckpoint,
  parseEntries,
  parseNote,
  parseTilePath,
  TILE_WIDTH,
  type TlogSuite,
  type TreeFrontier,
} from "@porchlight/tlog";
import type { LogSource } from "@porchlight/wire";
import { PublicLogError } from "./error.ts";

const CHECKPOINT = "checkpoint";

/**
 * A copy of a log as files (C2SP tlog-tiles): made of entries that were verified, never of the log's own tiles. Any web
 * server can serve the directory. What it says it has, it has: the checkpoint is written last (PUB-2).
 */
export class Mirror implements LogSource {
  readonly #directory: string;
  readonly #suite: TlogSuite;
  readonly #release: () => void;
  #note: string | null;
  #tree: TreeFrontier;
  /** Entries of the last, unfinished bundle. */
  #rest: Uint8Array[];

  private constructor(
    directory: string,
    suite: TlogSuite,
    release: () => void,
    kept: { readonly note: string | null; readonly tree: TreeFrontier; readonly rest: Uint8Array[] },
  ) {
    this.#directory = directory;
    this.#suite = suite;
    this.#release = release;
    this.#note = kept.note;
    this.#tree = kept.tree;
    this.#rest = kept.rest;
  }

  /** Throws PublicLogError "mirror-foreign" or "mirror-corrupt", DurableError where another process has the directory. */
  static async open(directory: string, origin: string, suite: TlogSuite): Promise<Mirror> {
    await makeDirectory(directory);
    const lock = lockDirectory(directory);
    const release = (): void => lock.release();
    try {
      const bytes = await readFileOrNull(join(directory, CHECKPOINT));
      if (bytes === null) {
        return new Mirror(directory, suite, release, { note: null, tree: EMPTY_FRONTIER, rest: [] });
      }
      const note = fromUtf8(bytes);
      return new Mirror(directory, suite, release, { note, ...(await load(directory, note, origin, suite)) });
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Entries that are in its files, whether or not a checkpoint covers them yet. */
  get size(): number {
    return this.#tree.size;
  }

  /** The newest checkpoint of the copy; throws where there is none yet. */
  async checkpoint(): Promise<string> {
    if (this.#note === null) throw new Error("nothing was copied yet");
    return this.#note;
  }

  /** Bytes of a tile or bundle; `null` where it has none under this path, also where the path is none. */
  async file(path: string): Promise<Uint8Array | null> {
    try {
      parseTilePath(path);
    } catch {
      return null;
    }
    return await readFileOrNull(join(this.#directory, path));
  }

  /** Adds verified entries that follow on those it has; ones that it has already are passed over. */
  async add(first: number, entries: readonly Uint8Array[]): Promise<void> {
    const fresh = entries.slice(Math.max(0, this.#tree.size - first));
    if (fresh.length === 0) return;
    const bundle = Math.floor(this.#tree.size / TILE_WIDTH);
    const { state, newTiles } = appendLeaves(
      this.#tree,
      fresh.map((entry) => leafHash(entry, this.#suite)),
      this.#suite,
    );
    const open = [...this.#rest, ...fresh];
    for (let at = 0; at < open.length; at += TILE_WIDTH) {
      const part = open.slice(at, at + TILE_WIDTH);
      await this.#write(entriesPath(bundle + at / TILE_WIDTH, part.length), encodeEntries(part));
    }
    for (const { path, hashes } of newTiles) await this.#write(path, hashes);
    this.#tree = state;
    this.#rest = open.slice(open.length - (state.size % TILE_WIDTH));
  }

  /** Its newest checkpoint from now on: of the entries that it has. Drops partial tiles that nobody needs any more. */
  async cover(note: string): Promise<void> {
    if (note === this.#note) return;
    const { size, root } = parseCheckpoint(parseNote(note).text);
    const isOurs = size === this.#tree.size && equalBytes(frontierRoot(this.#tree, this.#suite), root);
    if (!isOurs) throw new PublicLogError("mirror-corrupt");
    await writeFileDurable(join(this.#directory, CHECKPOINT), utf8(note));
    this.#note = note;
    await this.#dropPartials(join(this.#directory, "tile"));
  }

  close(): void {
    this.#release();
  }

  async #write(path: string, bytes: Uint8Array): Promise<void> {
    const file = join(this.#directory, path);
    await makeDirectory(dirname(file));
    await writeFileDurable(file, bytes);
  }

  /**
   * Of each `N.p` directory beside the full tile N all is dropped; of the last one all but the two widest: who took the
   * checkpoint before this one reads by it for a moment.
   */
  async #dropPartials(directory: string): Promise<void> {
    const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
    const names = new Set(entries.map(({ name }) => name));
    for (const entry of entries) {
      if (!entry.isDirectory()) continue;
      const path = join(directory, entry.name);
      if (!entry.name.endsWith(".p")) await this.#dropPartials(path);
      else if (names.has(entry.name.slice(0, -2))) await rm(path, { recursive: true, force: true });
      else {
        const widths = (await readdir(path)).map(Number).filter(Number.isInteger);
        const dropped = widths.sort((a, b) => b - a).slice(2);
        for (const width of dropped) await rm(join(path, String(width)), { force: true });
      }
    }
  }
}

async function load(
  directory: string,
  note: string,
  origin: string,
  suite: TlogSuite,
): Promise<{ tree: TreeFrontier; rest: Uint8Array[] }> {
  const read = async (path: string): Promise<Uint8Array> => {
    const bytes = await readFileOrNull(join(directory, path));
    if (bytes === null) throw new PublicLogError("mirror-corrupt", { detail: path });
    return bytes;
  };
  try {
    const checkpoint = parseCheckpoint(parseNote(note).text);
    if (checkpoint.origin !== origin) throw new PublicLogError("mirror-foreign");
    const { size, root } = checkpoint;
    const tree = await loadFrontier(read, size, suite);
    if (!equalBytes(frontierRoot(tree, suite), root)) throw new PublicLogError("mirror-corrupt");
    const width = size % TILE_WIDTH;
    const rest =
      width === 0 ? [] : parseEntries(await read(entriesPath(Math.floor(size / TILE_WIDTH), width)), width);
    return { tree, rest };
  } catch (error) {
    if (error instanceof PublicLogError) throw error;
    throw new PublicLogError("mirror-corrupt", { cause: error });
  }
}
