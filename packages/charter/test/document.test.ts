import { base64url, utf8 } from "@porchlight/encoding";
import fc from "fast-check";
import { GeneralSign, generalVerify, importJWK } from "jose";
import { describe, expect, test } from "vitest";
import {
  charterOf,
  HOUSE_ISSUERS,
  publicKeyOf,
  seedOf,
  signerOf,
} from "../../../vectors/fixture/deployment.ts";
import { signedWarrant, warrantDocument } from "../../../vectors/fixture/order.ts";
import {
  addSignature,
  formatSignedDocument,
  parseSignedDocument,
  type SignedDocument,
  signDocument,
  unverifiedPayload,
  verifyDocument,
} from "../src/index.ts";

const NAMES = ["Provider", "Keyholder 1", 'Kéyhölder "2"'];
const KEYS = new Map(NAMES.map((name) => [name, publicKeyOf(name)]));
const PAYLOAD = utf8('{"version":1,"text":"<b>"}');

const document = await signDocument("refusal", PAYLOAD, NAMES.map(signerOf));
const [first, second] = document.signatures as [
  SignedDocument["signatures"][number],
  SignedDocument["signatures"][number],
];

async function verify(changed: unknown, keys = KEYS) {
  return await verifyDocument("refusal", changed as SignedDocument, keys);
}

describe("CHA-1: the signed form", () => {
  test("comes back as it was, with its payload's exact bytes", async () => {
    const bytes = formatSignedDocument(document);
    expect(parseSignedDocument(bytes)).toEqual(document);
    expect(unverifiedPayload(document)).toEqual(PAYLOAD);
    const { payload, signers } = await verify(document);
    expect(payload).toEqual(PAYLOAD);
    expect([...signers]).toEqual(NAMES);
  });

  test("has one encoding", () => {
    const text = new TextDecoder().decode(formatSignedDocument(document));
    const { payload, signatures } = document;
    for (const other of [
      `${text}\n`,
      ` ${text}`,
      JSON.stringify({ signatures, payload }),
      JSON.stringify({
        payload,
        signatures: signatures.map((one) => ({ signature: one.signature, protected: one.protected })),
      }),
      JSON.stringify({ payload, signatures, header: {} }),
      JSON.stringify({ payload, ...first }),
      text.replace('{"payload"', '{"payload":"","payload"'),
      JSON.stringify([document]),
    ]) {
      expect(() => parseSignedDocument(utf8(other))).toThrow();
    }
  });

  test("any flipped bit is refused", async () => {
    const bytes = formatSignedDocument(document);
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(7), async (at, bit) => {
        const flipped = bytes.slice();
        flipped[at] = (flipped[at] as number) ^ (1 << bit);
        await expect((async () => await verify(parseSignedDocument(flipped)))()).rejects.toThrow();
      }),
      { numRuns: 150 },
    );
  });
});

describe("CHA-3: one protected header", () => {
  const header = (text: string) => ({
    ...document,
    signatures: [{ ...first, protected: base64url(utf8(text)) }],
  });

  test("is alg, kid and typ, in this order", () => {
    const text = new TextDecoder().decode(Buffer.from(first.protected, "base64url"));
    expect(text).toBe('{"alg":"EdDSA","kid":"Provider","typ":"porchlight-refusal+json"}');
  });

  test.each([
    '{"alg":"none","kid":"Provider","typ":"porchlight-refusal+json"}',
    '{"alg":"Ed25519","kid":"Provider","typ":"porchlight-refusal+json"}',
    '{"alg":"EdDSA","kid":"Provider","typ":"porchlight-warrant+json"}',
    '{"alg":"EdDSA","kid":"Provider"}',
    '{"alg":"EdDSA","kid":"Provider","typ":"porchlight-refusal+json","crit":["b64"],"b64":false}',
    '{"alg":"EdDSA","kid":"Provider","typ":"porchlight-refusal+json","jwk":{}}',
    '{"kid":"Provider","alg":"EdDSA","typ":"porchlight-refusal+json"}',
    '{"alg": "EdDSA","kid":"Provider","typ":"porchlight-refusal+json"}',
    '{"alg":"EdDSA","kid":"\\u0050rovider","typ":"porchlight-refusal+json"}',
  ])("%s is refused", async (text) => {
    await expect(verify(header(text))).rejects.toMatchObject({ code: "header-invalid" });
  });

  test("a header that is no JSON object, or names a key twice, is refused", async () => {
    for (const text of [
      "",
      "[]",
      "null",
      '{"alg":"EdDSA","kid":"Provider","kid":"Provider","typ":""}',
      '{"alg":"EdDSA"}',
    ]) {
      await expect(verify(header(text))).rejects.toMatchObject({ name: "EncodingError" });
    }
  });
});

describe("CHA-4: one signature that does not hold refuses all", () => {
  test("unknown, twice, missing, or made over something else", async () => {
    const signatures = document.signatures;
    const swapped = { ...first, signature: second.signature };
    await expect(verify({ ...document, signatures: [] })).rejects.toMatchObject({
      code: "signature-missing",
    });
    await expect(verify({ ...document, signatures: [...signatures, first] })).rejects.toMatchObject({
      code: "signer-duplicate",
    });
    await expect(verify({ ...document, signatures: [swapped, second] })).rejects.toMatchObject({
      code: "signature-invalid",
    });
    await expect(verify({ ...document, payload: base64url(utf8("{}")) })).rejects.toMatchObject({
      code: "signature-invalid",
    });
    const fewer = new Map([...KEYS].slice(1));
    await expect(verify(document, fewer)).rejects.toMatchObject({ code: "signer-unknown" });
    const wrong = new Map([...KEYS, ["Provider", publicKeyOf("another")] as const]);
    await expect(verify(document, wrong)).rejects.toMatchObject({ code: "signature-invalid" });
  });

  test("a kind is no other kind", async () => {
    await expect(verifyDocument("warrant", document, KEYS)).rejects.toMatchObject({ code: "header-invalid" });
  });

  test("a signature has 64 bytes, base64url without padding, spare bits zero", async () => {
    const one = (signature: string) => ({ ...document, signatures: [{ ...first, signature }] });
    for (const bad of [
      first.signature.slice(0, -2),
      `${first.signature.slice(0, -1)}=`,
      first.signature.replace(/.$/, "_"),
    ]) {
      await expect(verify(one(bad))).rejects.toMatchObject({ name: "EncodingError" });
    }
  });

  test("nobody signs twice, and who signs later signs the same bytes", async () => {
    await expect(addSignature(document, "refusal", signerOf("Provider"))).rejects.toMatchObject({
      code: "signer-duplicate",
    });
    const alone = await signDocument("refusal", PAYLOAD, [signerOf(NAMES[0] as string)]);
    const both = await addSignature(alone, "refusal", signerOf(NAMES[1] as string));
    expect(both.signatures).toEqual(document.signatures.slice(0, 2));
  });
});

describe("jose, the other implementation", () => {
  const jwk = (name: string) => ({ kty: "OKP", crv: "Ed25519", x: base64url(publicKeyOf(name)) });

  test("verifies every signature that we make", async () => {
    for (const name of NAMES) {
      const { payload } = await generalVerify(document as never, await importJWK(jwk(name), "EdDSA"));
      expect(new Uint8Array(payload)).toEqual(PAYLOAD);
    }
  });

  test("makes signatures that we verify", async () => {
    const sign = new GeneralSign(PAYLOAD);
    for (const name of NAMES) {
      const key = await importJWK({ ...jwk(name), d: base64url(seedOf(name)) }, "EdDSA");
      sign.addSignature(key).setProtectedHeader({ alg: "EdDSA", kid: name, typ: "porchlight-refusal+json" });
    }
    expect(await sign.sign()).toEqual(document);
    expect((await verify(await sign.sign())).signers.size).toBe(NAMES.length);
  });

  test("verifies a house's hold order by each of its two signatures", async () => {
    const house = await charterOf("house");
    const jws = JSON.parse(
      new TextDecoder().decode(await signedWarrant(house, await warrantDocument(house))),
    );
    for (const name of HOUSE_ISSUERS) {
      const { payload, protectedHeader } = await generalVerify(jws, await importJWK(jwk(name), "EdDSA"));
      expect(new Uint8Array(payload)).toEqual(unverifiedPayload(jws));
      expect(protectedHeader).toEqual({ alg: "EdDSA", kid: name, typ: "porchlight-warrant+json" });
    }
  });
});
