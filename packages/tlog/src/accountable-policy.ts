import { TlogError } from "./error.ts";
import { fewestCosignatures, formatPolicy, type Policy, parsePolicy } from "./policy.ts";
import { nobleSuite, type TlogSuite } from "./suite.ts";
import { parseVkey, sameKey } from "./vkey.ts";

/** A party with a vkey, and where it is reached. */
export type PolicyParty = { readonly vkey: string; readonly url?: string };

const MIN_WITNESSES = 2;

/**
 * Fewest keyholders that must cosign, of n with t needed to open: the smallest number above (n + t − 1) / 2 (TLOG-16).
 * Two quorums then share at least t keyholders, so one honest one unless t are dishonest, and it cosigns one view only.
 */
export function keyholderQuorum(n: number, t: number): number {
  if (!Number.isInteger(n) || !Number.isInteger(t) || t < 1 || t > n) {
    throw new TlogError("out-of-range", "threshold");
  }
  return Math.floor((n + t - 1) / 2) + 1;
}

/** The policy of a deployment: all witnesses, and {@link keyholderQuorum} of the keyholders. */
export function accountablePolicy(
  parties: {
    readonly log: PolicyParty;
    readonly witnesses: readonly PolicyParty[];
    readonly keyholders: readonly PolicyParty[];
    /** t: keyholders needed to open. */
    readonly threshold: number;
  },
  suite: TlogSuite = nobleSuite,
): Policy {
  const { log, witnesses, keyholders, threshold } = parties;
  const words = ({ vkey, url }: PolicyParty): string => (url === undefined ? vkey : `${vkey} ${url}`);
  const names = (kind: string, of: readonly unknown[]): string[] => of.map((_, i) => `${kind}-${i + 1}`);
  const witnessNames = names("witness", witnesses);
  const keyholderNames = names("keyholder", keyholders);
  const text = [
    `log ${words(log)}`,
    ...witnesses.map((party, i) => `witness ${witnessNames[i]} ${words(party)}`),
    ...keyholders.map((party, i) => `witness ${keyholderNames[i]} ${words(party)}`),
    `group witnesses all ${witnessNames.join(" ")}`,
    `group keyholders ${keyholderQuorum(keyholders.length, threshold)} ${keyholderNames.join(" ")}`,
    "group both all witnesses keyholders",
    "quorum both",
  ];
  const policy = parsePolicy(`${text.join("\n")}\n`, suite);
  checkAccountablePolicy(
    policy,
    keyholders.map(({ vkey }) => vkey),
    threshold,
    suite,
  );
  return policy;
}

/** {@link accountablePolicy} as the text that a charter carries. */
export function accountablePolicyText(
  parties: Parameters<typeof accountablePolicy>[0],
  suite: TlogSuite = nobleSuite,
): string {
  return formatPolicy(accountablePolicy(parties, suite));
}

/**
 * Throws TlogError "policy-too-weak" unless every quorum of `policy`, however it is written, holds at least
 * {@link keyholderQuorum} of the keyholders and two witnesses that are none (TLOG-16), under exactly one log.
 */
export function checkAccountablePolicy(
  policy: Policy,
  keyholderVkeys: readonly string[],
  threshold: number,
  suite: TlogSuite = nobleSuite,
): void {
  const keyholders = keyholderVkeys.map((vkey) => parseVkey(vkey, suite));
  const isKeyholder = ({ key }: Policy["witnesses"][number]): boolean =>
    keyholders.some((keyholder) => sameKey(keyholder, key));
  if (policy.logs.length !== 1) throw new TlogError("policy-too-weak", "logs");
  if (fewestCosignatures(policy, isKeyholder) < keyholderQuorum(keyholders.length, threshold)) {
    throw new TlogError("policy-too-weak", "keyholders");
  }
  if (fewestCosignatures(policy, (witness) => !isKeyholder(witness)) < MIN_WITNESSES) {
    throw new TlogError("policy-too-weak", "witnesses");
  }
}
