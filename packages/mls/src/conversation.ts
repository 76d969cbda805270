import {
  type AccountId,
  type CharterId,
  type ConversationId,
  conversationId,
  conversationIdOf,
  type DayNumber,
  dayOf,
  hex,
  type UnixSeconds,
  unixSeconds,
} from "@porchlight/encoding";
import { rosterOf } from "@porchlight/envelope";
import { type ClientState, createGroup } from "ts-mls";
import { encodeGroupContext, type GroupContext } from "ts-mls/groupContext.js";
import type { RatchetTree } from "ts-mls/ratchetTree.js";
import { clientConfig, type Device, deviceOfLeaf } from "./authentication.ts";
import { createKeyPackage, type OwnDevice, type OwnKeyPackage } from "./device.ts";
import { MlsError, refusing } from "./error.ts";
import { DAY_EXTENSION, groupExtensions, parseDayExtension, parseGroupExtensions } from "./extension.ts";
import { leafIndices } from "./ratchet-tree.ts";
import type { MlsSuite } from "./suite.ts";
import { openWelcome } from "./welcome.ts";
import { parseMessage } from "./wire-format.ts";

/** MLS-35: how far clocks may be apart. */
export const CLOCK_TOLERANCE = 600;

/** What a client must know of a charter before it sends under it. Both days are included. */
export type CharterTerms = {
  readonly charter: CharterId;
  readonly validFrom: DayNumber;
  readonly validUntil: DayNumber;
};

type Common = {
  readonly suite: MlsSuite;
  /** Own account. */
  readonly account: AccountId;
  /** The first group's id; survives ReInit. */
  readonly id: ConversationId;
  readonly charter: CharterId | null;
  /** The UTC day of the current epoch: nobody sends in it on another. */
  readonly day: DayNumber;
};

/**
 * A conversation as this device sees it. Immutable: every function returns another, and the caller saves that one
 * before it lets anything out that was made with it. Holds private keys.
 */
export type ActiveConversation = Common & {
  readonly kind: "active";
  /** `null` where there is no charter, and until {@link attachTerms}: nothing can be sent then. */
  readonly terms: CharterTerms | null;
  /** Day on which the own leaf last got new keys; after seven days its device commits (MLS-34). */
  readonly leafDay: DayNumber;
  /** SHA-256 of each accepted envelope of this epoch, by leaf index. */
  readonly envelopes: ReadonlyMap<number, string>;
  readonly state: ClientState;
};

/** The group ended with a ReInit: its members meet again in a new one, with the proposed charter. */
export type SuspendedConversation = Common & {
  readonly kind: "suspended";
  /** What this member accepted. */
  readonly next: { readonly charter: CharterId | null };
  readonly state: ClientState;
};

/** This device was removed; no key is left. */
export type RemovedConversation = Common & { readonly kind: "removed" };

export type Conversation = ActiveConversation | SuspendedConversation | RemovedConversation;

/** A device of the current epoch. */
export type Member = Device & { readonly leaf: number };

/**
 * A new conversation with its creator as the only member, at epoch 0 of `day`. Its id is the group id, 32 bytes of
 * `random`. With a charter nothing can be sent before {@link attachTerms}.
 */
export async function createConversation(input: {
  readonly device: OwnDevice;
  readonly charter: CharterId | null;
  readonly day: DayNumber;
  readonly now: UnixSeconds;
  readonly random: (length: number) => Uint8Array;
}): Promise<ActiveConversation> {
  const groupId = input.random(32);
  const id = conversationIdOf(groupId);
  return newGroup(
    input.device,
    groupId,
    { charter: input.charter, conversation: id, day: input.day },
    input.now,
  );
}

/** Epoch 0 of a group, first or continued by ReInit. */
export async function newGroup(
  device: OwnDevice,
  groupId: Uint8Array,
  extension: {
    readonly charter: CharterId | null;
    readonly conversation: ConversationId;
    readonly day: DayNumber;
  },
  now: UnixSeconds,
): Promise<ActiveConversation> {
  const { suite } = device;
  const own = await createKeyPackage(device, now);
  const { keyPackage } = parseMessage(own.public, "mls_key_package");
  const state = await createGroup(
    groupId,
    keyPackage,
    {
      initPrivateKey: own.initPrivateKey,
      hpkePrivateKey: own.leafPrivateKey,
      signaturePrivateKey: device.deviceSeed,
    },
    groupExtensions(extension),
    suite.mls,
    clientConfig(suite),
  );
  return {
    kind: "active",
    suite,
    account: device.account,
    id: extension.conversation,
    charter: extension.charter,
    terms: null,
    day: extension.day,
    leafDay: extension.day,
    envelopes: new Map(),
    state,
  };
}

/**
 * Joins by a Welcome (MLS-25); whoever already is in a live conversation of the same id refuses it (MLS-27, the caller
 * keeps the list). `submitter` is the account that the server says sent it: it must be the one that
 * signed the GroupInfo. The ratchet tree comes from the server and is checked against the signed tree hash.
 */
export function joinConversation(input: {
  readonly device: OwnDevice;
  readonly keyPackage: OwnKeyPackage;
  readonly welcome: Uint8Array;
  readonly ratchetTree: Uint8Array;
  readonly submitter: AccountId;
  readonly now: UnixSeconds;
}): Promise<ActiveConversation> {
  return joinGroup(input, undefined);
}

/** The part of joining that first groups and continued ones share. */
export async function joinGroup(
  input: Parameters<typeof joinConversation>[0],
  resumed: SuspendedConversation | undefined,
): Promise<ActiveConversation> {
  const { device } = input;
  const { suite } = device;
  const joined = await refusing("welcome-refused", "group", () =>
    openWelcome(suite, {
      welcome: input.welcome,
      ratchetTree: input.ratchetTree,
      keyPackage: input.keyPackage,
      deviceSeed: device.deviceSeed,
      ...(resumed === undefined ? {} : { resumed: resumed.state }),
    }),
  );
  const { groupInfo, state } = joined;
  if (joined.resumes !== (resumed !== undefined)) throw new MlsError("welcome-refused", "pre-shared key");
  const extension = parseGroupExtensions(groupInfo.groupContext.extensions);
  const [dayExtension, ...others] = groupInfo.extensions;
  if (dayExtension?.extensionType !== DAY_EXTENSION || others.length > 0) {
    throw new MlsError("extensions-refused", "GroupInfo");
  }
  const day = parseDayExtension(dayExtension.extensionData);
  if (day < extension.day) throw new MlsError("day-backwards");
  if (arrivalOf(day, input.now, "stored") === "ahead") throw new MlsError("day-ahead");
  const inviter = state.ratchetTree[2 * groupInfo.signer];
  if (inviter?.nodeType !== "leaf" || deviceOfLeaf(suite, inviter.leaf).account !== input.submitter) {
    throw new MlsError("submitter-mismatch");
  }
  return {
    kind: "active",
    suite,
    account: device.account,
    id: extension.conversation,
    charter: extension.charter,
    terms: null,
    day,
    leafDay: day,
    envelopes: new Map(),
    state,
  };
}

/** The client has fetched and verified the charter: from now on this device may send under it. */
export function attachTerms(conversation: ActiveConversation, terms: CharterTerms): ActiveConversation {
  if (terms.charter !== conversation.charter)
    throw new MlsError("charter-unknown", "another charter's terms");
  return { ...conversation, terms };
}

/** The epoch's number. */
export function epochOf(conversation: ActiveConversation | SuspendedConversation): number {
  return Number(conversation.state.groupContext.epoch);
}

/** The MLS group's id: the conversation's id, unless a ReInit continued it. */
export function groupIdOf(conversation: ActiveConversation | SuspendedConversation): ConversationId {
  return conversationId(hex(conversation.state.groupContext.groupId));
}

/** The own leaf's index. */
export function ownLeaf(conversation: ActiveConversation): number {
  return conversation.state.privatePath.leafIndex;
}

const memberLists = new WeakMap<RatchetTree, readonly Member[]>();

/** Every device of the epoch, in leaf order, with its verified account. */
export function membersOf(conversation: ActiveConversation | SuspendedConversation): readonly Member[] {
  return membersIn(conversation.suite, conversation.state.ratchetTree);
}

export function membersIn(suite: MlsSuite, tree: RatchetTree): readonly Member[] {
  const known = memberLists.get(tree);
  if (known !== undefined) return known;
  const members = leafIndices(tree).map((leaf): Member => {
    const node = tree[2 * leaf];
    if (node?.nodeType !== "leaf") throw new MlsError("tree-refused", "node type");
    return { leaf, ...deviceOfLeaf(suite, node.leaf) };
  });
  memberLists.set(tree, members);
  return members;
}

/** The device at a leaf; "not-a-member" for a blank one. */
export function memberAt(conversation: ActiveConversation, leaf: number): Member {
  const node = conversation.state.ratchetTree[2 * leaf];
  if (node?.nodeType !== "leaf") throw new MlsError("not-a-member");
  return { leaf, ...deviceOfLeaf(conversation.suite, node.leaf) };
}

const rosters = new WeakMap<RatchetTree, Uint8Array>();

/** ENV-13 for this epoch. */
export function rosterIn(conversation: ActiveConversation): Uint8Array {
  const tree = conversation.state.ratchetTree;
  let roster = rosters.get(tree);
  if (roster === undefined) {
    roster = rosterOf(membersOf(conversation).map(({ account }) => account));
    rosters.set(tree, roster);
  }
  return roster;
}

const contexts = new WeakMap<GroupContext, Uint8Array>();

/** The epoch's GroupContext as MLS signs it. */
export function groupContextOf(conversation: ActiveConversation): Uint8Array {
  const { groupContext } = conversation.state;
  let bytes = contexts.get(groupContext);
  if (bytes === undefined) {
    bytes = encodeGroupContext(groupContext);
    contexts.set(groupContext, bytes);
  }
  return bytes;
}

/** MLS-31: the day by this device's clock; it must not trail the newest checkpoint that the witnesses timed. */
export function deviceDay(now: UnixSeconds, checkpointTime?: UnixSeconds): DayNumber {
  const day = dayOf(now);
  if (checkpointTime !== undefined && day < dayOf(checkpointTime)) throw new MlsError("clock-trails-log");
  return day;
}

/** MLS-34: why this device should commit now, or `null`. */
export function commitDue(conversation: ActiveConversation, day: DayNumber): "new-day" | "old-leaf" | null {
  if (day > conversation.day) return "new-day";
  return day >= conversation.leafDay + 7 ? "old-leaf" : null;
}

/**
 * MLS-35: "ahead" more than ten minutes before the day begins by this clock; "over" more than ten minutes after it
 * ended, of what arrives live.
 */
export function arrivalOf(
  day: DayNumber,
  now: UnixSeconds,
  arrival: "live" | "stored",
): "in-time" | "ahead" | "over" {
  if (day > dayOf(unixSeconds(now + CLOCK_TOLERANCE))) return "ahead";
  const late = day < dayOf(unixSeconds(Math.max(0, now - CLOCK_TOLERANCE)));
  return late && arrival === "live" ? "over" : "in-time";
}
