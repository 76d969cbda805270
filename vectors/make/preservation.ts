import {
  formatPreservation,
  formatPreservationLift,
  formatSignedDocument,
  type PreservationDocument,
  preservationCommitment,
  signDocument,
} from "../../packages/charter/src/index.ts";
import { type DayNumber, fromUtf8, hex } from "../../packages/encoding/src/index.ts";
import { COURT, charterOf, HOUSE_ISSUERS, onDay, seedOf, signerOf } from "../fixture/deployment.ts";
import { GARDEN } from "../fixture/order.ts";
import { preservationDocument } from "../fixture/preservation.ts";

export async function make(): Promise<unknown> {
  const court = await charterOf("court");
  const house = await charterOf("house");
  const made = async (document: PreservationDocument, signers: readonly string[], opening: string) => {
    const signed = await signDocument("preservation", formatPreservation(document), signers.map(signerOf));
    const bytes = formatSignedDocument(signed);
    return {
      document: fromUtf8(formatPreservation(document)),
      signed: fromUtf8(bytes),
      opening: hex(seedOf(opening)),
      commitment: preservationCommitment(seedOf(opening), bytes),
    };
  };
  const first = await made(preservationDocument(court), [COURT], "opening 1");
  const document = preservationDocument(court);
  const lift = formatPreservationLift({
    charter: court.id,
    preservation: first.commitment,
    issuer: COURT,
    issued: onDay(document.lastDay, 18),
    ground: "The case is closed.",
  });
  const later = (document.until - 1) as DayNumber;
  return {
    description:
      "Orders to preserve (spec/preservation.md) under the charters of charter.json: document, signed bytes, opening and commitment",
    court: [
      first,
      await made(
        {
          ...document,
          issued: onDay(later, 9),
          until: (document.until + 30) as DayNumber,
          extends: first.commitment as never,
        },
        [COURT],
        "opening 2",
      ),
    ],
    house: [
      await made(
        { ...preservationDocument(house), conversations: "all", issuer: HOUSE_ISSUERS[0] },
        HOUSE_ISSUERS,
        "opening 3",
      ),
    ],
    lift: {
      document: fromUtf8(lift),
      signed: fromUtf8(
        formatSignedDocument(await signDocument("preservation-lift", lift, [signerOf(COURT)])),
      ),
    },
    refused: [
      ["PRES-1", "white space", "not-canonical", '"version":1', '"version": 1'],
      ["PRES-1", "an unknown member", "unknown-field", '"ground"', '"note":"","ground"'],
      ["PRES-1", "no conversation", "missing-field", `"conversations":["${GARDEN}"]`, '"conversations":[]'],
      ["PRES-3", "another charter", "wrong-charter", `"charter":"${court.id}"`, `"charter":"${house.id}"`],
      ["PRES-2", "an issuer who did not sign", "signer-missing", `"issuer":"${COURT}"`, '"issuer":"Someone"'],
      ["PRES-4", "a legal basis of nobody's", "preservation-inconsistent", "§ 100a", "§ 1"],
      [
        "PRES-4",
        "days backwards",
        "preservation-inconsistent",
        '"firstDay":"2026-08-30"',
        '"firstDay":"2026-09-02"',
      ],
      [
        "PRES-4",
        "a day to come",
        "preservation-inconsistent",
        '"lastDay":"2026-09-01"',
        '"lastDay":"2026-09-02"',
      ],
      ["PRES-5", "sixty-one days", "preservation-too-long", '"until":"2026-10-31"', '"until":"2026-11-01"'],
    ].map(([rule, name, code, from, to]) => ({ rule, name, code, from, to })),
  };
}
