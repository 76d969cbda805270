// The gate. A keyholder's share leaves only with a Grant, and only passGate makes one.
import { base64, type Commitment, type UnixSeconds } from "@porchlight/encoding";
import type { Approval } from "./approval.ts";
import type { Refusal } from "./error.ts";
import { evaluate } from "./evaluate.ts";
import {
  type GateInput,
  type KeyholderMemory,
  memoryFacts,
  type OrderInput,
  placeFacts,
  releaseFacts,
} from "./facts.ts";
import { type Grant, makeGrant } from "./grant.ts";
import { formatIntent, slotOf } from "./intent.ts";
import { noticeRules } from "./notices.ts";
import {
  approvalRules,
  documentRules,
  labelRules,
  logRules,
  memoryRules,
  placeRules,
  releaseRules,
} from "./rules.ts";
import { openedAccounts, type VerifiedOrder } from "./verify-order.ts";
import type { VerifiedWarrant } from "./verify-warrant.ts";

export type Refused = { readonly kind: "refused" } & Refusal;
export type GateResult = { readonly kind: "passed"; readonly grant: Grant } | Refused;

/** Everything that is asked before a release. */
export const gateRules = Object.freeze([
  ...logRules,
  ...documentRules,
  ...noticeRules,
  ...labelRules,
  ...memoryRules,
  ...releaseRules,
]);

const orderRules = Object.freeze([...logRules, ...documentRules, ...noticeRules, ...memoryRules]);
const approvedRules = Object.freeze([...orderRules, ...approvalRules]);

/**
 * All rules of the table, over one witnessed view of the log. Pure and synchronous: nothing can change between the answer to
 * the first rule and to the last. Throws EncodingError for an opening that is not 32 bytes.
 */
export function passGate(input: GateInput): GateResult {
  const facts = releaseFacts(input);
  const refusal = evaluate(gateRules, facts);
  if (refusal !== null) return { kind: "refused", ...refusal };
  const { warrant, self, commitment, requesterPoint, labels } = facts;
  // GATE-27 holds, so there is an intent; said again here because nothing may be granted without one.
  if (self.intent === null) throw new TypeError("gate rule table without GATE-27");
  const { document: intent, random } = self.intent;
  const grant = makeGrant({
    charter: warrant.charter.id,
    keyholder: self.keyholder,
    commitment,
    requesterPoint,
    requesterKey: base64(warrant.document.requester.xwing),
    labels,
    generations: new Map(intent.generations.map(({ period, generation }) => [period, generation])),
    intent: slotOf(random, formatIntent(intent)),
  });
  return { kind: "passed", grant };
}

/**
 * What a keyholder can say of an order before a person approves it and an intent is logged: every rule that needs
 * neither. It grants nothing.
 */
export function checkOrder(
  input: OrderInput & { readonly self: KeyholderMemory },
): { readonly kind: "clear"; readonly commitment: Commitment } | Refused {
  const facts = memoryFacts(input, input.self);
  const refusal = evaluate(orderRules, facts);
  return refusal === null ? { kind: "clear", commitment: facts.commitment } : { kind: "refused", ...refusal };
}

/**
 * GATE-4 and GATE-5 alone: whether the view has the order where it says. Cheap, and asked before anything is kept of it; it
 * grants nothing. Throws EncodingError for an opening that is not 32 bytes.
 */
export function checkPlace(
  input: Pick<OrderInput, "warrant" | "opening" | "index" | "view">,
): { readonly kind: "clear" } | Refused {
  const refusal = evaluate(placeRules, placeFacts(input));
  return refusal === null ? { kind: "clear" } : { kind: "refused", ...refusal };
}

/** {@link checkOrder} with the person's approval: what has to hold before that is kept. It grants nothing. */
export function checkApproval(
  input: OrderInput & { readonly self: KeyholderMemory; readonly approval: Approval },
): { readonly kind: "clear"; readonly commitment: Commitment } | Refused {
  const facts = { ...memoryFacts(input, input.self), approval: input.approval };
  const refusal = evaluate(approvedRules, facts);
  return refusal === null ? { kind: "clear", commitment: facts.commitment } : { kind: "refused", ...refusal };
}

/**
 * What can be said of an order before it is logged (GATE-11 to GATE-17 at `at`): for issuers and for the intake. Before
 * the further accounts of an order over both sides are known, of its warrant alone.
 */
export function checkWarrant(
  warrant: VerifiedWarrant | VerifiedOrder,
  at: UnixSeconds,
): { readonly kind: "clear" } | Refused {
  const others = "others" in warrant ? warrant.others : null;
  const accounts = openedAccounts({ document: warrant.document, others }).length;
  const refusal = evaluate(documentRules, { warrant, accounts, at });
  return refusal === null ? { kind: "clear" } : { kind: "refused", ...refusal };
}
