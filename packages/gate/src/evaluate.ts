import type { Refusal, RefusalCode } from "./error.ts";

/** One thing that must hold. `holds` is total: it answers for every input and throws for none. */
export type Rule<Facts> = {
  readonly id: string;
  readonly code: RefusalCode;
  readonly reason: string;
  readonly waits?: true;
  readonly holds: (facts: Facts) => boolean;
};

/** The first rule that does not hold, or null. It grants nothing: only gate.ts does, over its own fixed table. */
export function evaluate<Facts>(rules: readonly Rule<Facts>[], facts: Facts): Refusal | null {
  const broken = rules.find((rule) => !rule.holds(facts));
  if (broken === undefined) return null;
  const { id, code, reason, waits = false } = broken;
  return { rule: id, code, reason, waits };
}
