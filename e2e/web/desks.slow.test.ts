// A court and an agency, each with its own process, origin and passkey, over a whole deployment: from the application to
// messages that are read, and what must not go.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { Deployment } from "../../packages/deployment/src/deployment.ts";
import { KEYHOLDER_NAMES } from "../../packages/deployment/src/layout.ts";
import { replayChat } from "../../packages/deployment/src/replay.ts";
import {
  dayNumber,
  dayStart,
  formatDay,
  formatInstant,
  periodOf,
  unixSeconds,
  utf8,
} from "../../packages/encoding/src/index.ts";
import { Agency } from "../../packages/parties/src/index.ts";
import { callAdmin } from "../../packages/runtime/src/index.ts";
import { picture, type Started, startBrowser } from "./browser.ts";
import { DeskVisitor } from "./desk-visitor.ts";

const silent = { start: () => {}, step: () => {}, end: () => {}, note: () => {} };
const DAY = dayNumber(20_500);
const EVIL = `<img src=x onerror="alert(1)"><script>alert(2)</script>`;
const SAID = ["The parcel is in the shed.", EVIL, "Bring the key on Friday.", "I have burned the list."];

const state = mkdtempSync(join(tmpdir(), "porchlight-desks-"));
let started: Started;
let deployment: Deployment;
let conversation: string;
let account: string;
let statement: Uint8Array;
let court: DeskVisitor;
let agency: DeskVisitor;

beforeAll(async () => {
  [started, deployment] = await Promise.all([
    startBrowser(),
    Deployment.open({
      state: join(state, "state"),
      port: 0,
      deployment: "desks.example",
      clock: { replayFrom: dayStart(DAY) },
      charterFrom: DAY,
      charterDays: 400,
      progress: silent,
    }),
  ]);
  const lines = SAID.map((text, i) => {
    const time = unixSeconds(dayStart(DAY) + 36_000 + 3600 * i);
    return { at: formatInstant(time), time, from: "rook", text };
  });
  const answer = { ...(lines[0] as (typeof lines)[0]), from: "noor", text: "Nobody may read this." };
  const replayed = await replayChat(
    {
      url: deployment.url,
      charter: deployment.charter,
      tick: async (at) => await deployment.tick(at),
      keysOf: async (period) => await deployment.keysOf(period),
    },
    [{ day: DAY, lines: [answer, ...lines] }],
    { seed: null, sampleDay: DAY, progress: silent },
  );
  await deployment.tick(unixSeconds(dayStart(dayNumber(DAY + 1)) + 3600));
  await deployment.ceremony(periodOf(dayNumber(DAY + 1)));
  conversation = replayed.conversation;
  account = replayed.accounts.get("rook") ?? "";
  const server = deployment.layout.directory("server");
  await callAdmin(server, { command: "bind-person", account, person: `Rook ${EVIL}` });
  const signed = await callAdmin(server, {
    command: "statement",
    charter: deployment.charter.id,
    accounts: [account],
  });
  statement = utf8(JSON.stringify(signed));
  await Agency.create(
    deployment.layout.directory("agency"),
    { name: "agency", url: deployment.url, charter: deployment.charter.id },
    { workFactor: 12 },
  );
  const desks = [await deployment.openDesk("court"), await deployment.openDesk("agency")];
  court = await DeskVisitor.enter(started.browser, "Judge Ada", desks[0]?.link ?? "");
  agency = await DeskVisitor.enter(started.browser, "Officer Ben", desks[1]?.link ?? "");
});

afterAll(async () => {
  await started?.stop();
  await deployment?.close();
  rmSync(state, { recursive: true, force: true });
});

afterEach(async ({ task }) => {
  if (task.result?.state !== "fail") return;
  for (const one of [court, agency])
    if (one !== undefined) await picture(one.page, `failed-desk-${one.name}`);
});

const found: string[] = [];
let application: Uint8Array;
let order: Uint8Array;
let orderId: string;

test("the agency makes an application, and the court drafts from it what it opens in words and numbers", async () => {
  found.push(...(await agency.look("agency-empty")));
  await agency.follow("New application");
  await agency.page.getByLabel("File reference").fill(`case <b>1</b>`);
  await agency.upload(
    "The original act (PDF, scan or form)",
    "act <i>.pdf",
    utf8("%PDF-1.7 an original act"),
  );
  found.push(...(await agency.look("agency-new")));
  await agency.press("Show what will be made");
  found.push(...(await agency.look("agency-confirm")));
  await agency.press("Make it");
  await agency.page.getByRole("heading", { name: "Application case <b>1</b>" }).waitFor();
  found.push(...(await agency.look("agency-application")));
  application = await agency.download("Download the application");
  expect(Buffer.from(application).toString()).toContain("case <b>1</b>");

  found.push(...(await court.look("court-empty")));
  await court.follow("New order");
  // Not an application: said in plain words, nothing kept.
  await court.upload("The agency's application", "a.json", utf8("{}"));
  await court.upload("The provider's statement", "s.json", statement);
  await court.press("Begin the draft");
  await court.page.getByRole("heading", { name: "This file is not in the agreed form" }).waitFor();
  found.push(...(await court.look("court-error")));
  await court.go("/new");
  await court.upload("The agency's application", "a.json", application);
  await court.upload("The provider's statement", "s.json", statement);
  await court.press("Begin the draft");
  await court.page.getByRole("heading", { name: "Draft: case <b>1</b>" }).waitFor();
  await court.press("Show what will be signed");
  await court.page.getByRole("alert").waitFor();
  found.push(...(await court.look("court-draft-problems")));
  await court.page.getByLabel("Numbers of the conversations").fill(conversation);
  await court.page.getByLabel("First day (UTC)").fill(formatDay(DAY));
  const { legalBases, offenceCategories } = deployment.charter;
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
  found.push(...(await court.look("court-draft")));
});

test("the court signs with its passkey exactly what it was shown; without the passkey nothing is signed", async () => {
  await court.press("Show what will be signed");
  await court.page.getByRole("heading", { name: "Sign this warrant" }).waitFor();
  expect(await court.text()).toContain("Nothing else <img src=x");
  found.push(...(await court.look("court-sign")));
  // Somebody at the court's screen whose finger the passkey does not know.
  const { session, authenticator: authenticatorId } = court;
  await session.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: false });
  await court.press("Sign it");
  await court.page.getByText("The passkey did not answer. Nothing was done.").waitFor();
  await session.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: true });
  await court.press("Sign it");
  await court.page.getByText("Signed, in the log, and with every keyholder.").waitFor();
  found.push(...(await court.look("court-order")));
  order = await court.download("Download the order");
  await court.go("/journal");
  expect(await court.text()).toContain("The passkey's signature fits what is shown.");
  found.push(...(await court.look("court-journal")));
  await court.go("/people");
  found.push(...(await court.look("court-people")));
  await court.go("/orders");
  expect(await court.text()).toContain("in the log");
  found.push(...(await court.look("court-orders")));
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
  const directories = KEYHOLDER_NAMES.map((name) => deployment.layout.directory(name));
  const [listed] = (await callAdmin(directories[0] as string, { command: "list" })) as { order: string }[];
  orderId = listed?.order ?? "";
  await callAdmin(directories[4] as string, {
    command: "refuse",
    order: orderId,
    reason: `The scope is too wide ${EVIL}`,
    by: "Dora",
  });
  for (const directory of directories.slice(0, 3)) {
    await callAdmin(directory, { command: "approve", order: orderId, commitment, by: "Cay" });
  }
  await expect
    .poll(
      async () => {
        await agency.page.reload();
        return await agency.text();
      },
      { timeout: 60_000, interval: 500 },
    )
    .toContain("3 of 3 have released");
  expect(await agency.text()).toContain("refused");
  found.push(...(await agency.look("agency-order")));
  await agency.press("Collect and open");
  found.push(...(await agency.look("agency-collect")));
  await agency.press("Open it");
  await agency.page.getByRole("link", { name: "Read the evidence" }).waitFor({ timeout: 60_000 });
  await agency.follow("Read the evidence");
  await agency.page.getByText("The parcel is in the shed.").waitFor();
  expect(await agency.text()).toContain(EVIL);
  expect(await agency.text()).not.toContain("Nobody may read this");
  found.push(...(await agency.look("agency-evidence")));
  await agency.page.getByLabel("Words").fill("KEY friday");
  await agency.press("Search");
  expect(await agency.text()).toContain("1 message of 4 fits");
  found.push(...(await agency.look("agency-search")));
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

test("the court revokes with a ground, which stops the agency; its refusals are signed records", async () => {
  await court.go("/orders");
  await court.follow("case <b>1</b>");
  expect(await court.text()).toContain("The scope is too wide <img");
  found.push(...(await court.look("court-order-answered")));
  await court.page.locator("summary", { hasText: "Revoke it" }).click();
  await court.page.getByLabel("Why").last().fill(`A complaint was upheld ${EVIL}`);
  await court.press("Revoke it …");
  await court.page.getByRole("heading", { name: "Revoke this order" }).waitFor();
  await court.press("Revoke it");
  await court.page.getByText("Revoked.").first().waitFor();
  found.push(...(await court.look("court-revoked")));
  await expect
    .poll(
      async () => {
        await agency.go("/orders");
        return await agency.text();
      },
      { timeout: 60_000, interval: 500 },
    )
    .toContain("revoked");
  found.push(...(await agency.look("agency-orders")));
  await agency.follow("case <b>1</b>");
  expect(await agency.text()).toContain("The court revoked this order.");
  await agency.press("Sign out");
  await agency.page.getByRole("heading", { name: "Sign in" }).waitFor();
  found.push(...(await agency.look("agency-sign-in")));
  await agency.press("Sign in with your passkey");
  await agency.page.getByRole("heading", { name: "Orders" }).waitFor();
});

test("axe finds nothing, no page is wider than a phone, and no page did what its policy forbids", () => {
  expect(found).toEqual([]);
  expect([...court.watch.problems, ...agency.watch.problems]).toEqual([]);
});
