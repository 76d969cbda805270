// What a dealer publishes in round 2, and what a receiver makes of it.
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, equalBytes, type KeyholderIndex, Reader, utf8 } from "@porchlight/encoding";
import type { DkgSession } from "./dkg-session.ts";
import { QuorumError } from "./error.ts";
import { encodeG2, type G2, G2_LENGTH, P2, parseG2 } from "./points.ts";
import { IN_G2, prove, proves } from "./proof.ts";
import { bigEndian, encodeScalar, Fr, parseScalar, SCALAR_LENGTH, transcript } from "./scalar.ts";
import { openFrom, SEALED_OVERHEAD, sealTo } from "./sealed-box.ts";
import { evaluate, evaluateInExponent } from "./sharing.ts";
import { XWING_SEED_LENGTH } from "./xwing.ts";

const PROOF_LENGTH = G2_LENGTH + SCALAR_LENGTH;
const BOX_LENGTH = SEALED_OVERHEAD + SCALAR_LENGTH;
const BOX_INFO = utf8("porchlight-v1/dkg-share");
const POSSESSION = "dkg-possession";

/** DKG-3: bytes of a deal: t commitments, proof of possession, one box for each participant but the dealer. */
export function dealLength({ threshold, participants }: DkgSession): number {
  return threshold * G2_LENGTH + PROOF_LENGTH + (participants.length - 1) * BOX_LENGTH;
}

/**
 * A dealer's polynomial and boxes follow from one 32-byte seed (DKG-2), so that a participant that restarts makes the
 * same deal again instead of a second, different one, and can later answer a complaint by showing a box's seed.
 */
export type OwnDeal = {
  readonly body: Uint8Array;
  readonly commitments: readonly G2[];
  /** f_self(self). */
  readonly ownShare: bigint;
};

export function makeDeal(session: DkgSession, context: Uint8Array, seed: Uint8Array): OwnDeal {
  const derive = (name: string, index: number, length: number) =>
    hkdf(sha256, seed, context, transcript(name, Uint8Array.of(index)), length);
  const scalar = (name: string, index: number) => {
    const value = Fr.create(bigEndian(derive(name, index, 48)));
    if (value === 0n) throw new QuorumError("scalar-invalid", "dealer's seed");
    return value;
  };
  const coefficients = Array.from({ length: session.threshold }, (_, k) => scalar("dkg-coefficient", k));
  const commitments = coefficients.map((a) => P2.multiply(a));
  const possession = prove(
    IN_G2,
    POSSESSION,
    possessionContext(context, session.self),
    coefficients[0] as bigint,
    commitments[0] as G2,
    scalar("dkg-nonce", 0),
  );
  const boxes = session.participants
    .filter((receiver) => receiver !== session.self)
    .map((receiver) =>
      sealTo(
        session.encryptionKeys.get(receiver) as Uint8Array,
        encodeScalar(evaluate(coefficients, receiver)),
        BOX_INFO,
        boxContext(context, session.self, receiver),
        derive("dkg-box", receiver, XWING_SEED_LENGTH),
      ),
    );
  return {
    body: concat(...commitments.map(encodeG2), possession, ...boxes),
    commitments,
    ownShare: evaluate(coefficients, session.self),
  };
}

/** DKG-2: what round 1 publishes; the deal itself is unpredictable, so the hash hides it. */
export function dealCommitment(context: Uint8Array, dealer: KeyholderIndex, body: Uint8Array): Uint8Array {
  return sha256(transcript("dkg-commitment", context, Uint8Array.of(dealer), body));
}

/**
 * DKG-4: what the receiver keeps of another's deal, or undefined when any part is wrong: not what round 1 promised, a
 * point refused (QUO-3), no possession of the constant term, or a share that is not on the committed polynomial.
 */
export function readDeal(
  session: DkgSession,
  context: Uint8Array,
  dealer: KeyholderIndex,
  commitment: Uint8Array,
  body: Uint8Array,
): { commitments: readonly G2[]; share: bigint } | undefined {
  if (!equalBytes(dealCommitment(context, dealer, body), commitment)) return undefined;
  try {
    const reader = new Reader(body);
    const commitments = Array.from({ length: session.threshold }, () => parseG2(reader.fixed(G2_LENGTH)));
    const possession = reader.fixed(PROOF_LENGTH);
    if (!proves(IN_G2, POSSESSION, possessionContext(context, dealer), commitments[0] as G2, possession)) {
      return undefined;
    }
    let box: Uint8Array | undefined;
    for (const receiver of session.participants) {
      if (receiver === dealer) continue;
      const sealed = reader.fixed(BOX_LENGTH);
      if (receiver === session.self) box = sealed;
    }
    reader.end();
    if (box === undefined) return undefined;
    const aad = boxContext(context, dealer, session.self);
    const share = parseScalar(openFrom(session.decryptionKey, box, BOX_INFO, aad));
    if (!P2.multiply(share).equals(evaluateInExponent(commitments, session.self))) return undefined;
    return { commitments, share };
  } catch (error) {
    if (error instanceof QuorumError) return undefined;
    throw error;
  }
}

function possessionContext(context: Uint8Array, dealer: KeyholderIndex): Uint8Array {
  return concat(context, Uint8Array.of(dealer));
}

function boxContext(context: Uint8Array, dealer: KeyholderIndex, receiver: KeyholderIndex): Uint8Array {
  return concat(context, Uint8Array.of(dealer, receiver));
}
