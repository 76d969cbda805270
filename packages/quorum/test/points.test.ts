import { readFileSync } from "node:fs";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { concat, fromHex, hex, utf8 } from "@porchlight/encoding";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseG1, parseG2, QuorumError } from "../src/index.ts";
import { powerGT, sumG1, sumG2, tableGT } from "../src/multiply.ts";
import {
  encodeG1,
  encodeG2,
  type G1,
  type G2,
  hashToG1,
  labelPoint,
  P1,
  P2,
  pairing,
  pairingsCancel,
} from "../src/points.ts";
import { encodeScalar, Fr, parseScalar, randomScalar } from "../src/scalar.ts";
import { flip, seeded } from "./dealer.ts";

const { Fp, Fp2, Fp12 } = bls12_381.fields;
const refused = (parse: () => unknown, code: string) =>
  expect(parse).toThrowError(expect.objectContaining({ name: "QuorumError", code }));
const scalars = fc.bigInt({ min: 0n, max: Fr.ORDER - 1n });

describe("encodings", () => {
  test("QUO-2: points and scalars round trip, in noble's compressed form", () => {
    const random = seeded("round trip");
    for (let i = 0; i < 8; i++) {
      const s = randomScalar(random);
      const [a, b] = [P1.multiply(s), P2.multiply(s)];
      expect(hex(encodeG1(a))).toBe(a.toHex());
      expect(hex(encodeG2(b))).toBe(b.toHex());
      expect(parseG1(encodeG1(a)).equals(a)).toBe(true);
      expect(parseG2(encodeG2(b)).equals(b)).toBe(true);
      expect(parseScalar(encodeScalar(s))).toBe(s);
    }
  });

  test("QUO-3: the identity is refused, however written", () => {
    for (const [length, parse] of [
      [48, parseG1],
      [96, parseG2],
    ] as const) {
      for (const first of [0xc0, 0xe0, 0x40, 0x80, 0x00]) {
        const bytes = new Uint8Array(length);
        bytes[0] = first;
        refused(() => parse(bytes), "point-invalid");
      }
    }
    refused(() => encodeG1(bls12_381.G1.Point.ZERO), "point-invalid");
    refused(() => encodeG2(bls12_381.G2.Point.ZERO), "point-invalid");
  });

  test("QUO-3: points on the curve but outside the subgroup are refused", () => {
    let found = 0;
    for (let x = 1n; found < 4; x++) {
      const y = squareRoot(() => Fp.sqrt(Fp.add(Fp.pow(x, 3n), 4n)));
      if (y === undefined) continue;
      const point = new bls12_381.G1.Point(x, y, 1n);
      if (point.isTorsionFree()) continue;
      found++;
      refused(() => parseG1(encodeG1(point)), "point-invalid");
    }
    for (let c0 = 1n; found < 8; c0++) {
      const x = Fp2.fromBigTuple([c0, 1n]);
      const y = squareRoot(() => Fp2.sqrt(Fp2.add(Fp2.pow(x, 3n), Fp2.fromBigTuple([4n, 4n]))));
      if (y === undefined) continue;
      const point = new bls12_381.G2.Point(x, y, Fp2.ONE);
      if (point.isTorsionFree()) continue;
      found++;
      refused(() => parseG2(encodeG2(point)), "point-invalid");
    }
  });

  test("QUO-3: coordinates not below p are refused, though noble would reduce them", () => {
    const tried = { g1: 0, g2: 0 };
    let [a, b]: [G1, G2] = [P1, P2];
    while (tried.g1 < 2 || tried.g2 < 2) {
      a = a.add(P1);
      b = b.add(P2);
      if (a.x + Fp.ORDER < 2n ** 381n) {
        tried.g1++;
        const sign = (encodeG1(a)[0] as number) & 0xe0;
        const bytes = fromHex((a.x + Fp.ORDER).toString(16).padStart(96, "0"));
        bytes[0] = (bytes[0] as number) | sign;
        expect(bls12_381.G1.Point.fromBytes(bytes).equals(a)).toBe(true);
        refused(() => parseG1(bytes), "point-invalid");
      }
      if (b.x.c0 + Fp.ORDER < 2n ** 384n) {
        tried.g2++;
        const second = fromHex((b.x.c0 + Fp.ORDER).toString(16).padStart(96, "0"));
        refused(() => parseG2(concat(encodeG2(b).subarray(0, 48), second)), "point-invalid");
      }
    }
  });

  test("QUO-2: uncompressed forms, other lengths and other flags are refused", () => {
    for (const bytes of [
      P1.toBytes(false),
      concat(P1.toBytes(), new Uint8Array(1)),
      P1.toBytes().subarray(1),
    ]) {
      refused(() => parseG1(bytes), "point-invalid");
    }
    for (const bytes of [
      P2.toBytes(false),
      concat(P2.toBytes(), new Uint8Array(1)),
      P2.toBytes().subarray(1),
    ]) {
      refused(() => parseG2(bytes), "point-invalid");
    }
    for (const bit of [0, 1]) {
      refused(() => parseG1(flip(P1.toBytes(), bit)), "point-invalid");
      refused(() => parseG2(flip(P2.toBytes(), bit)), "point-invalid");
    }
    // The sign bit alone names another point, the negative.
    expect(parseG1(flip(P1.toBytes(), 2)).equals(P1.negate())).toBe(true);
    expect(parseG2(flip(P2.toBytes(), 2)).equals(P2.negate())).toBe(true);
  });

  test("QUO-2: scalars are 32 bytes, above zero and below r", () => {
    const r = fromHex(Fr.ORDER.toString(16));
    for (const bytes of [new Uint8Array(32), r, new Uint8Array(32).fill(255), new Uint8Array(31).fill(1)]) {
      refused(() => parseScalar(bytes), "scalar-invalid");
    }
    expect(parseScalar(encodeScalar(Fr.ORDER - 1n))).toBe(Fr.ORDER - 1n);
  });

  test("QUO-2: a source of randomness that returns the wrong length is refused", () => {
    refused(() => randomScalar(() => new Uint8Array(32)), "length");
    expect(() => randomScalar(() => new Uint8Array(1))).toThrow(QuorumError);
  });
});

describe("hash to curve", () => {
  const known = JSON.parse(readFileSync(new URL("./known/rfc9380-g1.json", import.meta.url), "utf8")) as {
    dst: string;
    vectors: { msg: string; x: string; y: string }[];
  };
  test.each(known.vectors.map((v) => [v.msg.slice(0, 16), v] as const))(
    "QUO-4: RFC 9380 J.9.1, message %j",
    (_, { msg, x, y }) => {
      const point = hashToG1(utf8(msg), known.dst).toAffine();
      expect(point.x.toString(16).padStart(96, "0")).toBe(x);
      expect(point.y.toString(16).padStart(96, "0")).toBe(y);
    },
  );

  test("QUO-4: the label's point depends on the master public key and on every byte of the label", () => {
    const points = [
      labelPoint(P2.toBytes(), utf8("label")),
      labelPoint(P2.double().toBytes(), utf8("label")),
      labelPoint(P2.toBytes(), utf8("labem")),
      hashToG1(concat(P2.toBytes(), utf8("label")), "BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_"),
    ];
    expect(new Set(points.map((p) => p.toHex())).size).toBe(4);
  });
});

describe("multiplication along the endomorphisms", () => {
  const edges = [
    0n,
    1n,
    2n,
    15n,
    16n,
    17n,
    31n,
    32n,
    2n ** 64n,
    2n ** 128n - 1n,
    Fr.ORDER - 2n,
    Fr.ORDER - 1n,
  ];
  const x = bls12_381.params.ateLoopSize;
  const all = [...edges, x, x - 1n, x * x, x * x - 1n, x ** 3n, x ** 3n - 1n];
  const element = pairing(P1, P2);

  test("QUO-2: edge scalars agree with noble's own multiplication", () => {
    for (const s of all) {
      expect(sumG1([[P1.double(), s]]).equals(P1.double().multiplyUnsafe(s)), `G1 ${s}`).toBe(true);
      expect(sumG2([[P2.double(), s]]).equals(P2.double().multiplyUnsafe(s)), `G2 ${s}`).toBe(true);
      expect(Fp12.eql(powerGT(tableGT(element), s), Fp12.pow(element, s)), `GT ${s}`).toBe(true);
    }
  });

  test("QUO-2: random sums agree with noble's own multiplication", () => {
    fc.assert(
      fc.property(scalars, scalars, scalars, (u, v, w) => {
        const [a, b] = [P1.multiplyUnsafe(u), P2.multiplyUnsafe(u)];
        const sum1 = sumG1([
          [a, v],
          [P1.double(), w],
        ]);
        const sum2 = sumG2([
          [b, v],
          [P2.double(), w],
        ]);
        expect(sum1.equals(a.multiplyUnsafe(v).add(P1.double().multiplyUnsafe(w)))).toBe(true);
        expect(sum2.equals(b.multiplyUnsafe(v).add(P2.double().multiplyUnsafe(w)))).toBe(true);
        expect(Fp12.eql(powerGT(tableGT(element), v), Fp12.pow(element, v))).toBe(true);
      }),
      { numRuns: 6, seed: 1 },
    );
  });

  test("QUO-2: the pairing is noble's, and a product with identities in it ignores them", () => {
    const [a, b] = [P1.multiply(5n), P2.multiply(7n)];
    expect(Fp12.eql(pairing(a, b), bls12_381.pairing(a, b))).toBe(true);
    const zero: [G1, G2] = [bls12_381.G1.Point.ZERO, b];
    expect(pairingsCancel([[a, b], [a.negate(), b], zero])).toBe(true);
    expect(pairingsCancel([[a, b], zero])).toBe(false);
  });
});

function squareRoot<T>(compute: () => T): T | undefined {
  try {
    return compute();
  } catch {
    return undefined;
  }
}
