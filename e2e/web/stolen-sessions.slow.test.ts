// A session in the hands of somebody else, at a court's and a keyholder's desk: read as long as it lasts, it decides
// nothing, and it does not last. The desks run here, as their time is the test's; everything behind them is a program.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { WORK_FACTOR } from "../../packages/deployment/src/layout.ts";
import { labelOf, openDesk, type ServedDesk, serveDesk } from "../../packages/desk/src/index.ts";
import { addPasskeyDevice, picture } from "./browser.ts";
import { DeskVisitor } from "./desk-visitor.ts";
import { SpokenOpening } from "./spoken-opening.ts";

vi.setConfig({ testTimeout: 600_000 });

const MINUTE = 60;

let spoken: SpokenOpening;
let seconds = 0;
const served: ServedDesk[] = [];
const thieves: BrowserContext[] = [];
let court: DeskVisitor;
let agency: DeskVisitor;
let keyholder: DeskVisitor;
let order: string;
let draft: string;

async function deskOf(kind: string, party: string, name: string): Promise<DeskVisitor> {
  const { opening } = spoken;
  const directory = opening.directory(party);
  const context = { directory, url: opening.deployment.url, charter: opening.deployment.charter.id };
  const desk = await serveDesk(
    await openDesk(kind, context),
    {
      directory,
      label: labelOf(kind, directory),
      port: 0,
      stopwatch: () => seconds,
      workFactor: WORK_FACTOR,
    },
    (event, error) => console.error(event, error),
  );
  served.push(desk);
  return await DeskVisitor.enter(opening.browser, name, desk.link());
}

beforeAll(async () => {
  spoken = await SpokenOpening.open("stolen-sessions");
  const { opening } = spoken;
  agency = await opening.at("agency", "Inspector Bo");
  court = await deskOf("court", "court", "Judge Cho");
  keyholder = await deskOf("keyholder", "keyholder-1", "Ines");
}, 600_000);
afterAll(async () => {
  for (const thief of thieves) await thief.close();
  for (const desk of served) await desk.close();
  await spoken?.close();
});
afterEach(async ({ task }) => {
  if (task.result?.state !== "fail") return;
  for (const [i, page] of thieves.flatMap((thief) => thief.pages()).entries())
    await picture(page, `failed-stolen-thief-${i}`);
  for (const { name, page } of [court, keyholder]) await picture(page, `failed-stolen-${name}`);
});

/** A browser of somebody else with the cookies of this one, and a passkey device that knows nobody here. */
async function thiefOf(victim: DeskVisitor): Promise<Page> {
  const thief = await spoken.opening.browser.newContext({ locale: "en-GB", timezoneId: "UTC" });
  thieves.push(thief);
  await thief.addCookies(await victim.context.cookies());
  const page = await thief.newPage();
  page.setDefaultTimeout(90_000);
  await addPasskeyDevice(page);
  return page;
}

const press = async (page: Page, name: string): Promise<void> =>
  await page.getByRole("button", { name, exact: true }).click();
const text = async (page: Page): Promise<string> => await page.locator("main").innerText();

test("a judge has a draft on the screen, and an order waits for a keyholder", async () => {
  const { opening } = spoken;
  const statement = await spoken.statement("rook");
  await opening.ordered({ agency, court }, "3 Gs 1/26", statement, spoken.about);
  await opening.draft(court, await opening.apply(agency, "3 Gs 2/26"), statement, spoken.about);
  await court.press("Save and count again");
  draft = new URL(court.page.url()).pathname;
  await opening.open(keyholder, "3 Gs 1/26");
  order = new URL(keyholder.page.url()).pathname;
});

test("in another browser: it shows the desk, and signs, approves, refuses, pauses and invites nothing without the passkey", async () => {
  const judge = await thiefOf(court);
  await judge.goto(court.origin + draft);
  await press(judge, "Show what will be signed");
  await press(judge, "Sign it");
  await judge.getByText("The passkey did not answer. Nothing was done.").waitFor();
  await picture(judge, "stolen-court");
  await judge.goto(`${court.origin}/people`);
  await press(judge, "Make a one-time link");
  await judge.locator("form[data-passkey=act] button").click();
  await judge.getByText("The passkey did not answer. Nothing was done.").waitFor();

  const holder = await thiefOf(keyholder);
  for (const [path, first, second] of [
    [order, "Approve …", "Approve"],
    [order, "Refuse …", "Refuse"],
    ["/state", "Pause everything …", "Pause everything"],
  ] as const) {
    await holder.goto(keyholder.origin + path);
    if (first !== "Approve …") await holder.getByLabel("Why").last().fill("I am somebody else.");
    await press(holder, first);
    await press(holder, second);
    await holder.getByText("The passkey did not answer. Nothing was done.").waitFor();
  }
  await picture(holder, "stolen-keyholder");

  // Both find everything as they left it.
  await court.go("/orders");
  expect(await court.text()).toMatch(/Drafts[^]*3 Gs 2\/26/);
  await court.go("/journal");
  expect(await court.text()).not.toContain("3 Gs 2/26");
  await keyholder.go("/orders");
  expect(await keyholder.text()).toMatch(/Waiting for you[^]*3 Gs 1\/26[^]*Decided/);
  expect(await keyholder.text()).not.toContain("Everything is paused");
});

test("at another desk the cookie is worth nothing, and another page's form does nothing here", async () => {
  const page = await thiefOf(court);
  const [cookie] = await court.context.cookies();
  const { hostname } = new URL(keyholder.origin);
  for (const name of [cookie?.name ?? "", "porchlight-keyholder-1"])
    await page.context().addCookies([{ name, value: cookie?.value ?? "", domain: hostname, path: "/" }]);
  await page.goto(keyholder.origin + order);
  expect(await text(page)).toContain("You are signed out");
  expect(await text(page)).not.toContain("3 Gs 1/26");
  await picture(page, "stolen-other-desk");

  const trap = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "text/html" });
    response.end(
      `<form method="post" action="${keyholder.origin}/state/pause"><input name="reason" value="x"><button>Win a prize</button></form>`,
    );
  }).listen(0, "127.0.0.1");
  await once(trap, "listening");
  const lured = await thiefOf(keyholder);
  await lured.goto(`http://127.0.0.1:${(trap.address() as AddressInfo).port}`);
  await press(lured, "Win a prize");
  await lured.getByRole("heading", { name: "Another page tried to do this here" }).waitFor();
  await picture(lured, "stolen-other-page");
  expect(await text(lured)).toContain("Nothing was done. Close the page that you came from");
  trap.close();
  trap.closeAllConnections();
});

test("what is shown can be confirmed for five minutes, and once", async () => {
  await keyholder.go(order);
  await keyholder.press("Approve …");
  await keyholder.page.getByRole("heading", { name: "Approve this warrant" }).waitFor();
  seconds += 6 * MINUTE;
  await keyholder.press("Approve");
  await keyholder.page.getByRole("heading", { name: "This cannot be confirmed any more" }).waitFor();
  await spoken.says(keyholder, "keyholder-too-late", "Nothing was done.", "Begin again.", "act-lapsed");
  await keyholder.go(order);
  expect(await keyholder.page.getByRole("button", { name: "Approve …" }).count()).toBe(1);
});

test("after a quarter of an hour in which nobody did anything, and after signing out, it is over: for both browsers", async () => {
  for (const [visitor, path] of [
    [court, draft],
    [keyholder, order],
  ] as const) {
    await visitor.go("/sign-in");
    const signIn = visitor.page.getByRole("button", { name: "Sign in with your passkey" });
    if ((await signIn.count()) > 0) await signIn.click();
    await visitor.page.getByRole("heading", { name: "Orders" }).waitFor();
    await visitor.go(path);
    const copy = await thiefOf(visitor);
    seconds += 14 * MINUTE;
    await visitor.go(path);
    expect(await visitor.text()).not.toContain("You are signed out");
    // It was on the screen when its person went away.
    seconds += 15 * MINUTE + 1;
    await visitor.press(visitor === court ? "Show what will be signed" : "Approve …");
    await visitor.page.getByRole("heading", { name: "You are signed out" }).waitFor();
    const name = visitor === court ? "court" : "keyholder";
    await spoken.says(visitor, `${name}-idle`, "Sign in with your passkey and do it again.");
    await copy.goto(visitor.origin + path);
    expect(await text(copy)).toContain("You are signed out");

    await visitor.follow("To the sign-in");
    await visitor.press("Sign in with your passkey");
    await visitor.page.getByRole("heading", { name: "Orders" }).waitFor();
    const fresh = await thiefOf(visitor);
    await fresh.goto(visitor.origin + path);
    expect(await text(fresh)).not.toContain("You are signed out");
    await visitor.press("Sign out");
    await visitor.page.getByRole("heading", { name: "Sign in" }).waitFor();
    await fresh.reload();
    expect(await text(fresh)).toContain("You are signed out");
    expect(await text(fresh)).not.toContain("3 Gs");
  }
});

test("axe finds nothing, no page is wider than a phone, and no page did what its policy forbids", () => {
  expect(spoken.opening.found).toEqual([]);
  for (const { name, watch } of [agency, court, keyholder]) expect([name, ...watch.problems]).toEqual([name]);
});
