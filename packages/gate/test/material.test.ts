import type { AccountId } from "@porchlight/encoding";
import { rosterOf } from "@porchlight/envelope";
import { describe, expect, test } from "vitest";
import { gateCases, gateInput } from "../../../vectors/fixture/gate-cases.ts";
import { ALICE, account, BOB, CAROL } from "../../../vectors/fixture/order.ts";
import { evaluate } from "../src/evaluate.ts";
import { logFacts } from "../src/facts.ts";
import { envelopeFits, type LabelRequest, materialAllowed, type StoredEnvelope } from "../src/index.ts";
import { materialRules } from "../src/material.ts";

/** One for each rule of the keyholder's gate, and one that passes. */
const oneOfEach = gateCases.filter((one, i) => gateCases.findIndex(({ rule }) => rule === one.rule) === i);
const cases = await Promise.all(oneOfEach.map(async (one) => ({ ...one, ...(await gateInput(one)) })));
const members = [ALICE, BOB, CAROL];

function envelopeOf(label: LabelRequest, changes: Partial<StoredEnvelope> = {}): StoredEnvelope {
  return { label, roster: rosterOf(members), members, ...changes };
}

const passing = cases[0]?.input ?? expect.fail("no case");
const first = passing.labels[0] ?? expect.fail("no label");

/** Rules that only a keyholder can answer. */
const keyholders = new Set(["GATE-23", "GATE-24", "GATE-25", "GATE-26", "GATE-27", "GATE-28"]);

describe("the provider hands out material", () => {
  test("by the same rules of log, order and labels as a keyholder", () => {
    for (const { name, rule, input } of cases) {
      const result = materialAllowed({
        ...input,
        envelopes: input.labels.map((label) => envelopeOf(label, membersFor(label))),
      });
      if (rule === null || keyholders.has(rule)) expect(result, name).toMatchObject({ kind: "allowed" });
      else expect(result, name).toMatchObject({ kind: "refused", rule });
    }
  });

  const misfits: [string, StoredEnvelope][] = [
    ["another day's envelope", envelopeOf({ ...first, day: (first.day + 100) as typeof first.day })],
    ["another account's envelope", envelopeOf({ ...first, account: BOB })],
    [
      "another conversation's envelope",
      envelopeOf({ ...first, conversation: "0".repeat(64) as typeof first.conversation }),
    ],
    ["another charter's envelope", envelopeOf({ ...first, charter: "0".repeat(64) as typeof first.charter })],
    [
      "a roster with one member more",
      envelopeOf(first, { roster: rosterOf([...members, account("Mallory")]) }),
    ],
    ["a roster with one member less", envelopeOf(first, { roster: rosterOf([ALICE, BOB]) })],
    ["a sender who was no member", envelopeOf(first, { members: [BOB], roster: rosterOf([BOB]) })],
  ];

  test.each(misfits)("GATE-29: %s is not peeled, and only this rule refuses it", (_, envelope) => {
    const good = envelopeOf(first);
    const request = { ...passing, envelopes: [good, envelope] };
    expect(envelopeFits(good, passing.labels, [ALICE])).toBe(true);
    expect(envelopeFits(envelope, passing.labels, [ALICE])).toBe(false);
    expect(materialAllowed(request)).toMatchObject({
      kind: "refused",
      rule: "GATE-29",
      code: "roster-mismatch",
    });
    const { labels, otherSides, envelopes } = request;
    const facts = { ...logFacts(request), labels, otherSides, envelopes };
    const others = materialRules.filter(({ id }) => id !== "GATE-29");
    expect(others.length).toBe(materialRules.length - 1);
    expect(evaluate(others, facts)).toBeNull();
  });

  test("GATE-29: an envelope of an epoch of which the provider knows no member is not peeled", () => {
    expect(envelopeFits(envelopeOf(first, { members: [] }), passing.labels, [ALICE])).toBe(false);
  });
});

function membersFor({ account: sender }: LabelRequest): Partial<StoredEnvelope> {
  const all: AccountId[] = [...new Set([...members, sender])];
  return { members: all, roster: rosterOf(all) };
}
