// Lock-step with Go's x/mod/sumdb: trees of sizes nobody chose, proofs and notes with faults in them.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fromUtf8, hex, utf8 } from "../packages/encoding/src/index.ts";
import {
  consistencyProof,
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
} from "../packages/tlog/src/index.ts";
import { nodeSuite } from "../packages/tlog/src/node-suite.ts";
import { buildPeer, type Claim, hasGo } from "../packages/tlog/test/go-peer.ts";
import { entry, leaf, MemoryLog } from "../packages/tlog/test/memory-log.ts";
import { mutate, mutation } from "./mutation.ts";

const SLOW = process.env["PORCHLIGHT_SLOW"] === "1";
/** In the slow suite these are minutes of work. */
const LIMIT = 1_800_000;
const RUNS = SLOW ? 20_000 : 400;
const LARGEST = SLOW ? 70_000 : 1500;
const SIZES = SLOW ? 60 : 12;
const seed = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

type Fault = {
  readonly at: number;
  readonly how: "flip" | "drop" | "add" | "swap" | "size" | "index" | "none";
};
const fault: fc.Arbitrary<Fault> = fc.record({
  at: fc.nat(0xffff),
  how: fc.constantFrom("flip", "drop", "add", "swap", "size", "index", "none"),
});

describe.skipIf(!hasGo)("Go's x/mod/sumdb in lock-step", () => {
  const directory = mkdtempSync(join(tmpdir(), "porchlight-fuzz-"));
  const run = Math.floor(Math.random() * 2 ** 31);
  let ask: (question: object) => unknown;
  beforeAll(() => {
    ask = buildPeer(directory);
    console.log(`seed ${run}`);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const sample = <T>(arbitrary: fc.Arbitrary<T>, count: number): T[] =>
    fc.sample(arbitrary, { seed: run, numRuns: count });

  test(
    "TLOG-8, TLOG-10, TLOG-11: trees, tiles and verdicts on proofs are the same",
    async () => {
      const sizes = [...new Set(sample(fc.integer({ min: 1, max: LARGEST }), SIZES))].sort((a, b) => a - b);
      const log = new MemoryLog();
      const roots = new Map<number, Uint8Array>();
      for (const size of sizes) {
        log.grow(size);
        roots.set(size, log.root());
      }
      const claims: Claim[] = [];
      for (const [place, size, made] of sample(
        fc.tuple(fc.nat(0xffff), fc.constantFrom(...sizes), fault),
        RUNS,
      )) {
        claims.push(spoil(await goodClaim(log, roots, sizes, size, place), made));
      }
      const answer = ask({
        notes: [],
        entries: Array.from({ length: sizes.at(-1) ?? 0 }, (_, index) => hex(entry(index))),
        sizes,
        roots: sizes.map((size) => hex(roots.get(size) as Uint8Array)),
        tiles: Object.fromEntries([...log.tiles].map(([path, tile]) => [path, hex(tile)])),
        inclusion: [],
        consistency: [],
        claims,
        signerKey: formatSignerKey("ed25519", "log.example.org", seed(1)),
        cosignerKey: formatSignerKey("cosignature", "witness.example.org", seed(2)),
        text: "log.example.org\n1\n",
        time: 1,
      }) as { errors: string[]; tiles: Record<string, string>; verdicts: boolean[] };
      expect(answer.errors).toEqual([]);
      for (const [path, tile] of log.tiles) expect(answer.tiles[path], path).toBe(hex(tile));
      const ours = claims.map(holds);
      claims.forEach((claim, index) => {
        expect(ours[index], JSON.stringify({ ...claim, run })).toBe(answer.verdicts[index]);
      });
      // A run that only accepts, or only refuses, compares nothing.
      expect(ours.filter((verdict) => verdict).length).toBeGreaterThan(RUNS / 20);
      expect(ours.filter((verdict) => !verdict).length).toBeGreaterThan(RUNS / 4);
    },
    LIMIT,
  );

  test(
    "TLOG-1, TLOG-2: no broken note passes here that Go refuses",
    () => {
      const log = makeSigner("ed25519", "log.example.org", seed(1), nodeSuite);
      const good = utf8(
        signNote("log.example.org\n7\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", [log]),
      );
      const vkey = `${log.key.name}+${hex(log.key.id)}+${Buffer.from([1, ...log.key.publicKey]).toString("base64")}`;
      const notes = sample(mutation, RUNS).flatMap((made) => {
        try {
          return [{ note: fromUtf8(mutate(good, made)), known: [vkey] }];
        } catch {
          return []; // Not UTF-8: JSON cannot carry it.
        }
      });
      const answer = ask({
        notes,
        entries: [],
        sizes: [],
        roots: [],
        tiles: {},
        inclusion: [],
        consistency: [],
        claims: [],
        signerKey: formatSignerKey("ed25519", "log.example.org", seed(1)),
        cosignerKey: formatSignerKey("cosignature", "witness.example.org", seed(2)),
        text: "log.example.org\n1\n",
        time: 1,
      }) as { notes: { accepted: boolean; text: string }[] };
      notes.forEach(({ note, known }, index) => {
        let text: string;
        try {
          text = verifyNote(
            note,
            known.map((key) => parseVkey(key)),
            nodeSuite,
          ).text;
        } catch {
          return;
        }
        expect(answer.notes[index], note).toMatchObject({ accepted: true, text });
      });
    },
    LIMIT,
  );
});

/** A proof that holds, of inclusion or of consistency with an older size. */
async function goodClaim(
  log: MemoryLog,
  roots: ReadonlyMap<number, Uint8Array>,
  sizes: readonly number[],
  size: number,
  place: number,
): Promise<Claim> {
  const root = hex(roots.get(size) as Uint8Array);
  const older = sizes[place % sizes.length] as number;
  if (place % 2 === 0 && older <= size) {
    const proof = await consistencyProof(log.reader(size), treeSize(older), treeSize(size), nodeSuite);
    return { size, index: 0, older, leaf: hex(roots.get(older) as Uint8Array), root, proof: proof.map(hex) };
  }
  const index = place % size;
  const proof = await inclusionProof(log.reader(size), treeSize(size), logIndex(index), nodeSuite);
  return { size, index, older: -1, leaf: hex(leaf(index)), root, proof: proof.map(hex) };
}

function spoil(claim: Claim, { at, how }: Fault): Claim {
  const proof = [...claim.proof];
  const place = proof.length === 0 ? 0 : at % proof.length;
  switch (how) {
    case "none":
      return claim;
    case "flip":
      if (proof.length === 0) return { ...claim, leaf: flipped(claim.leaf, at) };
      proof[place] = flipped(proof[place] as string, at);
      return { ...claim, proof };
    case "drop":
      proof.splice(place, 1);
      return { ...claim, proof };
    case "add":
      proof.splice(place, 0, claim.leaf);
      return { ...claim, proof };
    case "swap":
      proof.reverse();
      return { ...claim, proof };
    case "size":
      return { ...claim, size: Math.max(1, claim.size + (at % 5) - 2) };
    case "index":
      return claim.older < 0
        ? { ...claim, index: Math.max(0, claim.index + (at % 5) - 2) }
        : { ...claim, older: Math.max(1, claim.older + (at % 5) - 2) };
  }
}

function flipped(text: string, at: number): string {
  const bytes = Buffer.from(text, "hex");
  bytes[at % 32] = (bytes[at % 32] as number) ^ (1 << (at % 8));
  return bytes.toString("hex");
}

function holds({ size, index, older, leaf: end, root, proof }: Claim): boolean {
  const hashes = proof.map((text) => new Uint8Array(Buffer.from(text, "hex")));
  const [first, last] = [end, root].map((text) => new Uint8Array(Buffer.from(text, "hex"))) as [
    Uint8Array,
    Uint8Array,
  ];
  try {
    if (older < 0) {
      const claim = {
        size: treeSize(size),
        index: logIndex(index),
        leafHash: first,
        proof: hashes,
        root: last,
      };
      verifyInclusion(claim, nodeSuite);
    } else {
      const sizes = { oldSize: treeSize(older), newSize: treeSize(size), proof: hashes };
      verifyConsistency({ ...sizes, oldRoot: first, newRoot: last }, nodeSuite);
    }
    return true;
  } catch {
    return false;
  }
}
