import {
  type AccountId,
  type CharterId,
  type DayNumber,
  equalBytes,
  type UnixSeconds,
} from "@porchlight/encoding";
import { formatAuthenticatedData } from "@porchlight/envelope";
import type { Proposal } from "ts-mls/proposal.js";
import { encodeRatchetTree } from "ts-mls/ratchetTree.js";
import { makeResumptionPsk } from "ts-mls/resumption.js";
import { deviceOfLeaf } from "./authentication.ts";
import { createCommit } from "./commit.ts";
import {
  type ActiveConversation,
  joinGroup,
  membersOf,
  newGroup,
  ownLeaf,
  type SuspendedConversation,
} from "./conversation.ts";
import { checkLifetime, type OwnDevice, type OwnKeyPackage, parseKeyPackage } from "./device.ts";
import { MlsError, refusing } from "./error.ts";
import { DAY_EXTENSION, formatDayExtension, groupExtensions, parseGroupExtensions } from "./extension.ts";
import type { PreparedCommit } from "./handshake.ts";
import { checkRatchetTree } from "./ratchet-tree.ts";
import { spentEpoch } from "./spent.ts";
import { CIPHER_SUITE } from "./suite.ts";

/**
 * Proposes another charter by ending the group (MLS-60): every member sees it, and each device applies the commit only
 * after its person accepted exactly this charter. The conversation keeps its id. Once the server has taken the commit,
 * {@link continueConversation} opens the next group.
 */
export async function prepareReinit(
  conversation: ActiveConversation,
  change: {
    readonly charter: CharterId | null;
    readonly day: DayNumber;
    readonly random: (length: number) => Uint8Array;
  },
): Promise<PreparedCommit<SuspendedConversation>> {
  const { suite, account, id, charter } = conversation;
  if (change.day < conversation.day) throw new MlsError("day-backwards");
  if (change.charter === charter) throw new MlsError("proposal-refused", "the same charter");
  const made = await refusing("commit-refused", "own commit", () =>
    createCommit(suite, conversation.state, {
      proposals: [
        {
          proposalType: "reinit",
          reinit: {
            groupId: change.random(32),
            version: "mls10",
            cipherSuite: CIPHER_SUITE,
            extensions: groupExtensions({ charter: change.charter, conversation: id, day: change.day }),
          },
        },
      ],
      authenticatedData: formatAuthenticatedData({ day: change.day, counter: 0, franking: null }),
      path: change.day > conversation.day,
      groupInfoExtensions: [],
    }),
  );
  return {
    pending: {
      kind: "suspended",
      suite,
      account,
      id,
      charter,
      day: change.day,
      next: { charter: change.charter },
      state: made.state,
    },
    commit: made.commit,
    welcome: undefined,
    ratchetTree: encodeRatchetTree(made.state.ratchetTree),
    spent: spentEpoch(conversation.state, made.state),
  };
}

/**
 * Opens the next group with the members whose key packages these are; each joins only if its person accepted. Only
 * devices of accounts that were members of the suspended group may be among them (MLS-61). Nobody needs to process the
 * new group's first commit: all others join by the Welcome.
 */
export async function continueConversation(
  suspended: SuspendedConversation,
  input: {
    readonly device: OwnDevice;
    readonly keyPackages: readonly Uint8Array[];
    readonly day: DayNumber;
    readonly now: UnixSeconds;
  },
): Promise<PreparedCommit> {
  const { suite, state } = suspended;
  const reinit = pendingReinit(suspended);
  if (input.day < suspended.day) throw new MlsError("day-backwards");
  const extension = parseGroupExtensions(reinit.extensions);
  const first = await newGroup(input.device, reinit.groupId, extension, input.now);
  const accounts = new Set(membersOf(suspended).map(({ account }) => account));
  const adds: Proposal[] = [];
  for (const bytes of input.keyPackages) {
    const keyPackage = await parseKeyPackage(suite, bytes);
    checkLifetime(keyPackage, input.day);
    if (!accounts.has(deviceOfLeaf(suite, keyPackage.leafNode).account)) throw new MlsError("not-a-member");
    adds.push({ proposalType: "add", add: { keyPackage } });
  }
  const psk = makeResumptionPsk(state, "reinit", suite.mls);
  const made = await refusing("commit-refused", "own commit", () =>
    createCommit(suite, first.state, {
      proposals: [...adds, { proposalType: "psk", psk: { preSharedKeyId: psk.id } }],
      authenticatedData: formatAuthenticatedData({ day: input.day, counter: 0, franking: null }),
      path: true,
      groupInfoExtensions: [{ extensionType: DAY_EXTENSION, extensionData: formatDayExtension(input.day) }],
      resumed: state,
    }),
  );
  const { groupContext, ratchetTree } = made.state;
  await checkRatchetTree(suite, ratchetTree, groupContext.groupId, groupContext.treeHash);
  return {
    pending: { ...first, day: input.day, leafDay: input.day, state: made.state },
    commit: made.commit,
    welcome: made.welcome,
    ratchetTree: encodeRatchetTree(ratchetTree),
    spent: spentEpoch(state, made.state),
  };
}

/**
 * Joins the next group from the suspended one: the Welcome must be proven with the old group's resumption secret, and
 * the group must have the very extensions that this member accepted (MLS-61).
 */
export async function joinContinued(
  suspended: SuspendedConversation,
  input: {
    readonly device: OwnDevice;
    readonly keyPackage: OwnKeyPackage;
    readonly welcome: Uint8Array;
    readonly ratchetTree: Uint8Array;
    readonly submitter: AccountId;
    readonly now: UnixSeconds;
  },
): Promise<ActiveConversation> {
  const reinit = pendingReinit(suspended);
  const joined = await joinGroup(input, suspended);
  const { groupContext } = joined.state;
  if (!equalBytes(groupContext.groupId, reinit.groupId)) throw new MlsError("welcome-refused", "group id");
  if (joined.id !== suspended.id || joined.charter !== suspended.next.charter) {
    throw new MlsError("charter-change-not-accepted", undefined, { proposed: { charter: joined.charter } });
  }
  if (groupContext.epoch !== 1n) throw new MlsError("welcome-refused", "epoch");
  if (joined.day < suspended.day) throw new MlsError("day-backwards");
  const accounts = new Set(membersOf(suspended).map(({ account }) => account));
  if (membersOf(joined).some(({ account, leaf }) => leaf !== ownLeaf(joined) && !accounts.has(account))) {
    throw new MlsError("not-a-member");
  }
  return joined;
}

function pendingReinit(suspended: SuspendedConversation) {
  const { groupActiveState } = suspended.state;
  if (groupActiveState.kind !== "suspendedPendingReinit") throw new MlsError("not-active");
  return groupActiveState.reinit;
}
