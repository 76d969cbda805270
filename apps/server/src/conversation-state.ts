import {
  type AccountId,
  type CharterId,
  type ConversationId,
  type DayNumber,
  dayOf,
  EncodingError,
  equalBytes,
  formatDay,
  hex,
  idBytes,
  type UnixSeconds,
  unixSeconds,
} from "@porchlight/encoding";
import {
  EnvelopeError,
  type EnvelopeHeader,
  parseAuthenticatedData,
  parseEnvelope,
  parseGroupContext,
  rosterOf,
  verifyCredential,
} from "@porchlight/envelope";
import { nodeSuite } from "@porchlight/envelope/node";
import type { NewItem } from "@porchlight/wire";
import {
  type CommitHeader,
  type CommitProposal,
  checkWelcome,
  type Leaf,
  parseCommit,
  parseMessage,
} from "./mls-message.ts";
import { Refusal, reasonOf } from "./refusal.ts";

/** A device in a conversation, or one that is logged in. */
export type Device = { readonly account: AccountId; readonly deviceKey: Uint8Array };

/** What the server knows of a conversation: as much as decides what it takes next (DEL-20). */
export type ConversationState = {
  readonly conversation: ConversationId;
  readonly charter: CharterId | null;
  /** Id of the current MLS group. */
  readonly groupId: Uint8Array;
  /** How many groups came before it by ReInit. */
  readonly generation: number;
  readonly epoch: number;
  /** Day of the current epoch. */
  readonly day: DayNumber;
  /** Seq of the newest item. */
  readonly head: number;
  /** After a ReInit commit: the group that has to follow. */
  readonly next: { readonly groupId: Uint8Array; readonly charter: CharterId | null } | null;
  /** By LeafIndex. */
  readonly leaves: ReadonlyMap<number, Device>;
  /** Hex device keys that have an envelope in the current epoch. */
  readonly envelopes: ReadonlySet<string>;
};

/** What an accepted item changes beside the head. */
type Acceptance =
  | {
      readonly kind: "commit";
      readonly before: ReadonlySet<AccountId>;
      readonly after: ReadonlySet<AccountId>;
      /** Devices that it adds: each gets the Welcome. */
      readonly added: readonly Device[];
    }
  | { readonly kind: "envelope"; readonly header: EnvelopeHeader }
  | { readonly kind: "message" };

export type Accepted = {
  readonly state: ConversationState;
  readonly seq: number;
  readonly generation: number;
  readonly epoch: number;
  readonly acceptance: Acceptance;
};

/** First and last day on which a charter lets anybody send; asked for with the charter's id. */
export type CharterDates = (
  charter: CharterId,
) => { validFrom: DayNumber; validUntil: DayNumber } | undefined;

/** Seconds by which a device's clock may differ from the server's (DEL-27). */
export const CLOCK_TOLERANCE = 600;

/**
 * Takes one item or throws a Refusal (DEL-21 to DEL-31). Pure: the same state, item and time give the same answer.
 * `sender` is the session's device.
 */
export function accept(
  state: ConversationState,
  sender: Device,
  item: NewItem,
  now: UnixSeconds,
  dates: CharterDates,
): Accepted {
  if (!accountsOf(state).has(sender.account)) {
    throw new Refusal("forbidden", "this account is not a member of the conversation");
  }
  switch (item.kind) {
    case "commit":
      return acceptCommit(state, sender, item, now, dates);
    case "envelope":
      return acceptEnvelope(state, sender, item, now, dates);
    case "message":
      return acceptMessage(state, sender, item, now, dates);
  }
}

type Members = { readonly accounts: ReadonlySet<AccountId>; readonly devices: ReadonlyMap<string, Device> };
/** What is looked up for every message is counted once for every commit. */
const members = new WeakMap<ConversationState["leaves"], Members>();

function membersOf({ leaves }: Pick<ConversationState, "leaves">): Members {
  const known = members.get(leaves);
  if (known !== undefined) return known;
  const devices = [...leaves.values()];
  const counted = {
    accounts: new Set(devices.map(({ account }) => account)),
    devices: new Map(devices.map((device) => [deviceName(device), device])),
  };
  members.set(leaves, counted);
  return counted;
}

const names = new WeakMap<Device, string>();

/** Its key, in hex. */
function deviceName(device: Device): string {
  const known = names.get(device);
  if (known !== undefined) return known;
  const name = Buffer.from(device.deviceKey).toString("hex");
  names.set(device, name);
  return name;
}

export function accountsOf(state: Pick<ConversationState, "leaves">): ReadonlySet<AccountId> {
  return membersOf(state).accounts;
}

function headOf({ head, epoch }: ConversationState): { seq: number; epoch: number } {
  return { seq: head, epoch };
}

function acceptCommit(
  state: ConversationState,
  sender: Device,
  item: Extract<NewItem, { kind: "commit" }>,
  now: UnixSeconds,
  dates: CharterDates,
): Accepted {
  const commit = read("commit-refused", () => parseCommit(item.bytes));
  if (commit.epoch !== item.epoch)
    throw refusedCommit("the commit is of another epoch than the request says");
  const group = groupFor(state, sender, commit);
  const day = checkDay(commit.authenticatedData, group.charter, now, dates);
  if (day < state.day) throw new Refusal("wrong-day", "days never go back: commit with today's day");
  const leaves = applyProposals(group.leaves, commit, sender);
  const reinit = commit.proposals.find((proposal) => proposal.kind === "reinit");
  if (reinit !== undefined) checkReInit(state, commit, reinit);
  checkParcel(commit, item.welcome);
  const before = accountsOf(state);
  const next: ConversationState = {
    ...state,
    charter: group.charter,
    groupId: group.groupId,
    generation: group.generation,
    epoch: commit.epoch + 1,
    day,
    head: state.head + 1,
    next: reinit === undefined ? null : { groupId: reinit.groupId, charter: reinit.charter },
    leaves,
    envelopes: new Set(),
  };
  return {
    state: next,
    seq: next.head,
    generation: group.generation,
    epoch: commit.epoch,
    acceptance: { kind: "commit", before, after: accountsOf(next), added: addedBy(commit) },
  };
}

type Group = Pick<ConversationState, "charter" | "groupId" | "generation" | "leaves">;

/** The group that a commit belongs to: the current one, or the one that a ReInit announced. */
function groupFor(state: ConversationState, sender: Device, commit: CommitHeader): Group {
  if (state.next !== null && equalBytes(commit.groupId, state.next.groupId)) {
    if (commit.epoch !== 0 || commit.leafIndex !== 0) {
      throw refusedCommit("the first commit of the group that follows is made in epoch 0 by leaf 0");
    }
    return {
      charter: state.next.charter,
      groupId: state.next.groupId,
      generation: state.generation + 1,
      leaves: new Map([[0, sender]]),
    };
  }
  checkGroup(state, commit);
  if (state.next !== null || commit.epoch < state.epoch) {
    throw new Refusal(
      "conflict",
      "another commit opened the next epoch: drop yours, apply what was sent since, and commit again if it is still needed",
      { head: headOf(state) },
    );
  }
  if (commit.epoch > state.epoch) throw unknownEpoch(state);
  const committer = state.leaves.get(commit.leafIndex);
  if (committer === undefined || !sameDevice(committer, sender)) {
    throw new Refusal("wrong-sender", "the commit is not by the device that is logged in");
  }
  return state;
}

/** RFC 9420 §12.3: removals before additions; who is added takes the leftmost free leaf (§12.1.1). */
function applyProposals(
  current: ReadonlyMap<number, Device>,
  commit: CommitHeader,
  sender: Device,
): ReadonlyMap<number, Device> {
  const leaves = new Map(current);
  for (const proposal of commit.proposals) {
    if (proposal.kind !== "remove") continue;
    if (proposal.leafIndex === commit.leafIndex || !leaves.delete(proposal.leafIndex)) {
      throw refusedCommit("a removed leaf is the committer's own or not there");
    }
  }
  let free = 0;
  for (const proposal of commit.proposals) {
    if (proposal.kind !== "add") continue;
    const device = deviceOf(proposal.leaf);
    if ([...leaves.values()].some((other) => equalBytes(other.deviceKey, device.deviceKey))) {
      throw refusedCommit("an added device is in the conversation already");
    }
    while (leaves.has(free)) free++;
    leaves.set(free, device);
  }
  if (commit.path !== null && !sameDevice(deviceOf(commit.path), sender)) {
    throw refusedCommit("the committer's new leaf is not its own device");
  }
  return leaves;
}

function addedBy(commit: CommitHeader): Device[] {
  return commit.proposals.flatMap((proposal) => (proposal.kind === "add" ? [deviceOf(proposal.leaf)] : []));
}

function deviceOf(leaf: Leaf): Device {
  return read("commit-refused", () => ({
    account: verifyCredential(leaf.credential, leaf.deviceKey, nodeSuite),
    deviceKey: leaf.deviceKey,
  }));
}

function checkReInit(
  state: ConversationState,
  commit: CommitHeader,
  reinit: Extract<CommitProposal, { kind: "reinit" }>,
): void {
  if (commit.proposals.length !== 1) throw refusedCommit("a ReInit stands alone in its commit");
  if (reinit.conversation !== state.conversation)
    throw refusedCommit("the ReInit is of another conversation");
  if (
    reinit.groupId.length === 0 ||
    reinit.groupId.length > 255 ||
    equalBytes(reinit.groupId, state.groupId)
  ) {
    throw refusedCommit("the ReInit names no new group");
  }
}

function checkParcel(commit: CommitHeader, parcel: Extract<NewItem, { kind: "commit" }>["welcome"]): void {
  const added = new Set(addedBy(commit).map(({ account }) => account));
  if (added.size === 0 && parcel === null) return;
  const named = new Set(parcel?.accounts);
  const same = named.size === added.size && [...added].every((account) => named.has(account));
  if (parcel === null || !same || parcel.accounts.length !== named.size) {
    throw refusedCommit("a commit comes with a Welcome for exactly the accounts that it adds");
  }
  read("commit-refused", () => checkWelcome(parcel.bytes));
}

function acceptEnvelope(
  state: ConversationState,
  sender: Device,
  item: Extract<NewItem, { kind: "envelope" }>,
  now: UnixSeconds,
  dates: CharterDates,
): Accepted {
  checkEpoch(state, item.epoch);
  if (state.charter === null) throw refusedEnvelope("the conversation has no charter: nothing is escrowed");
  const { header } = read("envelope-refused", () => parseEnvelope(item.bytes));
  const context = read("envelope-refused", () => parseGroupContext(header.groupContext));
  checkGroup(state, context);
  if (context.epoch !== item.epoch) throw refusedEnvelope("the envelope is of another epoch");
  const { label } = header;
  if (label.charter !== state.charter || label.conversation !== state.conversation) {
    throw refusedEnvelope("the label is of another charter or conversation");
  }
  checkToday(label.day, state.charter, now, dates);
  if (label.day !== state.day) throw new Refusal("wrong-day", "the label's day is not the epoch's");
  const leaf = state.leaves.get(header.leafIndex);
  const account = read("envelope-refused", () =>
    verifyCredential(header.credential, header.deviceKey, nodeSuite),
  );
  const claimed = { account, deviceKey: header.deviceKey };
  if (!sameDevice(claimed, sender) || leaf === undefined || !sameDevice(leaf, sender)) {
    throw new Refusal("wrong-sender", "the envelope is not of the device that is logged in");
  }
  if (label.account !== account) throw refusedEnvelope("the label is of another account");
  if (!equalBytes(header.roster, rosterOf(accountsOf(state)))) {
    throw refusedEnvelope("the roster is not that of the epoch's members");
  }
  if (state.envelopes.has(hex(sender.deviceKey))) {
    throw refusedEnvelope("this device has an envelope in this epoch already");
  }
  const envelopes = new Set(state.envelopes).add(hex(sender.deviceKey));
  return appended({ ...state, envelopes }, { kind: "envelope", header });
}

function acceptMessage(
  state: ConversationState,
  sender: Device,
  item: Extract<NewItem, { kind: "message" }>,
  now: UnixSeconds,
  dates: CharterDates,
): Accepted {
  const message = read("message-refused", () => parseMessage(item.bytes));
  if (message.epoch !== item.epoch) {
    throw new Refusal("message-refused", "the message is of another epoch than the request says");
  }
  checkEpoch(state, item.epoch);
  checkGroup(state, message);
  const day = checkDay(message.authenticatedData, state.charter, now, dates);
  if (day !== state.day) {
    throw new Refusal(
      "wrong-day",
      "nobody sends in an epoch on another day: commit first, then encrypt again",
    );
  }
  if (membersOf(state).devices.get(deviceName(sender))?.account !== sender.account) {
    throw new Refusal("wrong-sender", "the device that is logged in is not in the conversation");
  }
  if (state.charter !== null && !state.envelopes.has(deviceName(sender))) {
    throw new Refusal("envelope-required", "post this device's envelope for the epoch first");
  }
  return appended(state, { kind: "message" });
}

function appended(state: ConversationState, acceptance: Acceptance): Accepted {
  const head = state.head + 1;
  return {
    state: { ...state, head },
    seq: head,
    generation: state.generation,
    epoch: state.epoch,
    acceptance,
  };
}

function checkEpoch(state: ConversationState, epoch: number): void {
  if (state.next !== null || epoch < state.epoch) {
    throw new Refusal(
      "stale-epoch",
      "a newer epoch was opened: apply what was sent since and encrypt again",
      { head: headOf(state) },
    );
  }
  if (epoch > state.epoch) throw unknownEpoch(state);
}

function unknownEpoch(state: ConversationState): Refusal {
  return new Refusal("unknown-epoch", "the server has not seen the commit that opens this epoch", {
    head: headOf(state),
  });
}

function checkGroup(state: ConversationState, { groupId }: { readonly groupId: Uint8Array }): void {
  if (!equalBytes(groupId, state.groupId)) {
    throw new Refusal("wrong-group", "this belongs to another group than the conversation's current one");
  }
}

/** DEL-27: the day that a sender signed, which must be today's within ten minutes. */
function checkDay(
  authenticatedData: Uint8Array,
  charter: CharterId | null,
  now: UnixSeconds,
  dates: CharterDates,
): DayNumber {
  const { day } = read("message-refused", () => parseAuthenticatedData(authenticatedData));
  checkToday(day, charter, now, dates);
  return day;
}

/** Throws "wrong-day", or "outside-charter-dates". */
export function checkToday(
  day: DayNumber,
  charter: CharterId | null,
  now: UnixSeconds,
  dates: CharterDates,
): void {
  const earliest = dayOf(unixSeconds(Math.max(0, now - CLOCK_TOLERANCE)));
  const latest = dayOf(unixSeconds(now + CLOCK_TOLERANCE));
  if (day < earliest || day > latest) {
    throw new Refusal(
      "wrong-day",
      `it is ${formatDay(dayOf(now))} UTC here: check this device's clock, commit with that day, and encrypt again`,
    );
  }
  if (charter === null) return;
  const valid = dates(charter);
  if (valid !== undefined && (day < valid.validFrom || day > valid.validUntil)) {
    throw new Refusal(
      "outside-charter-dates",
      "the charter is not in force on this day: agree on another one",
    );
  }
}

function sameDevice(a: Device, b: Device): boolean {
  return a.account === b.account && equalBytes(a.deviceKey, b.deviceKey);
}

function refusedCommit(message: string): Refusal {
  return new Refusal("commit-refused", message);
}

function refusedEnvelope(message: string): Refusal {
  return new Refusal("envelope-refused", message);
}

/** Runs a strict parser or a check of another room; what it refuses becomes `code` with its own code as reason. */
function read<T>(code: "commit-refused" | "envelope-refused" | "message-refused", run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof EncodingError || error instanceof EnvelopeError)) throw error;
    throw new Refusal(code, `not of the agreed form (${error.message})`, reasonOf(error));
  }
}

/** The id of a conversation's first group. */
export function firstGroupId(conversation: ConversationId): Uint8Array {
  return idBytes(conversation);
}
