// Told first: a member reads in her app what is to be opened and contests it there; the court hears her and stops the order;
// nobody is asked to decide, nothing is opened, and everyone's own screen says why. Every act is a page's, under a passkey.
import type { Locator } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import {
  type AccountId,
  dayNumber,
  dayOf,
  periodOf,
  unixSeconds,
} from "../../packages/encoding/src/index.ts";
import { picture } from "./browser.ts";
import { buildWeb } from "./build.ts";
import type { DeskVisitor } from "./desk-visitor.ts";
import { Opening } from "./opening.ts";
import { expectCalm } from "./stage.ts";
import type { Person } from "./town.ts";

/** Of a busy machine: no test here is about speed. */
const PATIENT = { timeout: 120_000 };
vi.setConfig({ testTimeout: 600_000 });
const NAME = "Ada Example";
const REFERENCE = "7 Js 13/26";
const GROUND = "I was abroad. <b>Please</b> ask my employer.";

/** Browsers have this computer's clock: they stay on this day while the deployment goes on. */
const NOW = unixSeconds(Math.floor(Date.now() / 1000));
const DAY = dayOf(NOW);
const day = (count: number) => dayNumber(DAY + count);

let opening: Opening;
let ada: Person;
let ben: Person;
let account: AccountId;
let agency: DeskVisitor;
let court: DeskVisitor;
let keyholders: readonly DeskVisitor[];

beforeAll(async () => {
  opening = await Opening.open({ name: "contest.example", from: NOW, web: await buildWeb() });
}, 300_000);
afterAll(async () => {
  await opening?.close();
});
afterEach(async ({ task }) => {
  if (task.result?.state === "fail") await opening?.showFailure();
});

/** Keyholders say on their beat what a member's app waits for, and time goes on here by hand. */
async function comes(what: Locator): Promise<void> {
  const { deployment } = opening;
  const look = async (): Promise<number> => {
    await deployment.tick(unixSeconds(deployment.service.now() + 60));
    return await what.count();
  };
  await expect.poll(look, { timeout: PATIENT.timeout, interval: 2_000 }).toBeGreaterThan(0);
  await what.waitFor();
}

test("two people talk, in the knowledge of who can open it", async () => {
  [ada, ben] = [await opening.member("Ada", { phone: true }), await opening.member("Ben")];
  account = await opening.asks(ben, ada, "Where are the books?");
  await ada.says("In the green cupboard.");
  await ben.sees("In the green cupboard.");
  expectCalm(ada, ben);
});

test("the agency applies and the court orders, telling her first: keyholders are not asked while she may object", async () => {
  await opening.until(day(1));
  const conversation = /[0-9a-f]{64}/.exec(ben.page.url())?.[0] ?? expect.fail("no conversation is open");
  const statement = await opening.statement({ [account]: NAME });
  await opening.agencyOf("agency");
  [agency, court] = [await opening.at("agency", "Inspector Bo"), await opening.at("court", "Judge Cho")];
  keyholders = [
    await opening.at("keyholder", "Ines", "keyholder-1"),
    await opening.at("keyholder", "Jon", "keyholder-2"),
  ];
  await opening.ordered({ agency, court }, REFERENCE, statement, {
    days: [DAY],
    conversations: conversation,
  });
  for (const keyholder of keyholders) {
    await opening.reads(keyholder, "/orders", new RegExp(`Being checked[^]*${REFERENCE}`));
    await keyholder.follow(REFERENCE);
    expect(await keyholder.text()).toMatch(/The person is told first\.[^]*can contest it until the end of/);
    expect(await keyholder.text()).toMatch(/GATE-20\s+not yet/);
    expect(await keyholder.page.getByRole("button", { name: "Approve …" }).count()).toBe(0);
  }
  await opening.look(keyholders[0] as DeskVisitor, "contest-keyholder-waits");
});

test("she reads it in her app and contests it there; the court reads her words, and suspends the order", async () => {
  await ada.home();
  await ada.follow("Notices");
  const notice = ada.page.locator("article.notice").filter({ hasText: REFERENCE });
  await comes(notice.getByText("Nothing is opened before the end of"));
  expect(await notice.innerText()).toContain(
    "District Court (demonstration) ordered to open messages of yours",
  );
  await ada.page.getByLabel("Why it should not be opened").fill(GROUND);
  await picture(ada.page, "contest-ada-writes", { fullPage: true });
  await ada.press("Contest this order");
  await ada.page.getByText("The service signed that it has your contest").waitFor(PATIENT);
  await picture(ada.page, "contest-ada-contested", { fullPage: true });

  await court.go("/orders");
  await court.follow(REFERENCE);
  expect(await court.text()).toContain(GROUND);
  expect(await court.text()).toContain(NAME);
  await opening.look(court, "contest-court-reads");
  await court.page.locator("summary", { hasText: "Suspend it" }).click();
  await court.page.locator("#ground-suspend").fill("The employer is to be asked first.");
  await court.press("Suspend it …");
  await court.page.getByRole("heading", { name: "Suspend this order" }).waitFor();
  await court.press("Suspend it");
  await court.page.getByText("Suspended.").first().waitFor();
  await opening.look(court, "contest-court-suspended");

  // NOT-43: her own app finds it in the log.
  await comes(notice.getByText("This order is suspended"));
  await picture(ada.page, "contest-ada-suspended", { fullPage: true });
});

test("the days to object are over, and still nobody is asked to decide; the agency reads why it gets nothing", async () => {
  const after = day(1 + opening.deployment.charter.contestDays + 1);
  if (periodOf(after) === periodOf(DAY)) await opening.until(after);
  // Another month's keys are not needed: nothing of it is opened.
  else await opening.deployment.tick(unixSeconds(after * 86_400 + 3600));
  for (const keyholder of keyholders) {
    const at = new URL(keyholder.page.url()).pathname;
    await opening.reads(keyholder, at, /GATE-20\s+holds/);
    expect(await keyholder.text()).toMatch(/GATE-31\s+not yet/);
    expect(await keyholder.page.getByRole("button", { name: "Approve …" }).count()).toBe(0);
  }
  await opening.look(keyholders[0] as DeskVisitor, "contest-keyholder-suspended");
  await opening.reads(agency, "/orders", /7 Js 13\/26\s+suspended/);
  await agency.follow(REFERENCE);
  expect(await agency.text()).toContain(
    "The court suspended this order. Nothing is released until the court lets it go on.",
  );
  await opening.look(agency, "contest-agency-suspended");
});

test("having heard her the court revokes it: keyholders refuse, the agency gets nothing, and her app says that it is over", async () => {
  await opening.revoke(court, "Her employer confirms that she was abroad.");
  await opening.look(court, "contest-court-revoked");
  for (const keyholder of keyholders) {
    await opening.reads(keyholder, "/orders", new RegExp(`Decided[^]*${REFERENCE}[^]*refused`));
    await keyholder.follow(REFERENCE);
    expect(await keyholder.text()).toMatch(
      /Refused by a rule of the gate[^]*The order was revoked\.[^]*GATE-10/,
    );
  }
  await opening.look(keyholders[0] as DeskVisitor, "contest-keyholder-refused");
  await opening.reads(agency, "/orders", /7 Js 13\/26\s+revoked/);
  await agency.follow(REFERENCE);
  expect(await agency.text()).toContain("The court revoked this order.");
  expect(await agency.page.getByRole("button", { name: "Collect and open" }).count()).toBe(0);
  await opening.look(agency, "contest-agency-revoked");
  const notice = ada.page.locator("article.notice").filter({ hasText: REFERENCE });
  await comes(notice.getByText("This order was taken back"));
  expect(await notice.innerText()).not.toContain("Nothing is opened before the end of");
  await picture(ada.page, "contest-ada-revoked", { fullPage: true });
  expectCalm(ada, ben);
});

test("axe finds nothing, no page is wider than a phone, and no page did what its policy forbids", () => {
  expect(opening.found).toEqual([]);
  expect(opening.problems).toEqual([]);
});
