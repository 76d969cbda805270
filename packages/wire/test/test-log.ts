import { type UnixSeconds, unixSeconds, utf8 } from "@porchlight/encoding";
import {
  accountablePolicy,
  appendLeaves,
  cosign,
  EMPTY_FRONTIER,
  encodeEntries,
  entriesPath,
  formatCheckpoint,
  formatVkey,
  frontierRoot,
  leafHash,
  makeSigner,
  type Policy,
  type Signer,
  signNote,
  TILE_WIDTH,
  type TreeFrontier,
  treeSize,
} from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import type { LogSource } from "../src/index.ts";

export const ORIGIN = "log.test.example";
export const START = unixSeconds(1_800_000_000);

function seed(byte: number): Uint8Array {
  return new Uint8Array(32).fill(byte);
}

export const logSigner = makeSigner("ed25519", ORIGIN, seed(1), nodeSuite);
export const witnesses = [2, 3].map((byte) =>
  makeSigner("cosignature", `witness-${byte - 1}.test.example`, seed(byte), nodeSuite),
);
export const keyholders = [11, 12, 13, 14, 15].map((byte) =>
  makeSigner("cosignature", `keyholder-${byte - 10}.test.example`, seed(byte), nodeSuite),
);

/** Two witnesses and four of five keyholders. */
export const policy: Policy = accountablePolicy({
  log: { vkey: formatVkey(logSigner.key) },
  witnesses: witnesses.map(({ key }) => ({ vkey: formatVkey(key) })),
  keyholders: keyholders.map(({ key }) => ({ vkey: formatVkey(key) })),
  threshold: 3,
});

/** A log in memory, with everything that it ever served; honest unless a test changes `files` or `note`. */
export class TestLog implements LogSource {
  readonly entries: Uint8Array[] = [];
  readonly files = new Map<string, Uint8Array>();
  /** Paths asked for since the test last emptied it. */
  asked: string[] = [];
  state: TreeFrontier = EMPTY_FRONTIER;
  note = "";
  readonly #tag: string;

  constructor(tag = "honest") {
    this.#tag = tag;
  }

  /** Appends `count` entries and publishes a checkpoint cosigned at `time` by all, or by those named. */
  publish(
    count: number,
    time: UnixSeconds = START,
    cosigners: readonly Signer<"cosignature">[] = [...witnesses, ...keyholders],
  ): string {
    const added = Array.from({ length: count }, (_, i) =>
      utf8(`{"type":"${this.#tag}","number":${this.entries.length + i}}`),
    );
    this.append(added);
    this.note = this.sign(time, cosigners);
    return this.note;
  }

  append(added: readonly Uint8Array[]): void {
    const firstBundle = Math.floor(this.entries.length / TILE_WIDTH);
    this.entries.push(...added);
    const leaves = added.map((entry) => leafHash(entry, nodeSuite));
    const { state, newTiles } = appendLeaves(this.state, leaves, nodeSuite);
    this.state = state;
    for (const { path, hashes } of newTiles) this.files.set(path, hashes);
    for (let i = firstBundle; i * TILE_WIDTH < this.entries.length; i++) {
      const bundle = this.entries.slice(i * TILE_WIDTH, (i + 1) * TILE_WIDTH);
      this.files.set(entriesPath(i, bundle.length), encodeEntries(bundle));
    }
  }

  sign(time: UnixSeconds, cosigners: readonly Signer<"cosignature">[], state = this.state): string {
    const root = frontierRoot(state, nodeSuite);
    const text = formatCheckpoint({ origin: ORIGIN, size: treeSize(state.size), root });
    return signNote(text, [logSigner]) + cosigners.map((signer) => cosign(text, signer, time)).join("");
  }

  /** As a log may do once the full tile exists. */
  dropPartials(): void {
    for (const path of this.files.keys()) {
      if (path.includes(".p/") && this.files.has(path.replace(/\.p\/.*/, ""))) this.files.delete(path);
    }
  }

  readonly checkpoint = async (): Promise<string> => {
    this.asked.push("checkpoint");
    return this.note;
  };

  readonly file = async (path: string): Promise<Uint8Array | null> => {
    this.asked.push(path);
    return this.files.get(path) ?? null;
  };
}
