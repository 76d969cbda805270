import {
  type Contest,
  formatContest,
  formatSignedDocument,
  signDocument,
} from "../../packages/charter/src/index.ts";
import { accountIdOf, fromUtf8, hex } from "../../packages/encoding/src/index.ts";
import { COURT, charterOf, onDay, seedOf, signerOf } from "../fixture/deployment.ts";
import { preservationDocument } from "../fixture/preservation.ts";

export async function make(): Promise<unknown> {
  const charter = await charterOf("court");
  const contest: Contest = {
    charter: charter.id,
    commitment: hex(seedOf("a commitment")) as never,
    account: accountIdOf(seedOf("an account")),
    at: onDay(preservationDocument(charter).firstDay, 9),
    ground: "I was not there.\nAsk whoever was.",
  };
  const document = fromUtf8(formatContest(contest));
  const signedBy = async (...names: string[]) =>
    fromUtf8(
      formatSignedDocument(await signDocument("contest", formatContest(contest), names.map(signerOf))),
    );
  return {
    description: "A contest (spec/contest.md) under the court's charter of charter.json",
    document,
    signed: await signedBy("Provider"),
    refused: [
      { name: "signed by an issuer beside the provider", signed: await signedBy("Provider", COURT) },
      {
        name: "signed by nobody",
        signed: `{"payload":"${Buffer.from(document).toString("base64url")}","signatures":[]}`,
      },
    ],
    malformed: [
      { name: "a blank ground", from: JSON.stringify(contest.ground), to: '" \\n"' },
      { name: "a control character", from: "I was", to: "I\\u0007was" },
      { name: "another version", from: '"version":1', to: '"version":2' },
      { name: "white space", from: '"at":', to: '"at": ' },
      { name: "a member too many", from: '"version":1', to: '"version":1,"sealed":true' },
    ],
  };
}
