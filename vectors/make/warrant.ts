import { formatSignedDocument } from "../../packages/charter/src/index.ts";
import { dayNumber, fromUtf8, hex } from "../../packages/encoding/src/index.ts";
import { accessLabel } from "../../packages/envelope/src/index.ts";
import {
  commitmentOf,
  furtherContext,
  labelsHash,
  labelsOf,
  orderIdOf,
  otherSideMembers,
  requesterContext,
  verifyWarrant,
} from "../../packages/gate/src/index.ts";
import { requesterPoint, requesterWord } from "../../packages/quorum/src/index.ts";
import { charterDocument, charterOf, randomFrom, seedOf, signedCharter } from "../fixture/deployment.ts";
import { GARDEN, KITCHEN } from "../fixture/order.ts";
import { DORA, otherSide } from "../fixture/other-side.ts";
import { warrantCases } from "../fixture/warrant-cases.ts";

const OPENING = seedOf("opening");

export async function make(): Promise<unknown> {
  const charters: Record<string, string> = {};
  const accepted: unknown[] = [];
  const refused: unknown[] = [];
  for (const kind of ["court", "house"] as const) {
    charters[kind] = fromUtf8(formatSignedDocument(await signedCharter(charterDocument(kind))));
  }
  for (const { name, rule, code, kind, make } of warrantCases) {
    const charter = await charterOf(kind);
    const bytes = await make(charter);
    if (rule !== null) {
      refused.push({ name, rule, code, charter: kind, warrant: fromUtf8(bytes) });
      continue;
    }
    const warrant = await verifyWarrant(bytes, charter);
    const conversations = warrant.document.conversations === "all" ? [GARDEN, KITCHEN] : undefined;
    const labels = labelsOf(warrant, conversations);
    accepted.push({
      name,
      charter: kind,
      warrant: fromUtf8(bytes),
      requesterContext: hex(requesterContext(warrant.document)),
      opening: hex(OPENING),
      commitment: commitmentOf(OPENING, bytes),
      orderId: orderIdOf(OPENING),
      ...(conversations === undefined ? {} : { conversations }),
      labels: labels.map((label) => hex(accessLabel(label))),
      labelsHash: hex(labelsHash(labels)),
    });
  }
  const random = randomFrom("further");
  const { point, secret } = requesterPoint(random, seedOf("further"));
  const said = {
    conversations: [GARDEN, KITCHEN],
    otherSides: [
      otherSide(
        "Dora",
        { charter: (await charterOf("court")).id, conversation: GARDEN, day: dayNumber(17_442) },
        [DORA],
      ),
    ],
  };
  const context = furtherContext(orderIdOf(OPENING), said);
  const further = {
    orderId: orderIdOf(OPENING),
    addition: { ...said, otherSides: said.otherSides.map(otherSideMembers) },
    context: hex(context),
    point: hex(point),
    word: hex(requesterWord(random, secret, context)),
    notAWord: hex(requesterPoint(randomFrom("further"), context).proof),
  };
  return {
    description:
      "Warrants (spec/warrant.md): signed documents that hold under their charter, with what follows from them, and " +
      "such as are refused, each by one rule",
    charters,
    accepted,
    refused,
    further,
  };
}
