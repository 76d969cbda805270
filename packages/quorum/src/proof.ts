// Schnorr proofs of possession, R ‖ z, in G1 (requester points) and G2 (dealers' constant terms).
import { concat, equalBytes } from "@porchlight/encoding";
import { sumG1, sumG2 } from "./multiply.ts";
import { encodeG1, encodeG2, type G1, type G2, P1, P2 } from "./points.ts";
import { encodeScalar, Fr, hashToScalar, parseScalar, SCALAR_LENGTH, transcript } from "./scalar.ts";

type ProofGroup<P> = {
  readonly base: P;
  readonly encode: (point: P) => Uint8Array;
  readonly multiply: (point: P, scalar: bigint) => P;
};

export const IN_G1: ProofGroup<G1> = { base: P1, encode: encodeG1, multiply: (p, s) => sumG1([[p, s]]) };
export const IN_G2: ProofGroup<G2> = { base: P2, encode: encodeG2, multiply: (p, s) => sumG2([[p, s]]) };

type Point<P> = { add(other: P): P; subtract(other: P): P; multiply(scalar: bigint): P; is0(): boolean };

/** QUO-12: the challenge covers domain, context, point and R, so a proof serves one use, one context and one point. */
function challenge(domain: string, context: Uint8Array, point: Uint8Array, r: Uint8Array): bigint {
  return hashToScalar(transcript(domain, context, point, r), "porchlight-v1 schnorr");
}

/** `nonce` is uniform, secret and used for this proof only. */
export function prove<P extends Point<P>>(
  group: ProofGroup<P>,
  domain: string,
  context: Uint8Array,
  secret: bigint,
  point: P,
  nonce: bigint,
): Uint8Array {
  const r = group.encode(group.base.multiply(nonce));
  const c = challenge(domain, context, group.encode(point), r);
  return concat(r, encodeScalar(Fr.add(nonce, Fr.mul(c, secret))));
}

/** z·B − c·X must encode to the very bytes of R; R itself is never decoded. */
export function proves<P extends Point<P>>(
  group: ProofGroup<P>,
  domain: string,
  context: Uint8Array,
  point: P,
  proof: Uint8Array,
): boolean {
  const encoded = group.encode(point);
  if (proof.length !== encoded.length + SCALAR_LENGTH) return false;
  const r = proof.subarray(0, encoded.length);
  let z: bigint;
  try {
    z = parseScalar(proof.subarray(encoded.length));
  } catch {
    return false;
  }
  const c = challenge(domain, context, encoded, r);
  const expected = group.base.multiply(z).subtract(group.multiply(point, c));
  return !expected.is0() && equalBytes(group.encode(expected), r);
}
