import { ed25519 } from "@noble/curves/ed25519.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { concat, fromHex, hex, utf8 } from "@porchlight/encoding";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nobleSuite } from "../src/index.ts";
import { nodeSuite } from "../src/node-suite.ts";

const { Point } = ed25519;
const ORDER = Point.Fn.ORDER;

function scalar(bytes: Uint8Array): bigint {
  return [...bytes].reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

function scalarBytes(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));
}

/** A point of order 8. */
const TORSION = Point.fromBytes(
  fromHex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
  true,
);

/** Signs with secret scalar `a`, the public key and the nonce point moved by points of small order. */
function signTwisted(message: Uint8Array, publicTorsion: boolean, nonceTorsion: boolean) {
  const [a, r] = [11n, 13n];
  const A = publicTorsion ? Point.BASE.multiply(a).add(TORSION) : Point.BASE.multiply(a);
  const R = nonceTorsion ? Point.BASE.multiply(r).add(TORSION) : Point.BASE.multiply(r);
  const k = scalar(sha512(concat(R.toBytes(), A.toBytes(), message))) % ORDER;
  const s = (r + k * a) % ORDER;
  return { publicKey: A.toBytes(), signature: concat(R.toBytes(), scalarBytes(s)) };
}

describe.each([
  ["noble", nobleSuite],
  ["node", nodeSuite],
])("TLOG-3: suite %s", (_, suite) => {
  test("SHA-256", () => {
    expect(hex(suite.sha256(utf8("abc")))).toBe(
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
  });

  test("RFC 8032 §7.1 test 2", () => {
    const seed = fromHex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
    const signature =
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
    const publicKey = suite.publicKeyOf(seed);
    expect(hex(publicKey)).toBe("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    expect(hex(suite.signEd25519(seed, Uint8Array.of(0x72)))).toBe(signature);
    expect(suite.verifyEd25519(publicKey, Uint8Array.of(0x72), fromHex(signature))).toBe(true);
    expect(suite.verifyEd25519(publicKey, Uint8Array.of(0x73), fromHex(signature))).toBe(false);
    expect(suite.verifyEd25519(publicKey, Uint8Array.of(0x72), fromHex(signature).slice(0, 63))).toBe(false);
  });

  test("signatures of a signer who plays with points of small order get the same answer from both", () => {
    const message = utf8("a message");
    for (const [publicTorsion, nonceTorsion, accepted] of [
      [false, false, true],
      // Acceptable to a verifier that multiplies by the cofactor.
      [false, true, false],
      [true, true, false],
    ] as const) {
      const { publicKey, signature } = signTwisted(message, publicTorsion, nonceTorsion);
      expect(suite.verifyEd25519(publicKey, message, signature)).toBe(accepted);
    }
  });

  test("a signature has one encoding: s below the order, R canonical", () => {
    const message = utf8("a message");
    const { publicKey, signature } = signTwisted(message, false, false);
    const s = scalar(signature.slice(32));
    expect(
      suite.verifyEd25519(publicKey, message, concat(signature.slice(0, 32), scalarBytes(s + ORDER))),
    ).toBe(false);
    for (const R of ["01", "ee"]) {
      // The identity as y = 1, and y = p + 1 for the same point: s makes the equation hold for both.
      const nonce = fromHex(R === "01" ? `01${"00".repeat(31)}` : `ee${"ff".repeat(30)}7f`);
      const k = scalar(sha512(concat(nonce, publicKey, message))) % ORDER;
      const forged = concat(nonce, scalarBytes((k * 11n) % ORDER));
      expect(suite.verifyEd25519(publicKey, message, forged)).toBe(false);
    }
  });

  test("R of small order is refused, also where the equation holds", () => {
    const A = Point.BASE.multiply(11n).add(TORSION);
    const found = new Set<string>();
    for (let n = 0; found.size < 8; n++) {
      // R = −kT depends on k, and k on R: try messages until they fit.
      const message = utf8(`message ${n}`);
      for (let multiple = 0n; multiple < 8n; multiple++) {
        const R = multiple === 0n ? Point.ZERO : TORSION.multiplyUnsafe(multiple);
        const k = scalar(sha512(concat(R.toBytes(), A.toBytes(), message))) % ORDER;
        if ((8n - (k % 8n)) % 8n !== multiple) continue;
        found.add(hex(R.toBytes()));
        const signature = concat(R.toBytes(), scalarBytes((k * 11n) % ORDER));
        expect(suite.verifyEd25519(A.toBytes(), message, signature)).toBe(false);
      }
    }
  });

  test("every flipped bit is refused", () => {
    const message = utf8("a message");
    const seed = new Uint8Array(32).fill(5);
    const publicKey = suite.publicKeyOf(seed);
    const signature = suite.signEd25519(seed, message);
    fc.assert(
      fc.property(fc.nat({ max: 511 }), (bit) => {
        const flipped = signature.with(bit >> 3, (signature[bit >> 3] as number) ^ (1 << (bit & 7)));
        expect(suite.verifyEd25519(publicKey, message, flipped)).toBe(false);
      }),
      { numRuns: 40 },
    );
  });
});

test("TLOG-3: both suites sign and hash alike", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.uint8Array({ maxLength: 200 }),
      (seed, message) => {
        expect(nodeSuite.signEd25519(seed, message)).toEqual(nobleSuite.signEd25519(seed, message));
        expect(nodeSuite.publicKeyOf(seed)).toEqual(nobleSuite.publicKeyOf(seed));
        expect(nodeSuite.sha256(message)).toEqual(nobleSuite.sha256(message));
      },
    ),
    { numRuns: 30 },
  );
});
