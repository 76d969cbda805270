// Scalar multiplication in G1, G2 and GT: the scalar is split along the curve's endomorphism (GLV/GLS), then all parts
// run through one chain of doublings with signed 5-bit windows (Straus). The sequence of group operations is the same
// for every scalar; bigint arithmetic itself is not constant time, which is why shares are blinded (REL-4).
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { type G1, G1_ZERO, type G2, G2_ZERO, type GT } from "./points.ts";

const { Fp, Fp2, Fp12 } = bls12_381.fields;
/** |x|, the absolute value of the BLS parameter x = −0xd201000000010000; r divides x⁴ − x² + 1. */
const X = bls12_381.params.ateLoopSize;

const WINDOW = 5;
const HALF = 1 << (WINDOW - 1);

type Group<E> = {
  readonly zero: E;
  readonly add: (a: E, b: E) => E;
  readonly double: (a: E) => E;
  readonly negate: (a: E) => E;
  /** Multiplies by `step` at the price of a few field operations. */
  readonly jump: (a: E) => E;
  readonly step: bigint;
  /** Number of parts, each below `step`: step^parts > r. */
  readonly parts: number;
  /** Windows of one part, carry included. */
  readonly windows: number;
};

/** Multiples 1 … 16 of an element, and their images under 1 … parts − 1 jumps. */
export type Table<E> = readonly (readonly E[])[];

// β³ = 1 in Fp with (βx, y) = −x²·(x, y) on G1 (https://eprint.iacr.org/2021/1130, 3.1).
const BETA = BigInt("0x5f19672fdf76ce51ba69c6076a0f77eaddb3a93be6f89688de17d813620a00022e01fffffffefffe");

const g1: Group<G1> = {
  zero: G1_ZERO,
  add: (a, b) => a.add(b),
  double: (a) => a.double(),
  negate: (a) => a.negate(),
  jump: (a) => new bls12_381.G1.Point(Fp.mul(a.X, BETA), Fp.neg(a.Y), a.Z),
  step: X * X,
  parts: 2,
  windows: 26,
};

// ψ = untwist ∘ Frobenius ∘ twist acts on G2 as multiplication by p ≡ x (mod r), so −ψ multiplies by |x|.
const TWIST = Fp2.inv(Fp2.fromBigTuple([1n, 1n]));
const PSI_X = Fp2.pow(TWIST, (Fp.ORDER - 1n) / 3n);
const PSI_Y = Fp2.neg(Fp2.pow(TWIST, (Fp.ORDER - 1n) / 2n));

const g2: Group<G2> = {
  zero: G2_ZERO,
  add: (a, b) => a.add(b),
  double: (a) => a.double(),
  negate: (a) => a.negate(),
  jump: (a) =>
    new bls12_381.G2.Point(
      Fp2.mul(Fp2.frobeniusMap(a.X, 1), PSI_X),
      Fp2.mul(Fp2.frobeniusMap(a.Y, 1), PSI_Y),
      Fp2.frobeniusMap(a.Z, 1),
    ),
  step: X,
  parts: 4,
  windows: 13,
};

const gt: Group<GT> = {
  zero: Fp12.ONE,
  add: (a, b) => Fp12.mul(a, b),
  // Public in noble's types in spite of its name; a third cheaper than a general square.
  // oxlint-disable-next-line no-underscore-dangle
  double: (a) => Fp12._cyclotomicSquare(a),
  negate: (a) => Fp12.conjugate(a),
  // Frobenius raises to p ≡ x (mod r); the inverse of a unitary element is its conjugate.
  jump: (a) => Fp12.conjugate(Fp12.frobeniusMap(a, 1)),
  step: X,
  parts: 4,
  windows: 13,
};

function tableOf<E>(group: Group<E>, element: E): Table<E> {
  const multiples = [element];
  while (multiples.length < HALF) multiples.push(group.add(multiples[multiples.length - 1] as E, element));
  const table = [multiples];
  while (table.length < group.parts) table.push((table[table.length - 1] as E[]).map(group.jump));
  return table;
}

/** Signed digits −15 … 16, least significant first. */
function digits(value: bigint, windows: number): number[] {
  const list: number[] = [];
  let rest = value;
  let carry = 0;
  for (let i = 0; i < windows; i++) {
    const digit = Number(rest & 31n) + carry;
    rest >>= BigInt(WINDOW);
    carry = digit > HALF ? 1 : 0;
    list.push(digit - 32 * carry);
  }
  return list;
}

function sumOfProducts<E>(group: Group<E>, terms: readonly (readonly [Table<E>, bigint])[]): E {
  const rows: (readonly [readonly E[], readonly number[]])[] = [];
  for (const [table, scalar] of terms) {
    let rest = scalar;
    for (let part = 0; part < group.parts; part++) {
      // The last part keeps what is left: scalars are below r, so it fits the windows all the same.
      const last = part === group.parts - 1;
      // Half of a 128-bit weight is nothing. A secret scalar comes here once in 2^128.
      if (rest === 0n) break;
      rows.push([table[part] as readonly E[], digits(last ? rest : rest % group.step, group.windows)]);
      rest /= group.step;
    }
  }
  let sum = group.zero;
  for (let window = group.windows - 1; window >= 0; window--) {
    if (window !== group.windows - 1) for (let i = 0; i < WINDOW; i++) sum = group.double(sum);
    for (const [multiples, signed] of rows) {
      const digit = signed[window] as number;
      const multiple = digit === 0 ? group.zero : (multiples[Math.abs(digit) - 1] as E);
      sum = group.add(sum, digit < 0 ? group.negate(multiple) : multiple);
    }
  }
  return sum;
}

/** Σ scalarᵢ · pointᵢ in G1; points of the subgroup and scalars in 0 … r − 1 only. */
export function sumG1(terms: readonly (readonly [G1, bigint])[]): G1 {
  return sumOfProducts(
    g1,
    terms.map(([point, scalar]) => [tableOf(g1, point), scalar] as const),
  );
}

/** Σ scalarᵢ · pointᵢ in G2; points of the subgroup and scalars in 0 … r − 1 only. */
export function sumG2(terms: readonly (readonly [G2, bigint])[]): G2 {
  return sumOfProducts(
    g2,
    terms.map(([point, scalar]) => [tableOf(g2, point), scalar] as const),
  );
}

export function tableGT(element: GT): Table<GT> {
  return tableOf(gt, element);
}

/** base^scalar for an element of order r, from its table. */
export function powerGT(table: Table<GT>, scalar: bigint): GT {
  return sumOfProducts(gt, [[table, scalar]]);
}
