import { hex } from "@porchlight/encoding";
import { describe, expect, test } from "vitest";
import { type GateCase, gateCases, gateInput } from "../../../vectors/fixture/gate-cases.ts";
import { evaluate } from "../src/evaluate.ts";
import { releaseFacts } from "../src/facts.ts";
import { gateRules } from "../src/gate.ts";
import * as gate from "../src/index.ts";
import { checkApproval, checkOrder, checkWarrant, type GateInput, passGate, slotOf } from "../src/index.ts";
import { materialRules } from "../src/material.ts";
import { documentRules, memoryRules } from "../src/rules.ts";

const cases = await Promise.all(gateCases.map(async (one) => ({ ...one, ...(await gateInput(one)) })));

function inputOf(name: GateCase["name"]): GateInput {
  const found = cases.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no case ${name}`);
  return found.input;
}

const PASSES = "an order of the past, secret for a time, passes";

/** The first case of each rule, and all that pass: enough where a test is about the tables, not the rules. */
const oneOfEach = cases.filter(
  (one, i) => one.rule === null || cases.findIndex(({ rule }) => rule === one.rule) === i,
);

describe("each request is refused by the rule that it breaks, with its code", () => {
  test.each(cases.map((one) => [one.rule ?? "passes", one.name, one] as const))("%s: %s", (_, __, one) => {
    const result = passGate(one.input);
    if (one.rule === null) {
      expect(result).toMatchObject({ kind: "passed" });
      return;
    }
    const {
      code,
      reason,
      waits = false,
    } = gateRules.find(({ id }) => id === one.rule) ?? expect.fail("no such rule");
    expect(result).toEqual({ kind: "refused", rule: one.rule, code, reason, waits });
  });
});

describe("with one rule removed, what it refuses would pass: no rule is idle, none stands in for another", () => {
  test.each(gateRules.map((rule) => [rule.id, rule.code, rule] as const))("%s (%s)", (id, code, rule) => {
    const own = cases.filter((one) => one.rule === id);
    expect(own.length, `a case that ${code} refuses`).toBeGreaterThan(0);
    const others = gateRules.filter((other) => other !== rule);
    expect(others.length).toBe(gateRules.length - 1);
    for (const { input, name } of own) expect(evaluate(others, releaseFacts(input)), name).toBeNull();
  });
});

describe("the table", () => {
  test("GATE-1 to GATE-29, GATE-31 to GATE-33, GATE-40 to GATE-43: every rule once, each with a code of its own and a sentence", () => {
    const all = [...new Set([...gateRules, ...materialRules])];
    expect(all.map(({ id }) => Number(id.slice("GATE-".length))).sort((a, b) => a - b)).toEqual([
      ...Array.from({ length: 29 }, (_, i) => i + 1),
      ...[31, 32, 33],
      ...[40, 41, 42, 43],
    ]);
    expect(new Set(all.map(({ code }) => code)).size).toBe(all.length);
    for (const { reason } of all) expect(reason).toMatch(/^[A-Z][^{}<>_]{20,}\.$/);
  });

  test("cannot be replaced: it is frozen, and neither it nor what makes grants is exported", () => {
    expect(Object.isFrozen(gateRules)).toBe(true);
    expect(Object.isFrozen(materialRules)).toBe(true);
    const names = Object.keys(gate);
    for (const name of ["evaluate", "gateRules", "makeGrant", "logRules", "releaseRules"]) {
      expect(names).not.toContain(name);
    }
  });

  test("is asked anew each time: what passes once is refused once it is revoked", () => {
    const input = inputOf(PASSES);
    const { view } = inputOf("a revocation after the order");
    expect(passGate(input).kind).toBe("passed");
    expect(passGate({ ...input, view })).toMatchObject({ kind: "refused" });
  });
});

describe("the grant", () => {
  test("holds exactly what passed: labels, requester, order, intent", () => {
    const input = inputOf("part of what was ordered");
    const result = passGate(input);
    if (result.kind !== "passed") throw new Error(result.code);
    const { grant } = result;
    expect(grant.labels).toEqual(input.labels);
    expect(grant.labels).toHaveLength(2);
    expect(grant.requesterPoint).toBe(hex(input.warrant.document.requester.point));
    expect(grant.commitment).toBe(gate.commitmentOf(input.opening, input.warrant.core));
    expect(grant.charter).toBe(input.warrant.charter.id);
    expect(grant.keyholder).toBe(input.self.keyholder);
    const { document, random } = input.self.intent as NonNullable<typeof input.self.intent>;
    expect(grant.intent).toBe(slotOf(random, gate.formatIntent(document)));
    expect([...grant.generations]).toEqual(document.generations.map((one) => [one.period, one.generation]));
  });

  test("does not change with what it was made from", () => {
    const input = inputOf(PASSES);
    const labels = input.labels.map((label) => ({ ...label }));
    const result = passGate({ ...input, labels });
    if (result.kind !== "passed") throw new Error(result.code);
    (labels[0] as { day: number }).day = 0;
    labels.pop();
    expect(result.grant.labels).toEqual(input.labels);
    expect(Object.isFrozen(result.grant) && Object.isFrozen(result.grant.labels[0])).toBe(true);
  });

  test("an opening of another length is broken input, not a refusal", () => {
    expect(() => passGate({ ...inputOf(PASSES), opening: new Uint8Array(31) })).toThrow("out-of-range");
  });
});

describe("before a person is asked", () => {
  const later = new Set([14, 19, 21, 22, 25, 26, 27, 28].map((number) => `GATE-${number}`));

  test("checkOrder asks everything but labels, shares, approval and intent", () => {
    for (const { rule, name, input } of oneOfEach) {
      const result = checkOrder(input);
      if (rule === null || later.has(rule)) {
        expect(result, name).toEqual({
          kind: "clear",
          commitment: gate.commitmentOf(input.opening, input.warrant.core),
        });
      } else {
        expect(result, name).toMatchObject({ kind: "refused", rule });
      }
      expect(result).not.toHaveProperty("grant");
    }
  });

  test("checkApproval asks that too, and the person's approval", () => {
    for (const { rule, name, input } of oneOfEach) {
      const { approval } = input;
      if (approval === null) continue;
      const result = checkApproval({ ...input, approval });
      if (rule === null || (later.has(rule) && rule !== "GATE-26")) {
        expect(result, name).toMatchObject({ kind: "clear" });
      } else expect(result, name).toMatchObject({ kind: "refused", rule });
      expect(result).not.toHaveProperty("grant");
    }
    const { input } = cases.find(({ rule }) => rule === "GATE-26" && rule !== null) ?? expect.fail("no case");
    const foreign = {
      keyholder: input.self.keyholder,
      commitment: "0".repeat(64) as never,
      at: input.now,
      by: "X",
    };
    expect(checkApproval({ ...inputOf(PASSES), approval: foreign })).toMatchObject({ rule: "GATE-26" });
  });

  test("checkWarrant asks what needs no log", () => {
    const asked = new Set(documentRules.map(({ id }) => id));
    for (const { rule, name, input } of oneOfEach) {
      const result = checkWarrant(input.warrant, input.view.checkpoint.time);
      if (rule !== null && asked.has(rule)) expect(result, name).toMatchObject({ kind: "refused", rule });
      else expect(result, name).toEqual({ kind: "clear" });
    }
  });

  test("GATE-34: examineOrder answers each of these rules by itself, and the first that does not hold is checkOrder's", () => {
    for (const { name, input } of oneOfEach) {
      const { rules } = gate.examineOrder(input);
      const checked = checkOrder(input);
      const first = rules.find(({ refusal }) => refusal !== null)?.refusal;
      expect(first ?? null, name).toEqual(
        checked.kind === "clear"
          ? null
          : { rule: checked.rule, code: checked.code, reason: checked.reason, waits: checked.waits },
      );
      const asked = gateRules.filter(({ id }) => !later.has(id)).map(({ id }) => id);
      expect(rules.map(({ rule }) => rule)).toEqual(asked);
    }
  });

  test("GATE-34: what the caps leave counts this order and those logged before it", () => {
    const { caps } = gate.examineOrder(inputOf(PASSES));
    expect(caps).toMatchObject({ accounts: { used: 1, limit: 2 }, orders: { used: 1, limit: 3 } });
    const full = cases.find(({ rule }) => rule === "GATE-18") ?? expect.fail("no case");
    expect(gate.examineOrder(full.input).caps.orders).toEqual({ used: 4, limit: 3 });
  });

  test("a refusal that time can cure says so", () => {
    const waiting = new Set(gateRules.filter(({ waits }) => waits === true).map(({ code }) => code));
    expect([...waiting].sort()).toEqual([
      "checkpoint-stale",
      "day-in-future",
      "day-not-over",
      "inspection",
      "intent-not-logged",
      "not-approved",
      "not-logged",
      "not-witnessed",
      "not-yet-valid",
      "notice-keys-unknown",
      "notice-period",
      "suspended",
      "view-broken",
    ]);
    expect(memoryRules.some(({ waits }) => waits === true)).toBe(false);
  });
});
