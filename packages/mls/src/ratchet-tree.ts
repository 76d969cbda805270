import { equalBytes, hex } from "@porchlight/encoding";
import { verifyLeafNodeSignature, verifyLeafNodeSignatureKeyPackage } from "ts-mls/leafNode.js";
import { encodeParentHashInput } from "ts-mls/parentHash.js";
import type { Node, RatchetTree } from "ts-mls/ratchetTree.js";
import { encodeLeafNodeHashInput, encodeParentNodeHashInput } from "ts-mls/treeHash.js";
import { deviceOfLeaf } from "./authentication.ts";
import { checkLeafNode } from "./device.ts";
import { MlsError } from "./error.ts";
import type { MlsSuite } from "./suite.ts";

// Node indices as in RFC 9420 appendix C: leaves are even, a node at level k has its k lowest bits set.

function level(node: number): number {
  let k = 0;
  while (((node >> k) & 1) === 1) k++;
  return k;
}

function children(node: number): readonly [number, number] {
  const k = level(node);
  return [node ^ (1 << (k - 1)), node ^ (3 << (k - 1))];
}

/** First and last leaf index below a node. */
function leavesBelow(node: number): readonly [number, number] {
  const span = 1 << level(node);
  const first = (node + 1 - span) / 2;
  return [first, first + span - 1];
}

/** Leaf indices of everyone in the tree, in order. */
export function leafIndices(tree: RatchetTree): number[] {
  const indices: number[] = [];
  for (let node = 0; node < tree.length; node += 2) if (tree[node] !== undefined) indices.push(node / 2);
  return indices;
}

/**
 * RFC 9420 §12.4.3.1 on a ratchet tree from the wire (MLS-24): structure, tree hash, parent hashes (§7.9.2), unmerged
 * leaves, unique keys, every leaf's signature, credential and capabilities. Throws "tree-refused".
 *
 * Written here because ts-mls' own check asks that *every* non-blank node above an unmerged leaf lists exactly the
 * same unmerged leaves. The RFC asks it of the nodes between the two, and of that one leaf. With several committers
 * about a third of the groups that somebody joins look different, and no commit by the inviter repairs them all.
 */
export function checkRatchetTree(
  suite: MlsSuite,
  tree: RatchetTree,
  groupId: Uint8Array,
  treeHash: Uint8Array,
): Promise<void> {
  return new TreeCheck(suite, tree).run(groupId, treeHash);
}

function refuse(detail: string): never {
  throw new MlsError("tree-refused", detail);
}

/** No encryption key at two nodes, no signature key at two leaves. The library does not look at either in a commit. */
export function checkUniqueKeys(tree: RatchetTree): void {
  const encryptionKeys = new Set<string>();
  const signatureKeys = new Set<string>();
  for (const node of tree) {
    if (node === undefined) continue;
    const key = node.nodeType === "leaf" ? node.leaf.hpkePublicKey : node.parent.hpkePublicKey;
    if (!fresh(encryptionKeys, key)) refuse("encryption key used twice");
    if (node.nodeType === "leaf" && !fresh(signatureKeys, node.leaf.signaturePublicKey)) {
      refuse("signature key used twice");
    }
  }
}

class TreeCheck {
  readonly #suite: MlsSuite;
  readonly #tree: RatchetTree;
  readonly #hashes = new Map<number, Uint8Array>();

  constructor(suite: MlsSuite, tree: RatchetTree) {
    this.#suite = suite;
    this.#tree = tree;
  }

  async run(groupId: Uint8Array, treeHash: Uint8Array): Promise<void> {
    const width = this.#tree.length;
    if (width === 0 || ((width + 1) & width) !== 0) refuse("width");
    if (!equalBytes(this.#hash((width - 1) / 2), treeHash)) refuse("tree hash");
    checkUniqueKeys(this.#tree);
    for (const [index, node] of this.#tree.entries()) {
      if (node === undefined) continue;
      if ((node.nodeType === "leaf") !== (index % 2 === 0)) refuse("node type");
      if (node.nodeType === "leaf") {
        await this.#leaf(index, node.leaf, groupId);
      } else {
        this.#unmerged(index, node.parent.unmergedLeaves);
        this.#parentHash(index, node.parent);
      }
    }
  }

  async #leaf(
    index: number,
    leaf: Extract<Node, { nodeType: "leaf" }>["leaf"],
    groupId: Uint8Array,
  ): Promise<void> {
    deviceOfLeaf(this.#suite, leaf);
    checkLeafNode(leaf);
    const { signature } = this.#suite.mls;
    const signed =
      leaf.leafNodeSource === "key_package"
        ? await verifyLeafNodeSignatureKeyPackage({ ...leaf, leafNodeSource: "key_package" }, signature)
        : await verifyLeafNodeSignature(leaf, groupId, index / 2, signature);
    if (!signed) refuse("leaf signature");
  }

  /** Each entry is a leaf below this node, and every non-blank node between the two lists it as well. */
  #unmerged(index: number, unmerged: readonly number[]): void {
    const [first, last] = leavesBelow(index);
    let previous = -1;
    for (const leaf of unmerged) {
      if (leaf <= previous) refuse("unmerged leaves out of order");
      previous = leaf;
      if (leaf < first || leaf > last || this.#tree[2 * leaf] === undefined) refuse("unmerged leaf");
      let below = childTowards(index, 2 * leaf);
      while (below !== 2 * leaf) {
        const node = this.#tree[below];
        if (node?.nodeType === "parent" && !node.parent.unmergedLeaves.includes(leaf))
          refuse("unmerged leaf");
        below = childTowards(below, 2 * leaf);
      }
    }
  }

  /**
   * RFC 9420 §7.9.2: exactly one node below carries this node's parent hash, on the side that its key was made on, and
   * everything else in the resolution of that side was added since.
   */
  #parentHash(index: number, parent: Extract<Node, { nodeType: "parent" }>["parent"]): void {
    const sides = children(index);
    let found = 0;
    for (const [side, sibling] of [sides, [sides[1], sides[0]] as const]) {
      const expected = this.#suite.primitives.hash(
        encodeParentHashInput({
          encryptionKey: parent.hpkePublicKey,
          parentHash: parent.parentHash,
          originalSiblingTreeHash: this.#hashWithout(sibling, new Set(parent.unmergedLeaves)),
        }),
      );
      const resolution = this.#resolution(side);
      for (const node of resolution) {
        const carried = this.#carriedHash(node);
        if (carried === undefined || !equalBytes(carried, expected)) continue;
        const rest = resolution.filter((other) => other !== node);
        const [first, last] = leavesBelow(side);
        const added = new Set(
          parent.unmergedLeaves.filter((leaf) => leaf >= first && leaf <= last).map((leaf) => 2 * leaf),
        );
        if (rest.length === added.size && rest.every((other) => added.has(other))) found++;
      }
    }
    if (found !== 1) refuse("parent hash");
  }

  #carriedHash(index: number): Uint8Array | undefined {
    const node = this.#tree[index];
    if (node === undefined) return undefined;
    if (node.nodeType === "parent") return node.parent.parentHash;
    return node.leaf.leafNodeSource === "commit" ? node.leaf.parentHash : undefined;
  }

  #resolution(index: number): number[] {
    const node = this.#tree[index];
    if (node === undefined) {
      if (index % 2 === 0) return [];
      const [left, right] = children(index);
      return [...this.#resolution(left), ...this.#resolution(right)];
    }
    if (node.nodeType === "leaf") return [index];
    return [index, ...node.parent.unmergedLeaves.map((leaf) => 2 * leaf)];
  }

  /** Tree hash of a subtree, §7.8. */
  #hash(index: number): Uint8Array {
    const known = this.#hashes.get(index);
    if (known !== undefined) return known;
    const hash = this.#hashWithout(index, NOBODY);
    this.#hashes.set(index, hash);
    return hash;
  }

  /** §7.9: the subtree's hash as it was before these leaves were added. */
  #hashWithout(index: number, removed: ReadonlySet<number>): Uint8Array {
    const [first, last] = leavesBelow(index);
    if (removed.size > 0 && ![...removed].some((leaf) => leaf >= first && leaf <= last))
      return this.#hash(index);
    const node = this.#tree[index];
    if (index % 2 === 0) {
      const leafNode = node?.nodeType === "leaf" && !removed.has(index / 2) ? node.leaf : undefined;
      return this.#suite.primitives.hash(
        encodeLeafNodeHashInput({ nodeType: "leaf", leafIndex: index / 2, leafNode }),
      );
    }
    const [left, right] = children(index);
    const below = (child: number): Uint8Array =>
      removed.size === 0 ? this.#hash(child) : this.#hashWithout(child, removed);
    const parentNode =
      node?.nodeType === "parent"
        ? { ...node.parent, unmergedLeaves: node.parent.unmergedLeaves.filter((leaf) => !removed.has(leaf)) }
        : undefined;
    return this.#suite.primitives.hash(
      encodeParentNodeHashInput({
        nodeType: "parent",
        parentNode,
        leftHash: below(left),
        rightHash: below(right),
      }),
    );
  }
}

const NOBODY: ReadonlySet<number> = new Set();

function childTowards(node: number, leafNode: number): number {
  const [left, right] = children(node);
  return leafNode < node ? left : right;
}

function fresh(seen: Set<string>, key: Uint8Array): boolean {
  const name = hex(key);
  if (seen.has(name)) return false;
  seen.add(name);
  return true;
}
