// What a participant says in a run of key generation, and what the others make of it. What is wrong is a value here, not
// an exception: everybody can put anything into the log.
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, equalBytes, type KeyholderIndex, Reader, utf8, Writer } from "@porchlight/encoding";
import { type DkgSession, keysOf } from "./dkg-session.ts";
import { QuorumError } from "./error.ts";
import { encodeG2, type G2, G2_LENGTH, P2, parseG2 } from "./points.ts";
import { IN_G2, prove, proves } from "./proof.ts";
import { bigEndian, encodeScalar, Fr, parseScalar, SCALAR_LENGTH, transcript } from "./scalar.ts";
import { openFrom, SEALED_OVERHEAD, sealTo } from "./sealed-box.ts";
import { evaluate, evaluateInExponent } from "./sharing.ts";
import { isXwingPublicKey, XWING_PUBLIC_KEY_LENGTH, XWING_SEED_LENGTH, xwingKeygen } from "./xwing.ts";

const COMMITMENT_LENGTH = 32;
const PROOF_LENGTH = G2_LENGTH + SCALAR_LENGTH;
const BOX_INFO = utf8("porchlight-v1/dkg-share");
const POSSESSION = "dkg-possession";

/** Receiving keys of those who joined. */
export type ReceivingKeys = ReadonlyMap<KeyholderIndex, Uint8Array>;

/** What a dealer published: one polynomial in the exponent for each key, and the boxes. */
export type Deal = {
  readonly commitments: readonly (readonly G2[])[];
  readonly boxes: ReadonlyMap<KeyholderIndex, Uint8Array>;
};

/**
 * All of one participant's secrets of a run, which follow from one seed of 32 bytes (DKG-2): so a participant that
 * restarts says the same again, and can answer a complaint by showing a box's seed.
 */
export type OwnPart = {
  readonly self: KeyholderIndex;
  readonly receiving: { readonly publicKey: Uint8Array; readonly secretKey: Uint8Array };
  /** `null` where it does not deal. */
  readonly dealing: {
    readonly polynomials: readonly (readonly bigint[])[];
    readonly commitments: readonly (readonly G2[])[];
    /** Coefficients in the exponent and proofs, as they stand at the head of the deal. */
    readonly head: Uint8Array;
    readonly boxSeed: (receiver: KeyholderIndex) => Uint8Array;
  } | null;
};

/** `shares` are what `self` holds of the keys that are reshared, `null` for new keys. Throws QuorumError. */
export function makeOwnPart(
  session: DkgSession,
  context: Uint8Array,
  self: KeyholderIndex,
  seed: Uint8Array,
  shares: readonly bigint[] | null,
): OwnPart {
  const derive = (name: string, index: number, length: number) =>
    hkdf(sha256, seed, context, transcript(name, Uint8Array.of(self, index)), length);
  const scalar = (name: string, index: number) => {
    const value = Fr.create(bigEndian(derive(name, index, 48)));
    if (value === 0n) throw new QuorumError("scalar-invalid", "dealer's seed");
    return value;
  };
  const receiving = xwingKeygen(derive("dkg-receive", 0, 32));
  // Who has lost its share cannot deal it out, but can still receive one.
  const deals = session.dealers.includes(self) && (session.origin.kind === "new" || shares !== null);
  if (!deals) return { self, receiving, dealing: null };
  const { threshold } = session;
  const keys = keysOf(session.origin);
  const polynomials = Array.from({ length: keys }, (_, key) =>
    Array.from({ length: threshold }, (_, k) =>
      k === 0 && shares !== null ? (shares[key] as bigint) : scalar("dkg-coefficient", key * threshold + k),
    ),
  );
  const commitments = polynomials.map((coefficients) => coefficients.map((a) => P2.multiply(a)));
  const head = concat(
    ...commitments.flatMap((points, key) => [
      ...points.map(encodeG2),
      prove(
        IN_G2,
        POSSESSION,
        possessionContext(context, self, key),
        (polynomials[key] as bigint[])[0] as bigint,
        points[0] as G2,
        scalar("dkg-nonce", key),
      ),
    ]),
  );
  const boxSeed = (receiver: KeyholderIndex) => derive("dkg-box", receiver, XWING_SEED_LENGTH);
  return { self, receiving, dealing: { polynomials, commitments, head, boxSeed } };
}

/** DKG-3: receiving key ‖, of who deals, the commitment to the head of its deal. */
export function formatJoin(context: Uint8Array, { self, receiving, dealing }: OwnPart): Uint8Array {
  return dealing === null
    ? receiving.publicKey
    : concat(receiving.publicKey, headCommitment(context, self, dealing.head));
}

/** `null` for a message out of form. */
export function parseJoin(
  { dealers }: DkgSession,
  from: KeyholderIndex,
  body: Uint8Array,
): { readonly key: Uint8Array; readonly commitment: Uint8Array | null } | null {
  const deals = dealers.includes(from) && body.length === XWING_PUBLIC_KEY_LENGTH + COMMITMENT_LENGTH;
  if (!deals && body.length !== XWING_PUBLIC_KEY_LENGTH) return null;
  const key = body.slice(0, XWING_PUBLIC_KEY_LENGTH);
  if (!isXwingPublicKey(key)) return null;
  return { key, commitment: deals ? body.slice(XWING_PUBLIC_KEY_LENGTH) : null };
}

function headCommitment(context: Uint8Array, dealer: KeyholderIndex, head: Uint8Array): Uint8Array {
  return sha256(transcript("dkg-commitment", context, Uint8Array.of(dealer), head));
}

/** DKG-4: the head, and a box for everyone else who joined to receive. */
export function formatDeal(context: Uint8Array, own: OwnPart, receivers: ReceivingKeys): Uint8Array {
  const { self, dealing } = own;
  if (dealing === null) throw new QuorumError("session-invalid", "dealer");
  const boxes = others(receivers, self).map(([receiver, key]) =>
    sealTo(
      key,
      concat(...ownShares(own, receiver).map(encodeScalar)),
      BOX_INFO,
      boxContext(context, self, receiver),
      dealing.boxSeed(receiver),
    ),
  );
  return concat(dealing.head, ...boxes);
}

/** f(receiver) of each of the own polynomials. */
export function ownShares({ dealing }: OwnPart, receiver: KeyholderIndex): bigint[] {
  return dealing === null ? [] : dealing.polynomials.map((coefficients) => evaluate(coefficients, receiver));
}

/**
 * DKG-5, what everybody can see: the deal is the one committed to, has a box for everyone, its points parse (QUO-3),
 * its dealer knows the constant terms, and in a resharing they are the dealer's verifying shares. `null` otherwise.
 */
export function readDeal(
  session: DkgSession,
  context: Uint8Array,
  dealer: KeyholderIndex,
  commitment: Uint8Array,
  receivers: ReceivingKeys,
  body: Uint8Array,
): Deal | null {
  const keys = keysOf(session.origin);
  const headLength = keys * (session.threshold * G2_LENGTH + PROOF_LENGTH);
  const boxLength = SEALED_OVERHEAD + keys * SCALAR_LENGTH;
  const to = others(receivers, dealer);
  if (body.length !== headLength + to.length * boxLength) return null;
  const head = body.subarray(0, headLength);
  if (!equalBytes(headCommitment(context, dealer, head), commitment)) return null;
  const reader = new Reader(body);
  const commitments: G2[][] = [];
  for (let key = 0; key < keys; key++) {
    const points: G2[] = [];
    for (let k = 0; k < session.threshold; k++) {
      const point = orNull(() => parseG2(reader.fixed(G2_LENGTH)));
      if (point === null) return null;
      points.push(point);
    }
    const constant = points[0] as G2;
    if (session.origin.kind === "reshare") {
      const held = session.origin.masters[key]?.verifyingShares.get(dealer);
      if (held === undefined || !equalBytes(encodeG2(constant), held)) return null;
    }
    const proof = reader.fixed(PROOF_LENGTH);
    if (!proves(IN_G2, POSSESSION, possessionContext(context, dealer, key), constant, proof)) return null;
    commitments.push(points);
  }
  const boxes = new Map(to.map(([receiver]) => [receiver, reader.fixed(boxLength)]));
  reader.end();
  return { commitments, boxes };
}

/** DKG-5, what only the receiver can see: its shares, one a key, or `null` where the box does not hold what it should. */
export function openBox(
  context: Uint8Array,
  dealer: KeyholderIndex,
  deal: Deal,
  own: OwnPart,
): bigint[] | null {
  const box = deal.boxes.get(own.self);
  if (box === undefined) return null;
  const plaintext = orNull(() =>
    openFrom(own.receiving.secretKey, box, BOX_INFO, boxContext(context, dealer, own.self)),
  );
  return plaintext === null ? null : sharesIn(plaintext, deal, own.self);
}

function sharesIn(plaintext: Uint8Array, { commitments }: Deal, receiver: KeyholderIndex): bigint[] | null {
  if (plaintext.length !== commitments.length * SCALAR_LENGTH) return null;
  const reader = new Reader(plaintext);
  const shares: bigint[] = [];
  for (const points of commitments) {
    const share = orNull(() => parseScalar(reader.fixed(SCALAR_LENGTH)));
    if (share === null || !P2.multiply(share).equals(evaluateInExponent(points, receiver))) return null;
    shares.push(share);
  }
  return shares;
}

/** DKG-6: u8 count ‖ the dealers whose box is wrong, ascending. */
export function formatCheck(accused: readonly KeyholderIndex[]): Uint8Array {
  return new Writer().opaque(Uint8Array.from(accused), 1).finish();
}

/** `null` for a message out of form: dealers out of order, unknown ones, and the sender itself. */
export function parseCheck(
  dealers: readonly KeyholderIndex[],
  from: KeyholderIndex,
  body: Uint8Array,
): KeyholderIndex[] | null {
  const accused = dealers.filter((dealer) => dealer !== from && body.subarray(1).includes(dealer));
  return equalBytes(body, formatCheck(accused)) ? accused : null;
}

/** DKG-7: for each complainer in ascending order: shares ‖ the box's seed. */
export function formatAnswer(own: OwnPart, complainers: readonly KeyholderIndex[]): Uint8Array {
  const { dealing } = own;
  if (dealing === null) throw new QuorumError("session-invalid", "dealer");
  return concat(
    ...complainers.flatMap((complainer) => [
      ...ownShares(own, complainer).map(encodeScalar),
      dealing.boxSeed(complainer),
    ]),
  );
}

/**
 * DKG-7: an answer holds if for every complainer the shares lie on the committed polynomials and sealing them anew under
 * the shown seed gives the box that was dealt. The complainers' shares then, which are public from now on.
 */
export function readAnswer(
  context: Uint8Array,
  dealer: KeyholderIndex,
  deal: Deal,
  receivers: ReceivingKeys,
  complainers: readonly KeyholderIndex[],
  body: Uint8Array,
): ReadonlyMap<KeyholderIndex, readonly bigint[]> | null {
  const length = deal.commitments.length * SCALAR_LENGTH;
  if (body.length !== complainers.length * (length + XWING_SEED_LENGTH)) return null;
  const reader = new Reader(body);
  const shown = new Map<KeyholderIndex, readonly bigint[]>();
  for (const complainer of complainers) {
    const plaintext = reader.fixed(length);
    const seed = reader.fixed(XWING_SEED_LENGTH);
    const shares = sharesIn(plaintext, deal, complainer);
    const key = receivers.get(complainer);
    const box = deal.boxes.get(complainer);
    if (shares === null || key === undefined || box === undefined) return null;
    const sealed = orNull(() =>
      sealTo(key, plaintext, BOX_INFO, boxContext(context, dealer, complainer), seed),
    );
    if (sealed === null || !equalBytes(sealed, box)) return null;
    shown.set(complainer, shares);
  }
  return shown;
}

function others(receivers: ReceivingKeys, dealer: KeyholderIndex): (readonly [KeyholderIndex, Uint8Array])[] {
  return [...receivers].filter(([receiver]) => receiver !== dealer).sort(([a], [b]) => a - b);
}

function possessionContext(context: Uint8Array, dealer: KeyholderIndex, key: number): Uint8Array {
  return concat(context, Uint8Array.of(dealer, key));
}

function boxContext(context: Uint8Array, dealer: KeyholderIndex, receiver: KeyholderIndex): Uint8Array {
  return concat(context, Uint8Array.of(dealer, receiver));
}

function orNull<T>(run: () => T): T | null {
  try {
    return run();
  } catch (error) {
    if (error instanceof QuorumError) return null;
    throw error;
  }
}
