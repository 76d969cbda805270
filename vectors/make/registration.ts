import {
  formatRegistration,
  formatSignedDocument,
  type RegistrationDocument,
  registrationCommitment,
  signDocument,
} from "../../packages/charter/src/index.ts";
import { fromUtf8, hex } from "../../packages/encoding/src/index.ts";
import { COURT, charterOf, HOUSE_ISSUERS, seedOf, signerOf } from "../fixture/deployment.ts";
import { registrationDocument } from "../fixture/registration.ts";

export async function make(): Promise<unknown> {
  const court = await charterOf("court");
  const house = await charterOf("house");
  const made = async (document: RegistrationDocument, signers: readonly string[], opening: string) => {
    const signed = await signDocument("registration", formatRegistration(document), signers.map(signerOf));
    const bytes = formatSignedDocument(signed);
    return {
      document: fromUtf8(formatRegistration(document)),
      signed: fromUtf8(bytes),
      opening: hex(seedOf(opening)),
      commitment: registrationCommitment(seedOf(opening), bytes),
    };
  };
  return {
    description:
      "Registered keys of endpoints (spec/hi1.md) under the charters of charter.json: document, signed bytes, opening and commitment",
    court: [await made(registrationDocument(court), [COURT], "opening 1")],
    house: [await made(registrationDocument(house), HOUSE_ISSUERS, "opening 2")],
    refused: [
      ["HI1-50", "white space", "not-canonical", '"version":1', '"version": 1'],
      ["HI1-50", "an unknown member", "unknown-field", '"until"', '"note":"","until"'],
      ["HI1-50", "no word of the call", "missing-field", /"words":"[^"]*"/.source, '"words":""'],
      ["HI1-50", "a country in small letters", "not-canonical", '"country":"XX"', '"country":"xx"'],
      [
        "HI1-50",
        "a key one byte short",
        "out-of-range",
        /"key":"[^"]*"/.source,
        `"key":"${"A".repeat(40)}AA=="`,
      ],
      ["HI1-51", "another charter", "wrong-charter", `"charter":"${court.id}"`, `"charter":"${house.id}"`],
      [
        "HI1-51",
        "a call before the key came",
        "registration-inconsistent",
        /"at":[0-9]+/.source,
        '"at":1788000000',
      ],
      [
        "HI1-51",
        "over before the call",
        "registration-inconsistent",
        /"until":"[^"]*"/.source,
        '"until":"2026-08-31"',
      ],
      [
        "HI1-51",
        "for more than a year",
        "registration-inconsistent",
        /"until":"[^"]*"/.source,
        '"until":"2027-09-03"',
      ],
    ].map(([rule, name, code, from, to]) => ({ rule, name, code, from, to })),
  };
}
