import { DerivedPublicKey, IbeCiphertext, IbeIdentity, IbeSeed, VetKey } from "@dfinity/vetkeys";
import { concat, hex, utf8 } from "@porchlight/encoding";
import { describe, expect, test } from "vitest";
import { IBE_LENGTH, ibeBase, ibeOpen, ibeSeal } from "../src/index.ts";
import { encodeG1, encodeG2, labelPoint, P2 } from "../src/points.ts";
import { encodeScalar, randomScalar } from "../src/scalar.ts";
import { flip, seeded } from "./dealer.ts";

const random = seeded("ibe");
const s = randomScalar(random);
const mpk = encodeG2(P2.multiply(s));
const label = random(121);
const labelKey = encodeG1(labelPoint(mpk, label).multiply(s));
const base = ibeBase(mpk, label);
const message = random(64);
const seed = random(32);
const ciphertext = ibeSeal({ mpk, label, message, seed, base });
const refused = (open: () => unknown, code = "refused") =>
  expect(open).toThrowError(expect.objectContaining({ name: "QuorumError", code }));

describe("@dfinity/vetkeys 0.4.0 as the other implementation", () => {
  const theirKey = DerivedPublicKey.deserialize(mpk);

  test("QUO-10: the same seed gives the same bytes, for messages and labels of all kinds", () => {
    for (const [text, content] of [
      [label, message],
      [label, new Uint8Array(64)],
      [utf8(""), random(64)],
      [utf8("porchlight"), random(64)],
      [random(500), random(64)],
    ] as const) {
      const sigma = random(32);
      const theirs = IbeCiphertext.encrypt(
        theirKey,
        IbeIdentity.fromBytes(text),
        content,
        IbeSeed.fromBytes(sigma),
      );
      expect(hex(ibeSeal({ mpk, label: text, message: content, seed: sigma }))).toBe(hex(theirs.serialize()));
    }
  });

  test("QUO-11: they open what we seal, and we open what they seal", () => {
    const opened = IbeCiphertext.deserialize(ciphertext).decrypt(VetKey.deserialize(labelKey));
    expect(hex(opened)).toBe(hex(message));
    const theirs = IbeCiphertext.encrypt(
      theirKey,
      IbeIdentity.fromBytes(label),
      message,
      IbeSeed.fromBytes(random(32)),
    );
    expect(hex(ibeOpen({ mpk, label, labelKey, ciphertext: theirs.serialize() }))).toBe(hex(message));
  });
});

test("QUO-10: 200 bytes, the same with and without a cached base, a different seed gives different bytes", () => {
  expect(ciphertext.length).toBe(IBE_LENGTH);
  expect(IBE_LENGTH).toBe(200);
  expect(hex(ibeSeal({ mpk, label, message, seed }))).toBe(hex(ciphertext));
  const other = ibeSeal({ mpk, label, message, seed: random(32), base });
  for (const [start, end] of [
    [8, 104],
    [104, 136],
    [136, 200],
  ] as const) {
    expect(hex(other.subarray(start, end))).not.toBe(hex(ciphertext.subarray(start, end)));
  }
});

test("QUO-10: a base of another label or master key is refused", () => {
  refused(() => ibeSeal({ mpk, label: random(121), message, seed, base }), "base-mismatch");
  const otherKey = encodeG2(P2.multiply(7n));
  refused(() => ibeSeal({ mpk: otherKey, label, message, seed, base }), "base-mismatch");
  refused(() => ibeOpen({ mpk, label: random(121), labelKey, ciphertext, base }), "base-mismatch");
});

test("QUO-10: messages and seeds of other lengths are refused", () => {
  refused(() => ibeSeal({ mpk, label, message: random(63), seed, base }), "length");
  refused(() => ibeSeal({ mpk, label, message, seed: random(31), base }), "length");
});

test("QUO-11: a flipped bit in any byte is refused", () => {
  for (let byte = 0; byte < IBE_LENGTH; byte += byte < 104 ? 2 : 9) {
    const bit = 8 * byte + (byte % 8);
    refused(() => ibeOpen({ mpk, label, labelKey, ciphertext: flip(ciphertext, bit), base }));
  }
  // The sign of U: the negative is a valid point.
  refused(() => ibeOpen({ mpk, label, labelKey, ciphertext: flip(ciphertext, 66), base }));
});

test("QUO-11: truncated and prolonged ciphertexts are refused", () => {
  for (const bytes of [
    ciphertext.subarray(0, 199),
    concat(ciphertext, new Uint8Array(1)),
    new Uint8Array(),
  ]) {
    refused(() => ibeOpen({ mpk, label, labelKey, ciphertext: bytes, base }));
  }
});

test("QUO-11: the key of another label or another master key opens nothing", () => {
  const otherLabel = random(121);
  const otherLabelKey = encodeG1(labelPoint(mpk, otherLabel).multiply(s));
  refused(() => ibeOpen({ mpk, label, labelKey: otherLabelKey, ciphertext, base }));
  const wrongKey = encodeG1(labelPoint(mpk, label).multiply(randomScalar(random)));
  refused(() => ibeOpen({ mpk, label, labelKey: wrongKey, ciphertext, base }));
  // What the key of `otherLabel` opens must not pass for a ciphertext of `label`, though U and W are in order.
  const foreign = ibeSeal({ mpk, label: otherLabel, message, seed });
  expect(hex(ibeOpen({ mpk, label: otherLabel, labelKey: otherLabelKey, ciphertext: foreign }))).toBe(
    hex(message),
  );
  refused(() => ibeOpen({ mpk, label, labelKey: otherLabelKey, ciphertext: foreign, base }));
});

test("QUO-3: a malformed master key or label key is a fault of the caller", () => {
  refused(() => ibeBase(new Uint8Array(96), label), "point-invalid");
  refused(() => ibeOpen({ mpk, label, labelKey: encodeScalar(1n), ciphertext, base }), "point-invalid");
});
