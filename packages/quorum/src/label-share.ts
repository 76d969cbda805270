// Shares of a label key in the clear, for labels whose key everybody may have: threshold BLS signatures on the label.
import type { KeyholderIndex } from "@porchlight/encoding";
import type { CombineResult } from "./combine.ts";
import { QuorumError } from "./error.ts";
import { sumG1 } from "./multiply.ts";
import {
  encodeG1,
  type G1,
  G1_ZERO,
  type G2,
  knownG2,
  labelPoint,
  P2,
  pairingsCancel,
  parseG1,
} from "./points.ts";
import { Fr, parseScalar, type Random, randomScalar } from "./scalar.ts";
import { checkThreshold, type KeyShare, lagrange, type MasterKey, wholeSum } from "./sharing.ts";

/**
 * REL-10: f(i)·Q, 48 bytes, the same each time. Blinded as in REL-4. The caller answers for the label: whoever has t of
 * these has the label's key.
 */
export function labelShare(input: {
  readonly share: KeyShare;
  readonly mpk: Uint8Array;
  readonly label: Uint8Array;
  readonly random: Random;
}): Uint8Array {
  knownG2(input.mpk, "mpk");
  const secret = parseScalar(input.share.secret, "key share");
  const q = labelPoint(input.mpk, input.label);
  const m = randomScalar(input.random);
  return encodeG1(
    sumG1([
      [q, Fr.sub(secret, m)],
      [q, m],
    ]),
  );
}

/** REL-10: e(share, P2) = e(Q, vk). False for malformed shares; malformed keys throw "point-invalid". */
export function verifyLabelShare(input: {
  readonly share: Uint8Array;
  readonly verifyingShare: Uint8Array;
  readonly mpk: Uint8Array;
  readonly label: Uint8Array;
}): boolean {
  const vk = knownG2(input.verifyingShare, "verifying share");
  knownG2(input.mpk, "mpk");
  const point = parsed(input.share);
  return point !== undefined && isLabelKey(point, vk, labelPoint(input.mpk, input.label));
}

/**
 * REL-11: as `combinePartials`: the first t are combined and the outcome checked; only where that fails each is verified,
 * the bad ones blamed and the good ones combined. Throws QuorumError "keyholder-unknown" for an index outside the master
 * key, "shares-inconsistent" when verified shares do not combine.
 */
export function combineLabelShares(input: {
  readonly master: MasterKey;
  readonly label: Uint8Array;
  /** By keyholder: a map, so that no number of messages makes one keyholder count twice. */
  readonly shares: ReadonlyMap<KeyholderIndex, Uint8Array>;
}): CombineResult {
  const { master, label } = input;
  const need = master.threshold;
  checkThreshold(need, master.verifyingShares.size);
  const offered = [...input.shares].sort(([a], [b]) => a - b);
  for (const [index] of offered) {
    if (!master.verifyingShares.has(index)) throw new QuorumError("keyholder-unknown", "shares");
  }
  const mpk = knownG2(master.mpk, "mpk");
  const q = labelPoint(master.mpk, label);
  const blamed: KeyholderIndex[] = [];
  const points: { readonly index: KeyholderIndex; readonly point: G1 }[] = [];
  for (const [index, bytes] of offered) {
    const point = parsed(bytes);
    if (point === undefined) blamed.push(index);
    else points.push({ index, point });
  }
  const combined = (chosen: typeof points): Uint8Array | undefined => {
    const { numerators, denominator } = lagrange(chosen.map(({ index }) => index));
    const sum = wholeSum(
      G1_ZERO,
      chosen.map(({ point }, i) => [point, numerators[i] as bigint] as const),
    );
    const key = sumG1([[sum, Fr.inv(Fr.create(denominator))]]);
    return !key.is0() && isLabelKey(key, mpk, q) ? encodeG1(key) : undefined;
  };
  if (points.length < need) return { kind: "short", have: points.length, need, blamed };
  const first = combined(points.slice(0, need));
  if (first !== undefined) return { kind: "combined", labelKey: first, blamed };
  const good = points.filter(({ index, point }) =>
    isLabelKey(point, knownG2(master.verifyingShares.get(index) as Uint8Array, "verifying share"), q),
  );
  const bad = offered.map(([index]) => index).filter((index) => good.every((one) => one.index !== index));
  if (good.length < need) return { kind: "short", have: good.length, need, blamed: bad };
  const second = combined(good.slice(0, need));
  if (second === undefined) throw new QuorumError("shares-inconsistent", "verifying shares");
  return { kind: "combined", labelKey: second, blamed: bad };
}

/** e(key, P2) = e(Q, master). */
function isLabelKey(key: G1, master: G2, q: G1): boolean {
  return pairingsCancel([
    [key, P2],
    [q.negate(), master],
  ]);
}

function parsed(bytes: Uint8Array): G1 | undefined {
  try {
    return parseG1(bytes, "label share");
  } catch (error) {
    if (error instanceof QuorumError) return undefined;
    throw error;
  }
}
