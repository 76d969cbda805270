import { concat, hex, utf8 } from "@porchlight/encoding";
import { ibeBase, ibeSeal, sealTo } from "@porchlight/quorum";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  accessLabel,
  type EnvelopeErrorCode,
  type EnvelopeHeader,
  escrowSecret,
  formatHeader,
  nobleSuite,
  openEnvelope,
  parseEnvelope,
  peelOuter,
  rosterOf,
  sealEnvelope,
  verifyEnvelope,
} from "../src/index.ts";
import { makeLayers } from "../src/layers.ts";
import { signContent } from "../src/mls.ts";
import { nodeSuite } from "../src/node-suite.ts";
import { device, escrow, groupContext, seed } from "./device.ts";
import { codeOf, flip } from "./refusal.ts";

const suite = nodeSuite;
const bea = device("bea", suite);
const { header, secret } = bea;
const { keys, providerSecret, labelKey } = escrow();
const key = labelKey(header);
const base = ibeBase(keys.mpk, accessLabel(header.label));
const { envelope, inner } = sealEnvelope({ header, secret, keys, sign: bea.sign, base });
const headerBytes = formatHeader(header);
const OUTER_AT = 4 + headerBytes.length;
const SIGNATURE_AT = envelope.length - 64;

const verify = (changed: {
  readonly envelope?: Uint8Array;
  readonly expected?: EnvelopeHeader;
  readonly secret?: typeof secret;
  readonly keys?: typeof keys;
}) => codeOf(() => verifyEnvelope({ envelope, expected: header, secret, keys, suite, base, ...changed }));

const open = (changed: {
  readonly envelope?: Uint8Array;
  readonly inner?: Uint8Array;
  readonly labelKey?: Uint8Array;
}) => codeOf(() => openEnvelope({ envelope, inner, labelKey: key, keys, suite, base, ...changed }));

/** Any two layers under the device's own, valid signature: what a sender could post who means to escape. */
function signedBySender(inner: Uint8Array, outer: Uint8Array, bytes = headerBytes): Uint8Array {
  const digest = concat(bytes, suite.hash(inner), suite.hash(outer));
  const length = Uint8Array.of(0, 0, bytes.length >> 8, bytes.length & 0xff);
  return concat(length, bytes, outer, bea.sign(signContent("PorchlightEnvelope", digest)));
}

describe("envelope", () => {
  test("ENV-21 to ENV-35: sealed, verified, peeled, opened", () => {
    expect(verify({})).toBe("accepted");
    const peeled = peelOuter(parseEnvelope(envelope), providerSecret);
    expect(peeled).toEqual(inner);
    expect(openEnvelope({ envelope, inner: peeled, labelKey: key, keys, suite })).toEqual(secret);
  });

  test("ENV-21: sealing twice gives the same bytes, with and without a cached base", () => {
    expect(sealEnvelope({ header, secret, keys, sign: bea.sign })).toEqual({ envelope, inner });
  });

  test("ENV-25: at most 2,200 bytes with the GroupContext of a real conversation", () => {
    expect(envelope.length).toBeLessThanOrEqual(2200);
    expect(envelope.length - header.groupContext.length).toBe(1730);
  });

  test("ENV-14: a header that recipients would refuse is not sealed", () => {
    const seal = (changed: Partial<EnvelopeHeader>) =>
      codeOf(() => sealEnvelope({ header: { ...header, ...changed }, secret, keys, sign: bea.sign, base }));
    expect(seal({ label: { ...header.label, account: device("cyd").owner.id } })).toBe("account-mismatch");
    expect(seal({ deviceKey: device("cyd").header.deviceKey })).toBe("credential-invalid");
    expect(seal({ groupContext: new Uint8Array(0) })).toBe("malformed");
    const long = groupContext(seed("group"), 7, new Uint8Array(65_536));
    expect(seal({ groupContext: long })).toBe("malformed");
  });

  test("ENV-25: neither shorter nor longer", () => {
    for (let length = 0; length < envelope.length; length += 13) {
      expect(codeOf(() => parseEnvelope(envelope.subarray(0, length)))).toBe("malformed");
    }
    expect(codeOf(() => parseEnvelope(envelope.subarray(0, -1)))).toBe("malformed");
    expect(codeOf(() => parseEnvelope(concat(envelope, Uint8Array.of(0))))).toBe("malformed");
  });
});

describe("recipient", () => {
  const others = device("cyd").header;
  const expectedOtherwise: [string, Partial<EnvelopeHeader>][] = [
    [
      "label-mismatch",
      { label: { ...header.label, day: (header.label.day + 1) as typeof header.label.day } },
    ],
    ["leaf-mismatch", { leafIndex: header.leafIndex + 1 }],
    ["group-context-mismatch", { groupContext: groupContext(seed("group"), 8) }],
    ["roster-mismatch", { roster: rosterOf([bea.owner.id]) }],
    ["device-mismatch", { deviceKey: others.deviceKey }],
    ["credential-mismatch", { credential: others.credential }],
  ];

  test.each(expectedOtherwise)("ENV-30: its own state says otherwise: %s", (code, changed) => {
    expect(verify({ expected: { ...header, ...changed } })).toBe(code);
  });

  test("ENV-14: a credential for another device is refused even where the state agrees with it", () => {
    const lent: EnvelopeHeader = { ...header, credential: others.credential };
    const { outer } = parseEnvelope(envelope);
    const lentEnvelope = signedBySender(inner, outer, formatHeader(lent));
    expect(verify({ envelope: lentEnvelope, expected: lent })).toBe("credential-invalid");
  });

  test("ENV-31: every changed bit of the header is refused", () => {
    for (let bit = 32; bit < OUTER_AT * 8; bit++)
      expect(verify({ envelope: flip(envelope, bit) })).not.toBe("accepted");
  });

  test("ENV-31, ENV-32: changed bits of both layers and the signature are refused", () => {
    for (let bit = OUTER_AT * 8; bit < SIGNATURE_AT * 8; bit += 211) {
      expect(verify({ envelope: flip(envelope, bit) })).toBe("outer-mismatch");
    }
    for (let bit = SIGNATURE_AT * 8; bit < envelope.length * 8; bit += 31) {
      expect(verify({ envelope: flip(envelope, bit) })).toBe("signature");
    }
    fc.assert(
      fc.property(fc.nat(envelope.length * 8 - 1), (bit) => {
        expect(verify({ envelope: flip(envelope, bit) })).not.toBe("accepted");
      }),
      { numRuns: 20 },
    );
  });

  test("ENV-31: other 64 bytes are refused", () => {
    const other = escrowSecret(seed("other leaf secret"), secret.slice(32));
    const wrong = sealEnvelope({ header, secret: other, keys, sign: bea.sign, base });
    expect(verify({ envelope: wrong.envelope })).toBe("outer-mismatch");
    const otherSender = escrowSecret(secret.slice(0, 32), seed("other sender data secret"));
    expect(
      verify({
        envelope: sealEnvelope({ header, secret: otherSender, keys, sign: bea.sign, base }).envelope,
      }),
    ).toBe("outer-mismatch");
  });

  test("ENV-31: the right 64 bytes under another σ are refused, by recipient and opener alike", () => {
    const label = accessLabel(header.label);
    const other = ibeSeal({ mpk: keys.mpk, label, message: secret, seed: seed("chosen sigma"), base });
    const outer = sealTo(
      keys.providerKey,
      other,
      utf8("porchlight-v1/outer"),
      headerBytes,
      seed64("chosen seed"),
    );
    const escaped = signedBySender(other, outer);
    expect(verify({ envelope: escaped })).toBe("outer-mismatch");
    expect(peelOuter(parseEnvelope(escaped), providerSecret)).toEqual(other);
    expect(open({ envelope: escaped, inner: other })).toBe("inner-mismatch");
  });

  test("ENV-31: the right inner layer under a chosen encapsulation is refused, by recipient and opener alike", () => {
    const outer = sealTo(
      keys.providerKey,
      inner,
      utf8("porchlight-v1/outer"),
      headerBytes,
      seed64("chosen seed"),
    );
    const escaped = signedBySender(inner, outer);
    expect(verify({ envelope: escaped })).toBe("outer-mismatch");
    expect(open({ envelope: escaped })).toBe("outer-mismatch");
  });

  test("ENV-31: an inner layer that opens to nothing is refused", () => {
    const junk = seed64("junk");
    const nothing = concat(junk, junk, junk, junk.subarray(0, 8));
    const outer = sealTo(
      keys.providerKey,
      nothing,
      utf8("porchlight-v1/outer"),
      headerBytes,
      seed64("chosen"),
    );
    const escaped = signedBySender(nothing, outer);
    expect(verify({ envelope: escaped })).toBe("outer-mismatch");
    expect(open({ envelope: escaped, inner: nothing })).toBe("inner-refused");
  });

  test("ENV-33: sealed to another provider or master key is refused", () => {
    const second = escrow("second");
    const wrongProvider = { ...keys, providerKey: second.keys.providerKey };
    expect(verify({ keys: wrongProvider })).toBe("outer-mismatch");
    const elsewhere = sealEnvelope({ header, secret, keys: second.keys, sign: bea.sign });
    expect(verify({ envelope: elsewhere.envelope })).toBe("outer-mismatch");
    expect(codeOf(() => peelOuter(parseEnvelope(elsewhere.envelope), providerSecret))).toBe("outer-refused");
    expect(codeOf(() => peelOuter(parseEnvelope(envelope), second.providerSecret))).toBe("outer-refused");
  });

  test("ENV-26: another member's signature is refused", () => {
    const cyd = device("cyd");
    const posted = sealEnvelope({ header, secret, keys, sign: cyd.sign, base }).envelope;
    expect(verify({ envelope: posted })).toBe("signature");
  });

  test("ENV-26: a signature under another MLS label is refused", () => {
    const { outer } = parseEnvelope(envelope);
    const digest = concat(headerBytes, suite.hash(inner), suite.hash(outer));
    const signature = bea.sign(signContent("FramedContentTBS", digest));
    expect(verify({ envelope: concat(envelope.subarray(0, SIGNATURE_AT), signature) })).toBe("signature");
  });
});

describe("provider and opener", () => {
  test("ENV-34: a header changed after sealing does not peel", () => {
    const parsed = parseEnvelope(envelope);
    expect(codeOf(() => peelOuter({ ...parsed, headerBytes: flip(headerBytes, 900) }, providerSecret))).toBe(
      "outer-refused",
    );
  });

  test("ENV-35: what a device sealed under another's name opens for nobody", () => {
    const cyd = device("cyd");
    const pretended: [EnvelopeErrorCode, EnvelopeHeader][] = [
      ["account-mismatch", { ...header, label: { ...header.label, account: cyd.owner.id } }],
      ["credential-invalid", { ...header, credential: cyd.header.credential }],
    ];
    for (const [code, other] of pretended) {
      const layers = makeLayers(other, secret, keys);
      const made = signedBySender(layers.inner, layers.outer, layers.headerBytes);
      const opened = { envelope: made, inner: layers.inner, labelKey: labelKey(other), keys, suite };
      expect(codeOf(() => openEnvelope(opened))).toBe(code);
    }
  });

  test("ENV-35: every changed bit of the envelope is refused", () => {
    for (let bit = 0; bit < envelope.length * 8; bit += 11) {
      expect(open({ envelope: flip(envelope, bit) })).not.toBe("accepted");
    }
  });

  test("ENV-35: every changed byte of the inner layer is refused", () => {
    for (let byte = 0; byte < inner.length; byte++)
      expect(open({ inner: flip(inner, byte * 8 + 3) })).toBe("signature");
  });

  test("ENV-35: the key of another label opens nothing", () => {
    const otherDay = { ...header.label, day: (header.label.day - 1) as typeof header.label.day };
    const otherAccount = { ...header.label, account: device("cyd").owner.id };
    for (const label of [otherDay, otherAccount]) {
      expect(open({ labelKey: labelKey({ ...header, label }) })).toBe("inner-refused");
    }
    expect(open({ labelKey: escrow("second").labelKey(header) })).toBe("inner-refused");
    expect(open({ labelKey: new Uint8Array(48) })).toBe("inner-refused");
  });

  test("ENV-35: noble and node open the same bytes", () => {
    for (const each of [nobleSuite, nodeSuite]) {
      const opened = openEnvelope({ envelope, inner, labelKey: key, keys, suite: each, base });
      expect(hex(opened)).toBe(hex(secret));
    }
  });
});

function seed64(name: string): Uint8Array {
  return concat(seed(`${name} 1`), seed(`${name} 2`));
}
