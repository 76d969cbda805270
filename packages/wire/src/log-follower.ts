import {
  base64,
  equalBytes,
  Fields,
  fromBase64,
  parseJson,
  type UnixSeconds,
  utf8,
} from "@porchlight/encoding";
import {
  appendLeaves,
  type Checkpoint,
  consistencyProof,
  decodeFrontier,
  EMPTY_FRONTIER,
  encodeFrontier,
  entriesPath,
  formatProof,
  frontierRoot,
  inclusionProof,
  type LogIndex,
  leafHash,
  leafHashAt,
  logIndex,
  nobleSuite,
  type Policy,
  parseCheckpoint,
  parseEntries,
  parseNote,
  TILE_WIDTH,
  type TileReader,
  TlogError,
  type TlogSuite,
  type TreeFrontier,
  type TreeSize,
  verifyConsistency,
  verifyInclusion,
  verifyWitnessed,
  type WitnessedCheckpoint,
} from "@porchlight/tlog";
import { LogError } from "./log-error.ts";
import { type LogSource, readLogFile } from "./log-source.ts";
import type { StateStore } from "./state-store.ts";

/** An entry that the newest checkpoint covers, its bytes as they were hashed. */
export type FollowedEntry = { readonly index: LogIndex; readonly bytes: Uint8Array };

/**
 * Takes verified entries in order, each exactly once in a process, with the checkpoint that covers them; after a crash
 * the last ones come again.
 */
export type EntryHandler = (
  entries: readonly FollowedEntry[],
  covering: WitnessedCheckpoint,
) => void | Promise<void>;

export type LogFollowerOptions = {
  /** Where the log is read, unless {@link LogFollower.update} is given another place. */
  readonly source: LogSource;
  /** Names exactly one log. */
  readonly policy: Policy;
  readonly store: StateStore;
  readonly clock: { now(): UnixSeconds };
  /** Seconds by which a checkpoint's witnessed time may lie behind the clock before it is "stale". */
  readonly maxAge: number;
  /** `saved` (default): entries after the last ones handled. `start`: all, for who keeps none; the memory stays. */
  readonly from?: "saved" | "start";
  /** `nodeSuite` of `@porchlight/tlog/node` where speed counts. */
  readonly suite?: TlogSuite;
};

/** Outcome of {@link LogFollower.update}: every entry that the checkpoint covers has been handled. */
export type LogUpdate = {
  /** "stale" where the witnessed time lies further back than `maxAge`: what is newer may be kept from us. */
  readonly kind: "fresh" | "stale";
  readonly checkpoint: WitnessedCheckpoint;
  /** How many entries were handled. */
  readonly entries: number;
};

/** Bundles fetched at once, and verified together before any of their entries is handled. */
const SEGMENT_BUNDLES = 8;
/** Of 8 KiB each. */
const MAX_KEPT_TILES = 64;

/** The checkpoint remembered, with its signed note. */
type Memory = Checkpoint & { readonly note: string };

/**
 * Follows a log as C2SP asks of a monitor (TLOG-20): verifies the policy, refuses what is not an extension of what it
 * saw before, and rehashes every entry before it hands it on. Fetches what is new only. Its memory outlives restarts
 * through the store.
 */
export class LogFollower {
  readonly #options: LogFollowerOptions;
  readonly #suite: TlogSuite;
  #memory: Memory | null;
  #latest: WitnessedCheckpoint | null;
  /** The entries handled so far; may trail the memory after a crash. */
  #tree: TreeFrontier;
  #busy: Promise<unknown> = Promise.resolve();
  /** Where the log was read last. */
  #source: LogSource;
  /** Not verified by themselves: every proof made of them is. */
  readonly #tiles = new Map<string, Uint8Array>();

  private constructor(options: LogFollowerOptions, memory: Memory | null, tree: TreeFrontier) {
    this.#options = options;
    this.#source = options.source;
    this.#suite = options.suite ?? nobleSuite;
    this.#memory = memory;
    this.#tree = tree;
    this.#latest = memory === null ? null : this.#verifyRemembered(memory.note);
  }

  /** Reads the saved state. Throws LogError "state-corrupt" or "policy-unusable". */
  static async open(options: LogFollowerOptions): Promise<LogFollower> {
    const origins = new Set(options.policy.logs.map(({ key }) => key.name));
    const [origin] = origins;
    if (origins.size !== 1) throw new LogError("policy-unusable");
    const saved = await options.store.load();
    if (saved === null) return new LogFollower(options, null, EMPTY_FRONTIER);
    const { memory, tree } = parseState(saved, options.suite ?? nobleSuite);
    if (memory.origin !== origin) throw new LogError("state-corrupt");
    return new LogFollower(options, memory, options.from === "start" ? EMPTY_FRONTIER : tree);
  }

  /** The newest checkpoint that was accepted, `null` before the first one. */
  get checkpoint(): WitnessedCheckpoint | null {
    return this.#latest;
  }

  /** How many entries have been handled. */
  get handled(): TreeSize {
    return this.#tree.size;
  }

  /**
   * Fetches the checkpoint and all entries up to it, verifies, hands them to `handle`, and saves after each batch.
   * Throws LogError for what the log did, WireError where it cannot be reached, and whatever `handle` throws; the
   * entries at hand then come again. Calls run one after the other. `source`: another place that has the same log, a
   * mirror; what was remembered of the log binds it as it binds every other.
   */
  update(handle: EntryHandler, source: LogSource = this.#options.source): Promise<LogUpdate> {
    return this.#alone(() => {
      // Tiles are proven where they are used: one place's bad ones must not speak against another.
      if (source !== this.#source) this.#tiles.clear();
      this.#source = source;
      return this.#update(handle);
    });
  }

  /** A C2SP tlog-proof of one entry under the newest accepted checkpoint. Throws LogError "not-covered". */
  prove(index: LogIndex): Promise<string> {
    return this.#alone(async () => {
      const { checkpoint, hashes } = await this.#proven(index);
      return formatProof({ index, hashes, checkpoint: checkpoint.note });
    });
  }

  /** The bytes of one entry, verified under the newest accepted checkpoint. Throws LogError "not-covered". */
  entry(index: LogIndex): Promise<Uint8Array> {
    return this.#alone(async () => {
      const { checkpoint, leaf } = await this.#proven(index);
      const bundle = Math.floor(index / TILE_WIDTH);
      const bytes = (await this.#bundle(bundle, checkpoint.size))[index % TILE_WIDTH];
      if (bytes === undefined || !equalBytes(leafHash(bytes, this.#suite), leaf)) {
        throw new LogError("entry-hash");
      }
      return bytes;
    });
  }

  #alone<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#busy.then(run);
    this.#busy = result.catch(() => {});
    return result;
  }

  /** A remembered note that a changed policy no longer accepts still binds the log, but is no evidence any more. */
  #verifyRemembered(note: string): WitnessedCheckpoint | null {
    try {
      return verifyWitnessed(note, this.#options.policy, this.#suite);
    } catch {
      return null;
    }
  }

  async #update(handle: EntryHandler): Promise<LogUpdate> {
    const offered = this.#verifyOffered(await this.#source.checkpoint());
    await this.#checkExtends(offered);
    const before = this.#tree.size;
    while (this.#tree.size < offered.size) await this.#advance(offered, handle);
    // Of one tree, the note that is vouched for latest is the one to keep.
    const latest = this.#latest;
    const newer = latest === null || offered.size > latest.size || offered.time > latest.time;
    if (newer && this.#memory?.note !== offered.note) await this.#save(offered, this.#tree);
    const checkpoint = newer ? offered : latest;
    this.#latest = checkpoint;
    const age = this.#options.clock.now() - checkpoint.time;
    return {
      kind: age > this.#options.maxAge ? "stale" : "fresh",
      checkpoint,
      entries: this.#tree.size - before,
    };
  }

  #verifyOffered(note: string): WitnessedCheckpoint {
    try {
      return verifyWitnessed(note, this.#options.policy, this.#suite);
    } catch (cause) {
      if (!(cause instanceof TlogError)) throw cause;
      const missing = cause.code === "policy-unsatisfied" || cause.code === "signature-missing";
      throw new LogError(missing ? "policy-unsatisfied" : "note-refused", { cause });
    }
  }

  /** Throws "rollback" or "fork" unless `offered` is the remembered tree or may grow out of it. */
  async #checkExtends(offered: WitnessedCheckpoint): Promise<void> {
    const seen = this.#memory;
    if (seen === null) return;
    const evidence = { seen: seen.note, offered: offered.note };
    if (offered.size < seen.size) {
      // A log that lost the tiles of its newer tree shows no more than that it went back.
      const oneTree = await this.#areOneTree(offered, seen).catch((error: unknown) => {
        if (error instanceof LogError) return true;
        throw error;
      });
      throw new LogError(oneTree ? "rollback" : "fork", { evidence });
    }
    // Where all entries of the remembered tree were handled, the new root is computed out of that very tree.
    const extendsByHashing = this.#tree.size === seen.size && offered.size > seen.size;
    if (!extendsByHashing && !(await this.#areOneTree(seen, offered)))
      throw new LogError("fork", { evidence });
  }

  /** Whether tiles prove `older` a prefix of `newer`. Throws "tile-refused" where the log gives no tiles. */
  async #areOneTree(
    older: Pick<Checkpoint, "size" | "root">,
    newer: Pick<Checkpoint, "size" | "root">,
  ): Promise<boolean> {
    try {
      const proof = await consistencyProof(this.#read, older.size, newer.size, this.#suite);
      verifyConsistency(
        { oldSize: older.size, oldRoot: older.root, newSize: newer.size, newRoot: newer.root, proof },
        this.#suite,
      );
      return true;
    } catch (error) {
      if (error instanceof TlogError && error.code === "consistency-invalid") {
        this.#tiles.clear();
        return false;
      }
      throw this.#tileRefusal(error);
    }
  }

  readonly #read: TileReader = async (path) => {
    const known = this.#tiles.get(path);
    if (known !== undefined) return known;
    const tile = await readLogFile(this.#source, path);
    if (this.#tiles.size >= MAX_KEPT_TILES) this.#tiles.clear();
    this.#tiles.set(path, tile);
    return tile;
  };

  /** Tiles that did not verify are fetched anew next time. */
  #tileRefusal(error: unknown): unknown {
    this.#tiles.clear();
    return error instanceof TlogError ? new LogError("tile-refused", { cause: error }) : error;
  }

  /** Fetches, verifies and hands on some of the entries up to `target`, and saves. */
  async #advance(target: WitnessedCheckpoint, handle: EntryHandler): Promise<void> {
    const from = this.#tree.size;
    const firstBundle = Math.floor(from / TILE_WIDTH);
    const to = Math.min(target.size, (firstBundle + SEGMENT_BUNDLES) * TILE_WIDTH);
    const bundles = Array.from(
      { length: Math.ceil(to / TILE_WIDTH) - firstBundle },
      (_, i) => firstBundle + i,
    );
    const fetched = await Promise.all(bundles.map((index) => this.#bundle(index, target.size)));
    const entries = fetched
      .flat()
      .slice(from - firstBundle * TILE_WIDTH)
      .map((bytes, i) => ({ index: logIndex(from + i), bytes }));
    const leaves = entries.map(({ bytes }) => leafHash(bytes, this.#suite));
    const tree = appendLeaves(this.#tree, leaves, this.#suite).state;
    const reached = { size: tree.size, root: frontierRoot(tree, this.#suite) };
    // At the target this compares the roots; before it, tiles prove that the tree so far leads there.
    if (!(await this.#areOneTree(reached, target))) await this.#refuseSegment(target);
    await handle(entries, target);
    await this.#save(target, tree);
    this.#tree = tree;
  }

  /** Says whether the tree or only the entries are wrong. */
  async #refuseSegment(target: WitnessedCheckpoint): Promise<never> {
    const handled = { size: this.#tree.size, root: frontierRoot(this.#tree, this.#suite) };
    if (this.#memory === null || (await this.#areOneTree(handled, target))) throw new LogError("entry-hash");
    throw new LogError("fork", { evidence: { seen: this.#memory.note, offered: target.note } });
  }

  /** All entries of a bundle that a tree of `size` has. */
  async #bundle(index: number, size: TreeSize): Promise<Uint8Array[]> {
    const width = Math.min(TILE_WIDTH, size - index * TILE_WIDTH);
    const bytes = await readLogFile(this.#source, entriesPath(index, width));
    try {
      return parseEntries(bytes, width);
    } catch (cause) {
      throw new LogError("entry-hash", { cause });
    }
  }

  async #proven(
    index: LogIndex,
  ): Promise<{ checkpoint: WitnessedCheckpoint; hashes: Uint8Array[]; leaf: Uint8Array }> {
    const checkpoint = this.#latest;
    if (checkpoint === null || index >= checkpoint.size) throw new LogError("not-covered");
    const { size, root } = checkpoint;
    try {
      const hashes = await inclusionProof(this.#read, size, index, this.#suite);
      const leaf = await leafHashAt(this.#read, size, index);
      verifyInclusion({ size, root, index, leafHash: leaf, proof: hashes }, this.#suite);
      return { checkpoint, hashes, leaf };
    } catch (cause) {
      throw this.#tileRefusal(cause);
    }
  }

  async #save(checkpoint: WitnessedCheckpoint, tree: TreeFrontier): Promise<void> {
    await this.#options.store.save(formatState(checkpoint.note, tree));
    this.#memory = checkpoint;
  }
}

function formatState(note: string, tree: TreeFrontier): Uint8Array {
  return utf8(JSON.stringify({ version: 1, checkpoint: note, tree: base64(encodeFrontier(tree)) }));
}

function parseState(bytes: Uint8Array, suite: TlogSuite): { memory: Memory; tree: TreeFrontier } {
  try {
    const fields = new Fields(parseJson(bytes, "state"), "state");
    fields.literal("version", 1);
    const note = fields.string("checkpoint", 1_000_000);
    const tree = decodeFrontier(fromBase64(fields.string("tree", 10_000_000)), suite);
    fields.end();
    const memory = { ...parseCheckpoint(parseNote(note).text), note };
    const whole = tree.size === memory.size;
    if (tree.size > memory.size || (whole && !equalBytes(frontierRoot(tree, suite), memory.root))) {
      throw new LogError("state-corrupt");
    }
    return { memory, tree };
  } catch (cause) {
    if (cause instanceof LogError) throw cause;
    throw new LogError("state-corrupt", { cause });
  }
}
