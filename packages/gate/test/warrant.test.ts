import { Buffer } from "node:buffer";
import { parseSignedDocument, unverifiedPayload, verifyStatement } from "@porchlight/charter";
import { commitment, utf8 } from "@porchlight/encoding";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { COURT, charterOf, publicKeyOf, seedOf } from "../../../vectors/fixture/deployment.ts";
import { day, signedWarrant, warrantDocument } from "../../../vectors/fixture/order.ts";
import { countersigned, warrantCases } from "../../../vectors/fixture/warrant-cases.ts";
import { evaluate } from "../src/evaluate.ts";
import {
  commitmentOf,
  formatWarrant,
  GateError,
  labelsOf,
  MAX_WARRANT_BYTES,
  parseWarrant,
  verifyWarrant,
} from "../src/index.ts";
import { type WarrantFacts, warrantRules } from "../src/verify-warrant.ts";

const court = await charterOf("court");
const house = await charterOf("house");

async function refusalOf(bytes: Uint8Array, charter = court): Promise<GateError["refusal"] | null> {
  try {
    await verifyWarrant(bytes, charter);
    return null;
  } catch (error) {
    if (error instanceof GateError) return error.refusal;
    throw error;
  }
}

describe("WAR-1 to WAR-12: each bad warrant is refused by its rule and code", () => {
  test.each(warrantCases.map((one) => [one.rule ?? "passes", one.name, one] as const))(
    "%s: %s",
    async (_, __, one) => {
      const charter = one.kind === "court" ? court : house;
      const refusal = await refusalOf(await one.make(charter), charter);
      if (one.rule === null) expect(refusal).toBeNull();
      else expect(refusal).toMatchObject({ rule: one.rule, code: one.code, waits: false });
    },
  );
});

describe("without a rule of the warrant, what it refuses would pass", () => {
  const inTable = new Set(warrantRules.map(({ id }) => id));
  const cases = warrantCases.filter(({ rule }) => rule !== null && inTable.has(rule));

  async function factsOf(bytes: Uint8Array, charter: typeof court): Promise<WarrantFacts> {
    const signed = parseSignedDocument(bytes);
    const document = parseWarrant(unverifiedPayload(signed));
    const kids = signed.signatures.map(
      (made) => JSON.parse(Buffer.from(made.protected, "base64url").toString()) as { kid: string },
    );
    const statement = await verifyStatement(document.statement, charter);
    return { document, charter, signers: new Set(kids.map(({ kid }) => kid)), statement };
  }

  test.each(warrantRules.map((rule) => [rule.id, rule] as const))("%s", async (id, rule) => {
    const own = cases.filter((one) => one.rule === id);
    expect(own.length).toBeGreaterThan(0);
    for (const one of own) {
      const charter = one.kind === "court" ? court : house;
      const facts = await factsOf(await one.make(charter), charter);
      expect(evaluate([rule], facts)?.rule).toBe(id);
      expect(
        evaluate(
          warrantRules.filter((other) => other !== rule),
          facts,
        ),
      ).toBeNull();
    }
  });
});

describe("WAR-1: exact bytes", () => {
  test("any flipped bit is refused", async () => {
    const bytes = await signedWarrant(court, await warrantDocument(court));
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(7), async (at, bit) => {
        const flipped = bytes.slice();
        flipped[at] = (flipped[at] as number) ^ (1 << bit);
        expect(await refusalOf(flipped)).not.toBeNull();
      }),
      { numRuns: 150 },
    );
  });

  test("any truncation and any trailing byte is refused", async () => {
    const bytes = await signedWarrant(court, await warrantDocument(court));
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(255), async (length, byte) => {
        expect((await refusalOf(bytes.slice(0, length)))?.code).toBe("malformed");
        expect((await refusalOf(Uint8Array.from([...bytes, byte])))?.code).toBe("malformed");
      }),
      { numRuns: 40 },
    );
  });

  test("a member that nobody knows is refused wherever it stands", () => {
    const known = new Set(["version"]);
    return fc.assert(
      fc.asyncProperty(
        fc.string({ maxLength: 12 }).filter((name) => !known.has(name)),
        fc.constantFrom("warrant", "requester", "disclosure"),
        async (name, where) => {
          const text = new TextDecoder().decode(formatWarrant(await warrantDocument(court)));
          const open =
            { warrant: "{", requester: '"requester":{', disclosure: '"disclosure":{' }[where] ?? "{";
          const more = text.replace(open, () => `${open}${JSON.stringify(name)}:0,`);
          expect(() => parseWarrant(utf8(more))).toThrow();
        },
      ),
      { numRuns: 40 },
    );
  });

  test("text of any kind comes back as it was, or is refused by its own code", async () => {
    const base = await warrantDocument(court);
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 300 }), (text) => {
        const document = { ...base, reference: text, necessity: text };
        let parsed: ReturnType<typeof parseWarrant>;
        try {
          parsed = parseWarrant(formatWarrant(document));
        } catch (error) {
          expect(error).toMatchObject({ name: "EncodingError" });
          return;
        }
        expect([parsed.reference, parsed.necessity]).toEqual([text, text]);
        expect(text).not.toMatch(/[\p{Cc}\p{Bidi_Control}\u2028\u2029\ufeff]/u);
      }),
      { numRuns: 200 },
    );
  });

  test.each([
    "\u061c",
    "\u200e",
    "\u200f",
    "\u202a",
    "\u202e",
    "\u2066",
    "\u2069",
    "\u0000",
    "\u0085",
    "\u2028",
  ])(
    "CHA-5: %j is refused in names, and CHA-6: in free text it is data unless it is a control character",
    async (bad) => {
      const base = await warrantDocument(court);
      expect(() => parseWarrant(formatWarrant({ ...base, reference: `a${bad}b` }))).toThrow("not-canonical");
      const inProse = () => parseWarrant(formatWarrant({ ...base, necessity: `a${bad}b` })).necessity;
      if (/\p{Cc}/u.test(bad)) expect(inProse).toThrow("not-canonical");
      else expect(inProse()).toBe(`a${bad}b`);
    },
  );

  test("a warrant beyond the longest is refused before it is read", async () => {
    expect((await refusalOf(new Uint8Array(MAX_WARRANT_BYTES + 1)))?.code).toBe("malformed");
  });
});

describe("WAR-3: signatures", () => {
  test("several issuers may sign", async () => {
    const name = "District Court, Chamber 5";
    const issuers = [COURT, name].map((issuer) => ({
      name: issuer,
      title: "Judge",
      key: publicKeyOf(issuer),
    }));
    const two = await charterOf("court", { issuers });
    const { signers } = await verifyWarrant(await countersigned(two, name), two);
    expect([...signers]).toEqual([COURT, name]);
  });

  test("the bytes that a verified warrant keeps do not change with the caller's", async () => {
    const bytes = await signedWarrant(court, await warrantDocument(court));
    const warrant = await verifyWarrant(bytes, court);
    const before = commitmentOf(seedOf("opening"), warrant.bytes);
    bytes.fill(0);
    expect(commitmentOf(seedOf("opening"), warrant.bytes)).toBe(before);
  });
});

describe("WAR-13: the commitment", () => {
  test("is of these bytes and this opening, 32 bytes long", async () => {
    const bytes = await signedWarrant(court, await warrantDocument(court));
    const one = commitmentOf(seedOf("opening"), bytes);
    expect(commitment(one)).toBe(one);
    expect(commitmentOf(seedOf("another opening"), bytes)).not.toBe(one);
    for (const length of [0, 31, 33, 64]) {
      expect(() => commitmentOf(new Uint8Array(length), bytes)).toThrow("out-of-range");
    }
  });
});

describe("WAR-16: labels", () => {
  test("one for each account, conversation and day, ascending, both days included", async () => {
    const warrant = await verifyWarrant(await signedWarrant(court, await warrantDocument(court)), court);
    const labels = labelsOf(warrant);
    expect(labels.map((label) => label.day)).toEqual(
      ["2026-08-31", "2026-09-01", "2026-09-02"].map((d) => day(d)),
    );
    expect(new Set(labels.map((label) => label.charter))).toEqual(new Set([court.id]));
  });

  test("all conversations have to be given, and are not without end", async () => {
    const document = await warrantDocument(court, { conversations: "all", lastDay: day("2099-01-01") });
    const warrant = await verifyWarrant(await signedWarrant(court, document), court);
    expect(() => labelsOf(warrant)).toThrow("missing-field");
    const many = Array.from({ length: 10 }, (_, i) => `${i}`.repeat(64) as never);
    expect(() => labelsOf(warrant, many)).toThrow("too-long");
  });
});
