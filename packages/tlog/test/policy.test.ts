import { unixSeconds } from "@porchlight/encoding";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  accountablePolicyText,
  checkAccountablePolicy,
  cosign,
  formatCheckpoint,
  formatPolicy,
  formatVkey,
  keyholderQuorum,
  makeSigner,
  parsePolicy,
  policySatisfied,
  signNote,
  TlogError,
  treeSize,
  verifyWitnessed,
} from "../src/index.ts";
import { nodeSuite } from "../src/node-suite.ts";
import { vectors } from "./vectors.ts";

const { policies } = vectors;
const { parties } = policies.accountable;
const keyholderVkeys = parties.keyholders.map(({ vkey }) => vkey);

test("TLOG-14: policies of the vectors parse and come back as canonical text, others are refused", () => {
  for (const text of policies.accepted) {
    const policy = parsePolicy(text);
    expect(parsePolicy(formatPolicy(policy))).toEqual(policy);
  }
  for (const text of policies.refused) expect(() => parsePolicy(text), text).toThrow(TlogError);
});

test("TLOG-16: the deployment's policy of the vectors", () => {
  const text = accountablePolicyText(parties);
  expect(text).toBe(policies.accountable.policy);
  checkAccountablePolicy(parsePolicy(text), keyholderVkeys, parties.threshold);
});

test("TLOG-16: weaker policies of the vectors are refused", () => {
  for (const text of policies.tooWeak) {
    expect(() => checkAccountablePolicy(parsePolicy(text), keyholderVkeys, parties.threshold), text).toThrow(
      expect.objectContaining({ code: "policy-too-weak" }),
    );
  }
});

test("TLOG-16: two quorums of keyholders always share more than t − 1", () => {
  for (const { n, t, needed } of policies.quorums) expect(keyholderQuorum(n, t)).toBe(needed);
  for (let n = 1; n <= 20; n++) {
    for (let t = 1; t <= n; t++) {
      const q = keyholderQuorum(n, t);
      expect(q).toBeLessThanOrEqual(n);
      expect(2 * q - n).toBeGreaterThan(t - 1);
      expect(2 * (q - 1) - n).toBeLessThanOrEqual(t - 1);
    }
  }
  for (const [n, t] of [
    [0, 0],
    [3, 4],
    [3, 0],
    [3, 1.5],
  ] as const) {
    expect(() => keyholderQuorum(n, t)).toThrow(TlogError);
  }
});

test("TLOG-15: evaluations of the vectors", () => {
  const policy = parsePolicy(policies.accountable.policy);
  for (const { description, note, time } of policies.evaluated) {
    const result = policySatisfied(policy, note, nodeSuite);
    expect(result.satisfied ? result.time : null, description).toBe(time);
    if (time === null) {
      expect(() => verifyWitnessed(note, policy, nodeSuite), description).toThrow(
        expect.objectContaining({ code: "policy-unsatisfied" }),
      );
    } else {
      expect(verifyWitnessed(note, policy, nodeSuite)).toMatchObject({ time, note, size: 300 });
    }
  }
});

test("TLOG-15: another log's checkpoint, an empty tree with another root, and a policy without a quorum are no evidence", () => {
  const policy = parsePolicy(policies.accountable.policy);
  const [log] = vectors.notes.keys;
  if (log === undefined) throw new Error("no key");
  const signer = makeSigner("ed25519", log.name, new Uint8Array(32).fill(1));
  const root = new Uint8Array(32);
  const other = signNote(formatCheckpoint({ origin: "other", size: treeSize(1), root }), [signer]);
  expect(() => verifyWitnessed(other, policy)).toThrow(expect.objectContaining({ code: "origin-mismatch" }));
  const empty = signNote(formatCheckpoint({ origin: log.name, size: treeSize(0), root }), [signer]);
  expect(() => verifyWitnessed(empty, policy)).toThrow(
    expect.objectContaining({ code: "checkpoint-malformed" }),
  );
  const alone = signNote(formatCheckpoint({ origin: log.name, size: treeSize(1), root }), [signer]);
  expect(() => verifyWitnessed(alone, parsePolicy(`log ${log.vkey}\nquorum none\n`))).toThrow(
    expect.objectContaining({ code: "policy-unsatisfied" }),
  );
});

const signers = Array.from({ length: 6 }, (_, i) =>
  makeSigner("cosignature", `w${i}`, new Uint8Array(32).fill(100 + i), nodeSuite),
);
const logSigner = makeSigner("ed25519", "log", new Uint8Array(32).fill(99), nodeSuite);
const text = formatCheckpoint({ origin: "log", size: treeSize(1), root: new Uint8Array(32) });

/** Whether these witnesses make up the quorum, by the definition of C2SP tlog-policy. */
function witnesses(
  policy: ReturnType<typeof parsePolicy>,
  name: string,
  signed: ReadonlySet<string>,
): boolean {
  const group = policy.groups.find((candidate) => candidate.name === name);
  if (group === undefined) return signed.has(name);
  return group.members.filter((member) => witnesses(policy, member, signed)).length >= group.threshold;
}

test("TLOG-15, TLOG-17: quorum and time are those of the definition, in any order and however often a witness signed", () => {
  const times = fc.array(fc.tuple(fc.nat({ max: 5 }), fc.integer({ min: 1, max: 20 })), { maxLength: 12 });
  const rule = (n: number) =>
    fc.constantFrom("all", "any", ...Array.from({ length: n }, (_, i) => String(i + 1)));
  fc.assert(
    fc.property(times, rule(3), rule(2), rule(3), (signed, inner, second, outer) => {
      const policy = parsePolicy(
        [
          `log ${formatVkey(logSigner.key)}`,
          ...signers.map(({ key }) => `witness ${key.name} ${formatVkey(key)}`),
          `group g1 ${inner} w0 w1 w2`,
          `group g2 ${second} w3 w4`,
          `group g ${outer} g1 w5 g2`,
          "quorum g",
          "",
        ].join("\n"),
        nodeSuite,
      );
      const note =
        signNote(text, [logSigner]) +
        signed
          .map(([i, time]) => cosign(text, signers[i] as (typeof signers)[number], unixSeconds(time)))
          .join("");
      const result = policySatisfied(policy, note, nodeSuite);
      const signedSince = (since: number): Set<string> =>
        new Set(signed.filter(([, time]) => time >= since).map(([i]) => `w${i}`));
      const latest = [...Array(21).keys()].filter(
        (since) => since > 0 && witnesses(policy, "g", signedSince(since)),
      );
      expect(result.satisfied ? result.time : undefined).toBe(latest.at(-1));
    }),
    { numRuns: 60 },
  );
});
