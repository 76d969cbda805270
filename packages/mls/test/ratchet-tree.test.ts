import { describe, expect, test } from "vitest";
import { MlsError } from "../src/index.ts";
import { checkRatchetTree, checkUniqueKeys } from "../src/ratchet-tree.ts";
import { type RatchetTree, treeHashRoot } from "./stock.ts";
import { person, Room, suite } from "./world.ts";

type Leaf = Extract<NonNullable<RatchetTree[number]>, { nodeType: "leaf" }>["leaf"];
type Parent = Extract<NonNullable<RatchetTree[number]>, { nodeType: "parent" }>["parent"];

/** Eight leaves, all parents filled, and then a newcomer in an old seat: unmerged where others committed. */
async function grown(): Promise<{ tree: RatchetTree; groupId: Uint8Array }> {
  const room = await Room.of(8);
  for (const index of [7, 5, 3, 1, 0]) await room.commit(room.seat(index));
  await room.commit(room.seat(0), { removes: [room.seat(2).device.account] });
  for (const index of [2, 4, 6]) await room.commit(room.seat(index));
  await room.add(room.seat(6), [person()]);
  const { state } = room.seat(0).conversation;
  return { tree: state.ratchetTree, groupId: state.groupContext.groupId };
}

const { tree: valid, groupId } = await grown();
const parents = valid.flatMap((node, index) => (node?.nodeType === "parent" ? [index] : []));
const unmerged = parents.filter((index) => parentAt(valid, index).unmergedLeaves.length > 0);

function parentAt(tree: RatchetTree, index: number): Parent {
  const node = tree[index];
  if (node?.nodeType !== "parent") throw new Error(`no parent at ${index}`);
  return node.parent;
}

function leafAt(tree: RatchetTree, index: number): Leaf {
  const node = tree[index];
  if (node?.nodeType !== "leaf") throw new Error(`no leaf at ${index}`);
  return node.leaf;
}

function withParent(index: number, change: Partial<Parent>): RatchetTree {
  return valid.with(index, { nodeType: "parent", parent: { ...parentAt(valid, index), ...change } });
}

function withLeaf(index: number, change: Partial<Leaf>): RatchetTree {
  return valid.with(index, { nodeType: "leaf", leaf: { ...leafAt(valid, index), ...change } as Leaf });
}

/** What is refused of a tree whose hash the committer signed: a member made it, not the server. */
async function verdict(tree: RatchetTree): Promise<string> {
  try {
    await checkRatchetTree(suite, tree, groupId, await treeHashRoot(tree, suite.mls.hash));
  } catch (error) {
    if (error instanceof MlsError) return `${error.code}: ${error.detail}`;
    throw error;
  }
  return "accepted";
}

describe("MLS-24: a ratchet tree that a member signed", () => {
  test("is accepted as the group made it, unmerged leaves and all", async () => {
    expect(parents.length).toBeGreaterThan(3);
    expect(unmerged.length).toBeGreaterThan(0);
    expect(await verdict(valid)).toBe("accepted");
  });

  test("is refused with another hash than the signed one", async () => {
    await expect(checkRatchetTree(suite, valid, groupId, new Uint8Array(32))).rejects.toThrow("tree hash");
    await expect(checkRatchetTree(suite, valid.slice(0, -1), groupId, new Uint8Array(32))).rejects.toThrow(
      "width",
    );
    await expect(checkRatchetTree(suite, [], groupId, new Uint8Array(32))).rejects.toThrow("width");
  });

  test("is refused where a parent's key, hash or list was not made by a path", async () => {
    for (const index of parents) {
      const { hpkePublicKey, parentHash } = parentAt(valid, index);
      const otherKey = hpkePublicKey.slice();
      otherKey[0] = (otherKey[0] as number) ^ 1;
      expect(await verdict(withParent(index, { hpkePublicKey: otherKey }))).toBe("tree-refused: parent hash");
      if (parentHash.length > 0) {
        const otherHash = parentHash.slice();
        otherHash[0] = (otherHash[0] as number) ^ 1;
        expect(await verdict(withParent(index, { parentHash: otherHash }))).toBe("tree-refused: parent hash");
      }
    }
  });

  test("is refused where a parent lists a leaf that is not below it, is not there, or stands twice", async () => {
    const [index] = unmerged;
    if (index === undefined) throw new Error("no unmerged leaf");
    const { unmergedLeaves } = parentAt(valid, index);
    const refused = "tree-refused: unmerged leaf";
    expect(await verdict(withParent(index, { unmergedLeaves: [...unmergedLeaves, 90] }))).toBe(refused);
    expect(await verdict(withParent(index, { unmergedLeaves: [...unmergedLeaves, ...unmergedLeaves] }))).toBe(
      "tree-refused: unmerged leaves out of order",
    );
    const blank = valid.findIndex((node, at) => at % 2 === 0 && node === undefined);
    if (blank >= 0) expect(await verdict(withParent(7, { unmergedLeaves: [blank / 2] }))).toBe(refused);
  });

  test("is refused where a node between a parent and its unmerged leaf does not know of it", async () => {
    // Leaf 0 is merged everywhere below: only the topmost node is made to say that it is not.
    const top = parents.find((index) => index === (valid.length - 1) / 2);
    if (top === undefined) throw new Error("no root");
    const between = parents.filter((index) => index < top);
    expect(between.length).toBeGreaterThan(0);
    const leaf = 0;
    expect(await verdict(withParent(top, { unmergedLeaves: [leaf] }))).toBe("tree-refused: unmerged leaf");
  });

  test("is refused where a newcomer is hidden from a parent, or a member said to be one", async () => {
    const [index] = unmerged;
    if (index === undefined) throw new Error("no unmerged leaf");
    expect(await verdict(withParent(index, { unmergedLeaves: [] }))).toMatch(
      /^tree-refused: (parent hash|unmerged leaf)$/,
    );
  });

  test("is refused where a leaf is not signed for this group and place", async () => {
    const moved = valid.with(0, valid[2]).with(2, valid[0]);
    expect(await verdict(moved)).toMatch(/^tree-refused/);
    const { signature } = leafAt(valid, 0);
    const other = signature.slice();
    other[0] = (other[0] as number) ^ 1;
    expect(await verdict(withLeaf(0, { signature: other }))).toBe("tree-refused: leaf signature");
    await expect(
      checkRatchetTree(suite, valid, new Uint8Array(32), await treeHashRoot(valid, suite.mls.hash)),
    ).rejects.toThrow("leaf signature");
  });

  test("is refused with a leaf whose account did not sign its device, or that supports too little", async () => {
    const stranger = person();
    expect(
      await verdict(withLeaf(0, { credential: { credentialType: "basic", identity: stranger.credential } })),
    ).toMatch(/^credential-refused/);
    expect(await verdict(withLeaf(0, { credential: { credentialType: "x509", certificates: [] } }))).toMatch(
      /^credential-refused/,
    );
    const { capabilities } = leafAt(valid, 0);
    expect(await verdict(withLeaf(0, { capabilities: { ...capabilities, extensions: [] } }))).toBe(
      "leaf-refused: capabilities",
    );
    const extension = { extensionType: 0xf123, extensionData: new Uint8Array(1) };
    expect(await verdict(withLeaf(0, { extensions: [extension] }))).toBe("leaf-refused: extensions");
  });

  test("is refused with one key at two places", async () => {
    const { hpkePublicKey, signaturePublicKey } = leafAt(valid, 2);
    expect(await verdict(withLeaf(0, { hpkePublicKey }))).toBe("tree-refused: encryption key used twice");
    expect(await verdict(withParent(parents[0] as number, { hpkePublicKey }))).toBe(
      "tree-refused: encryption key used twice",
    );
    expect(await verdict(withLeaf(0, { signaturePublicKey }))).toBe("tree-refused: signature key used twice");
    expect(() => checkUniqueKeys(withLeaf(0, { signaturePublicKey }))).toThrow("signature key used twice");
  });
});
