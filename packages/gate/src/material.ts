// The provider's own gate: when it may peel its outer layer off stored envelopes. It asks the same rules of the log
// and the warrant as a keyholder does; it has no share, hence neither intent nor approval.
import { type AccountId, type CharterId, type Commitment, equalBytes } from "@porchlight/encoding";
import { type AccessLabel, rosterOf } from "@porchlight/envelope";
import { evaluate, type Rule } from "./evaluate.ts";
import { type LabelFacts, type LogFacts, logFacts, type OrderInput } from "./facts.ts";
import type { Refused } from "./gate.ts";
import type { LabelRequest } from "./labels.ts";
import { noticeRules } from "./notices.ts";
import type { VerifiedOtherSide } from "./other-side.ts";
import { documentRules, labelRules, logRules } from "./rules.ts";

/** A stored envelope, as far as its signed header says whose it is. */
export type StoredEnvelope = {
  readonly label: AccessLabel;
  /** From the header, 32 B. */
  readonly roster: Uint8Array;
  /** The accounts that the provider itself saw in that epoch. */
  readonly members: readonly AccountId[];
};

/** The order in whose name the provider hands something out. */
export type MaterialAllowed = {
  readonly kind: "allowed";
  readonly charter: CharterId;
  readonly commitment: Commitment;
};

type EnvelopeFacts = LabelFacts & { readonly envelopes: readonly StoredEnvelope[] };

function rostersFit({ labels, envelopes, warrant }: EnvelopeFacts): boolean {
  return envelopes.every((envelope) => envelopeFits(envelope, labels, warrant.document.accounts));
}

const listRules: readonly Rule<LogFacts>[] = Object.freeze([...logRules, ...documentRules]);

export const materialRules: readonly Rule<EnvelopeFacts>[] = Object.freeze([
  ...logRules,
  ...documentRules,
  ...noticeRules,
  ...labelRules,
  {
    id: "GATE-29",
    code: "roster-mismatch",
    reason: "An envelope is not of what was asked for, or not of the members that the conversation had.",
    holds: rostersFit,
  } as const,
]);

/**
 * GATE-29: whether an envelope is one of those asked for and its roster that of the epoch as the provider saw it, its
 * sender and at least one of `subjects`, whom the warrant names, included: what the other side wrote in epochs without
 * them stays shut. Sort out by it what a sender wrote into its own header falsely, before asking for the rest.
 */
export function envelopeFits(
  envelope: StoredEnvelope,
  labels: readonly LabelRequest[],
  subjects: readonly AccountId[],
): boolean {
  const { label, roster, members } = envelope;
  return (
    labels.some(
      (asked) =>
        asked.charter === label.charter &&
        asked.conversation === label.conversation &&
        asked.account === label.account &&
        asked.day === label.day,
    ) &&
    members.includes(label.account) &&
    members.some((member) => subjects.includes(member)) &&
    equalBytes(roster, rosterOf(members))
  );
}

/** Whether the provider may tell the requester where there is anything that the order asks for: what log and order say. */
export function listAllowed(input: OrderInput): MaterialAllowed | Refused {
  const facts = logFacts(input);
  const refusal = evaluate(listRules, facts);
  if (refusal !== null) return { kind: "refused", ...refusal };
  return { kind: "allowed", charter: facts.warrant.charter.id, commitment: facts.commitment };
}

/** Whether the provider may hand out the inner layer of exactly these envelopes. Pure; throws as `passGate` does. */
export function materialAllowed(
  input: OrderInput & {
    readonly labels: readonly LabelRequest[];
    readonly otherSides: readonly VerifiedOtherSide[];
    readonly envelopes: readonly StoredEnvelope[];
  },
): MaterialAllowed | Refused {
  const { labels, otherSides, envelopes } = input;
  const facts = { ...logFacts(input), labels, otherSides, envelopes };
  const refusal = evaluate(materialRules, facts);
  if (refusal !== null) return { kind: "refused", ...refusal };
  return { kind: "allowed", charter: facts.warrant.charter.id, commitment: facts.commitment };
}
