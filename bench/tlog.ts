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
const BATCHES = 200;
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
  const signer = makeSigner("ed25519", "log.bench", new Uint8Array(32).fill(1), nodeSuite);
  const journal = await Journal.open(join(directory, "log"));
  const start = performance.now();
  let state = EMPTY_FRONTIER;
  for (const batch of batches) {
    const leaves = batch.map((entry) => leafHash(entry, nodeSuite));
    const grown = appendLeaves(state, leaves, nodeSuite);
    state = grown.state;
    const root = frontierRoot(state, nodeSuite);
    const note = signNote(formatCheckpoint({ origin: "log.bench", size: state.size, root }), [signer]);
    await journal.append(
      concat(encodeEntries(batch), ...grown.newTiles.map(({ hashes }) => hashes), utf8(note)),
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

function verifyCheckpoints(): { ours: number; raw: number } {
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
  const rounds = 100;
  let start = performance.now();
  for (let i = 0; i < rounds; i++) verifyWitnessed(note, policy, nodeSuite);
  const ours = rate(rounds, start);
  const x = Buffer.from(log.key.publicKey).toString("base64url");
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  const signature = log.sign(utf8(text));
  start = performance.now();
  for (let i = 0; i < 8 * rounds; i++) verify(null, utf8(text), key, signature);
  return { ours, raw: rate(rounds, start) };
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

function percent(part: number, whole: number): string {
  return `${Math.round((100 * part) / whole)}%`;
}

export async function run(): Promise<Row[]> {
  const directory = await mkdtemp(join(tmpdir(), "porchlight-bench-"));
  try {
    // Each raw figure is taken right beside ours: the machine's mood changes within seconds.
    buildTree(nodeSuite);
    const [tree, twice] = [buildTree(nodeSuite), hashTwice()];
    const noble = buildTree(nobleSuite);
    const [durable, raw] = [await appendDurably(directory), await appendRaw(directory)];
    const checkpoints = verifyCheckpoints();
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
        value: checkpoints.ours,
        unit: "checkpoints/s",
        ratio: `${percent(checkpoints.ours, checkpoints.raw)} of 8 bare Ed25519 verifications`,
      },
      {
        what: `inclusion proof made from tiles and verified, ${entries.length} entries`,
        value: await prove(),
        unit: "proofs/s",
      },
    ];
  } finally {
    await rm(directory, { recursive: true });
  }
}
