import { unixSeconds, utf8 } from "@porchlight/encoding";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  addCheckpoint,
  consistencyProof,
  formatAddCheckpoint,
  formatCheckpoint,
  makeSigner,
  parseAddCheckpoint,
  parseTreeSizeBody,
  parseVkey,
  parseWitnessedTree,
  type Signer,
  signNote,
  TlogError,
  treeSize,
  type VerifierKey,
  verifyAddCheckpoint,
  verifyNote,
  type WitnessedTree,
} from "../src/index.ts";
import { nodeSuite } from "../src/node-suite.ts";
import { MemoryLog } from "./memory-log.ts";
import { vectors } from "./vectors.ts";

const witness = makeSigner("cosignature", "witness-1.example.org", new Uint8Array(32).fill(0x11), nodeSuite);
const logs = vectors.witness.logs.map((vkey) => parseVkey(vkey) as VerifierKey<"ed25519">);

function answer(
  latest: WitnessedTree | null,
  body: string,
  at: number,
  signer: Signer<"cosignature"> = witness,
) {
  const request = verifyAddCheckpoint(utf8(body), logs, nodeSuite);
  return request.kind === "refused"
    ? request
    : addCheckpoint(latest, request, signer, unixSeconds(at), nodeSuite);
}

test("TLOG-18: the witness' life of the vectors, request by request", () => {
  let latest: WitnessedTree | null = null;
  for (const { description, at, body, status, answer: expected, stored } of vectors.witness.requests) {
    const given = answer(latest, body, at);
    if (given.kind === "cosigned") {
      expect([200, given.cosignature], description).toEqual([status, expected]);
      latest = parseWitnessedTree(given.tree.note, witness.key, nodeSuite);
      expect(latest).toEqual(given.tree);
    } else {
      expect([given.status, given.body], description).toEqual([status, expected]);
      if (status === 409) {
        expect(given.contentType).toBe("text/x.tlog.size");
        expect(parseTreeSizeBody(given.body)).toBe(latest?.size);
      }
    }
    expect(latest?.note ?? null, description).toBe(stored);
  }
});

test("TLOG-18: requests round-trip, and bytes that are no UTF-8 are malformed", () => {
  const { body } = vectors.witness.requests[3] as { body: string };
  expect(formatAddCheckpoint(parseAddCheckpoint(utf8(body)))).toBe(body);
  for (const wrong of [Uint8Array.of(0xff), new Uint8Array(400_000)]) {
    expect(() => parseAddCheckpoint(wrong)).toThrow(expect.objectContaining({ code: "request-malformed" }));
  }
  for (const wrong of ["", "5", "05\n", "5\n\n", "x\n"])
    expect(() => parseTreeSizeBody(wrong)).toThrow(TlogError);
});

test("TLOG-18: what is kept is the log's own signature and the witness', and nothing that a stranger added", () => {
  const first = vectors.witness.requests.find(({ description }) => description === "the first checkpoint");
  const junk = "— log.example.org AAAAAAAAAAA=\n— stranger.example AAAAAAAAAAA=\n";
  const given = answer(null, (first?.body ?? "") + junk, 1_700_000_000);
  expect(given.kind === "cosigned" && given.tree.note).toBe(first?.stored);
});

test("TLOG-18: whatever requests arrive in whatever order, a witness signs one growing tree only", async () => {
  const log = new MemoryLog();
  log.grow(40);
  const origin = "log.example.org";
  const logSigner = makeSigner("ed25519", origin, new Uint8Array(32).fill(1), nodeSuite);
  const forkRoot = (size: number): Uint8Array => new Uint8Array(32).fill(size);
  const step = fc.record({
    oldSize: fc.nat({ max: 40 }),
    newSize: fc.nat({ max: 40 }),
    fork: fc.boolean(),
    seconds: fc.integer({ min: -1, max: 5 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      let latest: WitnessedTree | null = null;
      let now = 1_700_000_000;
      for (const { oldSize, newSize, fork, seconds } of steps) {
        now += seconds;
        // As a log does: the size that the witness has, or one out of the air.
        const from: number = oldSize % 2 === 0 ? (latest?.size ?? 0) : oldSize;
        const root = fork ? forkRoot(newSize) : log.rootAt(newSize);
        const proof = await consistencyProof(
          log.reader(Math.max(newSize, 1)),
          treeSize(Math.min(from, newSize)),
          treeSize(newSize),
          nodeSuite,
        );
        const text = formatCheckpoint({ origin, size: treeSize(newSize), root });
        const body = formatAddCheckpoint({
          oldSize: treeSize(from),
          proof,
          note: signNote(text, [logSigner]),
        });
        const given = answer(latest, body, now);
        if (given.kind === "refused") continue;
        expect(newSize).toBeGreaterThanOrEqual(latest?.size ?? 0);
        expect(given.tree.time).toBe(now);
        // A first checkpoint may be any tree; from then on it is that one.
        if (latest !== null && latest.size > 0 && !fork) expect(latest.root).toEqual(log.rootAt(latest.size));
        expect(verifyNote(text + "\n" + given.cosignature, [witness.key], nodeSuite).text).toBe(text);
        latest = given.tree;
      }
    }),
    { numRuns: 40 },
  );
});
