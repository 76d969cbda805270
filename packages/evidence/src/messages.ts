import type { AttachmentReference } from "@porchlight/attachment";
import { type AccountId, type ConversationId, type DayNumber, equalBytes, hex } from "@porchlight/encoding";
import {
  accessLabel,
  createOpener,
  EnvelopeError,
  type EscrowKeys,
  isOfConversation,
  type Opener,
  openEnvelope,
  parseEnvelope,
  parseGroupContext,
  parsePlaintext,
} from "@porchlight/envelope";
import { nodeSuite } from "@porchlight/envelope/node";
import { type Curve, ibeBase, type LabelBase } from "@porchlight/quorum";
import { referenceName } from "./attachments.ts";
import { type Content, readContent } from "./content.ts";
import { EvidenceError } from "./error.ts";
import { type ReleasedLabel, type StoredEnvelope, sortLabels } from "./material.ts";
import { type FailureCode, sentenceOf } from "./refusals.ts";

/** A message that decrypted under a released key and that the sender's device signed. */
export type EvidenceMessage = Content & {
  readonly conversation: ConversationId;
  readonly day: DayNumber;
  readonly seq: number;
  readonly account: AccountId;
  /** The person that the provider's signed statement names for the account. */
  readonly from: string;
  /** MLS signature key of the device, 64 hex digits. */
  readonly device: string;
  readonly epoch: number;
  /** Place in the device's key chain of that epoch, from 0; the counter that it signed is the same. */
  readonly generation: number;
  /** Whether its signed data carries a commitment by which a recipient could have reported it. */
  readonly franked: boolean;
};

/** A stored message or envelope that did not open or verify (EVI-24). */
export type Failure = {
  readonly conversation: ConversationId;
  readonly day: DayNumber;
  readonly account: AccountId;
  readonly kind: "message" | "envelope";
  readonly seq: number;
  readonly code: FailureCode;
  readonly reason: string;
};

/** Numbers in a sender's key chain that no message of the package has: lost, altered, or never delivered (EVI-25). */
export type Gap = {
  readonly conversation: ConversationId;
  readonly day: DayNumber;
  readonly account: AccountId;
  readonly device: string;
  readonly epoch: number;
  readonly generations: readonly number[];
};

export type OpenedMaterial = {
  /** By conversation, then in the order in which the provider delivered them. */
  readonly messages: readonly EvidenceMessage[];
  readonly failures: readonly Failure[];
  readonly gaps: readonly Gap[];
  /** Of every attachment that a message names, once: whoever has one can read the attachment. */
  readonly references: readonly AttachmentReference[];
};

/** A released label with the keys (mpk, provider's) that its period and charter have. */
export type KeyedLabel = ReleasedLabel & { readonly keys: EscrowKeys };

type Opening = {
  readonly persons: ReadonlyMap<AccountId, string>;
  readonly curve?: Curve | undefined;
};

type Sender = {
  readonly name: string;
  readonly group: string;
  readonly device: string;
  readonly opener: Opener;
  readonly epoch: number;
  /** Of its envelope. */
  readonly seq: number;
  readonly generations: Set<number>;
  highest: number;
};

/**
 * Opens material message by message (EVI-20 to EVI-25): what fails is reported, the rest opens. `persons` names every
 * account that a key was released for. Label keys are checked already.
 */
export function openMaterial(
  input: Opening & {
    readonly labels: readonly KeyedLabel[];
  },
): OpenedMaterial {
  return inOrder(sortLabels(input.labels).map((label) => openLabel(label as KeyedLabel, input)));
}

/** What was opened of runs of labels, each in the order of labels and one after the other. */
export function inOrder(opened: readonly OpenedMaterial[]): OpenedMaterial {
  return {
    messages: opened
      .flatMap(({ messages }) => messages)
      .sort((a, b) =>
        a.conversation < b.conversation ? -1 : a.conversation > b.conversation ? 1 : a.seq - b.seq,
      ),
    failures: opened.flatMap(({ failures }) => failures),
    gaps: opened.flatMap(({ gaps }) => gaps),
    references: [
      ...new Map(
        opened.flatMap(({ references }) => references.map((one) => [referenceName(one), one] as const)),
      ).values(),
    ],
  };
}

function openLabel(released: KeyedLabel, { persons, curve }: Opening): OpenedMaterial {
  const { label } = released;
  const { conversation, account, day } = label;
  const from = persons.get(account);
  if (from === undefined) throw new EvidenceError("warrant", "statement");
  const messages: EvidenceMessage[] = [];
  const failures: Failure[] = [];
  const references: AttachmentReference[] = [];
  const fail = (kind: Failure["kind"], seq: number, code: FailureCode): void => {
    failures.push({ conversation, day, account, kind, seq, code, reason: sentenceOf(code) });
  };

  const base = released.envelopes.length === 0 ? null : ibeBase(released.keys.mpk, accessLabel(label), curve);
  const senders = new Map<string, Sender>();
  let failedEnvelopes = 0;
  for (const one of released.envelopes) {
    const sender = openSender(one, released, base as LabelBase);
    if ("code" in sender) {
      fail("envelope", one.seq, sender.code);
      failedEnvelopes++;
      continue;
    }
    // An envelope that was sent twice opens nothing that the first does not.
    if (!senders.has(sender.name)) senders.set(sender.name, sender);
  }

  const order = [...senders.values()];
  const epochs = new Map<string, number>();
  for (const { seq, submitter, wire } of released.messages) {
    if (submitter !== account) {
      fail("message", seq, "out-of-scope");
      continue;
    }
    const result = openMessage(order, wire);
    if ("code" in result) {
      fail(
        "message",
        seq,
        result.code === "no-envelope" && failedEnvelopes > 0 ? "envelope-failed" : result.code,
      );
      continue;
    }
    const { sender, message } = result;
    sender.generations.add(message.generation);
    const place = placeOf(sender, seq, message.generation, epochs.get(sender.group) ?? 0);
    if (place !== null) {
      fail("message", seq, place);
      continue;
    }
    sender.highest = message.generation;
    epochs.set(sender.group, sender.epoch);
    let content: Content;
    try {
      const read = readContent(parsePlaintext(message.content).content);
      content = read.content;
      references.push(...read.references);
    } catch (error) {
      fail("message", seq, codeOf(error));
      continue;
    }
    messages.push({
      ...content,
      conversation,
      day,
      seq,
      account,
      from,
      device: sender.device,
      epoch: message.epoch,
      generation: message.generation,
      franked: message.authenticatedData.franking !== null,
    });
  }
  const gaps = [...senders.values()].flatMap(({ device, epoch, generations }) => {
    const missing = missingOf(generations);
    return missing.length === 0 ? [] : [{ conversation, day, account, device, epoch, generations: missing }];
  });
  return { messages, failures, gaps, references };
}

/**
 * EVI-26: what a recipient refuses for its place (MLS-4, MLS-42): before its envelope, behind a later message of its
 * device, or in a state of the conversation that was over. So the order of one person's messages is not the provider's
 * word, nor the requester's.
 */
function placeOf(sender: Sender, seq: number, generation: number, epoch: number): FailureCode | null {
  if (seq < sender.seq) return "no-envelope";
  return generation < sender.highest || sender.epoch < epoch ? "out-of-order" : null;
}

/** Numbers below the highest that are not there. */
function missingOf(generations: ReadonlySet<number>): number[] {
  const missing: number[] = [];
  for (let generation = 0, found = 0; found < generations.size; generation++) {
    if (generations.has(generation)) found++;
    else missing.push(generation);
  }
  return missing;
}

function openSender(
  { seq, envelope, inner }: StoredEnvelope,
  { label, labelKey, keys }: KeyedLabel,
  base: LabelBase,
): Sender | { readonly code: FailureCode } {
  try {
    const { header } = parseEnvelope(envelope);
    if (!equalBytes(accessLabel(header.label), accessLabel(label))) return { code: "out-of-scope" };
    const secret = openEnvelope({ envelope, inner, labelKey, keys, suite: nodeSuite, base });
    // What MLS signs says under which charter the conversation runs; recipients refuse anything else, and so does this.
    if (!isOfConversation(header)) return { code: "group-mismatch" };
    const { groupId, epoch } = parseGroupContext(header.groupContext);
    const device = hex(header.deviceKey);
    return {
      name: `${hex(groupId)} ${epoch} ${header.leafIndex} ${device}`,
      group: hex(groupId),
      device,
      opener: createOpener({ secret, header, suite: nodeSuite }),
      epoch,
      seq,
      generations: new Set(),
      highest: -1,
    };
  } catch (error) {
    return { code: codeOf(error) };
  }
}

/** Says that an opener is not the one for a message, not that anything is wrong with the message. */
const ELSEWHERE: readonly FailureCode[] = ["wrong-group", "wrong-epoch", "wrong-sender"];

function openMessage(
  senders: Sender[],
  wire: Uint8Array,
):
  | { readonly sender: Sender; readonly message: ReturnType<Opener["open"]> }
  | { readonly code: FailureCode } {
  let code: FailureCode = "no-envelope";
  for (const [position, sender] of senders.entries()) {
    try {
      const message = sender.opener.open(wire);
      // The next message is most likely of the same device and epoch.
      senders.splice(position, 1);
      senders.unshift(sender);
      return { sender, message };
    } catch (error) {
      const refused = codeOf(error);
      if (refused === "wrong-sender" && code === "no-envelope") code = refused;
      if (!ELSEWHERE.includes(refused)) code = refused;
    }
  }
  return { code };
}

function codeOf(error: unknown): FailureCode {
  if (error instanceof EnvelopeError) return error.code;
  if (error instanceof EvidenceError && error.code === "content") return "content";
  throw error;
}
