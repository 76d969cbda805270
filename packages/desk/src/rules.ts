import { html, type Markup } from "@porchlight/markup";
import { badge, table } from "./shell/look.ts";

// What whoever decides about an order is shown of the gate's rules.

export type RuleAnswer = { readonly rule: string } & (
  | { readonly holds: true }
  | { readonly holds: false; readonly reason: string; readonly waits: boolean }
);

export type CapUse = { readonly used: number; readonly limit: number };

/** In the order in which the gate asks the rules. */
export type Examined = {
  readonly rules: readonly RuleAnswer[];
  readonly caps: { readonly accounts: CapUse; readonly days: CapUse; readonly orders: CapUse };
};

/** What it means that a rule of the gate holds, in a sentence (spec/gate.md). What its failing means, the gate itself says. */
export const RULE_WORDS: Readonly<Record<string, string>> = {
  "GATE-1": "The state of the log carries the cosignatures that the charter demands.",
  "GATE-2": "It is fresh: witnesses and the clock here agree on the time.",
  "GATE-3": "The log was read whole and in order.",
  "GATE-4": "The order stands in the public log where it says.",
  "GATE-5": "The entry in the log is of these very words and no others.",
  "GATE-6": "The log holds it once.",
  "GATE-7": "The charter's intake admitted it.",
  "GATE-8": "The day of its entry has come.",
  "GATE-9": "The entry shows the end of secrecy that the order sets.",
  "GATE-10": "Nobody revoked it.",
  "GATE-11": "It is not dated later than now.",
  "GATE-12": "It has not expired.",
  "GATE-13": "It names days on which this charter was in force.",
  "GATE-15": "It opens no more accounts than one order may.",
  "GATE-16": "It names no more days than one order may.",
  "GATE-17": "Its secrecy is no longer than the charter allows.",
  "GATE-18": "Within thirty days no more orders were logged than the charter allows.",
  "GATE-20": "The time in which the person could contest it is over, or the order has none.",
  "GATE-23": "The requester's key came with no other order.",
  "GATE-24": "Its reference came with no other order.",
  "GATE-31": "It is not suspended.",
  "GATE-32": "What the entry hides is what will be public of it later.",
  "GATE-33": "Those who inspect this house's orders had their time, or the charter names none.",
  "GATE-40": "The notices for the persons stand in the log before it.",
  "GATE-41": "The keys under which these notices are made are known.",
  "GATE-42": "Every notice says to the right person what this order says.",
  "GATE-43": "What it says fits into a notice.",
};

/** Every rule with its answer, in the order in which the gate asks them. */
export function rulesTable(rules: readonly RuleAnswer[], word: string): Markup {
  const waiting = rules.filter((one) => !one.holds && one.waits).length;
  const broken = rules.filter((one) => !one.holds && !one.waits).length;
  const caption =
    broken > 0
      ? `${broken} of ${rules.length} rules ${broken === 1 ? "does" : "do"} not hold. The first of them decides over the ${word}.`
      : waiting > 0
        ? `${rules.length - waiting} of ${rules.length} rules hold. The others can come to hold with time.`
        : `All ${rules.length} rules that can be asked before your decision hold. Before each use of the share all are asked again.`;
  return table({
    caption,
    heads: ["Rule", "Answer", "What it means"],
    rows: rules.map((one) => [
      html`<span class="mono">${one.rule}</span>`,
      one.holds
        ? badge("holds", "good")
        : one.waits
          ? badge("not yet", "wait")
          : badge("does not hold", "bad"),
      html`${one.holds ? (RULE_WORDS[one.rule] ?? "It holds.") : one.reason}`,
    ]),
  });
}

/** What the charter's caps leave. */
export function capsTable({ accounts, days, orders }: Examined["caps"], word: string): Markup {
  const row = (what: string, { used, limit }: CapUse): readonly Markup[] => [
    html`${what}`,
    html`${used}`,
    html`${limit}`,
    used > limit ? badge("too many", "bad") : html`${limit - used}`,
  ];
  return table({
    caption: "The charter's limits, this order counted",
    heads: ["Limit", "Used", "Allowed", "Left"],
    rows: [
      row(`People a ${word}`, accounts),
      row(`Days a ${word}`, days),
      row(`${word === "warrant" ? "Warrants" : "Hold orders"} in thirty days`, orders),
    ],
  });
}

/** The same in one line, for what a passkey confirms. */
export function rulesInWords(rules: readonly RuleAnswer[]): string {
  const broken = rules.filter(({ holds }) => !holds).map(({ rule }) => rule);
  return broken.length === 0 ? `all ${rules.length} hold` : `${broken.join(", ")} do not hold`;
}
