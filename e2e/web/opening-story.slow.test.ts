// One opening by the people whose work it is, each in front of their own desk, from the officer's answer to the notice in
// the member's app. What they ask and decide they do at pages, under passkeys; the provider's statement of whose account it is and
// the registration of the authority's key are made by command.
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { registerAuthority } from "../../packages/deployment/src/authority.ts";
import {
  type AccountId,
  dayNumber,
  dayOf,
  formatDay,
  fromUtf8,
  unixSeconds,
  utf8,
} from "../../packages/encoding/src/index.ts";
import { readOrderFile } from "../../packages/parties/src/index.ts";
import { picture } from "./browser.ts";
import { buildWeb } from "./build.ts";
import type { DeskVisitor } from "./desk-visitor.ts";
import { Opening } from "./opening.ts";
import { accountIn, expectCalm } from "./stage.ts";
import type { Person } from "./town.ts";

/** Of a busy machine: no test here is about speed. */
const PATIENT = { timeout: 300_000 };
vi.setConfig({ testTimeout: 600_000 });
const SAID = ["Burn the green book.", "Nobody asks for the <b>second</b> key."];
const NAME = "Ada Example";
const BOTH_SIDES = "7 Js 13/26";

/** Browsers have this computer's clock: they stay on this day while the deployment goes on. */
const NOW = unixSeconds(Math.floor(Date.now() / 1000));
const DAY = dayOf(NOW);
const day = (count: number) => dayNumber(DAY + count);

let opening: Opening;
let ada: Person;
let ben: Person;
let account: AccountId;
let officer: DeskVisitor;
let agency: DeskVisitor;
let court: DeskVisitor;
/** The fifth is down. */
let keyholders: readonly DeskVisitor[];
let statement: Uint8Array;
let application: Uint8Array;

const holder = (number: number): DeskVisitor => keyholders[number - 1] as DeskVisitor;

beforeAll(async () => {
  opening = await Opening.open({ name: "opening.example", from: NOW, web: await buildWeb() });
}, 300_000);
afterAll(async () => {
  await opening?.close();
});
afterEach(async ({ task }) => {
  if (task.result?.state === "fail") await opening?.showFailure();
});

test("two people talk, in the knowledge of who can open it", async () => {
  [ada, ben] = [await opening.member("Ada"), await opening.member("Ben", { phone: true })];
  account = await opening.asks(ben, ada, "Where are the books?");
  for (const text of SAID) {
    await ada.says(text);
    await ben.sees(text);
  }
  expectCalm(ada, ben);
});

test("the agency asks by its pages whose account it is; the officer reads that, answers whose account it is, and the answer is counted in the log", async () => {
  await opening.until(day(1));
  statement = await opening.statement({ [account]: NAME });
  const made = await opening.agencyOf("agency");
  officer = await opening.at("officer", "Officer Vale", "server");
  await opening.look(officer, "officer-empty");
  await registerAuthority(opening.deployment, made);
  agency = await opening.at("agency", "Inspector Bo");
  application = await opening.apply(agency, "7 Js 12/26");
  await opening.look(agency, "agency-application");
  await agency.follow("Send to the provider");
  await agency.page.getByLabel("Whose account it is").check();
  await agency.page.getByLabel("People, as the provider knows them").fill("Somebody Else");
  await agency.page.getByLabel("First day (UTC)").fill(formatDay(DAY));
  await agency.press("Show what will be sent");
  await agency.page.getByText("Something is not right yet.").waitFor();
  await opening.look(agency, "agency-send-unfinished");
  const { legalBases, offenceCategories } = opening.deployment.charter;
  await agency.page.getByLabel("Legal basis").selectOption(legalBases[0] as string);
  await agency.page.getByLabel("Category of offence").selectOption(offenceCategories[0] as string);
  await agency.press("Show what will be sent");
  await agency.page.getByText("Message 3: Task: whose account").waitFor();
  await opening.look(agency, "agency-send-confirm");
  await agency.press("Send it");
  // Authorisation and act are there; nobody at the provider has that name.
  await agency.page.getByText("The provider refused 1 part.").waitFor();
  expect(await agency.text()).toContain("No such account.");
  await opening.look(agency, "agency-send-refused");
  await agency.page.getByLabel("People, as the provider knows them").fill(NAME);
  await agency.press("Show what will be sent");
  await agency.page.getByText("There already, and not sent again").waitFor();
  await agency.press("Send it");
  await agency.page.getByText("The provider has all of it.").waitFor();
  await officer.go("/inbox");
  await opening.look(officer, "officer-inbox");
  await officer.go("/endpoints");
  await opening.look(officer, "officer-endpoints");
  for (const [what, act] of [
    ["Authorisation", "Approve"],
    ["Original act", "Approve"],
    ["Task: whose account", "Answer from the provider's own records"],
  ] as const) {
    await officer.go("/inbox");
    await officer.follow(what);
    await officer.page.getByRole("heading", { name: what }).waitFor();
    if (what === "Original act") {
      const act = await officer.download("Read it: download the document");
      expect(Buffer.from(act).toString()).toContain("%PDF-1.7 7 Js 12/26");
    }
    await opening.look(officer, `officer-${what.replaceAll(/\W+/g, "-")}`);
    await officer.press(act);
    await officer.page.getByText("You decide").waitFor();
    if (act !== "Approve") await opening.look(officer, "officer-confirm");
    await officer.press(act);
    await officer.page.getByText("Done, and noted in the custody record.").waitFor();
  }
  expect(await officer.text()).toContain("In the public log at");
  await opening.look(officer, "officer-answered");
});

test("the agency applies, the court signs, and each keyholder has it", async () => {
  court = await opening.at("court", "Judge Cho");
  keyholders = await Promise.all(
    ["Ines", "Jon", "Kit", "Lou"].map(
      async (name, i) => await opening.at("keyholder", name, `keyholder-${i + 1}`),
    ),
  );
  await opening.deployment.supervisor.stop("keyholder-5");
  // What the agency asked over its line, and what the officer answered.
  await agency.go("/sent");
  expect(await agency.text()).toMatch(/Delivery[^]*to be received[^]*Task: whose account[^]*answered/);
  await opening.look(agency, "agency-sent");
  await agency.follow("Delivery");
  await opening.look(agency, "agency-delivery");
  await agency.press("Receive it");
  await agency.page.getByText("What happens").waitFor();
  await opening.look(agency, "agency-receive");
  await agency.press("Receive it");
  await agency.page.getByText("It is here, and the provider was told.").waitFor();
  await opening.look(agency, "agency-received");
  const delivered = Buffer.from(await agency.download("Download what was delivered")).toString();
  expect(JSON.parse(delivered)).toMatchObject({ accounts: [{ account, person: NAME }] });
  await opening.draft(court, application, statement, {
    days: [DAY],
    conversations: "all",
    secretUntil: day(1),
  });
  const order = await opening.sign(court);
  await opening.look(court, "story-court-signed");
  await opening.bring(agency, order);
  await opening.look(agency, "story-agency-order");
  await agency.press("Tell the keyholders the conversations …");
  await agency.press("Tell them");
  await agency.page.getByText("1 of 5 keyholders did not answer.").waitFor();
});

test("one keyholder refuses, one is down, three approve: each sees the others, and nobody is waited for", async () => {
  await opening.open(holder(2), "7 Js 12/26");
  await holder(2).page.getByLabel("Why").fill("The act that came with it is of another case.");
  await holder(2).press("Refuse …");
  await holder(2).press("Refuse");
  await holder(2).page.getByText("Refused, for good.").waitFor();
  await opening.open(holder(1), "7 Js 12/26");
  expect(await holder(1).text()).toMatch(
    /keyholder-2[^]*refused[^]*of another case[^]*keyholder-5[^]*does not answer/,
  );
  await opening.look(holder(1), "story-keyholder-order");
  for (const number of [1, 3, 4]) {
    await opening.open(holder(number), "7 Js 12/26");
    await opening.approve(holder(number));
  }
  await opening.look(holder(4), "story-keyholder-approved");
  await court.go("/orders");
  await court.follow("7 Js 12/26");
  expect(await court.text()).toContain("3 of 3 that are needed have agreed, 1 refused, 1 still to answer.");
  await opening.look(court, "story-court-decided");
});

test("the agency collects what three released, and reads what she wrote and nothing else", async () => {
  await agency.go("/orders");
  await agency.follow("7 Js 12/26");
  const at = new URL(agency.page.url()).pathname;
  await opening.reads(agency, at, "3 of 3 have released");
  await opening.look(agency, "story-agency-released");
  await opening.collect(agency);
  await agency.follow("Read the evidence");
  for (const text of SAID) await agency.page.getByText(text).waitFor();
  expect(await agency.text()).not.toContain("Where are the books?");
  await opening.look(agency, "story-agency-evidence");
});

test("CHA-20: another order is over both sides of what she wrote and was written, and names the other side", async () => {
  await ben.home();
  const other = accountIn(await ben.contactLink());
  await opening.admin("server", "bind-person", { account: other, person: "Ben Example" });
  await opening.draft(court, await opening.apply(agency, BOTH_SIDES), statement, {
    days: [DAY],
    conversations: "all",
    secretUntil: day(1),
  });
  await court.page.getByLabel("Also what others wrote to them").check();
  await court.press("Show what will be signed");
  await court.press("Sign it");
  await court.page.getByText("The provider must say who the others are.").waitFor();
  const { warrant } = readOrderFile(await court.download("Download the order"));
  const others = await opening.admin("server", "others", { warrant: fromUtf8(warrant) });
  await court.upload("The provider's statement of everyone else", "o.json", utf8(JSON.stringify(others)));
  await court.press("Put it in");
  await court.page.getByText("The others are in it. It can be handed in.").waitFor();
  await court.press("Hand it in");
  await court.page.getByRole("heading", { name: "Hand this order in" }).waitFor();
  for (const words of [other, "Ben Example"]) expect(await court.text()).toContain(words);
  await court.press("Hand it in");
  await court.page.getByText("It is in the log.").waitFor();
  await opening.bring(agency, await court.download("Download the order"));
  await agency.page.getByRole("button", { name: /^Tell the keyholders/ }).click();
  await agency.press("Tell them");
  await agency.page.getByText("1 of 5 keyholders did not answer.").waitFor();
});

test("secrecy ends, and her app shows the notice that it read from the log itself", async () => {
  await ada.home();
  await ada.follow("Notices");
  await picture(ada.page, "opening-ada-before");
  await opening.until(day(2));
  const notice = ada.page.locator("article.notice").filter({ hasText: "7 Js 12/26" });
  await notice.waitFor(PATIENT);
  await picture(ada.page, "opening-ada-notice", { fullPage: true });
  const text = await notice.innerText();
  for (const words of ["ordered to open messages of yours", "All of yours", "How to complain", "fraud"]) {
    expect(text).toContain(words);
  }
  await ada.page.locator("article.notice").filter({ hasText: BOTH_SIDES }).waitFor(PATIENT);
  expectCalm(ada, ben);
});

test("NOT-21: who wrote to her reads on his own screen that what he wrote was ordered to be opened, and nothing of the order that was about her alone", async () => {
  await ben.home();
  await ben.follow("Notices, 1 of them new");
  const notice = ben.page.locator("article.notice").filter({ hasText: BOTH_SIDES });
  await notice.waitFor(PATIENT);
  await picture(ben.page, "opening-ben-notice", { fullPage: true });
  for (const words of ["ordered to open messages of yours", "All in which you and that person were"])
    expect(await notice.innerText()).toContain(words);
  expect(await ben.page.locator("article.notice").count()).toBe(1);
  expect(await ben.page.locator("main").innerText()).not.toContain("7 Js 12/26");
  expectCalm(ada, ben);
});

test("axe finds nothing, no page is wider than a phone, and no page did what its policy forbids", () => {
  expect(opening.found).toEqual([]);
  expect(opening.problems).toEqual([]);
});
