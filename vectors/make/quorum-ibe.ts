// Identity-based encryption (spec/quorum.md, QUO-9 to QUO-11).
import { hex, utf8 } from "@porchlight/encoding";
import { ibeSeal } from "../../packages/quorum/src/index.ts";
import { encodeG1, encodeG2, labelPoint, P2, parseG1 } from "../../packages/quorum/src/points.ts";
import { encodeScalar, randomScalar } from "../../packages/quorum/src/scalar.ts";
import { flip, seeded } from "../../packages/quorum/test/dealer.ts";

export function make(): unknown {
  const random = seeded("quorum-ibe");
  const master = randomScalar(random);
  const mpk = encodeG2(P2.multiply(master));
  const keyOf = (label: Uint8Array) => encodeG1(labelPoint(mpk, label).multiply(master));
  const [label, other] = [random(121), random(121)];
  const message = random(64);
  const seed = random(32);
  const ciphertext = ibeSeal({ mpk, label, message, seed });
  const refusal = (why: string, bytes: Uint8Array, labelKey = keyOf(label)) => ({
    why,
    label: hex(label),
    labelKey: hex(labelKey),
    ciphertext: hex(bytes),
  });
  return {
    description:
      "Identity-based encryption (spec/quorum.md), the bytes of @dfinity/vetkeys 0.4.0. All byte strings in hex.",
    masterSecret: hex(encodeScalar(master)),
    mpk: hex(mpk),
    sealed: [
      { label, message, seed },
      { label, message: new Uint8Array(64), seed: random(32) },
      { label: other, message: random(64), seed: random(32) },
      { label: utf8(""), message: random(64), seed: random(32) },
    ].map((input) => ({
      label: hex(input.label),
      message: hex(input.message),
      seed: hex(input.seed),
      ciphertext: hex(ibeSeal({ mpk, ...input })),
      labelKey: hex(keyOf(input.label)),
    })),
    refused: [
      refusal("header", flip(ciphertext, 7)),
      refusal("U's sign", flip(ciphertext, 66)),
      refusal("U", flip(ciphertext, 500)),
      refusal("V", flip(ciphertext, 8 * 104)),
      refusal("W", flip(ciphertext, 8 * 199)),
      refusal("truncated", ciphertext.subarray(0, 199)),
      refusal("another label's key", ciphertext, keyOf(other)),
      refusal(
        "sealed to another label, opened with that label's key",
        ibeSeal({ mpk, label: other, message, seed }),
        keyOf(other),
      ),
    ],
    labelKeys: [
      { label, labelKey: keyOf(label), valid: true },
      { label, labelKey: keyOf(other), valid: false },
      { label, labelKey: encodeG1(parseG1(keyOf(label)).negate()), valid: false },
    ].map((claim) => ({ ...claim, label: hex(claim.label), labelKey: hex(claim.labelKey) })),
  };
}
