import { equalBytes } from "@porchlight/encoding";
import { TlogError } from "./error.ts";
import { type LogIndex, logIndex, type TreeSize, treeSize } from "./size.ts";
import { nobleSuite, type TlogSuite } from "./suite.ts";

/** Length of every hash of the log, in bytes. */
export const HASH_LENGTH = 32;
/** Longest entry that the u16 in front of it in a bundle can announce, in bytes. */
export const MAX_ENTRY_LENGTH = 65_535;
/** Longest proof that C2SP's text formats carry. */
export const MAX_PROOF_LENGTH = 63;

// Reused from hash to hash: allocating the input costs as much as hashing it. Nothing runs between filling and hashing.
const leafInput = new Uint8Array(1 + MAX_ENTRY_LENGTH);
const nodeInput = new Uint8Array(1 + 2 * HASH_LENGTH);
nodeInput[0] = 1;

/** RFC 6962 §2.1: SHA-256(0x00 ‖ entry). Throws TlogError "out-of-range" for an entry that no bundle could hold. */
export function leafHash(entry: Uint8Array, suite: TlogSuite = nobleSuite): Uint8Array {
  if (entry.length > MAX_ENTRY_LENGTH) throw new TlogError("out-of-range", "entry length");
  leafInput.set(entry, 1);
  return suite.sha256(leafInput.subarray(0, 1 + entry.length));
}

/** RFC 6962 §2.1: SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Uint8Array, right: Uint8Array, suite: TlogSuite = nobleSuite): Uint8Array {
  // A shorter one would leave bytes of an earlier hash in place.
  if (left.length !== HASH_LENGTH || right.length !== HASH_LENGTH)
    throw new TlogError("out-of-range", "hash");
  nodeInput.set(left, 1);
  nodeInput.set(right, 1 + HASH_LENGTH);
  return suite.sha256(nodeInput);
}

/** Root of the tree without leaves: SHA-256 of nothing. */
export function emptyRoot(suite: TlogSuite = nobleSuite): Uint8Array {
  return suite.sha256(new Uint8Array(0));
}

// Sizes reach 2^53, JavaScript's bit operators only 2^31: halving is division here.
const half = (value: number): number => Math.floor(value / 2);
const odd = (value: number): boolean => value % 2 === 1;

export type InclusionClaim = {
  readonly size: TreeSize;
  readonly root: Uint8Array;
  readonly index: LogIndex;
  readonly leafHash: Uint8Array;
  /** Sibling hashes from the leaf upwards. */
  readonly proof: readonly Uint8Array[];
};

/** RFC 9162 §2.1.3.2. Throws TlogError "inclusion-invalid", also for a proof that is too long or too short. */
export function verifyInclusion(claim: InclusionClaim, suite: TlogSuite = nobleSuite): void {
  const { root, leafHash: leaf, proof } = claim;
  const size = treeSize(claim.size);
  const index = logIndex(claim.index);
  const refuse = (): never => {
    throw new TlogError("inclusion-invalid", "inclusion proof");
  };
  if (index >= size) refuse();
  if (leaf.length !== HASH_LENGTH || proof.some((hash) => hash.length !== HASH_LENGTH)) refuse();
  let node: number = index;
  let last = size - 1;
  let hash = leaf;
  for (const sibling of proof) {
    if (last === 0) refuse();
    if (odd(node) || node === last) {
      hash = nodeHash(sibling, hash, suite);
      while (!odd(node) && node !== 0) {
        node = half(node);
        last = half(last);
      }
    } else {
      hash = nodeHash(hash, sibling, suite);
    }
    node = half(node);
    last = half(last);
  }
  if (last !== 0 || !equalBytes(hash, root)) refuse();
}

export type ConsistencyClaim = {
  readonly oldSize: TreeSize;
  readonly oldRoot: Uint8Array;
  readonly newSize: TreeSize;
  readonly newRoot: Uint8Array;
  /** RFC 6962 §2.1.2 PROOF(oldSize, newSize); empty where either tree is empty or both are one. */
  readonly proof: readonly Uint8Array[];
};

/** RFC 9162 §2.1.4.2. Throws TlogError "consistency-invalid" unless the old tree is a prefix of the new one. */
export function verifyConsistency(claim: ConsistencyClaim, suite: TlogSuite = nobleSuite): void {
  const { oldRoot, newRoot, proof } = claim;
  const oldSize = treeSize(claim.oldSize);
  const newSize = treeSize(claim.newSize);
  const refuse = (): never => {
    throw new TlogError("consistency-invalid", "consistency proof");
  };
  if (oldSize > newSize || proof.some((hash) => hash.length !== HASH_LENGTH)) refuse();
  if (newSize === 0 && !equalBytes(newRoot, emptyRoot(suite))) refuse();
  if (oldSize === 0) {
    if (proof.length !== 0 || !equalBytes(oldRoot, emptyRoot(suite))) refuse();
    return;
  }
  if (oldSize === newSize) {
    if (proof.length !== 0 || !equalBytes(oldRoot, newRoot)) refuse();
    return;
  }
  let node = oldSize - 1;
  let last = newSize - 1;
  while (odd(node)) {
    node = half(node);
    last = half(last);
  }
  // Where the old tree is one perfect subtree, its root starts the walk and is not repeated in the proof.
  const rest = [...proof];
  const start = node === 0 ? oldRoot : rest.shift();
  if (start === undefined) return refuse();
  let oldHash = start;
  let newHash = start;
  for (const sibling of rest) {
    if (last === 0) refuse();
    if (odd(node) || node === last) {
      oldHash = nodeHash(sibling, oldHash, suite);
      newHash = nodeHash(sibling, newHash, suite);
      while (!odd(node) && node !== 0) {
        node = half(node);
        last = half(last);
      }
    } else {
      newHash = nodeHash(newHash, sibling, suite);
    }
    node = half(node);
    last = half(last);
  }
  if (last !== 0 || !equalBytes(oldHash, oldRoot) || !equalBytes(newHash, newRoot)) refuse();
}
