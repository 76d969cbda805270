import { readFileSync } from "node:fs";
import { accountId, commitment, dayNumber, equalBytes, fromHex, hex } from "@porchlight/encoding";
import { ibeBase, ibeOpen, openFrom } from "@porchlight/quorum";
import { describe, expect, test } from "vitest";
import {
  accessLabel,
  checkEnvelopeSignature,
  checkFranking,
  createOpener,
  type EnvelopeErrorCode,
  formatAuthenticatedData,
  formatHeader,
  formatPlaintext,
  frankingField,
  makeCredential,
  nobleSuite,
  noticeLabel,
  openEnvelope,
  parseAccessLabel,
  parseAuthenticatedData,
  parseEnvelope,
  parseEscrowSecret,
  parseGroupContext,
  parseHeader,
  parseNoticeLabel,
  parsePlaintext,
  peelOuter,
  rosterOf,
  sealEnvelope,
  verifyCredential,
  verifyEnvelope,
} from "../src/index.ts";
import { nodeSuite } from "../src/node-suite.ts";
import { codeOf } from "./refusal.ts";

type Refused = { readonly code: EnvelopeErrorCode };
const vectors = JSON.parse(
  readFileSync(new URL("../../../vectors/envelope.json", import.meta.url), "utf8"),
) as {
  accessLabel: { charter: string; conversation: string; account: string; day: number; bytes: string };
  noticeLabel: { commitment: string; day: number; bytes: string };
  credential: {
    identitySeed: string;
    identityKey: string;
    deviceKey: string;
    account: string;
    bytes: string;
  };
  roster: { accounts: string[]; digest: string };
  authenticatedData: { day: number; counter: number; franking: string | null; bytes: string }[];
  franking: { key: string; content: string; applicationData: string; field: string };
  envelope: Record<
    | "deviceSeed"
    | "mpk"
    | "providerSeed"
    | "providerKey"
    | "escrowSecret"
    | "header"
    | "sigma"
    | "outerSeed"
    | "inner"
    | "outer"
    | "signature"
    | "bytes"
    | "groupContext"
    | "labelKey",
    string
  > & { leafIndex: number };
  refusedByRecipients: (Refused & { what: string; offset: number })[];
  messages: { generation: number; text: string; wire: string }[];
  refusedMessages: (Refused & { wire: string })[];
  groupContexts: {
    accepted: { groupId: string; epoch: number; bytes: string };
    refused: { what: string; bytes: string }[];
  };
  ed25519: { refused: { what: string; key: string; message: string; signature: string }[] };
};
const sealed = vectors.envelope;
const keys = { mpk: fromHex(sealed.mpk), providerKey: fromHex(sealed.providerKey) };
const header = parseHeader(fromHex(sealed.header));
const secret = parseEscrowSecret(fromHex(sealed.escrowSecret));
const base = ibeBase(keys.mpk, accessLabel(header.label));

describe("vectors/envelope.json", () => {
  test("ENV-1, ENV-2: labels", () => {
    const { bytes, ...fields } = vectors.accessLabel;
    const label = parseAccessLabel(fromHex(bytes, 121));
    expect(label).toEqual(fields);
    expect(hex(accessLabel(label))).toBe(bytes);
    const notice = {
      commitment: commitment(vectors.noticeLabel.commitment),
      day: dayNumber(vectors.noticeLabel.day),
    };
    expect(hex(noticeLabel(notice))).toBe(vectors.noticeLabel.bytes);
    expect(parseNoticeLabel(fromHex(vectors.noticeLabel.bytes, 57))).toEqual(notice);
  });

  test("ENV-10, ENV-11: credential", () => {
    const { identitySeed, identityKey, deviceKey, account, bytes } = vectors.credential;
    const made = makeCredential({
      identityKey: fromHex(identityKey),
      deviceKey: fromHex(deviceKey),
      sign: (message) => nobleSuite.ed25519Sign(fromHex(identitySeed), message),
    });
    expect(hex(made)).toBe(bytes);
    expect(verifyCredential(made, fromHex(deviceKey))).toBe(account);
    expect(verifyCredential(made, fromHex(deviceKey), nodeSuite)).toBe(account);
  });

  test("ENV-13: roster", () => {
    expect(hex(rosterOf(vectors.roster.accounts.map(accountId)))).toBe(vectors.roster.digest);
  });

  test("ENV-40 to ENV-43: authenticated data and franking", () => {
    for (const { day, counter, franking, bytes } of vectors.authenticatedData) {
      const data = { day: dayNumber(day), counter, franking: franking === null ? null : fromHex(franking) };
      expect(hex(formatAuthenticatedData(data))).toBe(bytes);
      expect(parseAuthenticatedData(fromHex(bytes))).toEqual(data);
    }
    const { key, content, applicationData, field } = vectors.franking;
    const plaintext = { frankingKey: fromHex(key), content: fromHex(content) };
    expect(hex(formatPlaintext(plaintext))).toBe(applicationData);
    expect(parsePlaintext(fromHex(applicationData))).toEqual(plaintext);
    expect(hex(frankingField(plaintext.frankingKey, plaintext.content))).toBe(field);
  });

  test("ENV-12: header", () => {
    expect(hex(formatHeader(header))).toBe(sealed.header);
    expect(hex(header.groupContext)).toBe(sealed.groupContext);
    expect(header.leafIndex).toBe(sealed.leafIndex);
  });

  test("ENV-21 to ENV-26: sealing gives these bytes", () => {
    const sign = (message: Uint8Array): Uint8Array =>
      nobleSuite.ed25519Sign(fromHex(sealed.deviceSeed), message);
    const made = sealEnvelope({ header, secret, keys, sign, base });
    expect(hex(made.inner)).toBe(sealed.inner);
    expect(hex(made.envelope)).toBe(sealed.bytes);
    const parsed = parseEnvelope(made.envelope);
    expect(hex(parsed.outer)).toBe(sealed.outer);
    expect(hex(parsed.signature)).toBe(sealed.signature);
  });

  test.each([
    ["noble", nobleSuite],
    ["node", nodeSuite],
  ])("ENV-30, ENV-34, ENV-35: verified, peeled and opened (%s)", (_, suite) => {
    const envelope = fromHex(sealed.bytes);
    verifyEnvelope({ envelope, expected: header, secret, keys, suite, base });
    const inner = peelOuter(parseEnvelope(envelope), fromHex(sealed.providerSeed));
    expect(hex(inner)).toBe(sealed.inner);
    checkEnvelopeSignature(parseEnvelope(envelope), inner, suite);
    const opened = openEnvelope({ envelope, inner, labelKey: fromHex(sealed.labelKey), keys, suite });
    expect(hex(opened)).toBe(sealed.escrowSecret);
  });

  test("ENV-22: the inner layer is the quorum's IBE under the access label", () => {
    const message = ibeOpen({
      mpk: keys.mpk,
      label: accessLabel(header.label),
      labelKey: fromHex(sealed.labelKey),
      ciphertext: fromHex(sealed.inner),
      base,
    });
    expect(hex(message)).toBe(sealed.escrowSecret);
  });

  test("ENV-24: the outer layer is the sealed box with the header as aad", () => {
    const info = new Uint8Array(Buffer.from("porchlight-v1/outer"));
    const open = (aad: Uint8Array) =>
      openFrom(fromHex(sealed.providerSeed), fromHex(sealed.outer), info, aad);
    expect(hex(open(fromHex(sealed.header)))).toBe(sealed.inner);
    expect(() => open(fromHex(sealed.header).fill(0, 0, 1))).toThrow();
  });

  test.each(vectors.refusedByRecipients)("ENV-30 to ENV-33: changed $what: $code", ({ offset, code }) => {
    const envelope = fromHex(sealed.bytes);
    envelope[offset] = (envelope[offset] as number) ^ 1;
    expect(
      codeOf(() => verifyEnvelope({ envelope, expected: header, secret, keys, suite: nobleSuite, base })),
    ).toBe(code);
  });

  test.each([
    ["noble", nobleSuite],
    ["node", nodeSuite],
  ])("ENV-50 to ENV-57: messages (%s)", (_, suite) => {
    const opener = createOpener({ secret, header, suite });
    for (const { generation, text, wire } of vectors.messages) {
      const opened = opener.open(fromHex(wire));
      const { content } = checkFranking(opened.authenticatedData, opened.content);
      expect(opened.generation).toBe(generation);
      expect(opened.authenticatedData.counter).toBe(generation);
      expect(equalBytes(content, new Uint8Array(Buffer.from(text)))).toBe(true);
    }
    for (const { code, wire } of vectors.refusedMessages) {
      expect(codeOf(() => opener.open(fromHex(wire)))).toBe(code);
    }
  });

  test("ENV-16: GroupContext", () => {
    const { accepted, refused } = vectors.groupContexts;
    const context = parseGroupContext(fromHex(accepted.bytes));
    expect(hex(context.groupId)).toBe(accepted.groupId);
    expect(context.epoch).toBe(accepted.epoch);
    for (const { bytes } of refused) {
      expect(codeOf(() => parseGroupContext(fromHex(bytes)))).toMatch(/^(malformed|.*-unsupported)$/);
    }
  });

  test("ENV-15: signatures that only a laxer verifier accepts", () => {
    for (const { key, message, signature } of vectors.ed25519.refused) {
      for (const suite of [nobleSuite, nodeSuite]) {
        expect(suite.ed25519Verify(fromHex(key), fromHex(message), fromHex(signature))).toBe(false);
      }
    }
  });
});
