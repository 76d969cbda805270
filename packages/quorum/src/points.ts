import type { WeierstrassPoint } from "@noble/curves/abstract/weierstrass.js";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { concat, equalBytes, hex } from "@porchlight/encoding";
import { QuorumError } from "./error.ts";

const { Fp, Fp2, Fp12 } = bls12_381.fields;

/** A point of the prime-order subgroup of E(Fp), 48 bytes compressed. */
export type G1 = WeierstrassPoint<bigint>;
/** A point of the prime-order subgroup of E'(Fp2), 96 bytes compressed. */
export type G2 = WeierstrassPoint<typeof Fp2.ONE>;
/** An element of the order-r subgroup of Fp12: what a pairing returns. */
export type GT = typeof Fp12.ONE;

export const G1_LENGTH = 48;
export const G2_LENGTH = 96;
/** Twelve coordinates. */
export const GT_LENGTH = 576;

/** Generators of G1 and G2 (draft-irtf-cfrg-pairing-friendly-curves-11, 4.2.1). */
export const P1: G1 = bls12_381.G1.Point.BASE;
export const P2: G2 = bls12_381.G2.Point.BASE;
export const G1_ZERO: G1 = bls12_381.G1.Point.ZERO;
export const G2_ZERO: G2 = bls12_381.G2.Point.ZERO;

/** QUO-4: augmented message hashing; the master public key stands before the label. */
const LABEL_DST = "BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_AUG_";

/** Compressed encoding (QUO-2). Unlike noble's `toBytes`, spends nothing on re-checking the subgroup of a sum that we made. */
export function encodeG1(point: G1): Uint8Array {
  if (point.is0()) throw new QuorumError("point-invalid", "G1 identity");
  const { x, y } = point.toAffine();
  const bytes = Fp.toBytes(x);
  bytes[0] = (bytes[0] as number) | 0x80 | (y * 2n >= Fp.ORDER ? 0x20 : 0);
  return bytes;
}

/** Compressed encoding (QUO-2): imaginary part of x first. */
export function encodeG2(point: G2): Uint8Array {
  if (point.is0()) throw new QuorumError("point-invalid", "G2 identity");
  const { x, y } = point.toAffine();
  const bytes = concat(Fp.toBytes(x.c1), Fp.toBytes(x.c0));
  const sign = y.c1 === 0n ? y.c0 : y.c1;
  bytes[0] = (bytes[0] as number) | 0x80 | (sign * 2n >= Fp.ORDER ? 0x20 : 0);
  return bytes;
}

/** Compressed bytes of a point of the subgroup; throws for what is none. Not every refusal of QUO-3 is made here. */
export function decodeG1(bytes: Uint8Array): G1 {
  return bls12_381.G1.Point.fromBytes(bytes);
}

/** As {@link decodeG1}. */
export function decodeG2(bytes: Uint8Array): G2 {
  return bls12_381.G2.Point.fromBytes(bytes);
}

/**
 * QUO-2, QUO-3: 48 bytes, compressed, canonical, in the subgroup and not the identity.
 * Throws QuorumError "point-invalid". The re-encoding comparison is what refuses coordinates ≥ p, which noble reduces.
 */
export function parseG1(
  bytes: Uint8Array,
  field = "G1 point",
  decode: (bytes: Uint8Array) => G1 | null = decodeG1,
): G1 {
  if (bytes.length !== G1_LENGTH) throw new QuorumError("point-invalid", field);
  try {
    const point = decode(bytes);
    if (point !== null && !point.is0() && equalBytes(encodeG1(point), bytes)) return point;
  } catch (cause) {
    throw new QuorumError("point-invalid", field, { cause });
  }
  throw new QuorumError("point-invalid", field);
}

/** QUO-2, QUO-3: 96 bytes, otherwise as {@link parseG1}. */
export function parseG2(
  bytes: Uint8Array,
  field = "G2 point",
  decode: (bytes: Uint8Array) => G2 | null = decodeG2,
): G2 {
  if (bytes.length !== G2_LENGTH) throw new QuorumError("point-invalid", field);
  try {
    const point = decode(bytes);
    if (point !== null && !point.is0() && equalBytes(encodeG2(point), bytes)) return point;
  } catch (cause) {
    throw new QuorumError("point-invalid", field, { cause });
  }
  throw new QuorumError("point-invalid", field);
}

const KNOWN_LIMIT = 256;
const known = new Map<string, G2>();

/**
 * {@link parseG2} for public keys that come again and again (mpk, verifying shares): remembers the last 256 points,
 * because noble keeps a point's pairing coefficients with the object.
 */
export function knownG2(bytes: Uint8Array, field: string): G2 {
  const name = hex(bytes);
  const found = known.get(name);
  if (found !== undefined) return found;
  const point = parseG2(bytes, field);
  for (const oldest of known.size >= KNOWN_LIMIT ? known.keys() : []) {
    known.delete(oldest);
    break;
  }
  known.set(name, point);
  return point;
}

/** RFC 9380 hash_to_curve, suite BLS12381G1_XMD:SHA-256_SSWU_RO_, under a domain separation tag. */
export function hashToG1(message: Uint8Array, dst: string): G1 {
  return bls12_381.G1.hashToCurve(message, { DST: dst });
}

/** QUO-4: Q = hash_to_curve_G1(mpk ‖ label). */
export function labelPoint(
  mpk: Uint8Array,
  label: Uint8Array,
  hash: (message: Uint8Array, dst: string) => G1 = hashToG1,
): G1 {
  return hash(concat(mpk, label), LABEL_DST);
}

/** QUO-10: the twelve coordinates, 48 bytes each, from the highest to the lowest: noble's order turned round. */
export function encodeGT(element: GT): Uint8Array {
  const bytes = Fp12.toBytes(element);
  const coordinates: Uint8Array[] = [];
  for (let at = bytes.length - 48; at >= 0; at -= 48) coordinates.push(bytes.subarray(at, at + 48));
  return concat(...coordinates);
}

/** The pairing, for points whose subgroup is already certain (parsed, hashed or computed from such). */
export function pairing(a: G1, b: G2): GT {
  return Fp12.finalExponentiate(miller([[a, b]]));
}

/** Whether the product of pairings is one: one final exponentiation for any number of pairs. */
export function pairingsCancel(pairs: readonly (readonly [G1, G2])[]): boolean {
  return Fp12.eql(Fp12.finalExponentiate(miller(pairs)), Fp12.ONE);
}

function miller(pairs: readonly (readonly [G1, G2])[]): GT {
  return bls12_381.millerLoopBatch(
    pairs
      // e(0, B) = e(A, 0) = 1, and the loop's formulas do not cover the identity.
      .filter(([a, b]) => !a.is0() && !b.is0())
      .map(([a, b]) => {
        const { x, y } = a.toAffine();
        return [bls12_381.utils.calcPairingPrecomputes(b), x, y];
      }),
  );
}
