import { type AccountId, type DayNumber, equalBytes, type UnixSeconds } from "@porchlight/encoding";
import {
  type AuthenticatedData,
  formatAuthenticatedData,
  parseAuthenticatedData,
} from "@porchlight/envelope";
import { type ClientState, emptyPskIndex, processPublicMessage } from "ts-mls";
import { applyProposals } from "ts-mls/clientState.js";
import type { LeafNode } from "ts-mls/leafNode.js";
import { unprotectPublicMessage } from "ts-mls/messageProtectionPublic.js";
import type { Proposal } from "ts-mls/proposal.js";
import type { PublicMessage } from "ts-mls/publicMessage.js";
import { encodeRatchetTree, type RatchetTree } from "ts-mls/ratchetTree.js";
import { toLeafIndex } from "ts-mls/treemath.js";
import type { UpdatePath } from "ts-mls/updatePath.js";
import { createCommit } from "./commit.ts";
import {
  type ActiveConversation,
  arrivalOf,
  type Conversation,
  type Member,
  memberAt,
  membersIn,
  membersOf,
  ownLeaf,
} from "./conversation.ts";
import { checkKeyPackage, checkLeafNode, checkLifetime, parseKeyPackage } from "./device.ts";
import { MlsError, type ProposedCharter, refusing } from "./error.ts";
import { DAY_EXTENSION, formatDayExtension, parseGroupExtensions } from "./extension.ts";
import { checkRatchetTree, checkUniqueKeys } from "./ratchet-tree.ts";
import { type Spent, spentEpoch } from "./spent.ts";
import { parseMessage } from "./wire-format.ts";

/** A commit that waits for the server's decision. Save `pending` before sending: a device cannot read its own commit. */
export type PreparedCommit<Next extends Conversation = ActiveConversation> = {
  /** The conversation once the server has taken the commit; drop it if another's was first. */
  readonly pending: Next;
  /** MLSMessage, a PublicMessage: the server sees who is added and removed, and orders it. */
  readonly commit: Uint8Array;
  /** MLSMessage for those added. */
  readonly welcome: Uint8Array | undefined;
  /** The new epoch's ratchet tree, for those added. */
  readonly ratchetTree: Uint8Array;
  /** To be erased once `pending` has replaced the conversation and is saved. */
  readonly spent: Spent;
};

/** Who came and went, and what the commit says of its day. */
export type EpochChange = {
  readonly committer: Member;
  readonly added: readonly Member[];
  readonly removed: readonly Member[];
  readonly day: DayNumber;
  /** Set where the commit ends the group by a ReInit that this member accepted. */
  readonly charterChange: ProposedCharter | null;
};

/**
 * One commit that adds the devices of these key packages, and removes every device of these accounts and these single
 * devices (MLS signature keys). It carries an
 * UpdatePath where it opens a new day, removes somebody, changes nobody, or `update` asks for it.
 * Throws "key-package-refused", "not-a-member", "day-backwards".
 */
export async function prepareCommit(
  conversation: ActiveConversation,
  change: {
    readonly adds?: readonly Uint8Array[];
    readonly removes?: readonly AccountId[];
    readonly removeDevices?: readonly Uint8Array[];
    readonly day: DayNumber;
    readonly update?: boolean;
  },
): Promise<PreparedCommit> {
  const { suite } = conversation;
  if (change.day < conversation.day) throw new MlsError("day-backwards");
  const proposals: Proposal[] = [];
  const members = membersOf(conversation);
  const leaving = [
    ...(change.removes ?? []).map((account) => members.filter((member) => member.account === account)),
    ...(change.removeDevices ?? []).map((key) =>
      members.filter(({ deviceKey }) => equalBytes(deviceKey, key)),
    ),
  ];
  if (leaving.some((leaves) => leaves.length === 0)) throw new MlsError("not-a-member");
  for (const removed of new Set(leaving.flat().map(({ leaf }) => leaf))) {
    if (removed === ownLeaf(conversation)) throw new MlsError("proposal-refused", "own removal");
    proposals.push({ proposalType: "remove", remove: { removed } });
  }
  for (const bytes of change.adds ?? []) {
    const keyPackage = await parseKeyPackage(suite, bytes);
    checkLifetime(keyPackage, change.day);
    proposals.push({ proposalType: "add", add: { keyPackage } });
  }
  const opensDay = change.day > conversation.day;
  const made = await refusing("commit-refused", "own commit", () =>
    createCommit(suite, conversation.state, {
      proposals,
      authenticatedData: formatAuthenticatedData({ day: change.day, counter: 0, franking: null }),
      path: opensDay || change.update === true,
      groupInfoExtensions: [{ extensionType: DAY_EXTENSION, extensionData: formatDayExtension(change.day) }],
    }),
  );
  const { groupContext, ratchetTree } = made.state;
  // What those added will check is checked here first: a group that nobody can join any more cannot be repaired.
  if ((change.adds ?? []).length > 0) {
    await checkRatchetTree(suite, ratchetTree, groupContext.groupId, groupContext.treeHash);
  }
  const leaf = 2 * ownLeaf(conversation);
  const updated = ratchetTree[leaf] !== conversation.state.ratchetTree[leaf];
  return {
    pending: {
      ...conversation,
      day: change.day,
      leafDay: updated ? change.day : conversation.leafDay,
      envelopes: new Map(),
      state: made.state,
    },
    commit: made.commit,
    welcome: made.welcome,
    ratchetTree: encodeRatchetTree(ratchetTree),
    spent: spentEpoch(conversation.state, made.state),
  };
}

/**
 * Applies another device's commit (MLS-3, MLS-23, MLS-30 to MLS-35). `submitter` is the account that the server
 * stamped on it. On any refusal the conversation stays as it was. A ReInit is applied only where `accept` names
 * exactly the proposed charter; "charter-change-not-accepted" carries what to ask the person.
 */
export async function applyCommit(
  conversation: ActiveConversation,
  bytes: Uint8Array,
  context: {
    readonly submitter: AccountId;
    readonly now: UnixSeconds;
    readonly arrival: "live" | "stored";
    readonly accept?: ProposedCharter;
  },
): Promise<{ readonly conversation: Conversation; readonly change: EpochChange; readonly spent: Spent }> {
  const { suite, state } = conversation;
  const { publicMessage } = parseMessage(bytes, "mls_public_message");
  const proposals = plainProposals(publicMessage);
  const { content } = publicMessage;
  if (!equalBytes(content.groupId, state.groupContext.groupId)) throw new MlsError("wrong-group");
  if (content.epoch !== state.groupContext.epoch) throw new MlsError("wrong-epoch");
  if (content.sender.senderType !== "member") throw new MlsError("not-a-member", content.sender.senderType);
  const committer = memberAt(conversation, content.sender.leafIndex);
  if (committer.leaf === ownLeaf(conversation)) throw new MlsError("commit-refused", "own commit");
  for (const proposal of proposals) {
    if (proposal.proposalType === "add") await checkKeyPackage(suite, proposal.add.keyPackage);
  }
  const path = pathOf(publicMessage);
  if (path !== undefined) checkPathLeaf(committer, path.leafNode);

  const removesUs = proposals.some(
    (proposal) => proposal.proposalType === "remove" && proposal.remove.removed === ownLeaf(conversation),
  );
  const after = await refusing("commit-refused", "another's commit", () =>
    removesUs ? lastTree(conversation, publicMessage, committer) : nextState(conversation, publicMessage),
  );

  // From here on the committer's signature is known to be good: what it signed may be looked at.
  if (committer.account !== context.submitter) throw new MlsError("submitter-mismatch");
  const { day } = statedDay(content.authenticatedData);
  if (day < conversation.day) throw new MlsError("day-backwards");
  const time = arrivalOf(day, context.now, context.arrival);
  if (time !== "in-time") throw new MlsError(time === "ahead" ? "day-ahead" : "day-over");
  if (day > conversation.day && path === undefined) throw new MlsError("path-missing");
  for (const proposal of proposals) {
    if (proposal.proposalType === "add") checkLifetime(proposal.add.keyPackage, day);
  }
  checkUniqueKeys(after.ratchetTree);
  const were = membersOf(conversation);
  const are = membersIn(suite, after.ratchetTree);
  const change: EpochChange = {
    committer,
    added: without(are, were),
    removed: without(were, are),
    day,
    charterChange: null,
  };
  const { account, id, charter } = conversation;
  if (after.kind === "removed") {
    return {
      conversation: { kind: "removed", suite, account, id, charter, day },
      change,
      spent: spentEpoch(state, undefined),
    };
  }
  const next = { ...after.state, historicalReceiverData: new Map() };
  const spent = spentEpoch(state, next);
  if (next.groupActiveState.kind === "suspendedPendingReinit") {
    const proposed = proposedCharter(conversation, next.groupActiveState.reinit.extensions);
    if (context.accept === undefined || context.accept.charter !== proposed.charter) {
      throw new MlsError("charter-change-not-accepted", undefined, { proposed });
    }
    return {
      conversation: { kind: "suspended", suite, account, id, charter, day, next: proposed, state: next },
      change: { ...change, charterChange: proposed },
      spent,
    };
  }
  return { conversation: { ...conversation, day, envelopes: new Map(), state: next }, change, spent };
}

type Applied =
  | { readonly kind: "next"; readonly state: ClientState; readonly ratchetTree: RatchetTree }
  | { readonly kind: "removed"; readonly ratchetTree: RatchetTree };

async function nextState(conversation: ActiveConversation, message: PublicMessage): Promise<Applied> {
  const { suite, state } = conversation;
  const { newState } = await processPublicMessage(state, message, emptyPskIndex, suite.mls, () => "accept");
  return { kind: "next", state: newState, ratchetTree: newState.ratchetTree };
}

/**
 * A commit that removes this device: authenticated and with proposals that stand, its path is for others. The library
 * looks whether the own leaf is blank afterwards, and fails where the same commit gives that leaf to somebody else.
 */
async function lastTree(
  conversation: ActiveConversation,
  message: PublicMessage,
  committer: Member,
): Promise<Applied> {
  const { suite, state } = conversation;
  const { content } = await unprotectPublicMessage(
    state.keySchedule.membershipKey,
    state.groupContext,
    state.ratchetTree,
    message,
    suite.mls,
  );
  if (content.contentType !== "commit") throw new MlsError("unsupported", content.contentType);
  const { proposals, path } = content.commit;
  const leaf = toLeafIndex(committer.leaf);
  const { tree } = await applyProposals(state, proposals, leaf, emptyPskIndex, false, suite.mls);
  if (path === undefined) throw new MlsError("path-missing");
  return { kind: "removed", ratchetTree: tree };
}

/** Those of `members` whose leaf others have not, or another device has. */
function without(members: readonly Member[], others: readonly Member[]): Member[] {
  const devices = new Map(others.map(({ leaf, deviceKey }) => [leaf, deviceKey]));
  return members.filter(({ leaf, deviceKey }) => {
    const other = devices.get(leaf);
    return other === undefined || !equalBytes(other, deviceKey);
  });
}

/**
 * MLS-23: what a commit may hold. Only proposals written out in it (by reference, the server could pick which stand),
 * only Add and Remove, or one ReInit alone. A GroupContextExtensions proposal would change the charter silently, and
 * the library leaves out its UpdatePath; Update, PreSharedKey, ExternalInit and unknown types have no use here.
 */
function plainProposals(message: PublicMessage): Proposal[] {
  if (message.content.contentType !== "commit")
    throw new MlsError("unsupported", message.content.contentType);
  const proposals = message.content.commit.proposals.map((item) => {
    if (item.proposalOrRefType !== "proposal") throw new MlsError("proposal-refused", "by reference");
    const { proposal } = item;
    const { proposalType } = proposal;
    if (proposalType !== "add" && proposalType !== "remove" && proposalType !== "reinit") {
      throw new MlsError("proposal-refused", String(proposalType));
    }
    return proposal;
  });
  if (proposals.length > 1 && proposals.some(({ proposalType }) => proposalType === "reinit")) {
    throw new MlsError("proposal-refused", "reinit beside others");
  }
  return proposals;
}

function pathOf(message: PublicMessage): UpdatePath | undefined {
  return message.content.contentType === "commit" ? message.content.commit.path : undefined;
}

/**
 * MLS-26: an UpdatePath renews a leaf's encryption key and nothing else. RFC 9420 lets it change the signature key and
 * the credential too, and with a willing friend's credential a member could hand over its seat under everybody's eyes.
 */
function checkPathLeaf(committer: Member, leaf: LeafNode): void {
  const same =
    leaf.credential.credentialType === "basic" &&
    equalBytes(leaf.credential.identity, committer.credential) &&
    equalBytes(leaf.signaturePublicKey, committer.deviceKey);
  if (!same) throw new MlsError("commit-refused", "another device in the committer's leaf");
  checkLeafNode(leaf);
}

/** MLS-30: the `authenticated_data` of a commit is that of a message, with counter 0 and no franking. */
function statedDay(bytes: Uint8Array): AuthenticatedData {
  let stated: AuthenticatedData;
  try {
    stated = parseAuthenticatedData(bytes);
  } catch (cause) {
    throw new MlsError("malformed", "authenticated data", { cause });
  }
  if (stated.counter !== 0 || stated.franking !== null) throw new MlsError("malformed", "authenticated data");
  return stated;
}

/** The charter that a ReInit proposes; everything else in its extensions must stay as it is (MLS-60). */
function proposedCharter(
  conversation: ActiveConversation,
  extensions: Parameters<typeof parseGroupExtensions>[0],
): ProposedCharter {
  const extension = parseGroupExtensions(extensions);
  if (extension.conversation !== conversation.id) throw new MlsError("proposal-refused", "conversation id");
  return { charter: extension.charter };
}
