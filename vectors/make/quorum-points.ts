// Points, scalars and the label's point (spec/quorum.md, QUO-2 to QUO-4).
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { concat, fromHex, hex, utf8 } from "@porchlight/encoding";
import { encodeG1, encodeG2, labelPoint, P1, P2 } from "../../packages/quorum/src/points.ts";
import { encodeScalar, Fr, hashToScalar, transcript } from "../../packages/quorum/src/scalar.ts";
import { digest, seeded } from "../../packages/quorum/test/dealer.ts";

const { Fp, Fp2 } = bls12_381.fields;

export function make(): unknown {
  const scalars = [
    1n,
    2n,
    255n,
    Fr.ORDER - 1n,
    ...["a", "b"].map((name) => hashToScalar(digest(name), "vectors")),
  ];
  const random = seeded("quorum-points");
  return {
    description: "BLS12-381 points and scalars (spec/quorum.md). All byte strings in hex.",
    multiples: scalars.map((s) => ({
      scalar: hex(encodeScalar(s)),
      g1: hex(encodeG1(P1.multiply(s))),
      g2: hex(encodeG2(P2.multiply(s))),
    })),
    refusedScalars: [
      { why: "zero", bytes: hex(new Uint8Array(32)) },
      { why: "r", bytes: Fr.ORDER.toString(16) },
      { why: "short", bytes: hex(new Uint8Array(31).fill(1)) },
    ],
    refusedG1: [
      { why: "identity", bytes: `c0${"00".repeat(47)}` },
      { why: "identity with a sign", bytes: `e0${"00".repeat(47)}` },
      { why: "uncompressed", bytes: hex(P1.toBytes(false)) },
      { why: "compression flag missing", bytes: hex(clearFlag(encodeG1(P1))) },
      { why: "outside the subgroup", bytes: hex(outsideG1()) },
      { why: "not on the curve", bytes: hex(offCurve()) },
      { why: "coordinate not below p", bytes: hex(unreduced()) },
      { why: "one byte more", bytes: `${hex(encodeG1(P1))}00` },
    ],
    refusedG2: [
      { why: "identity", bytes: `c0${"00".repeat(95)}` },
      { why: "identity with a sign", bytes: `e0${"00".repeat(95)}` },
      { why: "uncompressed", bytes: hex(P2.toBytes(false)) },
      { why: "compression flag missing", bytes: hex(clearFlag(encodeG2(P2))) },
      { why: "outside the subgroup", bytes: hex(outsideG2()) },
      { why: "one byte less", bytes: hex(encodeG2(P2).subarray(0, 95)) },
    ],
    transcripts: [
      { domain: "example", fields: [] },
      { domain: "example", fields: ["", "00"] },
      { domain: "example", fields: ["00", ""] },
    ].map(({ domain, fields }) => ({
      domain,
      fields,
      bytes: hex(transcript(domain, ...fields.map((field) => fromHex(field)))),
    })),
    scalarHashes: ["", "abc"].map((text) => ({
      message: hex(utf8(text)),
      dst: "porchlight-v1 schnorr",
      scalar: hex(encodeScalar(hashToScalar(utf8(text), "porchlight-v1 schnorr"))),
    })),
    labelPoints: [utf8(""), utf8("label"), random(121)].flatMap((label) =>
      [P2, P2.multiply(7n)].map((master) => {
        const mpk = encodeG2(master);
        return { mpk: hex(mpk), label: hex(label), point: hex(encodeG1(labelPoint(mpk, label))) };
      }),
    ),
  };
}

function clearFlag(bytes: Uint8Array): Uint8Array {
  return concat(Uint8Array.of((bytes[0] as number) & 0x7f), bytes.subarray(1));
}

function outsideG1(): Uint8Array {
  for (let x = 1n; ; x++) {
    const square = Fp.add(Fp.pow(x, 3n), 4n);
    if (Fp.pow(square, (Fp.ORDER - 1n) / 2n) !== 1n) continue;
    const point = new bls12_381.G1.Point(x, Fp.sqrt(square), 1n);
    if (!point.isTorsionFree()) return encodeG1(point);
  }
}

function offCurve(): Uint8Array {
  for (let x = 1n; ; x++) {
    if (Fp.pow(Fp.add(Fp.pow(x, 3n), 4n), (Fp.ORDER - 1n) / 2n) === 1n) continue;
    const bytes = Fp.toBytes(x);
    bytes[0] = 0x80;
    return bytes;
  }
}

function unreduced(): Uint8Array {
  let point = P1;
  while (point.x + Fp.ORDER >= 2n ** 381n) point = point.add(P1);
  const bytes = fromHex((point.x + Fp.ORDER).toString(16).padStart(96, "0"));
  bytes[0] = (bytes[0] as number) | ((encodeG1(point)[0] as number) & 0xe0);
  return bytes;
}

function outsideG2(): Uint8Array {
  for (let c0 = 1n; ; c0++) {
    const x = Fp2.fromBigTuple([c0, 1n]);
    const square = Fp2.add(Fp2.pow(x, 3n), Fp2.fromBigTuple([4n, 4n]));
    // A square in Fp2 has a square norm in Fp.
    const norm = Fp.add(Fp.sqr(square.c0), Fp.sqr(square.c1));
    if (Fp.pow(norm, (Fp.ORDER - 1n) / 2n) !== 1n) continue;
    const point = new bls12_381.G2.Point(x, Fp2.sqrt(square), Fp2.ONE);
    if (!point.isTorsionFree()) return encodeG2(point);
  }
}
