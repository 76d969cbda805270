import type { UnixSeconds } from "@porchlight/encoding";
import { hasControls } from "./characters.ts";
import { TlogError } from "./error.ts";
import type { VerifiedSignature } from "./note.ts";
import { nobleSuite, type TlogSuite } from "./suite.ts";
import { formatVkey, parseVkey, sameKey, type VerifierKey } from "./vkey.ts";

export type PolicyLog = { readonly key: VerifierKey<"ed25519">; readonly url?: string };
export type PolicyWitness = {
  /** Names it within the policy only. */
  readonly name: string;
  readonly key: VerifierKey<"cosignature">;
  readonly url?: string;
};
/** Cosigned when at least `threshold` of the members are; a member is a witness or an earlier group. */
export type PolicyGroup = {
  readonly name: string;
  readonly threshold: number;
  readonly members: readonly string[];
};

/** A C2SP tlog-policy. Made by {@link parsePolicy}, which checks every name. `quorum` null is `quorum none`. */
export type Policy = {
  readonly logs: readonly PolicyLog[];
  readonly witnesses: readonly PolicyWitness[];
  readonly groups: readonly PolicyGroup[];
  readonly quorum: string | null;
};

const MAX_POLICY_LENGTH = 200_000;
const MAX_NAMES = 512;

/** Parses a tlog-policy text (C2SP tlog-policy, "Policy file syntax and structure"; TLOG-14). */
export function parsePolicy(text: string, suite: TlogSuite = nobleSuite): Policy {
  const refuse = (field: string): never => {
    throw new TlogError("policy-malformed", field);
  };
  if (text.length > MAX_POLICY_LENGTH) refuse("length");
  if (!text.isWellFormed() || hasControls(text, "\t\n") || text.includes("\u007f")) refuse("characters");
  if (!text.endsWith("\n")) refuse("last line");

  const logs: PolicyLog[] = [];
  const witnesses: PolicyWitness[] = [];
  const groups: PolicyGroup[] = [];
  const defined = new Set<string>(["none"]);
  const grouped = new Set<string>(["none"]);
  let quorum: string | null | undefined;

  const define = (name: string | undefined): string => {
    if (name === undefined || defined.has(name) || defined.size > MAX_NAMES) return refuse("name");
    defined.add(name);
    return name;
  };
  const keyOf = <Type extends VerifierKey["type"]>(
    vkey: string | undefined,
    type: Type,
    others: readonly VerifierKey[],
  ): VerifierKey<Type> => {
    const key = parseVkey(vkey ?? "", suite);
    if (key.type !== type) return refuse("key type");
    // One key under two names would count twice.
    if (others.some((other) => sameKey(other, key))) refuse("duplicate key");
    return key as VerifierKey<Type>;
  };
  const keys = (): VerifierKey[] => [...logs, ...witnesses].map(({ key }) => key);

  for (const line of text.split("\n").slice(0, -1)) {
    const words = line.split(/[ \t]+/).filter((word) => word !== "");
    const [keyword, ...items] = words;
    if (keyword === undefined || keyword.startsWith("#")) continue;
    if (keyword === "log") {
      const [vkey, url] = items;
      if (items.length > 2) refuse("log");
      const key = keyOf(vkey, "ed25519", keys());
      logs.push(url === undefined ? { key } : { key, url });
    } else if (keyword === "witness") {
      const [label, vkey, url] = items;
      if (items.length > 3) refuse("witness");
      const key = keyOf(vkey, "cosignature", keys());
      const name = define(label);
      witnesses.push(url === undefined ? { name, key } : { name, key, url });
    } else if (keyword === "group") {
      const [label, rule, ...members] = items;
      for (const member of members) {
        // A name in two groups could contribute twice to the quorum.
        if (!defined.has(member) || grouped.has(member)) refuse("group member");
        grouped.add(member);
      }
      if (members.length === 0) refuse("group");
      const threshold = rule === "all" ? members.length : rule === "any" ? 1 : count(rule ?? "");
      if (threshold > members.length) refuse("threshold");
      groups.push({ name: define(label), threshold, members });
    } else if (keyword === "quorum") {
      const [name, ...rest] = items;
      if (quorum !== undefined || rest.length > 0) refuse("quorum");
      if (name === undefined || !defined.has(name)) return refuse("quorum");
      quorum = name === "none" ? null : name;
    } else {
      refuse("keyword");
    }
  }
  if (quorum === undefined) return refuse("quorum");
  return { logs, witnesses, groups, quorum };
}

function count(rule: string): number {
  if (!/^[1-9][0-9]{0,3}$/.test(rule)) throw new TlogError("policy-malformed", "threshold");
  return Number(rule);
}

/** The policy as text, one canonical spelling; what it gives parses back to the same policy. */
export function formatPolicy({ logs, witnesses, groups, quorum }: Policy): string {
  const line = (...words: (string | undefined)[]): string =>
    `${words.filter((word) => word !== undefined).join(" ")}\n`;
  const rule = ({ threshold, members }: PolicyGroup): string =>
    threshold === members.length ? "all" : String(threshold);
  return [
    ...logs.map(({ key, url }) => line("log", formatVkey(key), url)),
    ...witnesses.map(({ name, key, url }) => line("witness", name, formatVkey(key), url)),
    ...groups.map((group) => line("group", group.name, rule(group), ...group.members)),
    line("quorum", quorum ?? "none"),
  ].join("");
}

/** Value of the quorum where every witness has a value and `combine` gives a group's from its members'. */
function evaluate(
  { witnesses, groups, quorum }: Policy,
  witnessValue: (witness: PolicyWitness) => number,
  combine: (members: readonly number[], threshold: number) => number,
): number {
  const values = new Map(witnesses.map((witness) => [witness.name, witnessValue(witness)]));
  for (const { name, threshold, members } of groups) {
    const memberValues = members.map((member) => values.get(member) as number);
    values.set(name, combine(memberValues, threshold));
  }
  return quorum === null ? combine([], 0) : (values.get(quorum) as number);
}

/**
 * The latest time T such that the witnesses that signed at T or later make up a quorum by themselves (TLOG-15), or
 * null where the signatures make none. `quorum none` vouches for no time and is never one. However often a key signed,
 * it is one witness, at its latest time.
 */
export function quorumTime(policy: Policy, signatures: readonly VerifiedSignature[]): UnixSeconds | null {
  const timeOf = (witness: PolicyWitness): number =>
    Math.max(
      Number.NEGATIVE_INFINITY,
      ...signatures
        .filter(({ key }) => key.type === "cosignature" && sameKey(key, witness.key))
        .map(({ time }) => time ?? Number.NEGATIVE_INFINITY),
    );
  const latest = evaluate(
    policy,
    timeOf,
    (members, threshold) => members.toSorted((a, b) => b - a)[threshold - 1] ?? Number.NEGATIVE_INFINITY,
  );
  return Number.isFinite(latest) ? (latest as UnixSeconds) : null;
}

/**
 * How many cosignatures of `counted` witnesses every quorum holds at least. Exact, because a name is a member of one
 * group only: no cosignature helps twice.
 */
export function fewestCosignatures(policy: Policy, counted: (witness: PolicyWitness) => boolean): number {
  return evaluate(
    policy,
    (witness) => (counted(witness) ? 1 : 0),
    (members, threshold) =>
      members
        .toSorted((a, b) => a - b)
        .slice(0, threshold)
        .reduce((total, cost) => total + cost, 0),
  );
}
