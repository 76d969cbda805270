import { type ClientState, encodeMlsMessage } from "ts-mls";
import { applyProposals, makePskIndex, nextEpochContext } from "ts-mls/clientState.js";
import type { Extension } from "ts-mls/extension.js";
import { createConfirmationTag, createContentCommitSignature } from "ts-mls/framedContent.js";
import { signGroupInfo } from "ts-mls/groupInfo.js";
import { makeKeyPackageRef } from "ts-mls/keyPackage.js";
import { initializeEpoch } from "ts-mls/keySchedule.js";
import { protectPublicMessage } from "ts-mls/messageProtectionPublic.js";
import { getCommitSecret, pathToPathSecrets } from "ts-mls/pathSecrets.js";
import { mergePrivateKeyPaths, toPrivateKeyPath, updateLeafKey } from "ts-mls/privateKeyPath.js";
import type { Proposal } from "ts-mls/proposal.js";
import type { ProposalOrRef } from "ts-mls/proposalOrRefType.js";
import { createSecretTree } from "ts-mls/secretTree.js";
import { treeHashRoot } from "ts-mls/treeHash.js";
import { leafToNodeIndex, leafWidth, toLeafIndex, toNodeIndex } from "ts-mls/treemath.js";
import { createUpdatePath, firstCommonAncestor, type PathSecret } from "ts-mls/updatePath.js";
import { encryptGroupInfo, encryptGroupSecrets } from "ts-mls/welcome.js";
import { MlsError } from "./error.ts";
import type { MlsSuite } from "./suite.ts";

export type CommitDraft = {
  readonly proposals: readonly Proposal[];
  readonly authenticatedData: Uint8Array;
  /** Carry an UpdatePath even where the proposals do not need one (MLS-32). */
  readonly path: boolean;
  readonly groupInfoExtensions: readonly Extension[];
  /** Group whose resumption secret a PreSharedKey proposal names (MLS-62). */
  readonly resumed?: ClientState;
};

export type Commit = {
  readonly state: ClientState;
  /** MLSMessage, a PublicMessage. */
  readonly commit: Uint8Array;
  /** MLSMessage for those added, if any were. */
  readonly welcome: Uint8Array | undefined;
};

/**
 * RFC 9420 §12.4.1 from ts-mls' own parts. Its `createCommit` puts no UpdatePath in a Commit that only adds, so that
 * opening a day by adding somebody would heal nothing, and it asks the system clock about the lifetimes of those it
 * adds, which is the wrong clock in a replay.
 */
export async function createCommit(suite: MlsSuite, state: ClientState, draft: CommitDraft): Promise<Commit> {
  const cs = suite.mls;
  const own = toLeafIndex(state.privatePath.leafIndex);
  const proposals: ProposalOrRef[] = draft.proposals.map((proposal) => ({
    proposalOrRefType: "proposal",
    proposal,
  }));
  const applied = await applyProposals(state, proposals, own, makePskIndex(draft.resumed, {}), false, cs);
  if (applied.additionalResult.kind === "externalCommit")
    throw new MlsError("proposal-refused", "external_init");
  const added =
    applied.additionalResult.kind === "memberCommit" ? applied.additionalResult.addedLeafNodes : [];

  // Those added get their path secret in the Welcome: nothing is encrypted to their leaves.
  const [tree, path, pathSecrets, leafKey] =
    draft.path || applied.needsUpdatePath
      ? await createUpdatePath(
          applied.tree,
          own,
          state.groupContext,
          state.signaturePrivateKey,
          cs,
          added.map(([leaf]) => leafToNodeIndex(leaf)),
        )
      : [applied.tree, undefined, [] as PathSecret[], undefined];
  const leafPath =
    leafKey === undefined
      ? state.privatePath
      : updateLeafKey(state.privatePath, await cs.hpke.exportPrivateKey(leafKey));
  const privatePath = mergePrivateKeyPaths(
    leafPath,
    await toPrivateKeyPath(pathToPathSecrets(pathSecrets), own, cs),
  );
  const last = pathSecrets.at(-1);
  const commitSecret =
    last === undefined
      ? new Uint8Array(cs.kdf.size)
      : await getCommitSecret(tree, toNodeIndex(last.nodeIndex), last.secret, cs.kdf);

  const { framedContent, signature } = await createContentCommitSignature(
    state.groupContext,
    "mls_public_message",
    { proposals, path },
    { senderType: "member", leafIndex: own },
    draft.authenticatedData,
    state.signaturePrivateKey,
    cs.signature,
  );
  const groupContext = await nextEpochContext(
    state.groupContext,
    "mls_public_message",
    framedContent,
    signature,
    await treeHashRoot(tree, cs.hash),
    state.confirmationTag,
    cs.hash,
  );
  const epoch = await initializeEpoch(
    state.keySchedule.initSecret,
    commitSecret,
    groupContext,
    applied.pskSecret,
    cs.kdf,
  );
  const confirmationTag = await createConfirmationTag(
    epoch.keySchedule.confirmationKey,
    groupContext.confirmedTranscriptHash,
    cs.hash,
  );
  const publicMessage = await protectPublicMessage(
    state.keySchedule.membershipKey,
    state.groupContext,
    {
      wireformat: "mls_public_message",
      content: framedContent,
      auth: { contentType: "commit", signature, confirmationTag },
    },
    cs,
  );

  let welcome: Uint8Array | undefined;
  if (added.length > 0) {
    const groupInfo = await signGroupInfo(
      { groupContext, extensions: [...draft.groupInfoExtensions], confirmationTag, signer: own },
      state.signaturePrivateKey,
      cs.signature,
    );
    const encryptedGroupInfo = await encryptGroupInfo(groupInfo, epoch.welcomeSecret, cs);
    const secrets = await Promise.all(
      added.map(async ([leaf, keyPackage]) => {
        const ancestor = path === undefined ? undefined : firstCommonAncestor(tree, leaf, own);
        const sealed = await encryptGroupSecrets(
          await cs.hpke.importPublicKey(keyPackage.initKey),
          encryptedGroupInfo,
          {
            joinerSecret: epoch.joinerSecret,
            pathSecret: pathSecrets.find(({ nodeIndex }) => nodeIndex === ancestor)?.secret,
            psks: applied.pskIds,
          },
          cs.hpke,
        );
        return {
          newMember: await makeKeyPackageRef(keyPackage, cs.hash),
          encryptedGroupSecrets: { kemOutput: sealed.enc, ciphertext: sealed.ct },
        };
      }),
    );
    welcome = encodeMlsMessage({
      version: "mls10",
      wireformat: "mls_welcome",
      welcome: { cipherSuite: groupContext.cipherSuite, secrets, encryptedGroupInfo },
    });
  }

  const secretTree = await createSecretTree(leafWidth(tree.length), epoch.encryptionSecret, cs.kdf);
  for (const secret of [commitSecret, epoch.encryptionSecret, epoch.joinerSecret, epoch.welcomeSecret]) {
    secret.fill(0);
  }
  return {
    state: {
      ...state,
      groupContext,
      ratchetTree: tree,
      secretTree,
      keySchedule: epoch.keySchedule,
      privatePath,
      unappliedProposals: {},
      // ts-mls keeps every old epoch where it is told to keep none: there is nothing here to keep (MLS-5).
      historicalReceiverData: new Map(),
      confirmationTag,
      groupActiveState:
        applied.additionalResult.kind === "reinit"
          ? { kind: "suspendedPendingReinit", reinit: applied.additionalResult.reinit }
          : { kind: "active" },
    },
    commit: encodeMlsMessage({ version: "mls10", wireformat: "mls_public_message", publicMessage }),
    welcome,
  };
}
