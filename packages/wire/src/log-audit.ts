import { equalBytes } from "@porchlight/encoding";
import {
  appendLeaves,
  consistencyProof,
  EMPTY_FRONTIER,
  frontierRoot,
  inclusionProof,
  type LogIndex,
  leafHash,
  logIndex,
  nobleSuite,
  type Policy,
  TILE_WIDTH,
  type Tile,
  type TileReader,
  TlogError,
  type TlogSuite,
  type TreeFrontier,
  type TreeSize,
  tilePath,
  treeSize,
  verifyConsistency,
  verifyInclusion,
  type WitnessedCheckpoint,
} from "@porchlight/tlog";
import { LogError } from "./log-error.ts";
import { type FollowedEntry, LogFollower, type LogFollowerOptions } from "./log-follower.ts";
import { type LogSource, readLogFile } from "./log-source.ts";
import { memoryStateStore } from "./state-store.ts";

export type LogAuditOptions = {
  readonly source: LogSource;
  /** Names exactly one log. */
  readonly policy: Policy;
  readonly clock: LogFollowerOptions["clock"];
  /** Seconds by which the checkpoint's witnessed time may lie behind the clock before it is "stale". */
  readonly maxAge: number;
  readonly suite?: TlogSuite;
  /** Sees every verified entry, in order; a rejection ends the audit. */
  readonly handle?: (entries: readonly FollowedEntry[]) => void | Promise<void>;
};

/** What an audit looked at; everything of it was as it has to be. */
export type LogAudit = {
  readonly kind: "fresh" | "stale";
  readonly checkpoint: WitnessedCheckpoint;
  readonly entries: number;
  /** Bytes of all entries. */
  readonly bytes: number;
  /** Tiles of hashes compared with what the entries give. */
  readonly tiles: number;
  readonly inclusionProofs: number;
  readonly consistencyProofs: number;
};

/** Entries whose inclusion is proven, spread evenly over the log: half of this to all of it. */
const MAX_SAMPLES = 512;

/**
 * Audits a whole log (TLOG-24): follows it from its first entry, hashes every entry, compares every tile that it serves
 * with the tree of those entries, and proves, from its tiles, each power of two of the size a prefix of the newest tree
 * and entries all along to be in it. Holds some bundles and tiles at a time, however long the log is.
 * Throws LogError and WireError as {@link LogFollower} does.
 */
export async function auditLog(options: LogAuditOptions): Promise<LogAudit> {
  const audit = new Audit(options);
  return await audit.run();
}

class Audit {
  readonly #options: LogAuditOptions;
  readonly #suite: TlogSuite;
  #tree: TreeFrontier = EMPTY_FRONTIER;
  #bytes = 0;
  #tiles = 0;
  readonly #sizes: { readonly size: TreeSize; readonly root: Uint8Array }[] = [];
  #samples: { readonly index: LogIndex; readonly leaf: Uint8Array }[] = [];
  /** Entries from one sample to the next; doubles when there are too many. */
  #stride = 1;

  constructor(options: LogAuditOptions) {
    this.#options = options;
    this.#suite = options.suite ?? nobleSuite;
  }

  async run(): Promise<LogAudit> {
    const { source, policy, clock, maxAge } = this.#options;
    const store = memoryStateStore();
    const follower = await LogFollower.open({ source, policy, store, clock, maxAge, suite: this.#suite });
    const { kind, checkpoint } = await follower.update((entries) => this.#take(entries));
    await this.#compareEdge();
    await this.#prove(checkpoint);
    return {
      kind,
      checkpoint,
      entries: this.#tree.size,
      bytes: this.#bytes,
      tiles: this.#tiles,
      inclusionProofs: this.#samples.length,
      consistencyProofs: this.#sizes.length,
    };
  }

  async #take(entries: readonly FollowedEntry[]): Promise<void> {
    await this.#options.handle?.(entries);
    let leaves: Uint8Array[] = [];
    for (const { index, bytes } of entries) {
      const leaf = leafHash(bytes, this.#suite);
      this.#bytes += bytes.length;
      this.#sample(index, leaf);
      leaves.push(leaf);
      // A tree of a power of two is one of the older trees that must be a prefix.
      if (Number.isInteger(Math.log2(index + 1))) {
        await this.#append(leaves);
        leaves = [];
        this.#sizes.push({ size: this.#tree.size, root: frontierRoot(this.#tree, this.#suite) });
      }
    }
    await this.#append(leaves);
  }

  async #append(leaves: readonly Uint8Array[]): Promise<void> {
    const { state, newTiles } = appendLeaves(this.#tree, leaves, this.#suite);
    this.#tree = state;
    // Partial tiles on the way may be gone, or never have been published.
    for (const tile of newTiles) if (tile.width === TILE_WIDTH) await this.#compare(tile);
  }

  #sample(index: LogIndex, leaf: Uint8Array): void {
    if (index % this.#stride !== 0) return;
    this.#samples.push({ index, leaf });
    if (this.#samples.length <= MAX_SAMPLES) return;
    this.#stride *= 2;
    this.#samples = this.#samples.filter((sample) => sample.index % this.#stride === 0);
  }

  /** The partial tiles of the newest tree. */
  async #compareEdge(): Promise<void> {
    const { size, edge } = this.#tree;
    for (const [level, hashes] of edge.entries()) {
      const width = hashes.length / 32;
      const index = Math.floor(size / TILE_WIDTH ** (level + 1));
      if (width > 0)
        await this.#compare({ path: tilePath(level, index, width), level, index, width, hashes });
    }
  }

  async #compare(tile: Tile): Promise<void> {
    const served = await readLogFile(this.#options.source, tile.path);
    if (!equalBytes(served, tile.hashes)) throw new LogError("tile-refused");
    this.#tiles++;
  }

  async #prove({ size, root }: WitnessedCheckpoint): Promise<void> {
    const read: TileReader = (path) => readLogFile(this.#options.source, path);
    const suite = this.#suite;
    try {
      for (const { size: oldSize, root: oldRoot } of this.#sizes) {
        const proof = await consistencyProof(read, oldSize, size, suite);
        verifyConsistency({ oldSize, oldRoot, newSize: size, newRoot: root, proof }, suite);
      }
      for (const { index, leaf } of this.#samples) {
        const proof = await inclusionProof(read, size, logIndex(index), suite);
        verifyInclusion({ size: treeSize(size), root, index, leafHash: leaf, proof }, suite);
      }
    } catch (cause) {
      if (cause instanceof TlogError) throw new LogError("tile-refused", { cause });
      throw cause;
    }
  }
}
