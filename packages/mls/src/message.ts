import { type AccountId, type DayNumber, dayOf, equalBytes, type UnixSeconds } from "@porchlight/encoding";
import {
  type AuthenticatedData,
  checkFranking,
  EnvelopeError,
  formatAuthenticatedData,
  formatPlaintext,
  frankingField,
  type Plaintext,
  parseAuthenticatedData,
} from "@porchlight/envelope";
import { encodeMlsMessage } from "ts-mls";
import {
  protectApplicationData,
  type UnprotectResult,
  unprotectPrivateMessage,
} from "ts-mls/messageProtection.js";
import { type ActiveConversation, arrivalOf, memberAt, ownLeaf } from "./conversation.ts";
import { MlsError } from "./error.ts";
import { hasEnvelope } from "./escrow.ts";
import { Spent } from "./spent.ts";
import { parseMessage } from "./wire-format.ts";

/** What encrypting came to: the wire bytes, or what has to happen first. */
export type Encryption =
  | {
      readonly kind: "encrypted";
      /** Save this before sending `wire`: sending from the old state again would repeat a nonce. */
      readonly conversation: ActiveConversation;
      /** MLSMessage, a PrivateMessage. */
      readonly wire: Uint8Array;
      readonly spent: Spent;
    }
  /** The epoch is of an earlier day: commit, then encrypt (MLS-31). */
  | { readonly kind: "commit-first" }
  /** Post the own envelope of this epoch, then encrypt (MLS-40). */
  | { readonly kind: "envelope-first" }
  /** The epoch's day lies after this clock's: the clock is wrong, or the conversation's members' are. */
  | { readonly kind: "clock-behind" }
  /** The charter has not been verified here yet ({@link attachTerms}). */
  | { readonly kind: "charter-unknown" }
  /** Outside the charter's dates nothing is sent (MLS-22). */
  | { readonly kind: "charter-over" };

/**
 * Encrypts one application message for the epoch's day (MLS-50). `frankingKey` is 32 fresh random bytes: the message
 * carries it, and its HMAC of `content` is what the provider can later be shown (ENV-42).
 */
export async function encryptMessage(
  conversation: ActiveConversation,
  message: { readonly content: Uint8Array; readonly frankingKey: Uint8Array; readonly now: UnixSeconds },
): Promise<Encryption> {
  const { suite, state, day } = conversation;
  const today = dayOf(message.now);
  if (conversation.charter !== null) {
    const { terms } = conversation;
    if (terms === null) return { kind: "charter-unknown" };
    if (today < terms.validFrom || today > terms.validUntil) return { kind: "charter-over" };
  }
  if (day < today) return { kind: "commit-first" };
  if (day > today) return { kind: "clock-behind" };
  if (conversation.charter !== null && !hasEnvelope(conversation)) return { kind: "envelope-first" };
  const leaf = ownLeaf(conversation);
  const { groupContext } = state;
  const protectedData = await protectApplicationData(
    state.signaturePrivateKey,
    state.keySchedule.senderDataSecret,
    formatPlaintext(message),
    formatAuthenticatedData({
      day,
      counter: generationOf(conversation, leaf),
      franking: frankingField(message.frankingKey, message.content, suite.primitives),
    }),
    groupContext,
    state.secretTree,
    leaf,
    state.clientConfig.paddingConfig,
    suite.mls,
  );
  return {
    kind: "encrypted",
    conversation: { ...conversation, state: { ...state, secretTree: protectedData.newSecretTree } },
    wire: encodeMlsMessage({
      version: "mls10",
      wireformat: "mls_private_message",
      privateMessage: protectedData.privateMessage,
    }),
    spent: new Spent(protectedData.consumed),
  };
}

/** Why a message was not accepted. The conversation stays as it was, so that a genuine message still opens. */
export type RefusalCode =
  /** Not one canonical PrivateMessage with application data. */
  | "malformed"
  | "wrong-group"
  /** Of an epoch that this device has left, or has not reached. */
  | "old-epoch"
  | "later-epoch"
  /** Does not decrypt, or the sender's signature is wrong. */
  | "undecryptable"
  /** This device's own: senders cannot read what they sent. */
  | "own"
  /** MLS-51: signed with another counter than its place in the ratchet: a member encrypted it again. */
  | "replayed"
  /** MLS-52: another account submitted it than sent it. */
  | "submitter-mismatch"
  /** MLS-31: another day than the epoch's. */
  | "wrong-day"
  /** MLS-35: arrived more than ten minutes outside its day. */
  | "day-not-current"
  /** MLS-42: the sender has posted no envelope for this epoch. */
  | "no-envelope"
  /** ENV-44. */
  | "franking-mismatch";

export type Decryption =
  | {
      readonly kind: "message";
      readonly conversation: ActiveConversation;
      readonly sender: AccountId;
      readonly leaf: number;
      readonly day: DayNumber;
      readonly counter: number;
      /** Generations before this one that did not come, or were refused (MLS-54). */
      readonly skipped: number;
      readonly content: Uint8Array;
      readonly frankingKey: Uint8Array;
      readonly spent: Spent;
    }
  | { readonly kind: "refused"; readonly code: RefusalCode };

function refused(code: RefusalCode): Decryption {
  return { kind: "refused", code };
}

/**
 * Opens one message with every check of MLS-50 to MLS-53. `submitter` is the account that the server stamped on it.
 * `arrival` is "live" for what the server has just pushed, "stored" for what waited for this device.
 */
export async function decryptMessage(
  conversation: ActiveConversation,
  wire: Uint8Array,
  context: {
    readonly submitter: AccountId;
    readonly now: UnixSeconds;
    readonly arrival: "live" | "stored";
  },
): Promise<Decryption> {
  const { suite, state } = conversation;
  let privateMessage: ReturnType<typeof parsePrivateMessage>;
  try {
    privateMessage = parsePrivateMessage(wire);
  } catch (error) {
    if (error instanceof MlsError) return refused("malformed");
    throw error;
  }
  if (privateMessage.contentType !== "application") return refused("malformed");
  if (!equalBytes(privateMessage.groupId, state.groupContext.groupId)) return refused("wrong-group");
  if (privateMessage.epoch < state.groupContext.epoch) return refused("old-epoch");
  if (privateMessage.epoch > state.groupContext.epoch) return refused("later-epoch");

  let opened: UnprotectResult;
  try {
    opened = await unprotectPrivateMessage(
      state.keySchedule.senderDataSecret,
      privateMessage,
      state.secretTree,
      state.ratchetTree,
      state.groupContext,
      state.clientConfig.keyRetentionConfig,
      suite.mls,
    );
  } catch {
    return refused("undecryptable");
  }

  // Decrypted and signed: only now does anything that the message says about itself mean something.
  const { content } = opened.content;
  if (content.contentType !== "application" || content.sender.senderType !== "member")
    return refused("malformed");
  const leaf = content.sender.leafIndex;
  if (leaf === ownLeaf(conversation)) return refused("own");
  const sender = memberAt(conversation, leaf).account;
  let stated: AuthenticatedData;
  let plaintext: Plaintext;
  try {
    stated = parseAuthenticatedData(content.authenticatedData);
    plaintext = checkFranking(stated, content.applicationData, suite.primitives);
  } catch (error) {
    if (!(error instanceof EnvelopeError)) throw error;
    return refused(error.code === "franking-mismatch" ? "franking-mismatch" : "malformed");
  }
  if (sender !== context.submitter) return refused("submitter-mismatch");
  if (stated.counter !== (opened.tree[2 * leaf]?.application.generation ?? 0) - 1) return refused("replayed");
  if (stated.day !== conversation.day) return refused("wrong-day");
  if (arrivalOf(stated.day, context.now, context.arrival) !== "in-time") return refused("day-not-current");
  if (conversation.charter !== null && !hasEnvelope(conversation, leaf)) return refused("no-envelope");
  return {
    kind: "message",
    conversation: { ...conversation, state: { ...state, secretTree: opened.tree } },
    sender,
    leaf,
    day: stated.day,
    counter: stated.counter,
    skipped: stated.counter - generationOf(conversation, leaf),
    content: plaintext.content,
    frankingKey: plaintext.frankingKey,
    spent: new Spent(opened.consumed),
  };
}

function parsePrivateMessage(wire: Uint8Array) {
  return parseMessage(wire, "mls_private_message").privateMessage;
}

/** Generation of the next message of a leaf, which is what its counter must say (MLS-51). */
function generationOf(conversation: ActiveConversation, leaf: number): number {
  return conversation.state.secretTree[2 * leaf]?.application.generation ?? 0;
}
