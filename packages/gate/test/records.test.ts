import { signDocument } from "@porchlight/charter";
import { conversationId, dayNumber, type Period, unixSeconds, utf8 } from "@porchlight/encoding";
import { logIndex } from "@porchlight/tlog";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  COURT,
  charterOf,
  HOUSE_ISSUERS,
  INSPECTOR,
  keyholderName,
  publicKeyOf,
  seedOf,
  signerOf,
} from "../../../vectors/fixture/deployment.ts";
import { SELF, signedWarrant, warrantDocument } from "../../../vectors/fixture/order.ts";
import {
  commitmentOf,
  DIRECTION_KINDS,
  type Direction,
  formatApproval,
  formatDirection,
  formatIntent,
  formatOrder,
  formatRefusal,
  generationsOf,
  type Intent,
  labelsOf,
  orderIdOf,
  parseApproval,
  parseDirection,
  parseIntent,
  parseOrder,
  parseRefusal,
  refusalRecord,
  secretUntilOf,
  slotOf,
  verifyDirection,
  verifyRefusal,
  verifyWarrant,
} from "../src/index.ts";

const court = await charterOf("court");
const bytes = await signedWarrant(court, await warrantDocument(court));
const warrant = await verifyWarrant(bytes, court);
const opening = seedOf("opening");
const commitment = commitmentOf(opening, bytes);
const at = unixSeconds(1_789_200_000);

const intent: Intent = {
  charter: court.id,
  commitment,
  keyholder: SELF,
  generations: [
    { period: "2026-08" as Period, generation: 1 },
    { period: "2026-09" as Period, generation: 2 },
  ],
  labels: seedOf("labels"),
  at,
};
const revocation: Direction = {
  kind: "revocation",
  charter: court.id,
  commitment,
  reference: "4 Gs 217/26",
  at,
  ground: "Charges were dropped.",
};
const refusal = refusalRecord(
  { rule: "GATE-10", code: "revoked", reason: "The order was revoked.", waits: false },
  { charter: court.id, keyholder: SELF, commitment, at },
);
const approval = { keyholder: SELF, commitment, at, by: "R. Approver" };
const order = { warrant: bytes, opening, index: logIndex(5) };
const both = { warrant: bytes, others: utf8('{"payload":"","signatures":[]}'), opening, index: logIndex(5) };
const all = { ...order, conversations: ["1", "2"].map((digit) => conversationId(digit.repeat(64))) };

const extension: Direction = { ...revocation, kind: "extension", until: dayNumber(20_800) };
const parsed = (kind: Direction["kind"]) => (document: Uint8Array) => parseDirection(kind, document);

type Format = [name: string, bytes: Uint8Array, parse: (bytes: Uint8Array) => unknown, value: unknown];
const formats: Format[] = [
  ["WAR-14: order", formatOrder(order), parseOrder, order],
  ["WAR-14: order over both sides", formatOrder(both), parseOrder, both],
  ["WAR-14: order over all conversations", formatOrder(all), parseOrder, all],
  ["WAR-17: revocation", formatDirection(revocation), parsed("revocation"), revocation],
  ["DIR-1: extension", formatDirection(extension), parsed("extension"), extension],
  ["BUN-1: intent", formatIntent(intent), parseIntent, intent],
  ["BUN-7: refusal", formatRefusal(refusal), parseRefusal, refusal],
  ["GATE-26: approval", formatApproval(approval), parseApproval, approval],
];

describe.each(formats)("%s", (_, encoded, parse, value) => {
  test("comes back as it was", () => {
    expect(parse(encoded)).toEqual(value);
  });

  test("has one encoding", () => {
    const text = new TextDecoder().decode(encoded);
    const members = JSON.parse(text) as Record<string, unknown>;
    const reversed = Object.fromEntries(Object.entries(members).reverse());
    const [name = ""] = Object.keys(members);
    for (const other of [
      `${text}\n`,
      ` ${text}`,
      JSON.stringify(members, null, 1),
      JSON.stringify(reversed),
      JSON.stringify({ ...members, more: null }),
      JSON.stringify(Object.fromEntries(Object.entries(members).slice(1))),
      text.replace("{", `{${JSON.stringify(name)}:${JSON.stringify(members[name])},`),
    ]) {
      expect(() => parse(utf8(other))).toThrow();
    }
  });

  test("a changed byte is refused, or gives another value that has these bytes", () => {
    fc.assert(
      fc.property(fc.nat(encoded.length - 1), fc.integer({ min: 1, max: 255 }), (index, mask) => {
        const changed = encoded.slice();
        changed[index] = (changed[index] as number) ^ mask;
        let parsed: unknown;
        try {
          parsed = parse(changed);
        } catch (error) {
          expect(error).toMatchObject({ name: expect.stringMatching(/EncodingError|TlogError/) });
          return;
        }
        expect(parsed).not.toEqual(value);
      }),
      { numRuns: 60 },
    );
  });
});

describe("intents", () => {
  test("BUN-1: periods ascend, each once", () => {
    for (const generations of [
      intent.generations.toReversed(),
      [...intent.generations, ...intent.generations],
    ]) {
      expect(() => parseIntent(formatIntent({ ...intent, generations }))).toThrow("not-canonical");
    }
  });

  test("BUN-3: a slot takes 32 random bytes and hides what it holds", () => {
    const slot = slotOf(seedOf("a"), formatIntent(intent));
    expect(slot).toMatch(/^[0-9a-f]{64}$/);
    expect(slotOf(seedOf("b"), formatIntent(intent))).not.toBe(slot);
    expect(() => slotOf(new Uint8Array(31), formatIntent(intent))).toThrow("out-of-range");
  });

  test("the generations that labels need, or none where a share is missing", () => {
    const labels = labelsOf(warrant);
    const held = new Map([
      ["2026-08" as Period, 1],
      ["2026-09" as Period, 2],
      ["2026-10" as Period, 1],
    ]);
    expect(generationsOf(labels, held)).toEqual(intent.generations);
    held.delete("2026-09" as Period);
    expect(generationsOf(labels, held)).toBeNull();
  });
});

test("WAR-15: an order's name depends on the opening alone, and is not the commitment", () => {
  expect(orderIdOf(opening)).toMatch(/^[0-9a-f]{64}$/);
  expect(orderIdOf(opening)).not.toBe(commitment);
  expect(orderIdOf(seedOf("another"))).not.toBe(orderIdOf(opening));
  expect(() => orderIdOf(new Uint8Array(16))).toThrow("out-of-range");
});

test("GATE-9: the month that an entry shows", () => {
  const logged = warrant.document.lastDay;
  expect(secretUntilOf(warrant.document, logged)).toBe("2026-11");
  expect(secretUntilOf({ disclosure: { kind: "notice-first" } }, logged)).toBe("2026-09");
});

describe("directions", () => {
  const sign = async (value: Direction, ...names: string[]) =>
    await signDocument(value.kind, formatDirection(value), names.map(signerOf));

  test("WAR-17: by an issuer of this very order", async () => {
    const { direction } = await verifyDirection(
      "revocation",
      await sign(revocation, COURT),
      warrant,
      commitment,
    );
    expect(direction).toEqual(revocation);
  });

  test("WAR-17, DIR-2: to stop a house's order one of its two signers is enough, to go on, extend or tell early it takes both", async () => {
    const house = await charterOf("house");
    const document = await warrantDocument(house);
    const hold = await verifyWarrant(await signedWarrant(house, document), house);
    const common = { ...revocation, charter: house.id, commitment: commitmentOf(opening, hold.bytes) };
    for (const kind of DIRECTION_KINDS) {
      const one = (
        kind === "extension" ? { ...common, kind, until: 20_800 } : { ...common, kind }
      ) as Direction;
      const alone = verifyDirection(kind, await sign(one, HOUSE_ISSUERS[1]), hold, one.commitment);
      if (kind === "revocation" || kind === "suspension") expect((await alone).direction).toEqual(one);
      else await expect(alone).rejects.toThrow("direction-invalid");
      const both = await sign(one, ...HOUSE_ISSUERS);
      expect((await verifyDirection(kind, both, hold, one.commitment)).direction).toEqual(one);
    }
  });

  test("DIR-2, CHA-24: an inspector of the house can revoke an order, and say nothing else of it", async () => {
    const house = await charterOf("house");
    const hold = await verifyWarrant(await signedWarrant(house, await warrantDocument(house)), house);
    const common = { ...revocation, charter: house.id, commitment: commitmentOf(opening, hold.bytes) };
    const veto = verifyDirection("revocation", await sign(common, INSPECTOR), hold, common.commitment);
    expect((await veto).direction).toEqual(common);
    for (const kind of ["suspension", "resumption", "notice-release"] as const) {
      const said = verifyDirection(kind, await sign({ ...common, kind }, INSPECTOR), hold, common.commitment);
      await expect(said).rejects.toThrow("signer-unknown");
    }
    const elsewhere = await charterOf("house", { inspection: { inspectors: [], days: 0 } });
    const uninspected = await verifyWarrant(
      await signedWarrant(elsewhere, await warrantDocument(elsewhere)),
      elsewhere,
    );
    const stranger = {
      ...common,
      charter: elsewhere.id,
      commitment: commitmentOf(opening, uninspected.bytes),
    };
    await expect(
      verifyDirection("revocation", await sign(stranger, INSPECTOR), uninspected, stranger.commitment),
    ).rejects.toThrow("signer-unknown");
  });

  test("DIR-1: a document of one kind is none of another", async () => {
    const signed = await sign({ ...revocation, kind: "suspension" }, COURT);
    await expect(verifyDirection("resumption", signed, warrant, commitment)).rejects.toThrow(
      "header-invalid",
    );
    expect(() => parseDirection("extension", formatDirection(revocation))).toThrow("missing-field");
    expect(() => parseDirection("suspension", formatDirection(extension))).toThrow("unknown-field");
  });

  test("WAR-17: another order, another charter, another reference and another issuer are refused", async () => {
    const verify = async (signed: Parameters<typeof verifyDirection>[1], of = warrant, named = commitment) =>
      await verifyDirection("revocation", signed, of, named);
    const other = commitmentOf(seedOf("another"), bytes);
    await expect(verify(await sign(revocation, COURT), warrant, other)).rejects.toThrow("revocation-invalid");
    for (const change of [{ reference: "4 Gs 1/26" }, { charter: (await charterOf("house")).id }]) {
      const signed = await sign({ ...revocation, ...change }, COURT);
      await expect(verify(signed)).rejects.toThrow("revocation-invalid");
    }
    await expect(verify(await sign(revocation, "A stranger"))).rejects.toThrow("signer-unknown");
    const second = "District Court, Chamber 5";
    const issuers = [COURT, second].map((name) => ({ name, title: "Judge", key: publicKeyOf(name) }));
    const two = await charterOf("court", { issuers });
    const ours = await verifyWarrant(await signedWarrant(two, await warrantDocument(two)), two);
    const theirs = { ...revocation, charter: two.id, commitment: commitmentOf(opening, ours.bytes) };
    await expect(verify(await sign(theirs, second), ours, theirs.commitment)).rejects.toThrow(
      "revocation-invalid",
    );
  });
});

describe("refusals", () => {
  const sign = async (name: string, value = refusal) =>
    await signDocument("refusal", formatRefusal(value), [signerOf(name)]);

  test("BUN-7: signed by the keyholder that it names, and by nobody else", async () => {
    expect(await verifyRefusal(await sign(keyholderName(SELF)), court)).toEqual(refusal);
    await expect(verifyRefusal(await sign("Keyholder 3"), court)).rejects.toThrow("out-of-range");
    await expect(verifyRefusal(await sign("Provider"), court)).rejects.toThrow("signer-unknown");
    const two = await signDocument(
      "refusal",
      formatRefusal(refusal),
      [SELF, 3].map((n) => signerOf(`Keyholder ${n}`)),
    );
    await expect(verifyRefusal(two, court)).rejects.toThrow("out-of-range");
  });

  test("BUN-7: for another charter it is none", async () => {
    const house = await charterOf("house");
    await expect(verifyRefusal(await sign(keyholderName(SELF)), house)).rejects.toThrow("out-of-range");
  });
});
