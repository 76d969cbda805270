import { hex, utf8 } from "@porchlight/encoding";
import { describe, expect, test } from "vitest";
import { charterOf, onDay, seedOf } from "../../../vectors/fixture/deployment.ts";
import {
  ALICE,
  BOB,
  CAROL,
  day,
  GARDEN,
  KITCHEN,
  othersOf,
  signedWarrant,
  statementOf,
  warrantDocument,
} from "../../../vectors/fixture/order.ts";
import { DORA, otherSide, personOf } from "../../../vectors/fixture/other-side.ts";
import {
  checkWarrant,
  commitmentOf,
  coreOf,
  GateError,
  openedAccounts,
  otherSideMembers,
  readOtherSide,
  verifyOrder,
  verifyOtherSide,
  verifyWarrant,
} from "../src/index.ts";

const court = await charterOf("court");
const sent = await signedWarrant(court, await warrantDocument(court));
const both = await signedWarrant(court, await warrantDocument(court, { mode: "both-sides" }));
const others = await othersOf(court, [DORA, BOB]);

async function refusalOf(run: Promise<unknown> | (() => unknown)): Promise<string> {
  try {
    await (typeof run === "function" ? run() : run);
    return "accepted";
  } catch (error) {
    if (!(error instanceof GateError)) throw error;
    return `${error.refusal.rule} ${error.code}`;
  }
}

describe("everyone whom an order opens", () => {
  test("WAR-18: an order over both sides names its others, and no other order does", async () => {
    expect(await refusalOf(verifyOrder({ warrant: both }, court))).toBe("WAR-18 others-mismatch");
    expect(await refusalOf(verifyOrder({ warrant: sent, others }, court))).toBe("WAR-18 others-mismatch");
    const order = await verifyOrder({ warrant: both, others }, court);
    expect(openedAccounts(order)).toEqual([ALICE, BOB, DORA].sort());
    expect(openedAccounts(await verifyOrder({ warrant: sent }, court))).toEqual([ALICE]);
  });

  test("WAR-19: only the provider states them, for this charter, in the agreed form", async () => {
    const house = await charterOf("house");
    const foreign = await statementOf(house, [DORA]);
    const forged = await statementOf(court, [DORA], {}, "Keyholder 1");
    for (const statement of [foreign, forged, { payload: "", signatures: [] }]) {
      const bytes = utf8(JSON.stringify(statement));
      expect(await refusalOf(verifyOrder({ warrant: both, others: bytes }, court))).toBe(
        "WAR-19 statement-invalid",
      );
    }
    const spaced = utf8(` ${new TextDecoder().decode(others)}`);
    expect(await refusalOf(verifyOrder({ warrant: both, others: spaced }, court))).toBe(
      "WAR-19 statement-invalid",
    );
  });

  test("WAR-20: at least one, and none whom the warrant names", async () => {
    for (const accounts of [[], [DORA, ALICE]]) {
      const stated = await othersOf(court, accounts);
      expect(await refusalOf(verifyOrder({ warrant: both, others: stated }, court))).toBe(
        "WAR-20 others-mismatch",
      );
    }
  });

  test("WAR-13: they are fixed by the commitment", async () => {
    const opening = seedOf("opening");
    const order = await verifyOrder({ warrant: both, others }, court);
    expect(hex(order.core)).toBe(hex(coreOf({ warrant: both, others })));
    const commitment = commitmentOf(opening, order.core);
    expect(commitmentOf(opening, coreOf({ warrant: both }))).not.toBe(commitment);
    const fewer = coreOf({ warrant: both, others: await othersOf(court, [DORA]) });
    expect(commitmentOf(opening, fewer)).not.toBe(commitment);
    // An order over one side commits to its warrant's bytes and nothing else.
    expect(hex((await verifyOrder({ warrant: sent }, court)).core)).toBe(hex(sent));
  });

  test("GATE-15: all of them count before anything is logged; of a warrant alone, those that it names", async () => {
    const at = onDay(day("2026-09-12"));
    expect(checkWarrant(await verifyWarrant(both, court), at)).toEqual({ kind: "clear" });
    const many = await verifyOrder({ warrant: both, others }, court);
    expect(checkWarrant(many, at)).toMatchObject({ rule: "GATE-15", code: "cap-accounts" });
    const two = await verifyOrder({ warrant: both, others: await othersOf(court, [CAROL]) }, court);
    expect(checkWarrant(two, at)).toEqual({ kind: "clear" });
  });
});

describe("WAR-21, ENV-36: the other side", () => {
  const label = { charter: court.id, conversation: GARDEN, day: day("2026-08-31") };
  const side = otherSide("Dora", label, [ALICE, DORA]);

  test("shows whose device signed that these accounts were there", () => {
    const verified = verifyOtherSide(side);
    expect(verified.label).toEqual({ ...label, account: DORA });
    expect([...verified.members].sort()).toEqual([ALICE, DORA].sort());
    expect(readOtherSide(otherSideMembers(side), "side")).toEqual(side);
  });

  test.each([
    ["members that the roster does not hold", { ...side, members: [...side.members, BOB].sort() }],
    ["members left out", { ...side, members: [DORA] }],
    ["no members", { ...side, members: [] }],
    ["an altered signature", { ...side, signature: side.signature.map((byte) => byte ^ 1) }],
    ["another inner layer", { ...side, inner: seedOf("another") }],
    ["another outer layer", { ...side, outer: seedOf("another") }],
    ["a header cut short", { ...side, header: side.header.slice(0, -1) }],
    ["a header of another account's device", otherSide("Alex", label, [ALICE, DORA], { account: DORA })],
    ["another device's signature", otherSide("Dora", label, [ALICE, DORA], { signer: "Alex" })],
    [
      "a GroupContext of another conversation",
      otherSide("Dora", label, [ALICE, DORA], { conversation: KITCHEN }),
    ],
    ["a sender who was not there", otherSide("Dora", label, [ALICE, personOf("Alex").account])],
  ])("is refused with %s", async (_, wrong) => {
    expect(await refusalOf(() => verifyOtherSide(wrong))).toBe("WAR-21 other-side-invalid");
  });
});
