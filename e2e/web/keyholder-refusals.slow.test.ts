// What must open nothing, as the person at a keyholder's desk reads it, and what court and agency read of the same. The
// orders that no desk would sign are signed with the court's key by another program: keyholders do not rely on desks.
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import {
  parseEntry,
  parseSignedDocument,
  readSignedDocument,
  unverifiedPayload,
} from "../../packages/charter/src/index.ts";
import { KEYHOLDER_NAMES } from "../../packages/deployment/src/layout.ts";
import { dayNumber, type Json, parseJson, unixSeconds } from "../../packages/encoding/src/index.ts";
import { parseWarrant, type WarrantDocument } from "../../packages/gate/src/index.ts";
import { Agency, type OrderFile, readOrderFile } from "../../packages/parties/src/index.ts";
import type { DeskVisitor } from "./desk-visitor.ts";
import { DAY, day, SpokenOpening } from "./spoken-opening.ts";

vi.setConfig({ testTimeout: 600_000 });

let spoken: SpokenOpening;
let court: DeskVisitor;
let agency: DeskVisitor;
let keyholders: readonly DeskVisitor[];
let statement: Uint8Array;
let four: Json;

const holder = (number: number): DeskVisitor => keyholders[number - 1] as DeskVisitor;

beforeAll(async () => {
  spoken = await SpokenOpening.open("keyholder-refusals");
  const { opening } = spoken;
  four = parseJson(await spoken.statement("rook", "noor", "ines", "tomas"));
  statement = await spoken.statement("rook");
  [agency, court] = [await opening.at("agency", "Inspector Bo"), await opening.at("court", "Judge Cho")];
  const desks: DeskVisitor[] = [];
  for (const name of KEYHOLDER_NAMES.slice(0, 3))
    desks.push(await opening.at("keyholder", `At ${name}`, name));
  keyholders = desks;
}, 600_000);
afterAll(async () => {
  await spoken?.close();
});
afterEach(async ({ task }) => {
  if (task.result?.state === "fail") await spoken?.opening.showFailure();
});

/** An order with the court's true signature that its desk would not make: logged, and with every keyholder. */
async function signedElsewhere(reference: string, change: Partial<WarrantDocument>): Promise<OrderFile> {
  const { opening } = spoken;
  const { charter, service } = opening.deployment;
  const issuer = await opening.deployment.court();
  const requester = await Agency.open(opening.directory("agency"));
  const { request } = await requester.request(charter.id, {
    reference,
    actHash: new Uint8Array(32).fill(1),
  });
  const issued = service.now();
  const document = issuer.draft(charter, {
    request,
    statement: readSignedDocument(four, "statement"),
    accounts: [spoken.account("rook")],
    conversations: [spoken.conversation],
    firstDay: DAY,
    lastDay: DAY,
    legalBasis: charter.legalBases[0] as string,
    offenceCategory: charter.offenceCategories[0] as string,
    necessity: "There is no other record of it.",
    proportionality: "Nobody looked at how much it is.",
    disclosure: { kind: "secret", until: day(20), ground: "Others would burn the books." },
    issued,
    expires: unixSeconds(issued + 30 * 86_400),
  });
  return await handedIn(await issuer.sign({ ...document, ...change }));
}

async function handedIn(order: OrderFile): Promise<OrderFile> {
  const { deployment } = spoken.opening;
  const issuer = await deployment.court();
  const logged = await issuer.submit(deployment.service, order);
  await deployment.service.covers(logged.index + 1);
  await issuer.handIn(deployment.service, logged);
  return logged;
}

/** What the person at a keyholder's desk reads of an order that a rule refused: what hinders it, and the rule. */
async function refusedAt(keyholder: DeskVisitor, reference: string, rule: string, why: string) {
  const dotted = reference.replaceAll(/[/.]/g, "\\$&");
  await spoken.opening.reads(keyholder, "/orders", new RegExp(`Decided[^]*${dotted}[^]*refused`));
  // Another order can have the same reference.
  const row = keyholder.page.getByRole("row", { name: new RegExp(`${dotted}[^]*refused`) }).first();
  await row.getByRole("link").click();
  const text = await keyholder.text();
  expect(text).toMatch(new RegExp(`Refused by a rule of the gate[^]*\\(${rule}\\)`));
  expect(text).toContain(why);
  expect(text).toContain("The requester and the issuer have it with this keyholder's signature.");
  expect(await keyholder.page.getByRole("button", { name: "Approve …" }).count()).toBe(0);
}

test("over the caps: more people and more days than the charter allows are refused, with the numbers; nobody is asked to decide", async () => {
  await signedElsewhere("2 Gs 1/26", {
    accounts: (["rook", "noor", "ines", "tomas"] as const).map((name) => spoken.account(name)).sort(),
  });
  await refusedAt(holder(1), "2 Gs 1/26", "GATE-15", "The order opens more accounts than the charter allows");
  await spoken.says(holder(1), "people", /People a warrant\s+4\s+3\s+too many/, /GATE-15\s+does not hold/);
  await signedElsewhere("2 Gs 2/26", { firstDay: DAY, lastDay: dayNumber(DAY + 31) });
  await refusedAt(holder(1), "2 Gs 2/26", "GATE-16", "names more days than the charter allows");
  await spoken.says(holder(1), "days", /Days a warrant\s+32\s+31\s+too many/);
});

test("outside the charter's dates, and secret for longer than it allows: refused, with the rule in words", async () => {
  await signedElsewhere("2 Gs 3/26", { firstDay: day(-5), lastDay: day(-5) });
  await refusedAt(holder(1), "2 Gs 3/26", "GATE-13", "days on which this charter was not in force");
  await spoken.says(holder(1), "dates", /GATE-13\s+does not hold/);
  await signedElsewhere("2 Gs 4/26", {
    disclosure: { kind: "secret", until: day(1 + 181), ground: "Inquiries go on." },
  });
  await refusedAt(holder(1), "2 Gs 4/26", "GATE-17", "a longer secrecy than the charter allows");
  await spoken.says(holder(1), "secrecy", /GATE-17\s+does not hold/);
});

test("revoked between the second and the third approval: the third is told, nothing is released, the agency cannot collect", async () => {
  const { opening } = spoken;
  await opening.ordered({ agency, court }, "2 Gs 5/26", statement, spoken.about);
  for (const number of [1, 2]) {
    await opening.open(holder(number), "2 Gs 5/26");
    await opening.approve(holder(number));
  }
  await opening.open(holder(3), "2 Gs 5/26");
  await holder(3).press("Approve …");
  await holder(3).page.getByRole("heading", { name: "Approve this warrant" }).waitFor();
  await court.go("/orders");
  await court.follow("2 Gs 5/26");
  await court.page.locator("summary", { hasText: "Revoke it" }).click();
  await court.page.locator("#ground-revoke").fill("The complaint was withdrawn.");
  await court.press("Revoke it …");
  await court.page.getByRole("heading", { name: "Revoke this order" }).waitFor();
  await court.press("Revoke it");
  await court.page.getByText("Revoked.").first().waitFor();
  await spoken.says(court, "court-revoked", "The complaint was withdrawn.");
  await holder(3).press("Approve");
  await holder(3).page.locator("h1").filter({ hasNotText: "Approve this warrant" }).waitFor();
  await spoken.says(holder(3), "revoked-after");
  await refusedAt(holder(3), "2 Gs 5/26", "GATE-10", "The order was revoked.");
  await spoken.says(holder(3), "revoked", /GATE-10\s+does not hold/);
  await opening.reads(agency, "/orders", /2 Gs 5\/26\s+revoked/);
  await agency.follow("2 Gs 5/26");
  await spoken.says(agency, "agency-revoked", "The court revoked this order.");
  expect(await agency.text()).not.toContain("3 of 3 have released");
});

test("a replay: the same warrant, the same confirmation and the same request for a release once more change nothing, and say so", async () => {
  const { opening } = spoken;
  const application = await opening.apply(agency, "2 Gs 6/26");
  await opening.draft(court, application, statement, spoken.about);
  const file = await opening.sign(court);
  await opening.bring(agency, file);

  // An order is signed on an application once; whoever has the court's key and does it again is refused by every keyholder.
  await court.go("/new");
  await court.upload("The agency's application", "a.json", application);
  await court.upload("The provider's statement", "s.json", statement);
  await court.press("Begin the draft");
  await court.page.getByRole("heading", { name: "Something in the form is not right" }).waitFor();
  await spoken.says(
    court,
    "court-replay",
    "An order was signed on this application already",
    "ask the agency for a new application",
  );
  const order = readOrderFile(file);
  const issuer = await opening.deployment.court();
  const signed = parseWarrant(unverifiedPayload(parseSignedDocument(order.warrant, "warrant")));
  await handedIn(await issuer.sign(signed));
  await refusedAt(holder(1), "2 Gs 6/26", "GATE-23", "was presented with another order before");
  await spoken.says(holder(1), "replay", /GATE-23\s+does not hold/);

  // A confirmation that was kept, sent once more.
  await opening.open(holder(1), "2 Gs 6/26");
  const at = new URL(holder(1).page.url()).pathname;
  await holder(1).press("Approve …");
  const action = await holder(1).page.locator("form[data-passkey=act]").getAttribute("action");
  await holder(1).press("Approve");
  await holder(1).page.getByText("Approved. The intent goes").waitFor();
  await holder(1).go("/people");
  await holder(1).page.evaluate((to) => {
    const form = document.querySelector<HTMLFormElement>("main form[method=post]") as HTMLFormElement;
    form.action = to ?? "";
    const assertion = document.createElement("input");
    assertion.name = "assertion";
    assertion.value = "{}";
    form.append(assertion);
    form.submit();
  }, action);
  await holder(1).page.getByRole("heading", { name: "This cannot be confirmed any more" }).waitFor();
  await spoken.says(holder(1), "confirmation-replay", "can be confirmed once", "Begin again.", "act-lapsed");
  for (const number of [2, 3]) {
    await opening.open(holder(number), "2 Gs 6/26");
    await opening.approve(holder(number));
  }

  // The same order handed in again, and its release collected twice: one release of each keyholder, the same messages.
  await agency.go("/orders");
  await agency.follow("2 Gs 6/26");
  const mine = new URL(agency.page.url()).pathname;
  await opening.reads(agency, mine, "3 of 3 have released");
  for (const button of ["Collect and open", "Collect again"]) {
    await agency.press(button);
    await agency.press("Open it");
    await agency.page.getByText("1 message opened and verified.").waitFor({ timeout: 120_000 });
    await agency.go(mine);
  }
  await opening.bring(agency, file);
  await issuer.handIn(opening.deployment.service, { ...order, index: order.index ?? -1 });
  await opening.reads(holder(1), at, "One release was made.");
  await spoken.says(holder(1), "handed-in-again", "Approved by At keyholder-1");
  await agency.go("/orders");
  expect(await agency.page.getByRole("link", { name: "2 Gs 6/26" }).count()).toBe(1);
});

test("a lapsed order is refused, and the pages of all three say so", async () => {
  const { opening } = spoken;
  await opening.draft(court, await opening.apply(agency, "2 Gs 7/26"), statement, spoken.about);
  await court.page.getByLabel("Days within which keyholders may act on it").fill("1");
  await opening.bring(agency, await opening.sign(court));
  for (const number of [1, 2]) {
    await opening.open(holder(number), "2 Gs 7/26");
    await opening.approve(holder(number));
  }
  await opening.open(holder(3), "2 Gs 7/26");
  await holder(3).press("Approve …");
  await opening.until(day(3));
  await holder(3).press("Approve");
  await holder(3).page.locator("h1").filter({ hasNotText: "Approve this warrant" }).waitFor();
  await refusedAt(holder(3), "2 Gs 7/26", "GATE-12", "The order has expired.");
  await spoken.says(holder(3), "lapsed", /GATE-12\s+does not hold/);
  await opening.reads(agency, "/orders", /2 Gs 7\/26\s+expired/);
  await agency.follow("2 Gs 7/26");
  await spoken.says(agency, "agency-lapsed", "This order has lapsed.", "takes a new application");
  expect(await agency.page.getByRole("button", { name: "Collect and open" }).count()).toBe(0);
  await court.go("/orders");
  await court.follow("2 Gs 7/26");
  await spoken.says(court, "court-lapsed", "expired");
});

test("one order more than the charter allows in thirty days: the court's desk signs none, and keyholders refuse it", async () => {
  const { opening } = spoken;
  const used = (): number => {
    const { service } = opening.deployment;
    return service.entriesFrom(0).filter(({ bytes }) => parseEntry(bytes).type === "warrant").length;
  };
  await opening.deployment.service.update();
  const { warrantsPer30Days } = opening.deployment.charter.caps;
  for (let count = used(); count < warrantsPer30Days; count++)
    await signedElsewhere(`2 Gs ${100 + count}/26`, { necessity: "One of many." });
  const application = await opening.apply(agency, "2 Gs 8/26");
  await opening.draft(court, application, statement, spoken.about);
  await court.press("Show what will be signed");
  await court.page.getByRole("heading", { name: "That cannot be done now" }).waitFor();
  await spoken.says(court, "court-none-left", "allows 20 orders within 30 days", "The draft is kept");
  await signedElsewhere("2 Gs 9/26", {});
  await refusedAt(holder(1), "2 Gs 9/26", "GATE-18", "More orders were logged within thirty days");
  await spoken.says(holder(1), "orders", /Warrants in thirty days\s+21\s+20\s+too many/);
});

test("axe finds nothing, no page is wider than a phone, and no page did what its policy forbids", () => {
  expect(spoken.opening.found).toEqual([]);
  expect(spoken.opening.problems).toEqual([]);
});
