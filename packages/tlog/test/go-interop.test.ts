import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromHex, fromUtf8, hex, unixSeconds } from "@porchlight/encoding";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  consistencyProof,
  cosign,
  formatCheckpoint,
  formatSignerKey,
  inclusionProof,
  logIndex,
  makeSigner,
  parseVkey,
  signNote,
  treeSize,
  verifyConsistency,
  verifyInclusion,
  verifyNote,
} from "../src/index.ts";
import { nodeSuite } from "../src/node-suite.ts";
import { buildPeer, hasGo } from "./go-peer.ts";
import { entry, leaf, MemoryLog } from "./memory-log.ts";
import { vectors } from "./vectors.ts";

type Proofs = {
  inclusion: { size: number; index: number; proof: string[] }[];
  consistency: { oldSize: number; newSize: number; proof: string[] }[];
};
type Answer = Proofs & {
  errors: string[];
  notes: { accepted: boolean; text: string; names: string[] }[];
  checked: number;
  roots: string[];
  tiles: Record<string, string>;
  signed: string;
};

const SIZES = [1, 2, 3, 7, 8, 100, 255, 256, 257, 300, 511, 512, 513, 700, 1025];
const TIME = unixSeconds(1_700_000_000);
const seed = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const TEXT = formatCheckpoint({ origin: "log.example.org", size: treeSize(7), root: seed(9) });

/** Every accepted and refused note of the vectors, and accepted ones with single bits flipped. */
function noteQuestions(): { note: string; known: string[] }[] {
  const { accepted, refused } = vectors.notes;
  const flipped = accepted.flatMap(({ note, known }) => {
    const bytes = new TextEncoder().encode(note);
    const notes: { note: string; known: string[] }[] = [];
    for (let bit = 0; bit < bytes.length * 8; bit += 17) {
      const wrong = bytes.with(bit >> 3, (bytes[bit >> 3] as number) ^ (1 << (bit & 7)));
      try {
        notes.push({ note: fromUtf8(wrong), known });
      } catch {
        // Not UTF-8: JSON cannot carry it to the peer.
      }
    }
    return notes;
  });
  return [...accepted, ...refused, ...flipped].map(({ note, known }) => ({ note, known }));
}

describe.skipIf(!hasGo)("Go's x/mod/sumdb", () => {
  const directory = mkdtempSync(join(tmpdir(), "porchlight-go-"));
  const log = new MemoryLog();
  const questions = noteQuestions();
  let ours: Proofs;
  let answer: Answer;

  beforeAll(async () => {
    const roots: string[] = [];
    for (const size of SIZES) {
      log.grow(size);
      roots.push(hex(log.root()));
    }
    ours = { inclusion: [], consistency: [] };
    for (const size of SIZES) {
      for (const index of new Set([0, Math.floor(size / 3), size - 1])) {
        const proof = await inclusionProof(log.reader(size), treeSize(size), logIndex(index), nodeSuite);
        ours.inclusion.push({ size, index, proof: proof.map(hex) });
      }
      for (const oldSize of SIZES.filter((older) => older <= size)) {
        const proof = await consistencyProof(log.reader(size), treeSize(oldSize), treeSize(size), nodeSuite);
        ours.consistency.push({ oldSize, newSize: size, proof: proof.map(hex) });
      }
    }
    const question = {
      notes: questions,
      entries: Array.from({ length: SIZES.at(-1) ?? 0 }, (_, i) => hex(entry(i))),
      sizes: SIZES,
      roots,
      tiles: Object.fromEntries([...log.tiles].map(([path, tile]) => [path, hex(tile)])),
      ...ours,
      claims: [],
      signerKey: formatSignerKey("ed25519", "log.example.org", seed(1)),
      cosignerKey: formatSignerKey("cosignature", "witness-1.example.org", seed(0x11)),
      text: TEXT,
      time: TIME,
    };
    answer = buildPeer(directory)(question) as Answer;
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test("TLOG-8, TLOG-10, TLOG-11: Go computes our roots, and accepts our tiles and every proof of ours", () => {
    expect(answer.errors).toEqual([]);
    const expected = ours.inclusion.length + ours.consistency.length;
    expect(answer.checked).toBeGreaterThan(expected);
    // Go lists every width between two sizes, we publish those of the sizes: what we publish is Go's.
    for (const [path, tile] of log.tiles) expect(answer.tiles[path], path).toBe(hex(tile));
  });

  test("TLOG-11: every proof that Go makes verifies with us", () => {
    const rootAt = new Map(SIZES.map((size, i) => [size, fromHex(answer.roots[i] as string)]));
    const root = (size: number): Uint8Array => rootAt.get(size) as Uint8Array;
    for (const { size, index, proof } of answer.inclusion) {
      const hashes = proof.map((hash) => fromHex(hash));
      const claim = { size: treeSize(size), index: logIndex(index), leafHash: leaf(index), proof: hashes };
      verifyInclusion({ ...claim, root: root(size) }, nodeSuite);
    }
    for (const { oldSize, newSize, proof } of answer.consistency) {
      const hashes = proof.map((hash) => fromHex(hash));
      const sizes = { oldSize: treeSize(oldSize), newSize: treeSize(newSize), proof: hashes };
      verifyConsistency({ ...sizes, oldRoot: root(oldSize), newRoot: root(newSize) }, nodeSuite);
    }
    expect(answer.inclusion.length + answer.consistency.length).toBeGreaterThan(100);
  });

  test("TLOG-1, TLOG-2: Go accepts every note that we accept, with the same text and signers, and we none that it refuses", () => {
    let accepted = 0;
    questions.forEach(({ note, known }, i) => {
      const theirs = answer.notes[i] as Answer["notes"][number];
      let mine: ReturnType<typeof verifyNote>;
      try {
        mine = verifyNote(
          note,
          known.map((vkey) => parseVkey(vkey)),
          nodeSuite,
        );
      } catch {
        return;
      }
      accepted++;
      expect(theirs, note).toEqual({
        accepted: true,
        text: mine.text,
        // Go leaves out a second signature of one key.
        names: [...new Set(mine.signatures.map(({ key }) => key.name))],
      });
    });
    expect(accepted).toBeGreaterThanOrEqual(vectors.notes.accepted.length);
  });

  test("TLOG-2, TLOG-5: a note signed and cosigned by Go verifies with us, to the byte what we would have made", () => {
    const log = makeSigner("ed25519", "log.example.org", seed(1));
    const witness = makeSigner("cosignature", "witness-1.example.org", seed(0x11));
    expect(answer.signed).toBe(signNote(TEXT, [log]) + cosign(TEXT, witness, TIME));
    const { text, signatures } = verifyNote(answer.signed, [log.key, witness.key]);
    expect(text).toBe(TEXT);
    expect(signatures.map(({ key, time }) => [key.name, time])).toEqual([
      ["log.example.org", null],
      ["witness-1.example.org", TIME],
    ]);
  });
});
