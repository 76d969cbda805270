// Identity-based encryption (Boneh–Franklin with the Fujisaki–Okamoto transform), byte for byte the one of
// @dfinity/vetkeys 0.4.0 `IbeCiphertext`, written from its format: header 8 ‖ U 96 ‖ V 32 ‖ W |M| (QUO-10).

import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { shake256 } from "@noble/hashes/sha3.js";
import { concat, equalBytes, Reader, utf8 } from "@porchlight/encoding";
import { type Curve, noble, type PairingBase } from "./curve.ts";
import { QuorumError } from "./error.ts";
import { encodeG2, G2_LENGTH, knownG2, labelPoint, P2, parseG1, parseG2 } from "./points.ts";
import { hashToScalar } from "./scalar.ts";

const HEADER = Uint8Array.of(0x49, 0x43, 0x20, 0x49, 0x42, 0x45, 0x00, 0x01);
const SEED_LENGTH = 32;
const MESSAGE_LENGTH = 64;
/** Bytes of a ciphertext of the 64-byte escrowed secret. */
export const IBE_LENGTH = HEADER.length + G2_LENGTH + SEED_LENGTH + MESSAGE_LENGTH;

/**
 * e(Q, mpk) of one label, with its table of powers: about 17 kB with noble. Cache it for as long as the label is in use.
 * Whoever seals and opens with it computes on its curve.
 */
export type LabelBase = {
  readonly mpk: Uint8Array;
  readonly label: Uint8Array;
  readonly curve: Curve;
  readonly pairing: PairingBase;
};

/** Hashes the label to the curve and pairs it with the master public key: the costly part of sealing, once a label. */
export function ibeBase(mpk: Uint8Array, label: Uint8Array, curve: Curve = noble): LabelBase {
  const point = knownG2(mpk, "mpk");
  return {
    mpk: mpk.slice(),
    label: label.slice(),
    curve,
    pairing: curve.pairingBase(labelPoint(mpk, label, curve.hashToG1), point),
  };
}

export type IbeSeal = {
  readonly mpk: Uint8Array;
  readonly label: Uint8Array;
  /** Exactly 64 bytes. */
  readonly message: Uint8Array;
  /** 32 bytes; with the message it determines every byte of the ciphertext. Never use one seed for two messages. */
  readonly seed: Uint8Array;
  /** From {@link ibeBase} for this very mpk and label; QuorumError "base-mismatch" otherwise. */
  readonly base?: LabelBase | undefined;
};

/** QUO-10: 200 bytes, deterministic. */
export function ibeSeal({ mpk, label, message, seed, base }: IbeSeal): Uint8Array {
  if (message.length !== MESSAGE_LENGTH) throw new QuorumError("length", "message");
  if (seed.length !== SEED_LENGTH) throw new QuorumError("length", "seed");
  const { pairing } = baseFor(mpk, label, base);
  const r = exponent(seed, message);
  return concat(
    HEADER,
    encodeG2(P2.multiply(r)),
    xor(seed, maskSeed(pairing.power(r))),
    xor(message, maskMessage(seed)),
  );
}

export type IbeOpen = {
  readonly mpk: Uint8Array;
  readonly label: Uint8Array;
  /** 48 bytes: the combined key of this label. */
  readonly labelKey: Uint8Array;
  readonly ciphertext: Uint8Array;
  readonly base?: LabelBase | undefined;
};

/**
 * QUO-11: decrypts, then encrypts again to mpk and label and compares all bytes, so that neither an altered ciphertext
 * nor the key of another label or master key passes. Throws QuorumError "refused" for all of these alike.
 */
export function ibeOpen({ mpk, label, labelKey, ciphertext, base }: IbeOpen): Uint8Array {
  if (ciphertext.length !== IBE_LENGTH) throw new QuorumError("refused", "ciphertext");
  const known = baseFor(mpk, label, base);
  const { curve } = known;
  const key = parseG1(labelKey, "label key", curve.decodeG1);
  const reader = new Reader(ciphertext);
  const header = reader.fixed(HEADER.length);
  const point = reader.fixed(G2_LENGTH);
  const maskedSeed = reader.fixed(SEED_LENGTH);
  const maskedMessage = reader.fixed(MESSAGE_LENGTH);
  if (!equalBytes(header, HEADER)) throw new QuorumError("refused", "ciphertext");
  const seed = xor(maskedSeed, maskSeed(curve.pairing(key, parseU(point, curve))));
  const message = xor(maskedMessage, maskMessage(seed));
  const r = exponent(seed, message);
  // U first: where it differs the rest would be wasted.
  if (!equalBytes(encodeG2(P2.multiply(r)), point)) throw new QuorumError("refused", "ciphertext");
  // e(Q, mpk)^r = e(labelKey, U) holds for the label's own key only.
  const again = xor(seed, maskSeed(known.pairing.power(r)));
  if (!equalBytes(again, maskedSeed)) throw new QuorumError("refused", "ciphertext");
  return message;
}

function parseU(bytes: Uint8Array, curve: Curve) {
  try {
    return parseG2(bytes, "ciphertext", curve.decodeG2);
  } catch (cause) {
    throw new QuorumError("refused", "ciphertext", { cause });
  }
}

function baseFor(mpk: Uint8Array, label: Uint8Array, base: LabelBase | undefined): LabelBase {
  if (base === undefined) return ibeBase(mpk, label);
  if (!equalBytes(base.mpk, mpk) || !equalBytes(base.label, label)) {
    throw new QuorumError("base-mismatch", "label");
  }
  return base;
}

function exponent(seed: Uint8Array, message: Uint8Array): bigint {
  return hashToScalar(concat(HEADER, seed, message), "ic-vetkd-bls12-381-ibe-hash-to-mask");
}

function maskSeed(element: Uint8Array): Uint8Array {
  return hkdf(sha256, element, undefined, utf8("ic-vetkd-bls12-381-ibe-mask-seed"), SEED_LENGTH);
}

function maskMessage(seed: Uint8Array): Uint8Array {
  const length = MESSAGE_LENGTH.toString().padStart(20, "0");
  const key = hkdf(sha256, seed, undefined, utf8(`ic-vetkd-bls12-381-ibe-mask-msg-${length}`), 32);
  return shake256(key, { dkLen: MESSAGE_LENGTH });
}

function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, i) => byte ^ (b[i] as number));
}
