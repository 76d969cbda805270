import { readFileSync } from "node:fs";
import { fromHex, utf8 } from "@porchlight/encoding";
import { expect, test } from "vitest";
import { COURT, charterOf, HOUSE_ISSUERS, seedOf, signerOf } from "../../../vectors/fixture/deployment.ts";
import { registrationDocument } from "../../../vectors/fixture/registration.ts";
import {
  formatRegistration,
  formatSignedDocument,
  parseRegistration,
  registrationCommitment,
  signDocument,
  verifyRegistration,
} from "../src/index.ts";

type Vector = { document: string; signed: string; opening: string; commitment: string };
const vectors = JSON.parse(
  readFileSync(new URL("../../../vectors/registration.json", import.meta.url), "utf8"),
) as {
  court: Vector[];
  house: Vector[];
  refused: { rule: string; name: string; code: string; from: string; to: string }[];
};
const court = await charterOf("court");
const house = await charterOf("house");
const [original] = vectors.court as [Vector];

async function signed(payload: Uint8Array, ...names: readonly string[]): Promise<Uint8Array> {
  return formatSignedDocument(await signDocument("registration", payload, names.map(signerOf)));
}

test.each([
  ...vectors.court.map((vector) => ({ ...vector, charter: court })),
  ...vectors.house.map((vector) => ({ ...vector, charter: house })),
])("HI1-50 to HI1-52: $document", async ({ document, signed: bytes, opening, commitment, charter }) => {
  const found = await verifyRegistration(utf8(bytes), charter);
  expect(formatRegistration(found.document)).toEqual(utf8(document));
  expect(parseRegistration(utf8(document))).toEqual(found.document);
  expect(registrationCommitment(fromHex(opening), found.bytes)).toBe(commitment);
});

test.each(vectors.refused)("$rule: $name is refused ($code)", async ({ code, from, to }) => {
  const text = original.document.replace(new RegExp(from), () => to);
  expect(text).not.toBe(original.document);
  await expect(verifyRegistration(await signed(utf8(text), COURT), court)).rejects.toMatchObject({ code });
});

test("HI1-51: only the registry signs, in a house two of its issuers; a key changed after the call-back is not signed", async () => {
  const payload = formatRegistration(registrationDocument(court));
  const refusing = async (bytes: Uint8Array, code: string, charter = court) =>
    await expect(verifyRegistration(bytes, charter)).rejects.toMatchObject({ code });
  await refusing(await signed(payload), "signature-missing");
  await refusing(await signed(payload, "Provider"), "signer-unknown");
  const ofHouse = formatRegistration(registrationDocument(house));
  await refusing(await signed(ofHouse, HOUSE_ISSUERS[0]), "signer-missing", house);
  const good = await signDocument("registration", payload, [signerOf(COURT)]);
  const other = formatRegistration(registrationDocument(court, { key: seedOf("another key") }));
  const swapped = { ...good, payload: Buffer.from(other).toString("base64url") };
  await refusing(formatSignedDocument(swapped), "signature-invalid");
});
