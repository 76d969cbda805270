// The same group operations in WebAssembly: mcl-wasm, an optional dependency. Points cross as coordinates, so that every
// check and every encoding stays ours.

import { hash_to_field } from "@noble/curves/abstract/hash-to-curve.js";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, equalBytes, utf8 } from "@porchlight/encoding";
import { type Curve, noble } from "./curve.ts";
import { encodeG1, type G1, G1_ZERO, type G2, GT_LENGTH, P1, P2 } from "./points.ts";

const { Fp } = bls12_381.fields;
const COORDINATE = 48;

type Mcl = typeof import("mcl-wasm");

let loading: Promise<Curve> | undefined;

/**
 * mcl's curve where it can be had and computes what noble computes, else noble: a platform without WebAssembly or an
 * installation without the optional package works, only slower. Decided once; after that no operation falls back. `name`
 * says which it is.
 */
export function loadCurve(): Promise<Curve> {
  loading ??= load();
  return loading;
}

async function load(): Promise<Curve> {
  try {
    const module = (await import("mcl-wasm")) as Mcl & { readonly default?: Mcl };
    const curve = await mclCurve(module.default ?? module);
    return agrees(curve) ? curve : noble;
  } catch {
    return noble;
  }
}

/** A known answer for every operation, taken from noble: a miscompiled or exchanged module is not used. */
function agrees(curve: Curve): boolean {
  const message = utf8("porchlight-v1/curve");
  const dst = "PORCHLIGHT-V01-CS01-with-BLS12381G1_XMD:SHA-256_SSWU_RO_";
  const q = noble.hashToG1(message, dst);
  const terms = [
    [q, 0x1234_5678_9abc_def0n],
    [P1, bls12_381.fields.Fr.ORDER - 1n],
  ] as const;
  return (
    curve.hashToG1(message, dst).equals(q) &&
    curve.decodeG1(encodeG1(q))?.equals(q) === true &&
    curve.sumG1(terms).equals(noble.sumG1(terms)) &&
    equalBytes(curve.pairing(q, P2), noble.pairing(q, P2)) &&
    curve.pairingsCancel([
      [q, P2],
      [q.negate(), P2],
    ]) &&
    !curve.pairingsCancel([[q, P2]])
  );
}

/** mcl keeps one curve and its settings in module state: nothing else here may initialise it differently. */
async function mclCurve(mcl: Mcl): Promise<Curve> {
  await mcl.init(mcl.BLS12_381);
  // ZCash's flags and big-endian coordinates; the subgroup is checked with each point; RFC 9380's map.
  mcl.setETHserialization(true);
  mcl.verifyOrderG1(true);
  mcl.verifyOrderG2(true);
  mcl.setMapToMode(mcl.IRTF);

  const fp = (value: bigint) => {
    const element = new mcl.Fp();
    element.deserialize(Fp.toBytes(value));
    return element;
  };
  const one = fp(1n);
  type Element = InstanceType<Mcl["Fp"]>;
  const big = (element: Element): bigint => Fp.fromBytes(element.serialize());

  const intoG1 = (point: G1) => {
    const { x, y } = point.toAffine();
    const theirs = new mcl.G1();
    theirs.setX(fp(x));
    theirs.setY(fp(y));
    theirs.setZ(one);
    return theirs;
  };
  const fromG1 = (theirs: InstanceType<Mcl["G1"]>): G1 => {
    if (theirs.isZero()) return G1_ZERO;
    theirs.normalize();
    return new bls12_381.G1.Point(big(theirs.getX()), big(theirs.getY()), 1n);
  };
  const fp2 = (c0: bigint, c1: bigint) => {
    const element = new mcl.Fp2();
    element.set_a(fp(c0));
    element.set_b(fp(c1));
    return element;
  };
  const intoG2 = (point: G2) => {
    const { x, y } = point.toAffine();
    const theirs = new mcl.G2();
    theirs.setX(fp2(x.c0, x.c1));
    theirs.setY(fp2(y.c0, y.c1));
    theirs.setZ(fp2(1n, 0n));
    return theirs;
  };
  const fromG2 = (theirs: InstanceType<Mcl["G2"]>): G2 => {
    if (theirs.isZero()) return bls12_381.G2.Point.ZERO;
    theirs.normalize();
    const [x, y] = [theirs.getX(), theirs.getY()];
    return new bls12_381.G2.Point(
      { c0: big(x.get_a()), c1: big(x.get_b()) },
      { c0: big(y.get_a()), c1: big(y.get_b()) },
      bls12_381.fields.Fp2.ONE,
    );
  };
  const scalarOf = (value: bigint) => {
    const scalar = new mcl.Fr();
    scalar.deserialize(bls12_381.fields.Fr.toBytes(value));
    return scalar;
  };
  const gt = (element: InstanceType<Mcl["GT"]>): Uint8Array => {
    // Theirs has the two halves of each Fp2 real part first, from the lowest; QUO-10 wants the highest first.
    const bytes = element.serialize();
    const parts: Uint8Array[] = [];
    for (let k = GT_LENGTH / COORDINATE - 1; k >= 0; k--) {
      const at = (k ^ 1) * COORDINATE;
      parts.push(bytes.subarray(at, at + COORDINATE));
    }
    return concat(...parts);
  };

  return {
    name: "mcl-wasm",
    decodeG1: (bytes) => {
      const point = new mcl.G1();
      point.deserialize(bytes);
      return fromG1(point);
    },
    decodeG2: (bytes) => {
      const point = new mcl.G2();
      point.deserialize(bytes);
      return fromG2(point);
    },
    hashToG1: (message, dst) => {
      const [u0, u1] = hash_to_field(message, 2, {
        DST: dst,
        p: Fp.ORDER,
        m: 1,
        k: 128,
        expand: "xmd",
        hash: sha256,
      });
      // mcl's map clears the cofactor of each half, which is linear: the sum is RFC 9380's.
      return fromG1(mcl.add(fp(u0?.[0] as bigint).mapToG1(), fp(u1?.[0] as bigint).mapToG1()));
    },
    sumG1: (terms) => {
      if (terms.length === 0) return G1_ZERO;
      const points = terms.map(([point]) => (point.is0() ? new mcl.G1() : intoG1(point)));
      const scalars = terms.map(([, scalar]) => scalarOf(scalar));
      const sum = fromG1(mcl.mulVec(points, scalars));
      for (const scalar of scalars) scalar.clear();
      return sum;
    },
    pairingsCancel: (pairs) => {
      const product = new mcl.GT();
      product.setInt(1);
      let loops = product;
      for (const [a, b] of pairs) {
        if (!a.is0() && !b.is0()) loops = mcl.mul(loops, mcl.millerLoop(intoG1(a), intoG2(b)));
      }
      return mcl.finalExp(loops).isOne();
    },
    pairing: (a, b) => gt(mcl.pairing(intoG1(a), intoG2(b))),
    pairingBase: (a, b) => {
      const element = mcl.pairing(intoG1(a), intoG2(b));
      return {
        power: (scalar) => {
          const exponent = scalarOf(scalar);
          const power = gt(mcl.pow(element, exponent));
          exponent.clear();
          return power;
        },
      };
    },
  };
}
