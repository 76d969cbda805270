import { readFileSync } from "node:fs";
import { commitment as asCommitment, dayNumber, fromHex, parseDay, utf8 } from "@porchlight/encoding";
import { expect, test } from "vitest";
import {
  COURT,
  charterOf,
  HOUSE_ISSUERS,
  onDay,
  seedOf,
  signerOf,
} from "../../../vectors/fixture/deployment.ts";
import { preservationDocument } from "../../../vectors/fixture/preservation.ts";
import {
  checkExtension,
  formatPreservation,
  formatPreservationLift,
  formatSignedDocument,
  type PreservationDocument,
  type PreservationLift,
  parsePreservation,
  parsePreservationLift,
  parseSignedDocument,
  preservationCommitment,
  signDocument,
  type VerifiedPreservation,
  verifyPreservation,
  verifyPreservationLift,
} from "../src/index.ts";

type Vector = { document: string; signed: string; opening: string; commitment: string };
const vectors = JSON.parse(
  readFileSync(new URL("../../../vectors/preservation.json", import.meta.url), "utf8"),
) as {
  court: Vector[];
  house: Vector[];
  lift: { document: string; signed: string };
  refused: { rule: string; name: string; code: string; from: string; to: string }[];
};
const court = await charterOf("court");
const house = await charterOf("house");
const first = preservationDocument(court);
const [original] = vectors.court as [Vector];

async function signed(payload: Uint8Array, ...names: readonly string[]): Promise<Uint8Array> {
  return formatSignedDocument(await signDocument("preservation", payload, names.map(signerOf)));
}

async function verified(
  changes: Partial<PreservationDocument> = {},
  charter = court,
): Promise<VerifiedPreservation> {
  const document = { ...first, charter: charter.id, ...changes };
  return await verifyPreservation(await signed(formatPreservation(document), COURT), charter);
}

test.each([
  ...vectors.court.map((vector) => ({ ...vector, charter: court })),
  ...vectors.house.map((vector) => ({ ...vector, charter: house })),
])("PRES-1 to PRES-7: $document", async ({ document, signed: bytes, opening, commitment, charter }) => {
  const found = await verifyPreservation(utf8(bytes), charter);
  expect(formatPreservation(found.document)).toEqual(utf8(document));
  expect(parsePreservation(utf8(document))).toEqual(found.document);
  expect(preservationCommitment(fromHex(opening), found.bytes)).toBe(commitment);
});

test.each(vectors.refused)("$rule: $name is refused ($code)", async ({ code, from, to }) => {
  expect(original.document).toContain(from);
  const edited = await signed(utf8(original.document.replace(from, () => to)), COURT);
  await expect(verifyPreservation(edited, court)).rejects.toMatchObject({ code });
});

test("PRES-2: only issuers sign, and in a house two of them", async () => {
  const payload = formatPreservation(preservationDocument(house));
  const by = async (...names: string[]) => await verifyPreservation(await signed(payload, ...names), house);
  await expect(by(HOUSE_ISSUERS[0])).rejects.toMatchObject({ code: "signer-missing" });
  await expect(by("Provider", ...HOUSE_ISSUERS)).rejects.toMatchObject({ code: "signer-unknown" });
  await expect(by(...HOUSE_ISSUERS)).resolves.toBeDefined();
});

test("PRES-5: a charter that allows fewer days than sixty decides", async () => {
  const strict = await charterOf("court", { longestPreservationDays: 30 });
  const until = (days: number) => ({ until: dayNumber(parseDay("2026-09-01") + days) });
  await expect(verified(until(31), strict)).rejects.toMatchObject({ code: "preservation-too-long" });
  await expect(verified(until(30), strict)).resolves.toBeDefined();
});

test("PRES-6: one extension of the same, by thirty days, while it runs", async () => {
  const before = await verified();
  const commitment = preservationCommitment(seedOf("opening"), before.bytes);
  const extending = async (changes: Partial<PreservationDocument> = {}) =>
    checkExtension(
      await verified({
        issued: onDay(dayNumber(first.until)),
        until: dayNumber(first.until + 30),
        extends: commitment,
        ...changes,
      }),
      before,
    );
  await expect(extending()).resolves.toBeUndefined();
  for (const changes of [
    { issued: onDay(dayNumber(first.until + 1)) },
    { until: first.until },
    { firstDay: dayNumber(first.firstDay - 1) },
    { conversations: "all" as const },
    { account: court.id as never },
    { reference: "another" },
  ]) {
    await expect(extending(changes)).rejects.toMatchObject({ code: "preservation-inconsistent" });
  }
  await expect(extending({ until: dayNumber(first.until + 31) })).rejects.toMatchObject({
    code: "preservation-too-long",
  });
  const extension = await verified({
    issued: onDay(dayNumber(first.until)),
    until: dayNumber(first.until + 30),
    extends: commitment,
  });
  const second = await verified({
    issued: onDay(dayNumber(first.until + 30)),
    until: dayNumber(first.until + 31),
    extends: commitment,
  });
  expect(() => checkExtension(second, extension)).toThrow(
    expect.objectContaining({ code: "preservation-inconsistent" }),
  );
});

test("PRES-12, PRES-13: who issued an order lifts it, and nobody else, nor another one", async () => {
  const before = await verifyPreservation(utf8(original.signed), court);
  const of = asCommitment(original.commitment);
  const lift = parsePreservationLift(utf8(vectors.lift.document));
  expect(formatPreservationLift(lift)).toEqual(utf8(vectors.lift.document));
  const good = parseSignedDocument(utf8(vectors.lift.signed), "lift");
  expect(await verifyPreservationLift(good, before, of)).toEqual(lift);
  const refusing = async (changes: Partial<PreservationLift>, code: string, signer: string = COURT) => {
    const payload = formatPreservationLift({ ...lift, ...changes });
    const document = await signDocument("preservation-lift", payload, [signerOf(signer)]);
    await expect(verifyPreservationLift(document, before, of)).rejects.toMatchObject({ code });
  };
  await refusing({ charter: house.id }, "wrong-charter");
  await refusing({ preservation: asCommitment("00".repeat(32)) }, "preservation-inconsistent");
  await refusing({ issued: onDay(first.firstDay, 0) }, "preservation-inconsistent");
  await refusing({ issuer: "Someone" }, "signer-missing");
  await refusing({}, "signer-unknown", "Provider");
  const asOrder = await signDocument("preservation", utf8(vectors.lift.document), [signerOf(COURT)]);
  await expect(verifyPreservationLift(asOrder, before, of)).rejects.toMatchObject({ code: "header-invalid" });
});

test("PRES-7: an opening of another length commits to nothing", () => {
  expect(() => preservationCommitment(seedOf("opening").subarray(1), utf8("x"))).toThrow(
    expect.objectContaining({ code: "out-of-range" }),
  );
});
