import { createPublicKey, hash, verify } from "node:crypto";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Journal } from "../packages/durable/src/index.ts";
import { concat, unixSeconds, utf8 } from "../packages/encoding/src/index.ts";
import {
  accountablePolicy,
  appendLeaves,
  cosign,
  EMPTY_FRONTIER,
  encodeEntries,
  formatCheckpoint,
  formatVkey,
  frontierRoot,
  inclusionProof,
  leafHash,
  logIndex,
  makeSigner,
  nobleSuite,
  signNote,
  type TlogSuite,
  treeSize,
  verifyInclusion,
  verifyWitnessed,
} from "../packages/tlog/src/index.ts";
import { nodeSuite } from "../packages/tlog/src/node-suite.ts";
import type { Row } from "./run.ts";

export const name = "transparency log";

const BATCH = 256;
const BATCHES = 100;
const ENTRY_BYTES = 200;

const entries = Array.from({ length: BATCH * BATCHES }, (_, i) =>
  utf8(`{"type":"bench","number":${i}}`.padEnd(ENTRY_BYTES, " ")),
);
const batches = Array.from({ length: BATCHES }, (_, i) => entries.slice(i * BATCH, (i + 1) * BATCH));

/** What of `count` happen in a second. */
function rate(count: number, start: number): number {
  return count / ((performance.now() - start) / 1000);
}

function buildTree(suite: TlogSuite): number {
  const start = performance.now();
  let state = EMPTY_FRONTIER;
  for (const batch of batches) {
    const leaves = batch.map((entry) => leafHash(entry, suite));
    state = appendLeaves(state, leaves, suite).state;
    frontierRoot(state, suite);
  }
  return rate(entries.length, start);
}

function hashTwice(): number {
  const node = new Uint8Array(65);
  const start = performance.now();
  for (const entry of entries) {
    hash("sha256", entry, "binary");
    hash("sha256", node, "binary");
  }
  return rate(entries.length, start);
}

/** Entries, their hashes in the tree, the tiles and a signed checkpoint, on the disk before the next batch. */
async function appendDurably(directory: string): Promise<number> {
  const journal = await Journal.open(join(directory, "log"));
  const start = performance.now();
  let state = EMPTY_FRONTIER;
  for (const batch of batches) {
    const leaves = batch.map((entry) => leafHash(entry, nodeSuite));
    const grown = appendLeaves(state, leaves, nodeSuite);
    state = grown.state;
    const root = frontierRoot(state, nodeSuite);
    const signed = signNote(formatCheckpoint({ origin: "log.bench", size: state.size, root }), [log]);
    await journal.append(
      concat(encodeEntries(batch), ...grown.newTiles.map(({ hashes }) => hashes), utf8(signed)),
    );
  }
  const result = rate(entries.length, start);
  await journal.close();
  return result;
}

/** The least that a durable log can do: one hash an entry, the entries' bytes, one fsync a batch. */
async function appendRaw(directory: string): Promise<number> {
  const file = await open(join(directory, "raw"), "a");
  const start = performance.now();
  for (const batch of batches) {
    for (const entry of batch) hash("sha256", entry, "binary");
    await file.appendFile(encodeEntries(batch));
    await file.datasync();
  }
  const result = rate(entries.length, start);
  await file.close();
  return result;
}

const VERIFICATIONS = 50;
const seed = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const log = makeSigner("ed25519", "log.bench", seed(1), nodeSuite);
const cosigners = Array.from({ length: 7 }, (_, i) =>
  makeSigner("cosignature", `cosigner-${i}.bench`, seed(2 + i), nodeSuite),
);
const vkeys = cosigners.map(({ key }) => ({ vkey: formatVkey(key) }));
const policy = accountablePolicy({
  log: { vkey: formatVkey(log.key) },
  witnesses: vkeys.slice(0, 2),
  keyholders: vkeys.slice(2),
  threshold: 3,
});
const text = formatCheckpoint({ origin: "log.bench", size: treeSize(7), root: seed(9) });
const at = unixSeconds(1_800_000_000);
const note = signNote(text, [log]) + cosigners.map((cosigner) => cosign(text, cosigner, at)).join("");

function verifyCheckpoints(): number {
  const start = performance.now();
  for (let i = 0; i < VERIFICATIONS; i++) verifyWitnessed(note, policy, nodeSuite);
  return rate(VERIFICATIONS, start);
}

/** As many bare signatures as a checkpoint has, in checkpoints a second. */
function verifySignatures(): number {
  const x = Buffer.from(log.key.publicKey).toString("base64url");
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  const signature = log.sign(utf8(text));
  const start = performance.now();
  for (let i = 0; i < VERIFICATIONS * (1 + cosigners.length); i++) verify(null, utf8(text), key, signature);
  return rate(VERIFICATIONS, start);
}

async function prove(): Promise<number> {
  const leaves = entries.map((entry) => leafHash(entry, nodeSuite));
  const { state, newTiles } = appendLeaves(EMPTY_FRONTIER, leaves, nodeSuite);
  const tiles = new Map(newTiles.map(({ path, hashes }) => [path, hashes]));
  const root = frontierRoot(state, nodeSuite);
  const count = 300;
  const start = performance.now();
  for (let i = 0; i < count; i++) {
    const index = logIndex((i * 7919) % state.size);
    const read = async (path: string): Promise<Uint8Array> => tiles.get(path) as Uint8Array;
    const proof = await inclusionProof(read, state.size, index, nodeSuite);
    const leaf = leaves[index] as Uint8Array;
    verifyInclusion({ size: state.size, root, index, leafHash: leaf, proof }, nodeSuite);
  }
  return rate(count, start);
}

const ROUNDS = 5;

/**
 * Best rate of each measurement over some rounds in which they take turns: a neighbour on the machine slows some rounds
 * down, and none makes one faster.
 */
async function inTurns(...measurements: readonly (() => number | Promise<number>)[]): Promise<number[]> {
  const best = measurements.map(() => 0);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, measure] of measurements.entries()) best[i] = Math.max(best[i] ?? 0, await measure());
  }
  return best;
}

function percent(part: number, whole: number): string {
  return `${Math.round((100 * part) / whole)}%`;
}

export async function run(): Promise<Row[]> {
  const directory = await mkdtemp(join(tmpdir(), "porchlight-bench-"));
  try {
    const [tree = 0, twice = 0, noble = 0] = await inTurns(
      () => buildTree(nodeSuite),
      hashTwice,
      () => buildTree(nobleSuite),
    );
    const [durable = 0, raw = 0] = await inTurns(
      async () => await appendDurably(await mkdtemp(join(directory, "log-"))),
      async () => await appendRaw(await mkdtemp(join(directory, "raw-"))),
    );
    const [checkpoints = 0, signatures = 0] = await inTurns(verifyCheckpoints, verifySignatures);
    const [proofs = 0] = await inTurns(prove);
    return [
      {
        what: `tree: entries hashed and appended, ${BATCH} a batch, node:crypto`,
        value: tree,
        unit: "entries/s",
        ratio: `${percent(tree, twice)} of two bare SHA-256 an entry (${Math.round(twice).toLocaleString("en")}/s)`,
      },
      {
        what: "tree: the same, portable code",
        value: noble,
        unit: "entries/s",
        ratio: `${percent(noble, tree)} of node:crypto`,
      },
      {
        what: `durable append, ${BATCH} a batch: entries, tiles, signed checkpoint, one fsync`,
        value: durable,
        unit: "entries/s",
        ratio: `${percent(durable, raw)} of SHA-256 + write + fsync (${Math.round(raw).toLocaleString("en")}/s)`,
      },
      {
        what: "checkpoint verified: log, 2 witnesses, 5 keyholders",
        value: checkpoints,
        unit: "checkpoints/s",
        ratio: `${percent(checkpoints, signatures)} of 8 bare Ed25519 verifications`,
      },
      {
        what: `inclusion proof made from tiles and verified, ${entries.length} entries`,
        value: proofs,
        unit: "proofs/s",
      },
    ];
  } finally {
    await rm(directory, { recursive: true });
  }
}
