// What a person who decides is shown: every rule with its answer, and what the charter's caps leave. It grants nothing.

import { dayNumber } from "@porchlight/encoding";
import type { Refusal } from "./error.ts";
import type { Rule } from "./evaluate.ts";
import { type KeyholderMemory, type MemoryFacts, memoryFacts, type OrderInput } from "./facts.ts";
import { daysBetween } from "./labels.ts";
import { ordersSince } from "./log-view.ts";
import { noticeRules } from "./notices.ts";
import { documentRules, logRules, memoryRules, RATE_WINDOW_DAYS } from "./rules.ts";

/** A rule's answer. `refusal` is what it would say; `null` where it holds. */
type RuleAnswer = { readonly rule: string; readonly refusal: Refusal | null };

/** How much of a cap is used once this order counts, and what the charter allows. */
type CapUse = { readonly used: number; readonly limit: number };

export type Examination = {
  /** In the order in which the gate asks them; the first that does not hold decides. */
  readonly rules: readonly RuleAnswer[];
  readonly caps: { readonly accounts: CapUse; readonly days: CapUse; readonly orders: CapUse };
};

const examined: readonly Rule<MemoryFacts>[] = Object.freeze([
  ...logRules,
  ...documentRules,
  ...noticeRules,
  ...memoryRules,
]);

/** GATE-33: what `checkOrder` asks, each rule by itself. Throws EncodingError for an opening that is not 32 bytes. */
export function examineOrder(input: OrderInput & { readonly self: KeyholderMemory }): Examination {
  const facts = memoryFacts(input, input.self);
  const { warrant, accounts, view, index, loggedDay, today } = facts;
  const { charter, document } = warrant;
  const { accountsPerWarrant, daysPerWarrant, warrantsPer30Days: limit } = charter.caps;
  const since = dayNumber(Math.max(0, loggedDay - RATE_WINDOW_DAYS + 1));
  const before = ordersSince(view, charter, { index, since, today, limit });
  return {
    rules: examined.map(({ id, code, reason, waits = false, holds }) => ({
      rule: id,
      refusal: holds(facts) ? null : { rule: id, code, reason, waits },
    })),
    caps: {
      accounts: { used: accounts, limit: accountsPerWarrant },
      days: { used: daysBetween(document.firstDay, document.lastDay), limit: daysPerWarrant },
      orders: { used: before + 1, limit },
    },
  };
}
