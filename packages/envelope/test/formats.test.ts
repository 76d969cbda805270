import {
  accountId,
  charterId,
  commitment,
  concat,
  conversationId,
  dayNumber,
  hex,
  Reader,
  utf8,
} from "@porchlight/encoding";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  ACCESS_LABEL_LENGTH,
  AUTHENTICATED_DATA_LENGTH,
  accessLabel,
  CREDENTIAL_LENGTH,
  checkFranking,
  escrowSecret,
  formatAuthenticatedData,
  formatHeader,
  formatPlaintext,
  frankingField,
  makeCredential,
  NOTICE_LABEL_LENGTH,
  nobleSuite,
  noticeLabel,
  parseAccessLabel,
  parseAuthenticatedData,
  parseCredential,
  parseEscrowSecret,
  parseGroupContext,
  parseHeader,
  parseNoticeLabel,
  parsePlaintext,
  rosterOf,
  verifyCredential,
} from "../src/index.ts";
import { readVector, vector } from "../src/mls.ts";
import { account, device, groupContext, seed } from "./device.ts";
import { codeOf, flip } from "./refusal.ts";

const id = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(hex);
const day = fc.nat(2 ** 32 - 1).map(dayNumber);

/** No format accepts a prefix of a valid text, or one with a byte more. */
function exact(bytes: Uint8Array, parse: (bytes: Uint8Array) => unknown): void {
  for (let length = 0; length < bytes.length; length++) {
    expect(codeOf(() => parse(bytes.subarray(0, length)))).toBe("malformed");
  }
  expect(codeOf(() => parse(concat(bytes, Uint8Array.of(0))))).toBe("malformed");
}

describe("labels", () => {
  const access = fc.record({
    charter: id.map(charterId),
    conversation: id.map(conversationId),
    account: id.map(accountId),
    day,
  });

  test("ENV-1: access labels round-trip in 121 bytes, and nothing shorter or longer is one", () => {
    fc.assert(
      fc.property(access, (label) => {
        const bytes = accessLabel(label);
        expect(bytes).toHaveLength(ACCESS_LABEL_LENGTH);
        expect(parseAccessLabel(bytes)).toEqual(label);
        exact(bytes, parseAccessLabel);
      }),
      { numRuns: 10 },
    );
  });

  test("ENV-2: notice labels round-trip in 57 bytes", () => {
    fc.assert(
      fc.property(id, day, (text, day) => {
        const label = { commitment: commitment(text), day };
        const bytes = noticeLabel(label);
        expect(bytes).toHaveLength(NOTICE_LABEL_LENGTH);
        expect(parseNoticeLabel(bytes)).toEqual(label);
        exact(bytes, parseNoticeLabel);
      }),
      { numRuns: 10 },
    );
  });

  test("ENV-3: no label of one domain is one of the other", () => {
    const { label } = device("bea").header;
    const bytes = accessLabel(label);
    expect(codeOf(() => parseNoticeLabel(bytes.subarray(0, NOTICE_LABEL_LENGTH)))).toBe("malformed");
    for (let bit = 0; bit < 21 * 8; bit++)
      expect(codeOf(() => parseAccessLabel(flip(bytes, bit)))).toBe("malformed");
  });
});

describe("credential", () => {
  const bea = device("bea");

  test("ENV-10: 97 bytes, nothing shorter or longer", () => {
    expect(bea.header.credential).toHaveLength(CREDENTIAL_LENGTH);
    exact(bea.header.credential, parseCredential);
  });

  test("ENV-11: only the account's own signature over this device key", () => {
    const { credential, deviceKey } = bea.header;
    expect(verifyCredential(credential, deviceKey)).toBe(bea.owner.id);
    expect(codeOf(() => verifyCredential(credential, device("cyd").header.deviceKey))).toBe(
      "credential-invalid",
    );
    expect(codeOf(() => verifyCredential(credential, deviceKey.subarray(1)))).toBe("credential-invalid");
    for (let bit = 0; bit < credential.length * 8; bit += 7) {
      expect(codeOf(() => verifyCredential(flip(credential, bit), deviceKey))).toMatch(
        bit < 8 ? /version-unsupported/ : /credential-invalid/,
      );
    }
  });

  test("ENV-11: a provider that signs with its own key makes its own account, not this one", () => {
    const provider = account("provider");
    const invented = makeCredential({
      identityKey: provider.identityKey,
      deviceKey: bea.header.deviceKey,
      sign: (message) => nobleSuite.ed25519Sign(provider.identitySeed, message),
    });
    expect(verifyCredential(invented, bea.header.deviceKey)).not.toBe(bea.owner.id);
    const pretended = makeCredential({
      identityKey: bea.owner.identityKey,
      deviceKey: bea.header.deviceKey,
      sign: (message) => nobleSuite.ed25519Sign(provider.identitySeed, message),
    });
    expect(codeOf(() => verifyCredential(pretended, bea.header.deviceKey))).toBe("credential-invalid");
  });
});

describe("header", () => {
  const { header } = device("bea");

  test("ENV-12: round trip; nothing shorter or longer", () => {
    const bytes = formatHeader(header);
    expect(parseHeader(bytes)).toEqual(header);
    exact(bytes, parseHeader);
  });

  test("ENV-12: another version or suite says so", () => {
    const bytes = formatHeader(header);
    expect(codeOf(() => parseHeader(flip(bytes, 0)))).toBe("version-unsupported");
    expect(codeOf(() => parseHeader(flip(bytes, 8)))).toBe("suite-unsupported");
  });

  test("ENV-12: a GroupContext or credential that does not parse is refused with the header", () => {
    expect(
      codeOf(() => parseHeader(formatHeader({ ...header, groupContext: utf8("no GroupContext") }))),
    ).not.toBe("accepted");
    expect(codeOf(() => parseHeader(formatHeader({ ...header, credential: new Uint8Array(96) })))).not.toBe(
      "accepted",
    );
  });

  test("ENV-13: the roster is a set: order and repetition change nothing, a member does", () => {
    const ids = ["ada", "bea", "cyd", "dan"].map((name) => account(name).id);
    const roster = rosterOf(ids);
    fc.assert(
      fc.property(fc.shuffledSubarray([...ids, ...ids], { minLength: 8, maxLength: 8 }), (shuffled) => {
        expect(rosterOf(shuffled)).toEqual(roster);
      }),
    );
    expect(rosterOf(ids.slice(1))).not.toEqual(roster);
    expect(codeOf(() => rosterOf([]))).toBe("malformed");
  });
});

describe("GroupContext", () => {
  const bytes = groupContext(seed("group"), 7);

  test("ENV-16: strict: nothing shorter or longer", () => {
    exact(bytes, parseGroupContext);
    expect(parseGroupContext(bytes).extensions).toEqual([{ type: 0xf0a1, data: seed("extension") }]);
  });

  test("ENV-16: an extension twice is refused", () => {
    const extension = concat(Uint8Array.of(0xf0, 0xa1), vector(seed("extension")));
    const head = bytes.subarray(0, bytes.length - vector(extension).length);
    expect(parseGroupContext(concat(head, vector(extension)))).toEqual(parseGroupContext(bytes));
    expect(codeOf(() => parseGroupContext(concat(head, vector(concat(extension, extension)))))).toBe(
      "malformed",
    );
  });

  test("RFC 9420 §2.1.2: vectors round-trip; lengths in more bytes than needed are refused", () => {
    for (const length of [0, 1, 63, 64, 65, 16_383, 16_384, 70_000]) {
      const bytes = new Uint8Array(length).fill(7);
      const written = vector(bytes);
      expect(written.length - length).toBe(length < 64 ? 1 : length < 16_384 ? 2 : 4);
      const reader = new Reader(written);
      expect(readVector(reader, "vector")).toEqual(bytes);
      reader.end();
    }
    for (const long of [
      [0x40, 63],
      [0x80, 0, 0, 63],
      [0x80, 0, 0x3f, 0xff],
      [0xc0, 0, 0, 0, 0, 0, 0, 1],
    ]) {
      const bytes = concat(Uint8Array.from(long), new Uint8Array(20_000));
      expect(() => readVector(new Reader(bytes), "vector")).toThrow();
    }
  });
});

describe("authenticated data and franking", () => {
  test("ENV-40: 41 bytes, round trip, nothing shorter or longer; zero means none", () => {
    fc.assert(
      fc.property(
        day,
        fc.nat(2 ** 32 - 1),
        fc.option(fc.uint8Array({ minLength: 32, maxLength: 32 })),
        (day, counter, field) => {
          const franking = field?.some((byte) => byte !== 0) === true ? field : null;
          const bytes = formatAuthenticatedData({ day, counter, franking });
          expect(bytes).toHaveLength(AUTHENTICATED_DATA_LENGTH);
          expect(parseAuthenticatedData(bytes)).toEqual({ day, counter, franking });
          exact(bytes, parseAuthenticatedData);
        },
      ),
      { numRuns: 10 },
    );
    expect(codeOf(() => parseAuthenticatedData(new Uint8Array(41)))).toBe("version-unsupported");
  });

  test("ENV-42, ENV-44: the field proves this content under this key only", () => {
    const frankingKey = seed("franking");
    const content = utf8("what was sent");
    const authenticatedData = {
      day: dayNumber(1),
      counter: 0,
      franking: frankingField(frankingKey, content),
    };
    const sent = formatPlaintext({ frankingKey, content });
    expect(checkFranking(authenticatedData, sent)).toEqual({ frankingKey, content });
    for (let bit = 0; bit < sent.length * 8; bit++) {
      expect(codeOf(() => checkFranking(authenticatedData, flip(sent, bit)))).toBe("franking-mismatch");
    }
    expect(codeOf(() => checkFranking({ ...authenticatedData, franking: null }, flip(sent, 300)))).toBe(
      "accepted",
    );
    expect(codeOf(() => parsePlaintext(sent.subarray(0, 31)))).toBe("malformed");
  });

  test("ENV-42: a franking key that HMAC would pad or hash is refused", () => {
    for (const length of [0, 31, 33, 65]) {
      expect(codeOf(() => frankingField(new Uint8Array(length), utf8("content")))).toBe("malformed");
      expect(codeOf(() => formatPlaintext({ frankingKey: new Uint8Array(length), content: utf8("") }))).toBe(
        "malformed",
      );
    }
  });

  test("ENV-20: an escrow secret has 64 bytes", () => {
    expect(codeOf(() => parseEscrowSecret(new Uint8Array(63)))).toBe("malformed");
    expect(codeOf(() => escrowSecret(new Uint8Array(33), new Uint8Array(32)))).toBe("malformed");
    // 31 + 33 bytes are 64, and would shift the border between the two secrets.
    expect(codeOf(() => escrowSecret(new Uint8Array(31), new Uint8Array(33)))).toBe("malformed");
  });
});
