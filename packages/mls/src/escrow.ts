import { type AccountId, hex } from "@porchlight/encoding";
import {
  accessLabel,
  type EnvelopeHeader,
  type EscrowKeys,
  type EscrowSecret,
  escrowSecret,
  parseEnvelope,
  sealEnvelope,
  verifyEnvelope,
} from "@porchlight/envelope";
import { type Curve, ibeBase, type LabelBase } from "@porchlight/quorum";
import { type ActiveConversation, groupContextOf, memberAt, ownLeaf, rosterIn } from "./conversation.ts";
import { MlsError } from "./error.ts";

/**
 * The 64 bytes that open what the device at `leaf` sends in this epoch (ENV-20). Every member has them; they can be
 * read until its first message, which uses the ratchet's root up: "escrow-spent" after that.
 */
export function escrowOf(conversation: ActiveConversation, leaf = ownLeaf(conversation)): EscrowSecret {
  memberAt(conversation, leaf);
  const ratchet = conversation.state.secretTree[2 * leaf]?.application;
  if (ratchet === undefined || ratchet.generation !== 0) throw new MlsError("escrow-spent");
  return escrowSecret(ratchet.secret, conversation.state.keySchedule.senderDataSecret);
}

/** The header that the envelope of `leaf` must have in this epoch, from this device's own state (ENV-30). */
export function headerOf(conversation: ActiveConversation, leaf = ownLeaf(conversation)): EnvelopeHeader {
  if (conversation.charter === null) throw new MlsError("no-charter");
  const member = memberAt(conversation, leaf);
  return {
    label: {
      charter: conversation.charter,
      conversation: conversation.id,
      account: member.account,
      day: conversation.day,
    },
    leafIndex: leaf,
    groupContext: groupContextOf(conversation),
    roster: rosterIn(conversation),
    deviceKey: member.deviceKey,
    credential: member.credential,
  };
}

const bases = new WeakMap<EscrowKeys, Map<string, LabelBase>>();
const MAX_BASES = 4096;

/** A label's pairing costs most of an envelope's time, and all epochs of a day share it: kept as long as `keys`. */
function baseOf(keys: EscrowKeys, header: EnvelopeHeader, curve: Curve): LabelBase {
  let known = bases.get(keys);
  if (known === undefined) bases.set(keys, (known = new Map()));
  const label = accessLabel(header.label);
  const name = hex(label);
  let base = known.get(name);
  if (base === undefined) {
    base = ibeBase(keys.mpk, label, curve);
    if (known.size >= MAX_BASES) known.clear();
    known.set(name, base);
  }
  return base;
}

/**
 * This device's envelope for the epoch (MLS-40): to be posted before its first message. Deterministic: until that
 * message it can be made again, with the same bytes. `keys` are the master key of the day's period and the charter's
 * provider key, verified by the caller.
 */
export function makeEnvelope(
  conversation: ActiveConversation,
  keys: EscrowKeys,
): { readonly conversation: ActiveConversation; readonly envelope: Uint8Array } {
  const { suite, state } = conversation;
  const header = headerOf(conversation);
  const { envelope } = sealEnvelope({
    header,
    secret: escrowOf(conversation),
    keys,
    sign: (message) => suite.primitives.ed25519Sign(state.signaturePrivateKey, message),
    base: baseOf(keys, header, suite.curve),
    suite: suite.primitives,
  });
  return { conversation: accepted(conversation, header.leafIndex, envelope), envelope };
}

/**
 * What a recipient does with an envelope (MLS-41): compares every field of the header with its own state, recomputes
 * both layers byte for byte, and accepts one a device and epoch. The same bytes again change nothing; others throw
 * "envelope-conflict". "envelope-refused" has the EnvelopeError as cause.
 */
export function acceptEnvelope(
  conversation: ActiveConversation,
  bytes: Uint8Array,
  keys: EscrowKeys,
  context: { readonly submitter: AccountId },
): ActiveConversation {
  let leaf: number;
  try {
    leaf = parseEnvelope(bytes).header.leafIndex;
  } catch (cause) {
    throw new MlsError("envelope-refused", "malformed", { cause });
  }
  if (memberAt(conversation, leaf).account !== context.submitter) throw new MlsError("submitter-mismatch");
  const known = conversation.envelopes.get(leaf);
  if (known !== undefined) {
    if (known === digest(conversation, bytes)) return conversation;
    throw new MlsError("envelope-conflict");
  }
  const expected = headerOf(conversation, leaf);
  const secret = escrowOf(conversation, leaf);
  try {
    verifyEnvelope({
      envelope: bytes,
      expected,
      secret,
      keys,
      suite: conversation.suite.primitives,
      base: baseOf(keys, expected, conversation.suite.curve),
    });
  } catch (cause) {
    throw new MlsError("envelope-refused", undefined, { cause });
  }
  return accepted(conversation, leaf, bytes);
}

/** Whether the device at `leaf` has an accepted envelope in this epoch. */
export function hasEnvelope(conversation: ActiveConversation, leaf = ownLeaf(conversation)): boolean {
  return conversation.envelopes.has(leaf);
}

function accepted(conversation: ActiveConversation, leaf: number, envelope: Uint8Array): ActiveConversation {
  return {
    ...conversation,
    envelopes: new Map(conversation.envelopes).set(leaf, digest(conversation, envelope)),
  };
}

function digest(conversation: ActiveConversation, envelope: Uint8Array): string {
  return hex(conversation.suite.primitives.hash(envelope));
}
