import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { makeDirectory, readFileOrNull, syncDirectory, writeFileDurable } from "@porchlight/durable";
import { Fields, fromHex, hex, parseJson } from "@porchlight/encoding";
import {
  appendLeaves,
  encodeEntries,
  frontierRoot,
  type LogIndex,
  leafHash,
  loadFrontier,
  logIndex,
  parseEntries,
  parseTilePath,
  TILE_WIDTH,
  type TileReader,
  type TreeFrontier,
  type TreeSize,
  treeSize,
} from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import { ServerError } from "./error.ts";

const HASH = 32;
/** u32 payload length, u16 entries, SHA-256 over u64 first index ‖ payload. */
const FRAME_HEADER = 4 + 2 + HASH;
/** Entries after which the derived files are fsynced, so that a start has no more than these to hash again. */
const SAVE_EVERY = 65_536;

/** A tree that checkpoints may be signed of. */
export type LogTree = { readonly size: TreeSize; readonly root: Uint8Array; readonly tiles: TileReader };

/**
 * The log's tree on disk (DEL-40). `entries` is the truth: frames of entry bundles, each written and fsynced before
 * anything of it is acknowledged; a frame never crosses a bundle of 256. `level-L` holds the hashes of tile level L end
 * to end and `bundles` where each bundle's first frame begins: both follow from `entries` and are fsynced now and then,
 * with `state` saying up to which size. A tile or bundle of any width is a prefix of what stands there, so that partial
 * tiles of every published size need no storage of their own, and there is nothing to collect: an entry costs its bytes,
 * a share of a frame's header, and a little more than its hash, whatever the batches were (TLOG-10).
 *
 * One writer: {@link append} must not be called again before it resolved.
 */
export class LogStore {
  readonly #directory: string;
  readonly #files: LogFiles;
  #frontier: TreeFrontier;
  /** End of the durable frames. */
  #end: number;
  #saved: number;

  private constructor(directory: string, files: LogFiles, state: { frontier: TreeFrontier; end: number }) {
    this.#directory = directory;
    this.#files = files;
    this.#frontier = state.frontier;
    this.#end = state.end;
    this.#saved = state.frontier.size;
  }

  /**
   * Opens or creates; a tail that was never acknowledged is cut off, derived files are completed. Throws ServerError
   * "log-damaged" where they contradict what was saved.
   */
  static async open(directory: string): Promise<LogStore> {
    await makeDirectory(directory);
    const saved = await readState(join(directory, "state"));
    const files: LogFiles = {
      entries: await openFile(join(directory, "entries")),
      bundles: await openFile(join(directory, "bundles")),
      levels: [],
    };
    try {
      for (let level = 0; TILE_WIDTH ** level <= Math.max(saved.size, 1); level++) {
        files.levels.push(await openFile(join(directory, `level-${level}`)));
      }
      await syncDirectory(directory);
      const frontier = await readFrontier(files, saved);
      const store = new LogStore(directory, files, { frontier, end: saved.end });
      await store.#recover();
      return store;
    } catch (error) {
      await closeFiles(files);
      throw error;
    }
  }

  /** Entries that are durable and in the tree. */
  get size(): TreeSize {
    return this.#frontier.size;
  }

  /** Bytes of the file `entries` that hold the tree: all that a copy of the log needs. */
  get end(): number {
    return this.#end;
  }

  /** RFC 6962 root of the whole tree. */
  get root(): Uint8Array {
    return frontierRoot(this.#frontier, nodeSuite);
  }

  /**
   * Resolves when the entries are on the disk and in the tree; returns the index of the first. After it rejected the
   * store must be opened again: what the disk holds is known only then.
   */
  async append(entries: readonly Uint8Array[]): Promise<LogIndex> {
    const first = this.#frontier.size;
    const frames = cutFrames(first, entries);
    const bytes = Buffer.concat(frames.flatMap(({ header, payload }) => [header, payload]));
    await writeAt(this.#files.entries, bytes, this.#end);
    const durable = this.#files.entries.datasync();
    // Hashing runs while the disk writes.
    const integrated = this.#integrate(entries);
    await durable;
    await this.#apply(frames, integrated);
    if (this.#frontier.size - this.#saved >= SAVE_EVERY) await this.#save();
    return logIndex(first);
  }

  #integrate(entries: readonly Uint8Array[]): ReturnType<typeof appendLeaves> {
    const leaves = entries.map((entry) => leafHash(entry, nodeSuite));
    return appendLeaves(this.#frontier, leaves, nodeSuite);
  }

  async #apply(
    frames: readonly Frame[],
    { state, newTiles }: ReturnType<typeof appendLeaves>,
  ): Promise<void> {
    const writes: Promise<void>[] = [];
    for (const tile of newTiles) {
      const file = (this.#files.levels[tile.level] ??= await openFile(
        join(this.#directory, `level-${tile.level}`),
      ));
      // Only what is new: of a tile that was there in part, its front stands already.
      const first = tile.index * TILE_WIDTH;
      const had = Math.max(0, Math.floor(this.#frontier.size / TILE_WIDTH ** tile.level) - first);
      writes.push(writeAt(file, tile.hashes.subarray(had * HASH), (first + had) * HASH));
    }
    for (const frame of frames) {
      if (frame.first % TILE_WIDTH === 0) {
        const offset = Buffer.alloc(8);
        offset.writeBigUInt64BE(BigInt(this.#end));
        writes.push(writeAt(this.#files.bundles, offset, (frame.first / TILE_WIDTH) * 8));
      }
      this.#end += FRAME_HEADER + frame.payload.length;
    }
    await Promise.all(writes);
    this.#frontier = state;
  }

  /** Bytes under a path of C2SP tlog-tiles; `null` where there is no such tile (yet). Throws TlogError "path-malformed". */
  async read(path: string): Promise<Uint8Array | null> {
    const tile = parseTilePath(path);
    const level = tile.kind === "hashes" ? tile.level : 0;
    const count = Math.floor(this.#frontier.size / TILE_WIDTH ** level);
    if (tile.index * TILE_WIDTH + tile.width > count) return null;
    if (tile.kind === "entries") return await this.#readBundle(tile.index, tile.width);
    return await readAt(this.#files.levels[level], tile.index * TILE_WIDTH * HASH, tile.width * HASH);
  }

  /** For proofs: rejects where there is no such tile. */
  get tiles(): TileReader {
    return async (path) => {
      const bytes = await this.read(path);
      if (bytes === null) throw new ServerError("log-damaged", "a tile that the tree needs is missing");
      return bytes;
    };
  }

  /** Entries from `from` to the end of its bundle, at most up to `to` (exclusive). */
  async entriesFrom(from: number, to: number = this.#frontier.size): Promise<Uint8Array[]> {
    const index = Math.floor(from / TILE_WIDTH);
    const width = Math.min(TILE_WIDTH, to - index * TILE_WIDTH);
    const bundle = await this.#readBundle(index, width);
    return parseEntries(bundle, width).slice(from % TILE_WIDTH);
  }

  async #readBundle(index: number, width: number): Promise<Uint8Array> {
    const start = await this.#bundleOffset(index);
    const isLast = (index + 1) * TILE_WIDTH >= this.#frontier.size;
    const end = isLast ? this.#end : await this.#bundleOffset(index + 1);
    const raw = await readAt(this.#files.entries, start, end - start);
    const parts: Uint8Array[] = [];
    let count = 0;
    for (let at = 0; at < raw.length && count < width; ) {
      const length = raw.readUInt32BE(at);
      count += raw.readUInt16BE(at + 4);
      parts.push(raw.subarray(at + FRAME_HEADER, at + FRAME_HEADER + length));
      at += FRAME_HEADER + length;
    }
    const bundle = Buffer.concat(parts);
    let used = 0;
    for (let entry = 0; entry < width; entry++) used += 2 + bundle.readUInt16BE(used);
    return new Uint8Array(bundle.buffer, bundle.byteOffset, used);
  }

  async #bundleOffset(index: number): Promise<number> {
    return Number((await readAt(this.#files.bundles, index * 8, 8)).readBigUInt64BE());
  }

  async #recover(): Promise<void> {
    for (;;) {
      const frame = await readFrame(this.#files.entries, this.#end, this.#frontier.size);
      if (frame === null) break;
      const count = frame.count;
      await this.#apply([frame], this.#integrate(parseEntries(frame.payload, count)));
    }
    await this.#files.entries.truncate(this.#end);
    await this.#save();
  }

  async #save(): Promise<void> {
    await Promise.all(allOf(this.#files).map((file) => file.sync()));
    await syncDirectory(this.#directory);
    const { size } = this.#frontier;
    const state = { version: 1, size, end: this.#end, root: hex(this.root) };
    await writeFileDurable(join(this.#directory, "state"), `${JSON.stringify(state)}\n`);
    this.#saved = size;
  }

  async close(): Promise<void> {
    if (this.#saved !== this.#frontier.size) await this.#save();
    await closeFiles(this.#files);
  }
}

type LogFiles = { readonly entries: FileHandle; readonly bundles: FileHandle; readonly levels: FileHandle[] };

function allOf({ entries, bundles, levels }: LogFiles): FileHandle[] {
  return [entries, bundles, ...levels];
}

async function closeFiles(files: LogFiles): Promise<void> {
  await Promise.all(allOf(files).map((file) => file.close()));
}

/** The saved tree's right edge; its root shows whether the tiles are what was saved. */
async function readFrontier(
  { levels }: LogFiles,
  saved: { readonly size: number; readonly root: string },
): Promise<TreeFrontier> {
  const read: TileReader = async (path) => {
    const tile = parseTilePath(path);
    if (tile.kind !== "hashes") throw new ServerError("log-damaged", "not a tile of hashes");
    return await readAt(levels[tile.level], tile.index * TILE_WIDTH * HASH, tile.width * HASH);
  };
  let cause: unknown;
  try {
    const frontier = await loadFrontier(read, treeSize(saved.size), nodeSuite);
    if (hex(frontierRoot(frontier, nodeSuite)) === saved.root) return frontier;
  } catch (error) {
    cause = error;
  }
  throw new ServerError(
    "log-damaged",
    "the log's files contradict each other: restore them from a copy; do not start over, the witnesses would refuse it",
    { cause },
  );
}

type Frame = {
  readonly first: number;
  readonly count: number;
  readonly header: Buffer;
  readonly payload: Uint8Array;
};

function cutFrames(first: number, entries: readonly Uint8Array[]): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at < entries.length; ) {
    const index = first + at;
    const room = TILE_WIDTH - (index % TILE_WIDTH);
    const part = entries.slice(at, at + room);
    const payload = encodeEntries(part);
    const header = Buffer.alloc(FRAME_HEADER);
    header.writeUInt32BE(payload.length, 0);
    header.writeUInt16BE(part.length, 4);
    frameDigest(index, payload).copy(header, 6);
    frames.push({ first: index, count: part.length, header, payload });
    at += part.length;
  }
  return frames;
}

/** With the index in it, a frame that ended up in another place does not pass. */
function frameDigest(first: number, payload: Uint8Array): Buffer {
  const index = Buffer.alloc(8);
  index.writeBigUInt64BE(BigInt(first));
  return createHash("sha256").update(index).update(payload).digest();
}

async function readFrame(file: FileHandle, at: number, first: number): Promise<Frame | null> {
  const { size } = await file.stat();
  if (size < at + FRAME_HEADER) return null;
  const header = await readAt(file, at, FRAME_HEADER);
  const length = header.readUInt32BE(0);
  const count = header.readUInt16BE(4);
  if (count < 1 || count > TILE_WIDTH || size < at + FRAME_HEADER + length) return null;
  const payload = await readAt(file, at + FRAME_HEADER, length);
  if (!frameDigest(first, payload).equals(header.subarray(6))) return null;
  return { first, count, header, payload };
}

async function readState(path: string): Promise<{ size: number; end: number; root: string }> {
  const bytes = await readFileOrNull(path);
  if (bytes === null) {
    return { size: 0, end: 0, root: hex(nodeSuite.sha256(new Uint8Array(0))) };
  }
  const fields = new Fields(parseJson(bytes, "log state"), "log state");
  fields.literal("version", 1);
  const state = {
    size: fields.integer("size"),
    end: fields.integer("end"),
    root: fields.string("root", 64),
  };
  fromHex(state.root, HASH, "log state.root");
  fields.end();
  return state;
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, "r+");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return await open(path, "wx+", 0o600);
  }
}

async function writeAt(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

async function readAt(file: FileHandle | undefined, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  for (let have = 0; have < length; ) {
    const read = await file?.read(buffer, have, length - have, position + have);
    if (read === undefined || read.bytesRead === 0) {
      throw new ServerError("log-damaged", "a file of the log is shorter than its tree");
    }
    have += read.bytesRead;
  }
  return buffer;
}
