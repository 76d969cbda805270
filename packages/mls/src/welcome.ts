import { equalBytes } from "@porchlight/encoding";
import type { ClientState } from "ts-mls";
import { makePskIndex } from "ts-mls/clientState.js";
import { encode } from "ts-mls/codec/tlsEncoder.js";
import { decryptWithLabel } from "ts-mls/crypto/hpke.js";
import { deriveSecret } from "ts-mls/crypto/kdf.js";
import {
  decodeGroupInfo,
  encodeGroupInfo,
  extractWelcomeSecret,
  type GroupInfo,
  verifyGroupInfoConfirmationTag,
  verifyGroupInfoSignature,
} from "ts-mls/groupInfo.js";
import { decodeGroupSecrets, encodeGroupSecrets } from "ts-mls/groupSecrets.js";
import { type KeyPackage, makeKeyPackageRef } from "ts-mls/keyPackage.js";
import { deriveKeySchedule } from "ts-mls/keySchedule.js";
import { leafNodeEncoder } from "ts-mls/leafNode.js";
import { pathToRoot } from "ts-mls/pathSecrets.js";
import type { PreSharedKeyID } from "ts-mls/presharedkey.js";
import { mergePrivateKeyPaths, type PrivateKeyPath } from "ts-mls/privateKeyPath.js";
import { accumulatePskSecret } from "ts-mls/pskIndex.js";
import type { RatchetTree } from "ts-mls/ratchetTree.js";
import { createSecretTree } from "ts-mls/secretTree.js";
import { leafToNodeIndex, leafWidth, toLeafIndex } from "ts-mls/treemath.js";
import { firstCommonAncestor } from "ts-mls/updatePath.js";
import { welcomeKey, welcomeNonce } from "ts-mls/welcome.js";
import { clientConfig } from "./authentication.ts";
import type { OwnKeyPackage } from "./device.ts";
import { MlsError } from "./error.ts";
import { checkRatchetTree } from "./ratchet-tree.ts";
import { CIPHER_SUITE, type MlsSuite } from "./suite.ts";
import { decodeStrictly, parseMessage, parseRatchetTree } from "./wire-format.ts";

export type WelcomeInput = {
  readonly welcome: Uint8Array;
  readonly ratchetTree: Uint8Array;
  readonly keyPackage: OwnKeyPackage;
  readonly deviceSeed: Uint8Array;
  /** The suspended group that this one continues (MLS-62). */
  readonly resumed?: ClientState;
};

export type Joined = {
  readonly state: ClientState;
  readonly groupInfo: GroupInfo;
  /** Whether the Welcome named the resumption secret of `resumed` for a ReInit. */
  readonly resumes: boolean;
};

/**
 * RFC 9420 §12.4.3.1 from ts-mls' own parts, strict in what it decodes, with {@link checkRatchetTree} in place of the
 * library's check, which turns away valid groups. Throws "welcome-refused", "tree-refused" and what those name.
 */
export async function openWelcome(suite: MlsSuite, input: WelcomeInput): Promise<Joined> {
  const cs = suite.mls;
  const { keyPackage } = parseMessage(input.keyPackage.public, "mls_key_package");
  const { welcome } = parseMessage(input.welcome, "mls_welcome");
  if (welcome.cipherSuite !== CIPHER_SUITE) throw new MlsError("welcome-refused", "cipher suite");

  const reference = await makeKeyPackageRef(keyPackage, cs.hash);
  const sealed = welcome.secrets.find(({ newMember }) => equalBytes(newMember, reference));
  if (sealed === undefined) throw new MlsError("welcome-refused", "not for this key package");
  const initKey = await cs.hpke.importPrivateKey(input.keyPackage.initPrivateKey);
  const { kemOutput, ciphertext } = sealed.encryptedGroupSecrets;
  const secrets = decodeStrictly(
    decodeGroupSecrets,
    encodeGroupSecrets,
    await decryptWithLabel(initKey, "Welcome", welcome.encryptedGroupInfo, kemOutput, ciphertext, cs.hpke),
    "GroupSecrets",
  );
  const resumes = checkPsks(secrets.psks, input.resumed);
  const [pskSecret] = await accumulatePskSecret(
    secrets.psks,
    makePskIndex(input.resumed, {}),
    cs,
    new Uint8Array(cs.kdf.size),
  );
  const welcomeSecret = await extractWelcomeSecret(secrets.joinerSecret, pskSecret, cs.kdf);
  const groupInfo = decodeStrictly(
    decodeGroupInfo,
    encodeGroupInfo,
    await cs.hpke.decryptAead(
      await welcomeKey(welcomeSecret, cs),
      await welcomeNonce(welcomeSecret, cs),
      undefined,
      welcome.encryptedGroupInfo,
    ),
    "GroupInfo",
  );
  const { groupContext } = groupInfo;
  if (groupContext.cipherSuite !== CIPHER_SUITE || groupContext.version !== "mls10") {
    throw new MlsError("welcome-refused", "cipher suite");
  }

  const tree = parseRatchetTree(input.ratchetTree);
  await checkRatchetTree(suite, tree, groupContext.groupId, groupContext.treeHash);
  const signer = tree[2 * groupInfo.signer];
  if (signer?.nodeType !== "leaf") throw new MlsError("welcome-refused", "signer");
  if (!(await verifyGroupInfoSignature(groupInfo, signer.leaf.signaturePublicKey, cs.signature))) {
    throw new MlsError("welcome-refused", "GroupInfo signature");
  }
  if (!(await verifyGroupInfoConfirmationTag(groupInfo, secrets.joinerSecret, pskSecret, cs))) {
    throw new MlsError("welcome-refused", "confirmation tag");
  }

  const own = ownLeaf(tree, keyPackage);
  const leafKeys = {
    leafIndex: own,
    privateKeys: { [leafToNodeIndex(toLeafIndex(own))]: input.keyPackage.leafPrivateKey },
  };
  const privatePath =
    secrets.pathSecret === undefined
      ? leafKeys
      : mergePrivateKeyPaths(
          await pathKeys(suite, tree, own, groupInfo.signer, secrets.pathSecret),
          leafKeys,
        );
  const [keySchedule, encryptionSecret] = await deriveKeySchedule(
    secrets.joinerSecret,
    pskSecret,
    groupContext,
    cs.kdf,
  );
  const secretTree = await createSecretTree(leafWidth(tree.length), encryptionSecret, cs.kdf);
  for (const secret of [encryptionSecret, welcomeSecret, secrets.joinerSecret]) secret.fill(0);
  return {
    resumes,
    groupInfo,
    state: {
      groupContext,
      ratchetTree: tree,
      secretTree,
      keySchedule,
      privatePath,
      signaturePrivateKey: input.deviceSeed,
      unappliedProposals: {},
      confirmationTag: groupInfo.confirmationTag,
      historicalReceiverData: new Map(),
      groupActiveState: { kind: "active" },
      clientConfig: clientConfig(suite),
    },
  };
}

/** A Welcome names no secret, or exactly the suspended group's at its last epoch, for a ReInit (MLS-62). */
function checkPsks(psks: readonly PreSharedKeyID[], resumed: ClientState | undefined): boolean {
  const [psk, ...others] = psks;
  if (psk === undefined) return false;
  const expected =
    others.length === 0 &&
    resumed !== undefined &&
    psk.psktype === "resumption" &&
    psk.usage === "reinit" &&
    psk.pskEpoch === resumed.groupContext.epoch &&
    equalBytes(psk.pskGroupId, resumed.groupContext.groupId);
  if (!expected) throw new MlsError("welcome-refused", "pre-shared key");
  return true;
}

function ownLeaf(tree: RatchetTree, keyPackage: KeyPackage): number {
  const encodeLeaf = encode(leafNodeEncoder);
  const expected = encodeLeaf(keyPackage.leafNode);
  const index = tree.findIndex(
    (node) =>
      node?.nodeType === "leaf" &&
      equalBytes(node.leaf.signaturePublicKey, keyPackage.leafNode.signaturePublicKey) &&
      equalBytes(encodeLeaf(node.leaf), expected),
  );
  if (index < 0) throw new MlsError("welcome-refused", "own leaf");
  return index / 2;
}

/** The keys above the own leaf; each must be the private half of what the tree shows (§12.4.3.1). */
async function pathKeys(
  suite: MlsSuite,
  tree: RatchetTree,
  own: number,
  signer: number,
  pathSecret: Uint8Array,
): Promise<PrivateKeyPath> {
  const cs = suite.mls;
  const ancestor = firstCommonAncestor(tree, toLeafIndex(own), toLeafIndex(signer));
  const privateKeys: Record<number, Uint8Array> = {};
  for (const [index, secret] of Object.entries(await pathToRoot(tree, ancestor, pathSecret, cs.kdf))) {
    const node = tree[Number(index)];
    if (node?.nodeType !== "parent") continue;
    const pair = await cs.hpke.deriveKeyPair(await deriveSecret(secret, "node", cs.kdf));
    if (!equalBytes(await cs.hpke.exportPublicKey(pair.publicKey), node.parent.hpkePublicKey)) {
      throw new MlsError("welcome-refused", "path secret");
    }
    privateKeys[Number(index)] = await cs.hpke.exportPrivateKey(pair.privateKey);
  }
  return { leafIndex: own, privateKeys };
}

/** Which of these key packages a Welcome is for; `undefined` for none of them. Throws "malformed". */
export async function recipientOf(
  suite: MlsSuite,
  welcome: Uint8Array,
  keyPackages: readonly OwnKeyPackage[],
): Promise<OwnKeyPackage | undefined> {
  const { secrets } = parseMessage(welcome, "mls_welcome").welcome;
  for (const own of keyPackages) {
    const { keyPackage } = parseMessage(own.public, "mls_key_package");
    const reference = await makeKeyPackageRef(keyPackage, suite.mls.hash);
    if (secrets.some(({ newMember }) => equalBytes(newMember, reference))) return own;
  }
  return undefined;
}
