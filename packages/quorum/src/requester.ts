import { QuorumError } from "./error.ts";
import { encodeG1, P1, parseG1 } from "./points.ts";
import { IN_G1, prove, proves } from "./proof.ts";
import { encodeScalar, parseScalar, type Random, randomScalar } from "./scalar.ts";

const DOMAIN = "requester-proof";
const WORD_DOMAIN = "requester-word";
/** R 48 ‖ z 32. */
export const REQUESTER_PROOF_LENGTH = 80;

/** The requester's key of one warrant: T = secret·P1, and the proof that whoever made T knows the secret. */
export type RequesterPoint = {
  /** 48 bytes. */
  readonly point: Uint8Array;
  /** 32 bytes; reads every release that is made to the point. */
  readonly secret: Uint8Array;
  /** 80 bytes. */
  readonly proof: Uint8Array;
};

/**
 * REL-1: a fresh point with its proof of possession bound to `context` (the warrant). Without the proof a requester
 * could present a point made from somebody else's and have that party's releases opened to it.
 */
export function requesterPoint(random: Random, context: Uint8Array): RequesterPoint {
  const secret = randomScalar(random);
  const point = P1.multiply(secret);
  return {
    point: encodeG1(point),
    secret: encodeScalar(secret),
    proof: prove(IN_G1, DOMAIN, context, secret, point, randomScalar(random)),
  };
}

/** REL-1. False for a malformed point (QUO-3) or proof, and for a proof made for another point or context. */
export function verifyRequesterPoint(point: Uint8Array, proof: Uint8Array, context: Uint8Array): boolean {
  return holds(DOMAIN, point, proof, context);
}

/**
 * REL-12: a Schnorr signature under T, 80 bytes: whoever knows its secret says what `context` stands for. Throws QuorumError
 * "scalar-invalid".
 */
export function requesterWord(random: Random, secret: Uint8Array, context: Uint8Array): Uint8Array {
  const scalar = parseScalar(secret, "requester secret");
  return prove(IN_G1, WORD_DOMAIN, context, scalar, P1.multiply(scalar), randomScalar(random));
}

/** REL-12. False as {@link verifyRequesterPoint} is. */
export function verifyRequesterWord(point: Uint8Array, word: Uint8Array, context: Uint8Array): boolean {
  return holds(WORD_DOMAIN, point, word, context);
}

function holds(domain: string, point: Uint8Array, proof: Uint8Array, context: Uint8Array): boolean {
  try {
    return proves(IN_G1, domain, context, parseG1(point), proof);
  } catch (error) {
    if (error instanceof QuorumError) return false;
    throw error;
  }
}
