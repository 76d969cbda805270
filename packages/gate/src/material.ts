// The provider's own gate: when it may peel its outer layer off stored envelopes. It asks the same rules of the log
// and the warrant as a keyholder does; it has no share, hence neither intent nor approval.
import { type AccountId, type CharterId, type Commitment, equalBytes } from "@porchlight/encoding";
import { type AccessLabel, rosterOf } from "@porchlight/envelope";
import { evaluate, type Rule } from "./evaluate.ts";
import { type LabelFacts, logFacts, type OrderInput } from "./facts.ts";
import type { Refused } from "./gate.ts";
import type { LabelRequest } from "./labels.ts";
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

function rostersFit({ labels, envelopes }: EnvelopeFacts): boolean {
  return envelopes.every((envelope) => envelopeFits(envelope, labels));
}

export const materialRules: readonly Rule<EnvelopeFacts>[] = Object.freeze([
  ...logRules,
  ...documentRules,
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
 * sender included. Sort out by it what a sender wrote into its own header falsely, before asking for the rest.
 */
export function envelopeFits(envelope: StoredEnvelope, labels: readonly LabelRequest[]): boolean {
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
    equalBytes(roster, rosterOf(members))
  );
}

/** Whether the provider may hand out the inner layer of exactly these envelopes. Pure; throws as `passGate` does. */
export function materialAllowed(
  input: OrderInput & {
    readonly labels: readonly LabelRequest[];
    readonly envelopes: readonly StoredEnvelope[];
  },
): MaterialAllowed | Refused {
  const facts = { ...logFacts(input), labels: input.labels, envelopes: input.envelopes };
  const refusal = evaluate(materialRules, facts);
  if (refusal !== null) return { kind: "refused", ...refusal };
  return { kind: "allowed", charter: facts.warrant.charter.id, commitment: facts.commitment };
}
