// A trusted dealer and a deterministic source of "randomness", for tests and vectors only.
import { sha256 } from "@noble/hashes/sha2.js";
import { shake256 } from "@noble/hashes/sha3.js";
import { concat, type KeyholderIndex, keyholderIndex, utf8 } from "@porchlight/encoding";
import type { KeyShare, MasterKey, Random } from "../src/index.ts";
import { encodeG2, P2 } from "../src/points.ts";
import { encodeScalar, randomScalar } from "../src/scalar.ts";
import { evaluate } from "../src/sharing.ts";

/** Successive calls give successive blocks SHAKE256(name ‖ u32 counter). */
export function seeded(name: string): Random {
  let counter = 0;
  return (length) => {
    const block = new Uint8Array(4);
    new DataView(block.buffer).setUint32(0, counter++);
    return shake256(concat(utf8(name), block), { dkLen: length });
  };
}

export function digest(text: string): Uint8Array {
  return sha256(utf8(text));
}

export type Dealt = {
  readonly master: MasterKey;
  readonly shares: readonly KeyShare[];
  readonly coefficients: readonly bigint[];
};

export function deal(threshold: number, indices: readonly number[], random: Random): Dealt {
  const coefficients = Array.from({ length: threshold }, () => randomScalar(random));
  const keyholders = indices.map(keyholderIndex);
  const verifyingShares = new Map<KeyholderIndex, Uint8Array>();
  const shares = keyholders.map((keyholder) => {
    const value = evaluate(coefficients, keyholder);
    verifyingShares.set(keyholder, encodeG2(P2.multiply(value)));
    return { keyholder, secret: encodeScalar(value) };
  });
  return {
    master: { threshold, mpk: encodeG2(P2.multiply(coefficients[0] as bigint)), verifyingShares },
    shares,
    coefficients,
  };
}

/** The value at a place that the test knows to exist. */
export function at<T>(list: readonly T[], index: number): T {
  const value = list[index];
  if (value === undefined) throw new Error(`nothing at ${index}`);
  return value;
}

export function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const flipped = bytes.slice();
  flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (0x80 >> (bit & 7));
  return flipped;
}
