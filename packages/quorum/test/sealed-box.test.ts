import { readFileSync } from "node:fs";
import { XWing } from "@hpke/hybridkem-x-wing";
import { concat, fromHex, hex, utf8 } from "@porchlight/encoding";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  openFrom,
  SEALED_OVERHEAD,
  sealTo,
  xwingDecapsulate,
  xwingEncapsulate,
  xwingKeygen,
} from "../src/index.ts";
import { flip, seeded } from "./dealer.ts";

const random = seeded("sealed box");
const refused = (open: () => unknown, code = "refused") =>
  expect(open).toThrowError(expect.objectContaining({ name: "QuorumError", code }));

describe("X-Wing", () => {
  const known = JSON.parse(readFileSync(new URL("./known/xwing.json", import.meta.url), "utf8")) as {
    vectors: { seed: string; eseed: string; ss: string; sk: string; pk: string; ct: string }[];
  };
  test.each(known.vectors.map((v, i) => [i + 1, v] as const))(
    "QUO-13: draft-connolly-cfrg-xwing-kem, vector %i",
    (_, { seed, eseed, ss, sk, pk, ct }) => {
      const { publicKey, secretKey } = xwingKeygen(fromHex(seed));
      expect(hex(publicKey)).toBe(pk);
      expect(hex(secretKey)).toBe(sk);
      const { ciphertext, sharedSecret } = xwingEncapsulate(publicKey, fromHex(eseed));
      expect(hex(ciphertext)).toBe(ct);
      expect(hex(sharedSecret)).toBe(ss);
      expect(hex(xwingDecapsulate(ciphertext, secretKey))).toBe(ss);
    },
  );

  test("QUO-13: @hpke/hybridkem-x-wing reads what we encapsulate, and the other way round", async () => {
    const kem = new XWing();
    const { publicKey, secretKey } = xwingKeygen(random(32));
    const theirPrivate = await kem.deserializePrivateKey(secretKey);
    const theirPublic = await kem.deserializePublicKey(publicKey);
    const ours = xwingEncapsulate(publicKey, random(64));
    const read = await kem.decap({ recipientKey: theirPrivate, enc: ours.ciphertext });
    expect(hex(new Uint8Array(read))).toBe(hex(ours.sharedSecret));
    const theirs = await kem.encap({ recipientPublicKey: theirPublic });
    expect(hex(xwingDecapsulate(new Uint8Array(theirs.enc), secretKey))).toBe(
      hex(new Uint8Array(theirs.sharedSecret)),
    );
  });

  test("QUO-13: malformed keys, seeds and ciphertexts are refused", () => {
    const { publicKey, secretKey } = xwingKeygen(random(32));
    refused(() => xwingKeygen(random(31)), "length");
    refused(() => xwingEncapsulate(publicKey.subarray(1), random(64)), "key-invalid");
    refused(() => xwingEncapsulate(publicKey, random(32)), "length");
    // ML-KEM's modulus check: a coefficient of q or more, in an even and in an odd place.
    for (const [place, coefficient] of [
      [0, [0x01, 0x0d]],
      [3 * 200 + 1, [0x10, 0xd0]],
      [1149, [0xff, 0x0f]],
    ] as const) {
      const key = publicKey.slice();
      key.set(coefficient, place);
      refused(() => xwingEncapsulate(key, random(64)), "key-invalid");
    }
    // X25519's all-zero shared secret.
    const lowOrder = concat(publicKey.subarray(0, 1184), new Uint8Array(32));
    refused(() => xwingEncapsulate(lowOrder, random(64)), "key-invalid");
    refused(() => xwingDecapsulate(new Uint8Array(1119), secretKey));
    refused(() => xwingDecapsulate(new Uint8Array(1120), secretKey));
    refused(() => xwingDecapsulate(new Uint8Array(1120), secretKey.subarray(1)), "length");
  });

  test("QUO-13: arguments are left as they were", () => {
    const seed = random(32);
    const before = hex(seed);
    const { publicKey, secretKey } = xwingKeygen(seed);
    const encapsulation = random(64);
    const copy = hex(encapsulation);
    const { ciphertext } = xwingEncapsulate(publicKey, encapsulation);
    xwingDecapsulate(ciphertext, secretKey);
    expect([hex(seed), hex(secretKey), hex(encapsulation)]).toEqual([before, before, copy]);
  });
});

describe("sealed box", () => {
  const { publicKey, secretKey } = xwingKeygen(random(32));
  const [info, aad] = [utf8("use"), utf8("context")];

  test("QUO-14: opens to what was sealed; deterministic in the seed", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.uint8Array({ minLength: 64, maxLength: 64 }),
        (content, seed) => {
          const box = sealTo(publicKey, content, info, aad, seed);
          expect(box.length).toBe(content.length + SEALED_OVERHEAD);
          expect(hex(openFrom(secretKey, box, info, aad))).toBe(hex(content));
          expect(hex(sealTo(publicKey, content, info, aad, seed))).toBe(hex(box));
        },
      ),
      { numRuns: 8, seed: 1 },
    );
  });

  test("QUO-14: another key, use or context, a flipped bit, missing or added bytes are refused alike", () => {
    const box = sealTo(publicKey, utf8("thirty-two bytes of a share ...."), info, aad, random(64));
    refused(() => openFrom(xwingKeygen(random(32)).secretKey, box, info, aad));
    refused(() => openFrom(secretKey, box, utf8("other"), aad));
    refused(() => openFrom(secretKey, box, info, utf8("other")));
    refused(() => openFrom(secretKey, box, concat(info, aad), new Uint8Array()));
    refused(() => openFrom(secretKey, box.subarray(0, -1), info, aad));
    refused(() => openFrom(secretKey, concat(box, new Uint8Array(1)), info, aad));
    refused(() => openFrom(secretKey, box.subarray(0, 1167), info, aad));
    for (let byte = 0; byte < box.length; byte += byte < 1120 ? 37 : 1) {
      refused(() => openFrom(secretKey, flip(box, 8 * byte + (byte % 8)), info, aad));
    }
    // The bit that X25519 ignores is covered all the same.
    refused(() => openFrom(secretKey, flip(box, 8 * 1119), info, aad));
  });
});
