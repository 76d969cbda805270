// A court and an agency, each with its own process, origin and passkey, over a whole deployment: from the application to
// messages that are read, and what must not go.
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { KEYHOLDER_NAMES, WORK_FACTOR } from "../../packages/deployment/src/layout.ts";
import { dayNumber, formatDay, utf8 } from "../../packages/encoding/src/index.ts";
import { verifyFiles } from "../../packages/evidence/src/index.ts";
import { Agency } from "../../packages/parties/src/index.ts";
import type { DeskVisitor } from "./desk-visitor.ts";
import type { Opening } from "./opening.ts";
import { DAY, SpokenOpening } from "./spoken-opening.ts";

vi.setConfig({ testTimeout: 600_000 });
const EVIL = `<img src=x onerror="alert(1)"><script>alert(2)</script>`;
const SAID = ["The parcel is in the shed.", EVIL, "Bring the key on Friday.", "I have burned the list."];
const ANSWER = "Nobody may read this.";

let spoken: SpokenOpening;
let opening: Opening;
let statement: Uint8Array;
let court: DeskVisitor;
let agency: DeskVisitor;

beforeAll(async () => {
  spoken = await SpokenOpening.open("desks", {
    said: [["noor", ANSWER], ...SAID.map((text) => ["rook", text] as const)],
  });
  ({ opening } = spoken);
  statement = await opening.statement({ [spoken.account("rook")]: `Rook ${EVIL}` });
  court = await opening.at("court", "Judge Ada");
  agency = await opening.at("agency", "Officer Ben");
}, 600_000);
afterAll(async () => {
  await spoken?.close();
});
afterEach(async ({ task }) => {
  if (task.result?.state === "fail") await spoken?.opening.showFailure();
});

let application: Uint8Array;
let order: Uint8Array;

const pathOf = ({ page }: DeskVisitor): string => new URL(page.url()).pathname;

test("the agency makes an application, and the court drafts from it what it opens in words and numbers", async () => {
  await opening.look(agency, "agency-empty");
  await agency.follow("New application");
  await agency.page.getByLabel("File reference").fill(`case <b>1</b>`);
  await agency.upload(
    "The original act (PDF, scan or form)",
    "act <i>.pdf",
    utf8("%PDF-1.7 an original act"),
  );
  await opening.look(agency, "agency-new");
  await agency.press("Show what will be made");
  await opening.look(agency, "agency-confirm");
  await agency.press("Make it");
  await agency.page.getByRole("heading", { name: "Application case <b>1</b>" }).waitFor();
  await opening.look(agency, "agency-application");
  application = await agency.download("Download the application");
  expect(Buffer.from(application).toString()).toContain("case <b>1</b>");

  await opening.look(court, "court-empty");
  await court.follow("New order");
  // Not an application: said in plain words, nothing kept.
  await court.upload("The agency's application", "a.json", utf8("{}"));
  await court.upload("The provider's statement", "s.json", statement);
  await court.press("Begin the draft");
  await court.page.getByRole("heading", { name: "This file is not in the agreed form" }).waitFor();
  await opening.look(court, "court-error");
  await court.go("/new");
  await court.upload("The agency's application", "a.json", application);
  await court.upload("The provider's statement", "s.json", statement);
  await court.press("Begin the draft");
  await court.page.getByRole("heading", { name: "Draft: case <b>1</b>" }).waitFor();
  await court.press("Show what will be signed");
  await court.page.getByRole("alert").waitFor();
  await opening.look(court, "court-draft-problems");
  await court.page.getByLabel("Numbers of the conversations").fill(spoken.conversation);
  await court.page.getByLabel("First day (UTC)").fill(formatDay(DAY));
  const { legalBases, offenceCategories } = opening.deployment.charter;
  await court.page.getByLabel("Legal basis").selectOption(legalBases[0] as string);
  await court.page.getByLabel("Category of offence").selectOption(offenceCategories[0] as string);
  await court.page.getByLabel("Why it is necessary").fill(`Nothing else ${EVIL}`);
  await court.page.getByLabel("Why it is proportionate").fill("One person, one conversation, one day.");
  await court.page.getByLabel("When secrecy ends").check();
  await court.page.getByLabel("Secret until (UTC)").fill(formatDay(dayNumber(DAY + 5000)));
  await court.page.getByLabel("The ground of the secrecy").fill("Evidence would be destroyed.");
  await court.press("Show what will be signed");
  expect(await court.text()).toContain("Secrecy lasts at most");
  await court.page.getByLabel("Secret until (UTC)").fill(formatDay(dayNumber(DAY + 30)));
  await court.press("Save and count again");
  expect(await court.text()).toContain("1 key");
  expect(await court.text()).toContain("Opens the messages of up to 1 person, in 1 conversation, on 1 day.");
  await opening.look(court, "court-draft");
});

test("the court signs with its passkey exactly what it was shown; without the passkey nothing is signed", async () => {
  await court.press("Show what will be signed");
  await court.page.getByRole("heading", { name: "Sign this warrant" }).waitFor();
  expect(await court.text()).toContain("Nothing else <img src=x");
  await opening.look(court, "court-sign");
  // Somebody at the court's screen whose finger the passkey does not know.
  const { session, authenticator: authenticatorId } = court;
  await session.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: false });
  await court.press("Sign it");
  await court.page.getByText("The passkey did not answer. Nothing was done.").waitFor();
  await session.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: true });
  await court.press("Sign it");
  await court.page.getByText("Signed, in the log, and with every keyholder.").waitFor();
  await opening.look(court, "court-order");
  order = await court.download("Download the order");
  await court.go("/journal");
  expect(await court.text()).toContain("The passkey's signature fits what is shown.");
  await opening.look(court, "court-journal");
  await court.go("/people");
  await opening.look(court, "court-people");
  await court.go("/orders");
  expect(await court.text()).toContain("in the log");
  await opening.look(court, "court-orders");
});

test("keyholders approve and one refuses; the agency sees each, collects with its passkey, and reads", async () => {
  await agency.go("/orders");
  await agency.upload("The order's file", "order.json", order);
  await agency.press("Put it in");
  await agency.page.getByText("The order is verified and kept.").waitFor();
  await agency.press("Collect and open");
  await agency.press("Open it");
  await agency.page.getByText("Not yet.").waitFor();
  const commitment = /Number in the public log\s+([0-9a-f]{64})/.exec(await agency.text())?.[1] ?? "";
  const listed = (await opening.admin("keyholder-1", "list")) as unknown as { readonly order: string }[];
  const decided = { order: listed[0]?.order ?? "", commitment };
  const reason = `The scope is too wide ${EVIL}`;
  await opening.admin("keyholder-5", "refuse", { order: decided.order, reason, by: "Dora" });
  for (const name of KEYHOLDER_NAMES.slice(0, 3))
    await opening.admin(name, "approve", { ...decided, by: "Cay" });
  await opening.reads(agency, pathOf(agency), "3 of 3 have released");
  expect(await agency.text()).toContain("refused");
  await opening.look(agency, "agency-order");
  await agency.press("Collect and open");
  await opening.look(agency, "agency-collect");
  await agency.press("Open it");
  await agency.page.getByRole("link", { name: "Read the evidence" }).waitFor({ timeout: 60_000 });
  await agency.follow("Read the evidence");
  await agency.page.getByText("The parcel is in the shed.").waitFor();
  expect(await agency.text()).toContain(EVIL);
  expect(await agency.text()).not.toContain(ANSWER);
  await opening.look(agency, "agency-evidence");
  await agency.page.getByLabel("Words").fill("KEY friday");
  await agency.press("Search");
  expect(await agency.text()).toContain("1 message of 4 fits");
  await opening.look(agency, "agency-search");
  await agency.follow("Show all");
  await agency.page.getByText("Hours with their numbers").click();
  await agency.follow("12 h");
  expect(await agency.page.locator("ol.messages li").count()).toBe(1);
  await agency.follow("Show all");
  await agency.press("Check it again");
  await agency.page.getByText("Checked: every message opens and compares").waitFor({ timeout: 60_000 });
  expect(
    Buffer.from(await agency.download("Messages as lines of text"))
      .toString()
      .split("\n").length,
  ).toBe(5);
  expect(Buffer.from(await agency.download("Messages for review programs")).toString()).toContain("RSMF");
  expect(Buffer.from(await agency.download("The whole package, sealed")).toString("latin1")).toContain(
    "age-encryption.org",
  );
});

test("EVI-44, EVI-45: the defence gets a copy, sealed to its own key, which it verifies offline; the desk has a record of it", async () => {
  const { layout, charter } = opening.deployment;
  const defence = await Agency.create(
    join(layout.directory("launcher"), "defence"),
    { name: "Counsel" },
    { workFactor: WORK_FACTOR },
  );
  expect(await agency.text()).toContain("None was made yet.");
  await agency.page.getByLabel("For whom").selectOption("counsel");
  await agency.page.getByLabel("Their public age key").fill("nobody's key");
  await agency.press("Make a copy for the defence");
  await agency.page.getByText("is a public age key").waitFor();
  await agency.page.goBack();
  await agency.page.getByLabel("Their public age key").fill(defence.recipients.join(" "));
  await agency.press("Make a copy for the defence");
  await agency.page.getByRole("heading", { name: "Make a copy for the defence" }).waitFor();
  for (const words of ["counsel of the defence", "Nothing is taken out", "No name"])
    expect(await agency.text()).toContain(words);
  await opening.look(agency, "agency-defence-copy");
  await agency.press("Make it");
  await agency.page.getByText("Copy 1 for the defence is made and recorded.").waitFor();
  expect(await agency.text()).toMatch(
    /Copy 1, .* UTC: package 1 \([0-9a-f]{64}\) for counsel of the defence/,
  );
  await opening.look(agency, "agency-defence-copied");
  const files = await defence.unseal(await agency.download("Copy 1"));
  expect(await verifyFiles(files, { charter: charter.id })).toMatchObject({ kind: "verified" });
});

test("the court revokes with a ground, which stops the agency; its refusals are signed records", async () => {
  await court.go("/orders");
  await court.follow("case <b>1</b>");
  expect(await court.text()).toContain("The scope is too wide <img");
  await opening.look(court, "court-order-answered");
  await opening.revoke(court, `A complaint was upheld ${EVIL}`);
  await opening.look(court, "court-revoked");
  await opening.reads(agency, "/orders", "revoked");
  await opening.look(agency, "agency-orders");
  await agency.follow("case <b>1</b>");
  expect(await agency.text()).toContain("The court revoked this order.");
  await agency.press("Sign out");
  await agency.page.getByRole("heading", { name: "Sign in" }).waitFor();
  await opening.look(agency, "agency-sign-in");
  await agency.press("Sign in with your passkey");
  await agency.page.getByRole("heading", { name: "Orders" }).waitFor();
});

test("CHA-20: an order over both sides: the officer states whom else it opens, nobody signs or approves without reading it, and both are read", async () => {
  const [rook, noor] = [spoken.account("rook"), spoken.account("noor")];
  const officer = await opening.at("officer", "Officer Vale", "server");
  const keyholder = await opening.at("keyholder", "Ines", "keyholder-1");
  await opening.draft(court, await opening.apply(agency, "case 2"), statement, {
    days: [DAY],
    conversations: spoken.conversation,
    secretUntil: dayNumber(DAY + 30),
  });
  await court.page.getByLabel("Also what others wrote to them").check();
  await court.press("Show what will be signed");
  await court.press("Sign it");
  await court.page.getByText("The provider must say who the others are.").waitFor();
  expect(await court.text()).toContain("1 key, and one more for each other side and day");
  await opening.look(court, "both-sides-court-waits");
  const signed = await court.download("Download the order");

  const review = async (): Promise<void> => {
    await officer.go("/statements");
    await officer.upload("The order's file", "order.json", signed);
    await officer.press("Show whom else it opens");
    await officer.page.locator("h1").filter({ hasNotText: "Whose accounts" }).waitFor();
  };
  // Nobody has noted yet whose the other account is.
  await review();
  await opening.look(officer, "both-sides-officer-unknown");
  expect(await officer.text()).toContain(`Nobody is noted for ${noor}`);
  await officer.go("/statements");
  await officer.page.getByLabel("The account's number").fill(noor);
  await officer.page.getByLabel("The person's name").fill(`Noor ${EVIL}`);
  await officer.press("Show what will be noted");
  await officer.press("Note it");
  await officer.page.getByText("Noted.").waitFor();
  await review();
  await officer.page.getByRole("heading", { name: "State whom else this order opens" }).waitFor();
  const shown = await officer.text();
  for (const words of ["case 2", noor, `Noor ${EVIL}`]) expect(shown).toContain(words);
  expect(shown).not.toContain(rook);
  await opening.look(officer, "both-sides-officer-states");
  await officer.press("Sign it");
  await officer.page.getByText("Signed. Download the file and give it to who asked.").waitFor();
  expect(await officer.text()).toMatch(/case 2\s+whom else\s+1 account: Noor/);
  await opening.look(officer, "both-sides-officer-signed");
  const others = await officer.download("Download");

  await court.upload("The provider's statement of everyone else", "others.json", others);
  await court.press("Put it in");
  await court.page.getByText("The others are in it. It can be handed in.").waitFor();
  await opening.look(court, "both-sides-court-whole");
  await court.press("Hand it in");
  await court.page.getByRole("heading", { name: "Hand this order in" }).waitFor();
  for (const words of [noor, `Noor ${EVIL}`]) expect(await court.text()).toContain(words);
  await opening.look(court, "both-sides-court-hands-in");
  await court.press("Hand it in");
  await court.page.getByText("Signed, in the log, and with every keyholder.").waitFor();
  await opening.bring(agency, await court.download("Download the order"));
  const at = pathOf(agency);
  await agency.press("Tell the keyholders the other sides …");
  await agency.press("Tell them");
  await agency.page.getByText("Every keyholder has it.").waitFor();
  await opening.look(agency, "both-sides-agency-order");

  await opening.open(keyholder, "case 2");
  for (const words of [noor, `Noor ${EVIL}`]) expect(await keyholder.text()).toContain(words);
  await opening.look(keyholder, "both-sides-keyholder");
  await opening.approve(keyholder);
  const commitment = /Number in the public log\s+([0-9a-f]{64})/.exec(await agency.text())?.[1] ?? "";
  for (const name of KEYHOLDER_NAMES.slice(1, 3))
    await opening.admin(name, "approve", {
      order: pathOf(keyholder).split("/").at(-1) ?? "",
      commitment,
      by: "Cay",
    });
  await opening.reads(agency, at, "3 of 3 have released");
  await opening.collect(agency);
  await agency.follow("Read the evidence");
  await agency.page.locator("ol.messages").waitFor();
  for (const text of [ANSWER, ...SAID]) expect(await agency.text()).toContain(text);
  expect(await agency.text()).toContain("Nothing is here of anyone whom the order does not open.");
  await opening.look(agency, "both-sides-agency-evidence");
});

test("axe finds nothing, no page is wider than a phone, and no page did what its policy forbids", () => {
  expect(opening.found).toEqual([]);
  expect(opening.problems).toEqual([]);
});
