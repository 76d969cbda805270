import { ed25519 } from "@noble/curves/ed25519.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { concat, fromHex, hex, utf8 } from "@porchlight/encoding";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nobleSuite } from "../src/index.ts";
import { nodeSuite } from "../src/node-suite.ts";

const { Point } = ed25519;
const L = Point.Fn.ORDER;
const bytes = (maximum: number) => fc.uint8Array({ maxLength: maximum });
const exactly = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

// RFC 8032 §7.1, tests 1 to 3.
const RFC_8032 = [
  {
    seed: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    key: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    message: "",
    signature:
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  },
  {
    seed: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    key: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    message: "72",
    signature:
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  },
  {
    seed: "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
    key: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    message: "af82",
    signature:
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  },
];

describe.each([
  ["noble", nobleSuite],
  ["node", nodeSuite],
])("CipherSuite: %s", (_, suite) => {
  test("FIPS 180-4: SHA-256", () => {
    expect(hex(suite.hash(utf8("abc")))).toBe(
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
  });

  test("RFC 4231: HMAC-SHA-256, test cases 2 and 6 (a key longer than a block)", () => {
    expect(hex(suite.hmac(utf8("Jefe"), utf8("what do ya want for nothing?")))).toBe(
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    );
    expect(
      hex(
        suite.hmac(
          new Uint8Array(131).fill(0xaa),
          utf8("Test Using Larger Than Block-Size Key - Hash Key First"),
        ),
      ),
    ).toBe("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  });

  test("RFC 5869: HKDF, test cases 1 and 3", () => {
    const first = suite.hkdfExtract(fromHex("000102030405060708090a0b0c"), new Uint8Array(22).fill(0x0b));
    expect(hex(first)).toBe("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
    expect(hex(suite.hkdfExpand(first, fromHex("f0f1f2f3f4f5f6f7f8f9"), 42))).toBe(
      "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    );
    const third = suite.hkdfExtract(new Uint8Array(0), new Uint8Array(22).fill(0x0b));
    expect(hex(suite.hkdfExpand(third, new Uint8Array(0), 42))).toBe(
      "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    );
  });

  test("NIST GCM: AES-128, test case 4", () => {
    const key = fromHex("feffe9928665731c6d6a8f9467308308");
    const nonce = fromHex("cafebabefacedbaddecaf888");
    const aad = fromHex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    const plaintext = fromHex(
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
    );
    const sealed = suite.aeadSeal(key, nonce, aad, plaintext);
    expect(hex(sealed)).toBe(
      "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47",
    );
    expect(suite.aeadOpen(key, nonce, aad, sealed)).toEqual(plaintext);
  });

  test("AES-GCM: a changed bit, a short ciphertext, another aad open to null, not to an exception", () => {
    const key = new Uint8Array(16);
    const nonce = new Uint8Array(12);
    const sealed = suite.aeadSeal(key, nonce, utf8("aad"), utf8("text"));
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = sealed.slice();
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(suite.aeadOpen(key, nonce, utf8("aad"), changed)).toBeNull();
    }
    expect(suite.aeadOpen(key, nonce, utf8("dad"), sealed)).toBeNull();
    for (const length of [0, 1, 15]) {
      expect(suite.aeadOpen(key, nonce, utf8("aad"), sealed.subarray(0, length))).toBeNull();
    }
    expect(
      suite.aeadOpen(key, nonce, utf8("aad"), suite.aeadSeal(key, nonce, utf8("aad"), utf8(""))),
    ).toEqual(utf8(""));
  });

  test.each(RFC_8032)("RFC 8032: Ed25519 $message", ({ seed, key, message, signature }) => {
    expect(hex(suite.ed25519Sign(fromHex(seed), fromHex(message)))).toBe(signature);
    expect(suite.ed25519Verify(fromHex(key), fromHex(message), fromHex(signature))).toBe(true);
    expect(suite.ed25519Verify(fromHex(key), utf8("other"), fromHex(signature))).toBe(false);
  });

  test("an Ed25519 seed has 32 bytes", () => {
    for (const length of [0, 31, 33, 64]) {
      expect(() => suite.ed25519Sign(new Uint8Array(length), utf8("message"))).toThrow();
    }
  });

  test("ENV-15: wrong lengths verify to false, never to an exception", () => {
    const { key, message, signature } = RFC_8032[1] as (typeof RFC_8032)[number];
    for (const length of [0, 31, 33, 64]) {
      expect(suite.ed25519Verify(new Uint8Array(length).fill(1), fromHex(message), fromHex(signature))).toBe(
        false,
      );
    }
    for (const length of [0, 63, 65]) {
      expect(suite.ed25519Verify(fromHex(key), fromHex(message), new Uint8Array(length))).toBe(false);
    }
  });

  test("ENV-15: S + L is refused (no second signature of the same message)", () => {
    const { key, message, signature } = RFC_8032[0] as (typeof RFC_8032)[number];
    const s = fromHex(signature)
      .subarray(32)
      .reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
    const again = concat(fromHex(signature).subarray(0, 32), littleEndian(s + L));
    expect(suite.ed25519Verify(fromHex(key), fromHex(message), again)).toBe(false);
  });

  test("ENV-15: public keys of small order and non-canonical ones are refused", () => {
    // With A of order 1 the equation holds for S = 0, R = A and every message.
    const identity = Point.ZERO.toBytes();
    const anything = concat(identity, new Uint8Array(32));
    expect(suite.ed25519Verify(identity, utf8("anything"), anything)).toBe(false);
    // y = p + 1 encodes the same point again.
    const nonCanonical = littleEndian((1n << 255n) - 19n + 1n);
    expect(
      suite.ed25519Verify(nonCanonical, utf8("anything"), concat(nonCanonical, new Uint8Array(32))),
    ).toBe(false);
    const { message, signature } = RFC_8032[0] as (typeof RFC_8032)[number];
    expect(suite.ed25519Verify(new Uint8Array(32).fill(0xff), fromHex(message), fromHex(signature))).toBe(
      false,
    );
  });

  test("ENV-15: a signature that holds only after multiplication by the cofactor is refused", () => {
    // R carries a point of order 8: [8]R = [8]([S]B − [k]A), but R itself differs.
    const torsion = Point.fromHex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a");
    const a = 12_345n;
    const r = 67_890n;
    const key = Point.BASE.multiply(a).toBytes();
    const commitment = Point.BASE.multiply(r).add(torsion).toBytes();
    const message = utf8("seen by some and not by others");
    const digest = sha512(concat(commitment, key, message));
    const k = digest.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n) % L;
    const signature = concat(commitment, littleEndian((r + k * a) % L));
    expect(ed25519.verify(signature, message, key)).toBe(true);
    expect(suite.ed25519Verify(key, message, signature)).toBe(false);
  });

  test("HKDF-Expand: lengths outside 1 to 8160 throw", () => {
    expect(() => suite.hkdfExpand(new Uint8Array(32), utf8(""), 8161)).toThrow();
    expect(suite.hkdfExpand(new Uint8Array(32), utf8(""), 8160)).toHaveLength(8160);
  });
});

describe("CipherSuite: both agree", () => {
  test("on random inputs", () => {
    fc.assert(
      fc.property(
        bytes(200),
        bytes(3000),
        fc.integer({ min: 1, max: 100 }),
        exactly(16),
        exactly(12),
        exactly(32),
        (key, data, length, aesKey, nonce, seed) => {
          expect(nodeSuite.hash(data)).toEqual(nobleSuite.hash(data));
          expect(nodeSuite.hmac(key, data)).toEqual(nobleSuite.hmac(key, data));
          expect(nodeSuite.hkdfExtract(key, data)).toEqual(nobleSuite.hkdfExtract(key, data));
          expect(nodeSuite.hkdfExpand(key, data, length)).toEqual(nobleSuite.hkdfExpand(key, data, length));
          const sealed = nodeSuite.aeadSeal(aesKey, nonce, key, data);
          expect(sealed).toEqual(nobleSuite.aeadSeal(aesKey, nonce, key, data));
          expect(nobleSuite.aeadOpen(aesKey, nonce, key, sealed)).toEqual(data);
          expect(nodeSuite.aeadOpen(aesKey, nonce, key, sealed)).toEqual(data);
          const signature = nodeSuite.ed25519Sign(seed, data);
          expect(signature).toEqual(nobleSuite.ed25519Sign(seed, data));
          const publicKey = ed25519.getPublicKey(seed);
          expect(nodeSuite.ed25519Verify(publicKey, data, signature)).toBe(true);
          expect(nobleSuite.ed25519Verify(publicKey, data, signature)).toBe(true);
        },
      ),
      { numRuns: 25 },
    );
  });

  test("on what they refuse: any changed bit of key or signature", () => {
    const seed = new Uint8Array(32).fill(7);
    const publicKey = ed25519.getPublicKey(seed);
    const message = utf8("message");
    const signed = concat(publicKey, nobleSuite.ed25519Sign(seed, message));
    fc.assert(
      fc.property(fc.nat(signed.length * 8 - 1), (bit) => {
        const changed = signed.slice();
        changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
        for (const suite of [nodeSuite, nobleSuite]) {
          expect(suite.ed25519Verify(changed.subarray(0, 32), message, changed.subarray(32))).toBe(false);
        }
      }),
      { numRuns: 100 },
    );
  });
});

function littleEndian(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}
