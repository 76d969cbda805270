import { noticeSeedOf } from "../../packages/charter/src/index.ts";
import {
  accountId,
  commitment,
  hex,
  type Period,
  parseDay,
  parseInstant,
  periodOf,
} from "../../packages/encoding/src/index.ts";
import {
  blockHash,
  formatNotice,
  formatNoticeCode,
  labelOf,
  makeNoticeBlock,
  type NoticeContent,
  type NoticeScope,
  unlockBlock,
} from "../../packages/notice/src/index.ts";
import { combineLabelShares, labelShare } from "../../packages/quorum/src/index.ts";
import { charterOf, randomFrom, seedOf, sharedKey } from "../fixture/deployment.ts";
import { cardOf, identitySeedOf, periodKeys } from "../fixture/notice.ts";
import { ALICE, BOB, GARDEN, KITCHEN } from "../fixture/order.ts";

const PERIOD = "2026-09" as Period;

export async function make(): Promise<unknown> {
  const charter = await charterOf("court");
  const { notice } = await periodKeys(charter, PERIOD);
  const opening = seedOf("opening");
  const scope: NoticeScope = {
    charter: charter.id,
    commitment: commitment(hex(seedOf("commitment"))),
    until: parseDay("2026-11-30"),
    mpk: notice.mpk,
  };
  const alice: NoticeContent = {
    charter: charter.id,
    commitment: scope.commitment,
    account: ALICE,
    kind: "warrant",
    role: "named",
    mode: "both-sides",
    emergency: false,
    reference: "4 Gs 217/26",
    issuer: "District Court, Chamber 4",
    legalBasis: "Code of Criminal Procedure § 100a",
    offenceCategory: "stalking",
    requester: "State Police, Unit 7",
    actHash: seedOf("the court's act"),
    orderHash: seedOf("the signed order"),
    issued: parseInstant("2026-09-10T10:00:00Z"),
    firstDay: parseDay("2026-08-31"),
    lastDay: parseDay("2026-09-02"),
    disclosure: "secret",
    until: scope.until,
    conversations: [GARDEN, KITCHEN],
  };
  const bob: NoticeContent = { ...alice, account: BOB, role: "other-side", conversations: "all" };
  const key = (name: string) => cardOf(identitySeedOf(name)).slice(33, 33 + 1216);
  const recipients = [
    { key: key("Alice"), content: alice },
    { key: key("Bob"), content: bob },
  ];
  const block = makeNoticeBlock(scope, opening, 3, recipients);
  const label = labelOf(scope);
  const { shares } = sharedKey(`notice ${periodOf(parseDay("2026-09-11"))}`);
  const labelShares = shares.map((share) => ({
    keyholder: share.keyholder,
    secret: hex(share.secret),
    share: labelShare({ share, mpk: notice.mpk, label, random: randomFrom("blinding") }),
  }));
  const combined = combineLabelShares({
    master: notice,
    label,
    shares: new Map(labelShares.slice(1, 4).map(({ keyholder, share }) => [keyholder, share])),
  });
  if (combined.kind !== "combined") throw new Error("the fixture's shares do not combine");
  return {
    description:
      "Notices (spec/notice.md): keys, cards and codes; one block of three slots with two recipients; the label " +
      "shares that open it, the label key, and what is inside",
    keys: ["Alice", "Bob"].map((name) => ({
      identitySeed: hex(identitySeedOf(name)),
      noticeSeed: hex(noticeSeedOf(identitySeedOf(name))),
      card: hex(cardOf(identitySeedOf(name))),
      account: accountId(name === "Alice" ? ALICE : BOB),
      code: formatNoticeCode(noticeSeedOf(identitySeedOf(name))),
    })),
    block: {
      charter: scope.charter,
      commitment: scope.commitment,
      until: scope.until,
      mpk: hex(scope.mpk),
      opening: hex(opening),
      slots: 3,
      notices: recipients.map(({ content }) => hex(formatNotice(content))),
      block: hex(block),
      hash: blockHash(block),
    },
    release: {
      label: hex(label),
      shares: labelShares.map(({ share, ...rest }) => ({ ...rest, share: hex(share) })),
      labelKey: hex(combined.labelKey),
      boxes: unlockBlock(scope, block, combined.labelKey).map((box) => hex(box)),
    },
  };
}
