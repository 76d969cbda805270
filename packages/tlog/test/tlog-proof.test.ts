import { fromHex, utf8 } from "@porchlight/encoding";
import { expect, test } from "vitest";
import { formatProof, parsePolicy, parseProof, verifyProof } from "../src/index.ts";
import { nodeSuite } from "../src/node-suite.ts";
import { vectors } from "./vectors.ts";

const { proofs } = vectors;
const policy = parsePolicy(vectors.policies.accountable.policy);
const leaf = fromHex(proofs.leafHash);

test("TLOG-13: the proof of the vectors verifies and is written one way", () => {
  for (const proof of [proofs.proof, proofs.withExtra]) {
    expect(formatProof(parseProof(proof))).toBe(proof);
    const { index, checkpoint } = verifyProof(proof, policy, leaf, nodeSuite);
    expect([index, checkpoint.time]).toEqual([proofs.index, proofs.time]);
  }
  expect(parseProof(proofs.withExtra).extra).toEqual(utf8("extra data"));
  expect(parseProof(proofs.proof).extra).toBeUndefined();
});

test("TLOG-13: malformed proofs of the vectors are refused", () => {
  for (const proof of proofs.malformed) {
    expect(() => parseProof(proof), proof).toThrow(expect.objectContaining({ code: "proof-malformed" }));
  }
  expect(() => parseProof("x".repeat(400_000))).toThrow(expect.objectContaining({ code: "proof-malformed" }));
});

test("TLOG-13: proofs of the vectors that prove nothing are refused", () => {
  for (const { code, proof } of proofs.refused) {
    expect(() => verifyProof(proof, policy, leaf, nodeSuite), code).toThrow(
      expect.objectContaining({ code }),
    );
  }
  expect(() => verifyProof(proofs.proof, policy, leaf.with(0, 0), nodeSuite)).toThrow(
    expect.objectContaining({ code: "inclusion-invalid" }),
  );
});

test("TLOG-13: a flipped bit anywhere before the checkpoint is refused", () => {
  const bytes = utf8(proofs.proof);
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const start = proofs.proof.indexOf("\n\n");
  for (let bit = 0; bit < start * 8; bit += 13) {
    const flipped = bytes.with(bit >> 3, (bytes[bit >> 3] as number) ^ (1 << (bit & 7)));
    expect(() => verifyProof(decoder.decode(flipped), policy, leaf, nodeSuite), String(bit)).toThrow();
  }
});
