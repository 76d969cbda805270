// What the requester does with partials: combine first, check all label keys of an order in one equation, and look at
// single partials only where that fails, to say whose they are (REL-5, REL-7).
import { equalBytes, type KeyholderIndex } from "@porchlight/encoding";
import { type Curve, noble } from "./curve.ts";
import { QuorumError } from "./error.ts";
import { type LabelKeyPoints, labelKeysHold } from "./label-key.ts";
import { encodeG1, type G1, G1_ZERO, labelPoint, P1 } from "./points.ts";
import { type Partial, parsePartial, verifyPartial } from "./release.ts";
import { Fr, parseScalar } from "./scalar.ts";
import { checkThreshold, lagrange, type MasterKey, wholeSum } from "./sharing.ts";

/** One label of an order, and what the keyholders released for it. */
export type LabelPartials = {
  readonly master: MasterKey;
  readonly label: Uint8Array;
  /** By keyholder: a map, so that no number of messages makes one keyholder count twice (REL-6). */
  readonly partials: ReadonlyMap<KeyholderIndex, Uint8Array>;
};

export type CombineOrder = {
  /** The requester's point T, 48 bytes, and its secret, 32. */
  readonly requester: Uint8Array;
  readonly requesterSecret: Uint8Array;
  readonly labels: readonly LabelPartials[];
  readonly curve?: Curve | undefined;
  /** Called with the number of labels combined, before they are checked together. */
  readonly progress?: ((done: number) => void) | undefined;
};

/** `blamed` names keyholders of whom a partial is certainly wrong, in ascending order. */
export type CombinedOrder =
  | {
      readonly kind: "combined";
      /** 48 bytes each, in the order of `labels`. */
      readonly labelKeys: readonly Uint8Array[];
      readonly blamed: readonly KeyholderIndex[];
    }
  | {
      readonly kind: "short";
      /** Position of a label with fewer than t partials that may be good. */
      readonly at: number;
      readonly have: number;
      readonly need: number;
      readonly blamed: readonly KeyholderIndex[];
    };

/**
 * REL-7: the keys of all labels of an order, or `short`, which is not an error: wait for more. Costs one check for all
 * when every partial is good; a keyholder found out is asked last for the other labels, and then partial by partial.
 * `have` counts partials not known to be bad; what was not needed stays unread and is never blamed. Throws QuorumError
 * "requester-mismatch" when the secret is not T's, "keyholder-unknown" for an index outside a master key,
 * "shares-inconsistent" when verified partials do not combine (a master key that {@link checkMasterKey} would have refused).
 */
export function combineOrder(order: CombineOrder): CombinedOrder {
  const { requester, requesterSecret, labels, curve = noble, progress } = order;
  for (const { master, partials } of labels) {
    checkThreshold(master.threshold, master.verifyingShares.size);
    for (const index of partials.keys()) {
      if (!master.verifyingShares.has(index)) throw new QuorumError("keyholder-unknown", "partials");
    }
  }
  const secret = parseScalar(requesterSecret, "requester secret");
  if (!equalBytes(encodeG1(P1.multiply(secret)), requester)) {
    throw new QuorumError("requester-mismatch", "requester secret");
  }

  const blamed = new Set<KeyholderIndex>();
  const works = labels.map((label) => new LabelWork(label, requester, secret, curve));
  const short = (work: LabelWork, have: number): CombinedOrder => ({
    kind: "short",
    at: works.indexOf(work),
    have,
    need: work.need,
    blamed: ascending(blamed),
  });
  for (;;) {
    for (const [at, work] of works.entries()) {
      const have = work.combine(blamed);
      if (have !== null) return short(work, have);
      progress?.(at + 1);
    }
    const wrong = firstWrong(works, curve);
    if (wrong === null) {
      return {
        kind: "combined",
        labelKeys: works.map(({ outcome }) => outcome.labelKey),
        blamed: ascending(blamed),
      };
    }
    wrong.examine(blamed);
    // Before the others are combined anew, perhaps partial by partial: without this one the order waits anyway.
    const have = wrong.combine(blamed);
    if (have !== null) return short(wrong, have);
  }
}

export type CombineInput = LabelPartials & Pick<CombineOrder, "requester" | "requesterSecret" | "curve">;

export type CombineResult =
  | { readonly kind: "combined"; readonly labelKey: Uint8Array; readonly blamed: readonly KeyholderIndex[] }
  | {
      readonly kind: "short";
      readonly have: number;
      readonly need: number;
      readonly blamed: readonly KeyholderIndex[];
    };

/** REL-5: {@link combineOrder} for one label. */
export function combinePartials({
  requester,
  requesterSecret,
  curve,
  ...label
}: CombineInput): CombineResult {
  const result = combineOrder({ requester, requesterSecret, curve, labels: [label] });
  if (result.kind === "combined") {
    return { kind: "combined", labelKey: result.labelKeys[0] as Uint8Array, blamed: result.blamed };
  }
  const { have, need, blamed } = result;
  return { kind: "short", have, need, blamed };
}

function ascending(blamed: ReadonlySet<KeyholderIndex>): KeyholderIndex[] {
  return [...blamed].sort((a, b) => a - b);
}

/** The first label whose key does not hold, by halving; `null` if all hold. */
function firstWrong(works: readonly LabelWork[], curve: Curve): LabelWork | null {
  const hold = (some: readonly LabelWork[]): boolean =>
    some.every(({ outcome }) => !outcome.key.is0()) &&
    labelKeysHold(
      some.map(({ outcome }) => outcome),
      curve,
    );
  if (hold(works)) return null;
  let suspects = works;
  while (suspects.length > 1) {
    const half = suspects.slice(0, suspects.length >> 1);
    suspects = hold(half) ? suspects.slice(half.length) : half;
  }
  return suspects[0] as LabelWork;
}

type Chosen = { readonly index: KeyholderIndex; readonly partial: Partial };

/** One label while its partials are chosen, combined and, if need be, told apart. */
class LabelWork {
  readonly #label: LabelPartials;
  readonly #requester: Uint8Array;
  readonly #secret: bigint;
  readonly #curve: Curve;
  readonly #parsed = new Map<KeyholderIndex, Partial>();
  /** Verified singly. */
  readonly #good = new Set<KeyholderIndex>();
  readonly #bad = new Set<KeyholderIndex>();
  #chosen: readonly KeyholderIndex[] = [];
  #outcome: LabelKeyPoints | undefined;
  #q: G1 | undefined;

  constructor(label: LabelPartials, requester: Uint8Array, secret: bigint, curve: Curve) {
    this.#label = label;
    this.#requester = requester;
    this.#secret = secret;
    this.#curve = curve;
  }

  get need(): number {
    return this.#label.master.threshold;
  }

  get outcome(): LabelKeyPoints {
    if (this.#outcome === undefined) throw new TypeError("combine first");
    return this.#outcome;
  }

  /** Combines t partials that may be good, those of nobody blamed first; what it has if they are too few, else `null`. */
  combine(blamed: Set<KeyholderIndex>): number | null {
    const settled = this.#outcome !== undefined;
    if (settled && this.#chosen.every((index) => !blamed.has(index) || this.#good.has(index))) return null;
    const order = [...this.#label.partials.keys()].sort(
      (a, b) => Number(blamed.has(a)) - Number(blamed.has(b)) || a - b,
    );
    const chosen: Chosen[] = [];
    for (const index of order) {
      if (chosen.length === this.need) break;
      const partial = this.#usable(index, blamed);
      if (partial !== null) chosen.push({ index, partial });
    }
    if (chosen.length < this.need) return chosen.length;
    chosen.sort((a, b) => a.index - b.index);
    this.#chosen = chosen.map(({ index }) => index);
    const { mpk } = this.#label.master;
    const { label } = this.#label;
    this.#q ??= labelPoint(mpk, label, this.#curve.hashToG1);
    const key = interpolate(chosen, this.#secret, this.#curve);
    // The identity has no encoding, and is no label key: firstWrong looks at the point.
    const labelKey = key.is0() ? new Uint8Array(0) : encodeG1(key);
    this.#outcome = { mpk, label, labelKey, key, q: this.#q };
    return null;
  }

  /** Verifies every partial singly (REL-3) after the combined key did not hold. */
  examine(blamed: Set<KeyholderIndex>): void {
    for (const index of this.#label.partials.keys()) this.#verify(index, blamed);
    if (this.#chosen.every((index) => this.#good.has(index))) {
      throw new QuorumError("shares-inconsistent", "verifying shares");
    }
    this.#outcome = undefined;
  }

  #usable(index: KeyholderIndex, blamed: Set<KeyholderIndex>): Partial | null {
    if (this.#bad.has(index)) return null;
    if (blamed.has(index) && !this.#verify(index, blamed)) return null;
    const partial = this.#parse(index);
    if (partial !== null) return partial;
    this.#bad.add(index);
    blamed.add(index);
    return null;
  }

  #parse(index: KeyholderIndex): Partial | null {
    const known = this.#parsed.get(index);
    if (known !== undefined) return known;
    const partial = parsePartial(this.#label.partials.get(index) as Uint8Array, this.#curve);
    if (partial === undefined) return null;
    this.#parsed.set(index, partial);
    return partial;
  }

  #verify(index: KeyholderIndex, blamed: Set<KeyholderIndex>): boolean {
    if (this.#good.has(index)) return true;
    if (this.#bad.has(index)) return false;
    const { master, label, partials } = this.#label;
    const sound = verifyPartial({
      partial: partials.get(index) as Uint8Array,
      verifyingShare: master.verifyingShares.get(index) as Uint8Array,
      mpk: master.mpk,
      label,
      requester: this.#requester,
      curve: this.#curve,
    });
    (sound ? this.#good : this.#bad).add(index);
    if (!sound) blamed.add(index);
    return sound;
  }
}

/**
 * Σ λᵢ·(maskedᵢ − t·aP1ᵢ), with whole numerators first and the common denominator folded into the last two factors: two
 * multiplications, however many partials.
 */
function interpolate(chosen: readonly Chosen[], secret: bigint, curve: Curve): G1 {
  const { numerators, denominator } = lagrange(chosen.map(({ index }) => index));
  const weighted = (point: (partial: Partial) => G1): G1 =>
    wholeSum(
      G1_ZERO,
      chosen.map(({ partial }, i) => [point(partial), numerators[i] as bigint] as const),
    );
  const inverse = Fr.inv(Fr.create(denominator));
  return curve.sumG1([
    [weighted((partial) => partial.masked), inverse],
    [weighted((partial) => partial.aP1), Fr.neg(Fr.mul(secret, inverse))],
  ]);
}
