import {
  base64,
  type CharterId,
  formatDay,
  type KeyholderIndex,
  keyholderIndex,
  type Period,
  parseDay,
  utf8,
} from "@porchlight/encoding";
import { xwingKeygen } from "@porchlight/quorum";
import { nodeSuite } from "@porchlight/tlog/node";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  CHARTER_SIGNERS,
  charterDocument,
  charterOf,
  KEYHOLDERS,
  keysDocument,
  POLICY,
  publicKeyOf,
  seedOf,
  sharedKey,
  signedCharter,
  signedKeys,
  signedSuccession,
  signerOf,
  successionDocument,
  WEAK_POLICY,
  xwingOf,
} from "../../../vectors/fixture/deployment.ts";
import { ALICE, BOB, statementOf } from "../../../vectors/fixture/order.ts";
import {
  type CharterDocument,
  charterIdOfDocument,
  concentrations,
  erasedAfter,
  formatCharter,
  formatEntry,
  formatKeys,
  formatSuccession,
  type Issuer,
  type Keyholder,
  type KeysDocument,
  keysQuorum,
  MAX_ENTRY_BYTES,
  makeNoticeCard,
  noticeSeedOf,
  parseCharter,
  parseKeys,
  parseSuccession,
  type StatedAccount,
  type SuccessionDocument,
  signDocument,
  verifyCharter,
  verifyKeys,
  verifyNoticeCard,
  verifyStatement,
  verifySuccession,
} from "../src/index.ts";

const document = charterDocument("court");
const bytes = formatCharter(document);
const text = new TextDecoder().decode(bytes);

function refused(changes: Partial<CharterDocument>, code: string, kind: "court" | "house" = "court") {
  expect(() => parseCharter(formatCharter(charterDocument(kind, changes)))).toThrow(
    expect.objectContaining({ code }),
  );
}

const keyholders = (change: (keyholder: CharterDocument["keyholders"][number], i: number) => object) =>
  document.keyholders.map((keyholder, i) => ({ ...keyholder, ...change(keyholder, i) }));

describe("CHA-7: the charter's document", () => {
  test("comes back as it was", () => {
    expect(parseCharter(bytes)).toEqual(document);
    expect(parseCharter(formatCharter(charterDocument("house")))).toEqual(charterDocument("house"));
  });

  test("its id is SHA-256 of the exact bytes", async () => {
    const charter = await charterOf("court");
    expect(charter.id).toBe(charterIdOfDocument(bytes));
    expect(charter.id).not.toBe((await charterOf("house")).id);
  });

  test("has one encoding", () => {
    for (const other of [
      `${text}\n`,
      text.replace(",", ", "),
      text.replace('"version":1', '"version":2'),
      text.replace('"version":1', '"version":1,"more":[]'),
      text.replace('"clock":"replay",', ""),
      text.replace('"clock":"replay"', '"clock":"replay","clock":"system"'),
      text.replace('"clock":"replay"', '"clock":"Replay"'),
      text.replace('"threshold":3', '"threshold":3.0'),
      text.replace("2026-01-01", "2026-1-1"),
      text.replace('"Foundation 1"', '"\\u0046oundation 1"'),
    ]) {
      expect(other).not.toBe(text);
      expect(() => parseCharter(utf8(other))).toThrow(expect.objectContaining({ name: "EncodingError" }));
    }
  });

  test("a changed byte is refused or changes the id", () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const changed = bytes.slice();
        changed[at] = (changed[at] as number) ^ mask;
        try {
          expect(parseCharter(changed)).not.toEqual(document);
        } catch (error) {
          expect(error).toMatchObject({ name: expect.stringMatching(/EncodingError|CharterError/) });
        }
      }),
      { numRuns: 60 },
    );
  });

  test("fits into a log entry with its signatures, also with sixteen keyholders", async () => {
    const entry = formatEntry({ type: "charter", document: await signedCharter(document) });
    const more = (entry.length / KEYHOLDERS.length) * 16;
    expect(more).toBeLessThan(MAX_ENTRY_BYTES);
  });
});

describe("CHA-8: signed by the provider and by all keyholders", () => {
  test("and then it is in force", async () => {
    expect(await verifyCharter(await signedCharter(document))).toMatchObject(document);
  });

  test.each(CHARTER_SIGNERS.map(({ name }) => name))("without %s it is not", async (missing) => {
    const others = CHARTER_SIGNERS.filter(({ name }) => name !== missing);
    await expect(verifyCharter(await signDocument("charter", bytes, others))).rejects.toMatchObject({
      code: "signer-missing",
    });
  });

  test("with a stranger's signature, or a stranger in a keyholder's name, it is not", async () => {
    const more = [...CHARTER_SIGNERS, signerOf("A stranger")];
    await expect(verifyCharter(await signDocument("charter", bytes, more))).rejects.toMatchObject({
      code: "signer-unknown",
    });
    const false_ = CHARTER_SIGNERS.with(3, { name: "Keyholder 3", seed: seedOf("A stranger") });
    await expect(verifyCharter(await signDocument("charter", bytes, false_))).rejects.toMatchObject({
      code: "signature-invalid",
    });
  });

  test("what they signed as another kind of document is no charter", async () => {
    await expect(verifyCharter(await signDocument("keys", bytes, CHARTER_SIGNERS))).rejects.toMatchObject({
      code: "header-invalid",
    });
  });
});

describe("CHA-9 to CHA-14: what makes a charter contradict itself", () => {
  test("CHA-9: dates in order", () => {
    refused({ validFrom: parseDay("2027-01-01") }, "charter-inconsistent");
  });

  test("CHA-10: keyholders 1 to n in order, 2 ≤ t ≤ n", () => {
    refused({ keyholders: document.keyholders.toReversed() }, "charter-inconsistent");
    refused({ keyholders: document.keyholders.slice(1) }, "charter-inconsistent");
    refused({ keyholders: document.keyholders.slice(0, 2) }, "charter-inconsistent");
    refused({ keyholders: [] }, "charter-inconsistent");
    refused({ threshold: 6 }, "charter-inconsistent");
    refused({ threshold: 1 }, "out-of-range");
  });

  test("CHA-24: a house says who inspects it, a court's charter does not", () => {
    const { inspection } = charterDocument("house");
    expect(parseCharter(formatCharter(charterDocument("house"))).inspection).toEqual(inspection);
    refused({ inspection: { inspectors: [], days: 1 } }, "charter-inconsistent", "house");
    refused({ inspection: null }, "missing-field", "house");
    refused({ inspection }, "unknown-field", "court");
    const [inspector] = inspection?.inspectors ?? [];
    const issuer = charterDocument("house").issuers[0] as Issuer;
    for (const twice of [
      { ...(inspector as Issuer), name: issuer.name },
      { ...(inspector as Issuer), key: issuer.key },
    ]) {
      refused({ inspection: { inspectors: [twice], days: 1 } }, "charter-inconsistent", "house");
    }
  });

  test("CHA-11: a court has an issuer, a house two", () => {
    refused({ issuers: [] }, "charter-inconsistent");
    refused({ issuers: charterDocument("house").issuers.slice(1) }, "charter-inconsistent", "house");
  });

  test("CHA-12: one party, one name, one key for one purpose", () => {
    refused(
      { keyholders: keyholders((_, i) => (i === 1 ? { name: "Keyholder 1" } : {})) },
      "charter-inconsistent",
    );
    refused(
      { keyholders: keyholders((_, i) => (i === 1 ? { name: "Provider" } : {})) },
      "charter-inconsistent",
    );
    refused(
      { keyholders: keyholders((_, i) => (i === 1 ? { key: publicKeyOf("Keyholder 1") } : {})) },
      "charter-inconsistent",
    );
    refused(
      { keyholders: keyholders((_, i) => (i === 1 ? { xwing: xwingOf("Keyholder 1") } : {})) },
      "charter-inconsistent",
    );
    refused(
      { keyholders: keyholders((_, i) => (i === 1 ? { xwing: document.provider.xwing } : {})) },
      "charter-inconsistent",
    );
    refused(
      { keyholders: keyholders((_, i) => (i === 1 ? { vkey: document.keyholders[0]?.vkey } : {})) },
      "charter-inconsistent",
    );
    refused({ intake: { key: document.provider.key } }, "charter-inconsistent");
    refused(
      { issuers: [{ name: "Court", title: "Judge", key: document.provider.key }] },
      "charter-inconsistent",
    );
    refused({ issuers: [...document.issuers, ...document.issuers] }, "charter-inconsistent");
  });

  test("CHA-12: a key of small order, or no point, is refused", () => {
    refused(
      { intake: { key: Uint8Array.from([1, ...Array.from({ length: 31 }, () => 0)]) } },
      "charter-inconsistent",
    );
    refused({ intake: { key: new Uint8Array(32).fill(255) } }, "charter-inconsistent");
  });

  test("CHA-12: a log's or witness's key serves nothing else", () => {
    const { log } = document;
    const logKey = Buffer.from(log.vkey.split("+").slice(2).join("+"), "base64").subarray(1);
    refused({ intake: { key: new Uint8Array(logKey) } }, "charter-inconsistent");
    const witness = POLICY.split("\n").find((line) => line.startsWith("witness witness-1"));
    const witnessKey = Buffer.from(witness?.split("+").slice(2).join("+") ?? "", "base64").subarray(1);
    refused({ intake: { key: new Uint8Array(witnessKey) } }, "charter-inconsistent");
  });

  test("CHA-13: the log's name, its one policy in its one form, strong enough", () => {
    const { log } = document;
    const vkeys = document.keyholders.map(({ vkey }) => vkey);
    refused({ log: { ...log, origin: "log.elsewhere.example" } }, "charter-inconsistent");
    refused({ log: { ...log, vkey: vkeys[0] as string } }, "charter-inconsistent");
    refused({ log: { ...log, vkey: "x" } }, "charter-inconsistent");
    refused({ log: { ...log, policy: "" } }, "charter-inconsistent");
    refused({ log: { ...log, policy: `# more\n${POLICY}` } }, "charter-inconsistent");
    refused({ log: { ...log, policy: WEAK_POLICY } }, "policy-weak");
    refused({ log: { ...log, policy: POLICY.replace("keyholders 4", "keyholders 3") } }, "policy-weak");
    refused({ log: { ...log, policy: POLICY.replace("witnesses all", "witnesses 1") } }, "policy-weak");
    refused(
      { keyholders: keyholders((_, i) => (i === 0 ? { vkey: log.vkey } : {})) },
      "charter-inconsistent",
    );
  });

  test("CHA-14: legal bases and categories, each once", () => {
    for (const member of ["legalBases", "offenceCategories"] as const) {
      refused({ [member]: [] }, "charter-inconsistent");
      refused({ [member]: ["a", "a"] }, "charter-inconsistent");
      refused({ [member]: [""] }, "missing-field");
      refused({ [member]: ["a\u202eb"] }, "not-canonical");
    }
  });

  test("addresses and numbers have bounds", () => {
    refused({ deployment: "Test" }, "not-canonical");
    refused({ deployment: "test.example\n" }, "not-canonical");
    refused(
      { keyholders: keyholders((_, i) => (i === 0 ? { url: "javascript:alert(1)" } : {})) },
      "not-canonical",
    );
    refused({ keyholders: keyholders((_, i) => (i === 0 ? { url: "https://a b" } : {})) }, "not-canonical");
    refused({ retentionDays: 0 }, "out-of-range");
    refused({ caps: { ...document.caps, daysPerWarrant: 0 } }, "out-of-range");
    refused({ provider: { ...document.provider, xwing: new Uint8Array(1215) } }, "out-of-range");
  });
});

describe("CHA-15: powers over t keyholders", () => {
  test("none where all differ", () => {
    expect(concentrations(document)).toEqual([]);
  });

  test("are named with how many they reach", () => {
    const shared = {
      ...document,
      keyholders: keyholders((_, i) => (i < 3 ? { jurisdiction: "AT", payer: "A ministry" } : {})),
    };
    expect(concentrations(shared)).toEqual([
      { by: "payer", value: "A ministry", keyholders: 3 },
      { by: "jurisdiction", value: "AT", keyholders: 3 },
    ]);
  });
});

describe("CHA-16 to CHA-19: a key period's keys", () => {
  const PERIOD = "2026-09" as Period;

  async function keysOf(changes: Partial<KeysDocument>) {
    const charter = await charterOf("court");
    return await verifyKeys(await signedKeys({ ...keysDocument(charter, PERIOD), ...changes }), charter);
  }

  test("CHA-16: come back as they were, in one encoding", async () => {
    const keys = keysDocument(await charterOf("court"), PERIOD);
    expect(parseKeys(formatKeys(keys))).toEqual(keys);
    const encoded = new TextDecoder().decode(formatKeys(keys));
    for (const other of [
      `${encoded} `,
      encoded.replace('"generation":1', '"generation":0'),
      encoded.replace("2026-09", "2026-13"),
      encoded.replace('"version":1', '"version":1,"more":0'),
      encoded.replace(/"mpk":"../, '"mpk":"'),
    ]) {
      expect(() => parseKeys(utf8(other))).toThrow(expect.objectContaining({ name: "EncodingError" }));
    }
  });

  test("CHA-17: signed by all keyholders and nobody else", async () => {
    const charter = await charterOf("court");
    const document_ = keysDocument(charter, PERIOD);
    const keys = await verifyKeys(await signedKeys(document_), charter);
    expect(keys.access.threshold).toBe(3);
    expect(base64(keys.access.mpk)).toBe(base64(document_.access.mpk));
    expect(keys.access.verifyingShares.size).toBe(5);
    const encoded = formatKeys(document_);
    const four = CHARTER_SIGNERS.slice(2);
    await expect(verifyKeys(await signDocument("keys", encoded, four), charter)).rejects.toMatchObject({
      code: "signer-missing",
    });
    await expect(
      verifyKeys(await signDocument("keys", encoded, CHARTER_SIGNERS), charter),
    ).rejects.toMatchObject({
      code: "signer-unknown",
    });
  });

  test("CHA-17: who is absent is named and has not signed; of five, four are enough and three are not", async () => {
    const charter = await charterOf("court");
    expect(keysQuorum(charter)).toBe(4);
    const absent = [KEYHOLDERS[1] as KeyholderIndex];
    await expect(keysOf({ absent })).resolves.toMatchObject({ absent });
    const document_ = keysDocument(charter, PERIOD);
    const four = CHARTER_SIGNERS.slice(1).toSpliced(1, 1);
    // A signature taken away does not make an absence, and one too many undoes it.
    for (const [names, signers] of [
      [[], four],
      [absent, CHARTER_SIGNERS.slice(1)],
      [[KEYHOLDERS[2] as KeyholderIndex], four],
    ] as const) {
      const signed = await signDocument("keys", formatKeys({ ...document_, absent: names }), signers);
      await expect(verifyKeys(signed, charter)).rejects.toMatchObject({ code: "signer-missing" });
    }
    await expect(keysOf({ absent: KEYHOLDERS.slice(1, 3) })).rejects.toMatchObject({
      code: "signer-missing",
    });
    await expect(keysOf({ absent: [keyholderIndex(9)] })).rejects.toMatchObject({
      code: "keys-inconsistent",
    });
    for (const text of ["[2,1]", "[2,2]", "[0]"]) {
      const other = new TextDecoder()
        .decode(formatKeys(document_))
        .replace('"absent":[]', `"absent":${text}`);
      expect(() => parseKeys(utf8(other))).toThrow(expect.objectContaining({ name: "EncodingError" }));
    }
  });

  test("CHA-17, CHA-21: after a succession the new keyholder signs, and the old one no longer", async () => {
    const charter = await charterOf("court");
    const succession = successionDocument(charter);
    const document_ = {
      ...keysDocument(charter, PERIOD, 2),
      successions: [await signedSuccession(charter, succession)],
    };
    const names = ["Keyholder 1", succession.keyholder.name, "Keyholder 3", "Keyholder 4", "Keyholder 5"];
    const signed = await signDocument("keys", formatKeys(document_), names.map(signerOf));
    const { under } = await verifyKeys(signed, charter);
    expect(under.id).toBe(charter.id);
    expect(under.keyholders.map(({ name }) => name)).toEqual(names);
    await expect(verifyKeys(await signedKeys(document_), charter)).rejects.toMatchObject({
      code: "signer-unknown",
    });
  });

  test("CHA-17: another charter's keys are none of this one", async () => {
    await expect(keysOf({ charter: (await charterOf("house")).id })).rejects.toMatchObject({
      code: "wrong-charter",
    });
  });

  test("CHA-18: shares off the polynomial, too few, too many, or no points are refused", async () => {
    const { access } = keysDocument(await charterOf("court"), PERIOD);
    const other = sharedKey("another");
    for (const verifyingShares of [
      access.verifyingShares.with(4, other.verifyingShares[4] as Uint8Array),
      access.verifyingShares.toReversed(),
      access.verifyingShares.slice(0, 4),
      [...access.verifyingShares, ...other.verifyingShares.slice(0, 1)],
      access.verifyingShares.with(0, new Uint8Array(96)),
    ]) {
      await expect(keysOf({ access: { ...access, verifyingShares } })).rejects.toMatchObject({
        code: "keys-inconsistent",
      });
    }
    await expect(keysOf({ access: { ...access, mpk: other.mpk } })).rejects.toMatchObject({
      code: "keys-inconsistent",
    });
  });

  test("CHA-19: notice keys are not access keys", async () => {
    const { access } = keysDocument(await charterOf("court"), PERIOD);
    await expect(keysOf({ notice: access })).rejects.toMatchObject({ code: "keys-inconsistent" });
  });

  test("CHA-19: the period lies in the charter's dates", async () => {
    for (const period of ["2025-12", "2027-01"] as Period[]) {
      await expect(keysOf({ period })).rejects.toMatchObject({ code: "keys-inconsistent" });
    }
    for (const period of ["2026-01", "2026-12"] as Period[]) {
      await expect(keysOf({ period })).resolves.toMatchObject({ period });
    }
  });
});

describe("CHA-21, CHA-22: a succession", () => {
  const changed = async (changes: Partial<SuccessionDocument["keyholder"]>, charter?: CharterId) => {
    const court = await charterOf("court");
    const succession = successionDocument(court);
    const document_ = {
      ...succession,
      ...(charter === undefined ? {} : { charter }),
      keyholder: { ...succession.keyholder, ...changes },
    };
    return await verifySuccession(await signedSuccession(court, document_), court);
  };

  test("CHA-21: comes back as it was, in one encoding", async () => {
    const succession = successionDocument(await charterOf("court"));
    expect(parseSuccession(formatSuccession(succession))).toEqual(succession);
    const encoded = new TextDecoder().decode(formatSuccession(succession));
    for (const other of [
      `${encoded} `,
      encoded.replace('"version":1', '"version":2'),
      encoded.replace("burnt", "\u202e"),
    ]) {
      expect(() => parseSuccession(utf8(other))).toThrow(expect.objectContaining({ name: "EncodingError" }));
    }
  });

  test("CHA-21: signed by the provider, all that remain and the new one; by the lost one not", async () => {
    const court = await charterOf("court");
    const succession = successionDocument(court);
    const encoded = formatSuccession(succession);
    const all = [
      "Provider",
      "Keyholder 1",
      "Keyholder 3",
      "Keyholder 4",
      "Keyholder 5",
      succession.keyholder.name,
    ];
    const sign = async (names: readonly string[]) =>
      await verifySuccession(await signDocument("succession", encoded, names.map(signerOf)), court);
    await expect(sign(all)).resolves.toMatchObject({ id: court.id, threshold: 3 });
    for (const name of all) {
      await expect(sign(all.filter((one) => one !== name))).rejects.toMatchObject({ code: "signer-missing" });
    }
    await expect(sign([...all, "Keyholder 2"])).rejects.toMatchObject({ code: "signer-unknown" });
  });

  test("CHA-22: no party's name or key, no key for a second purpose, no other charter, no place that there is not", async () => {
    const court = await charterOf("court");
    const [first, second] = court.keyholders as [Keyholder, Keyholder];
    for (const changes of [
      { name: first.name },
      { name: second.name },
      { name: "Provider" },
      { key: second.key },
      { key: court.intake.key },
      { vkey: second.vkey },
      { vkey: court.log.vkey },
      { vkey: "no key" },
      { xwing: second.xwing },
      { xwing: court.provider.xwing },
      { index: keyholderIndex(6) },
    ]) {
      await expect(changed(changes)).rejects.toMatchObject({ code: "charter-inconsistent" });
    }
    await expect(changed({}, (await charterOf("house")).id)).rejects.toMatchObject({ code: "wrong-charter" });
  });
});

describe("KEY-6: when a share is erased", () => {
  test("KEY-6: access shares after retention and preservation, notice shares after the longest secrecy and thirty days", () => {
    const charter = { retentionDays: 90, longestPreservationDays: 60, longestSecrecyDays: 365 };
    const after = (kind: "access" | "notice", period: string) =>
      formatDay(erasedAfter(charter, kind, period as Period));
    expect(after("access", "2026-09")).toBe("2027-02-27");
    expect(after("notice", "2026-09")).toBe("2027-10-30");
    expect(after("access", "2027-12")).toBe("2028-05-29");
  });
});

describe("CHA-20: the provider's statement", () => {
  test("says for this charter whose accounts these are", async () => {
    const charter = await charterOf("court");
    const { accounts } = await verifyStatement(await statementOf(charter, [ALICE, BOB]), charter);
    expect(accounts.map(({ account }) => account)).toEqual([ALICE, BOB]);
  });

  test("by nobody else, for no other charter, once for each account", async () => {
    const charter = await charterOf("court");
    const house = await charterOf("house");
    await expect(
      verifyStatement(await statementOf(charter, [ALICE], {}, "Keyholder 1"), charter),
    ).rejects.toMatchObject({
      code: "signer-unknown",
    });
    await expect(verifyStatement(await statementOf(house), charter)).rejects.toMatchObject({
      code: "wrong-charter",
    });
    await expect(verifyStatement(await statementOf(charter, [ALICE, ALICE]), charter)).rejects.toMatchObject({
      code: "duplicate-key",
    });
  });

  test("NOT-2: with every account's own notice key, and nobody else's in its place", async () => {
    const charter = await charterOf("court");
    const { accounts } = await verifyStatement(await statementOf(charter, [ALICE, BOB]), charter);
    const [alice, bob] = accounts as [StatedAccount, StatedAccount];
    expect(verifyNoticeCard(alice.notice)).toMatchObject({ account: ALICE });
    for (const accounts of [
      [{ ...alice, notice: bob.notice }],
      [{ ...alice, notice: alice.notice.with(40, (alice.notice[40] as number) ^ 1) }],
      [{ ...alice, notice: alice.notice.with(0, 2) }],
    ]) {
      await expect(
        verifyStatement(await statementOf(charter, undefined, { accounts }), charter),
      ).rejects.toMatchObject({ code: "notice-card-invalid" });
    }
  });

  test("NOT-2: a key to which nothing can be sealed is no notice key", () => {
    const seed = seedOf("evader");
    const xwing = xwingKeygen(noticeSeedOf(seed)).publicKey;
    const card = (key: Uint8Array) =>
      makeNoticeCard({
        identityKey: publicKeyOf("evader"),
        xwing: key,
        sign: (message) => nodeSuite.signEd25519(seed, message),
      });
    expect(verifyNoticeCard(card(xwing)).xwing).toEqual(xwing);
    const lowOrder = xwing.slice();
    lowOrder.fill(0, 1184);
    const unreduced = xwing.slice();
    unreduced.fill(255, 0, 3);
    for (const key of [lowOrder, unreduced]) {
      expect(() => verifyNoticeCard(card(key))).toThrow(
        expect.objectContaining({ code: "notice-card-invalid" }),
      );
    }
  });
});
