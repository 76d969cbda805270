// The costly group operations as a port with two implementations: noble (here, always there) and mcl-wasm (mcl.ts, three
// to eight times as fast). Points are noble's objects for both, so that everything else exists once.
import { powerGT, sumG1, tableGT } from "./multiply.ts";
import {
  decodeG1,
  decodeG2,
  encodeGT,
  type G1,
  type G2,
  hashToG1,
  pairing,
  pairingsCancel,
} from "./points.ts";

/** e(A, B), kept so that its powers are cheap. */
export type PairingBase = {
  /** e(A, B)^scalar for 0 < scalar < r, in the 576 bytes of QUO-10. */
  readonly power: (scalar: bigint) => Uint8Array;
};

/**
 * What takes the time of sealing, releasing and combining. Whoever implements it passes `test/curve.test.ts`. No
 * implementation is constant time: callers blind secret scalars that are used more than once (REL-4).
 */
export type Curve = {
  readonly name: "noble" | "mcl-wasm";
  /** 48 bytes compressed → a point of the subgroup; throws or returns `null` for what is none. {@link parseG1} checks the rest. */
  readonly decodeG1: (bytes: Uint8Array) => G1 | null;
  /** 96 bytes compressed, otherwise as {@link Curve.decodeG1}. */
  readonly decodeG2: (bytes: Uint8Array) => G2 | null;
  /** RFC 9380, suite BLS12381G1_XMD:SHA-256_SSWU_RO_. */
  readonly hashToG1: (message: Uint8Array, dst: string) => G1;
  /** Σ scalarᵢ · pointᵢ; points of the subgroup, scalars in 0 … r − 1. */
  readonly sumG1: (terms: readonly (readonly [G1, bigint])[]) => G1;
  /** Whether the product of the pairings is one; pairs with an identity count as one. */
  readonly pairingsCancel: (pairs: readonly (readonly [G1, G2])[]) => boolean;
  /** The pairing of two points that are not the identity: 576 bytes as in QUO-10. */
  readonly pairing: (a: G1, b: G2) => Uint8Array;
  readonly pairingBase: (a: G1, b: G2) => PairingBase;
};

/** The pure implementation, which needs nothing and is what the other one is compared with. */
export const noble: Curve = {
  name: "noble",
  decodeG1,
  decodeG2,
  hashToG1,
  sumG1,
  pairingsCancel,
  pairing: (a, b) => encodeGT(pairing(a, b)),
  pairingBase: (a, b) => {
    const table = tableGT(pairing(a, b));
    return { power: (scalar) => encodeGT(powerGT(table, scalar)) };
  },
};
