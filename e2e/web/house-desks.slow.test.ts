// A house at its desks, with real programs and a browser each: two sign in turn, the works council reads and stops, what was
// decided later and what is to be kept takes both.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { Deployment } from "../../packages/deployment/src/deployment.ts";
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
import { Agency, formatRequest } from "../../packages/parties/src/index.ts";
import { callAdmin } from "../../packages/runtime/src/index.ts";
import { picture, type Started, startBrowser } from "./browser.ts";
import { DeskVisitor } from "./desk-visitor.ts";

const silent = { start: () => {}, step: () => {}, end: () => {}, note: () => {} };
const DAY = dayNumber(20_500);
/** Many pages, each looked at twice. */
const LONG = 600_000;
const EVIL = `<img src=x onerror="alert(1)">`;
const state = mkdtempSync(join(tmpdir(), "porchlight-house-desks-"));
let started: Started;
let deployment: Deployment;
let agency: Agency;
let conversation: string;
let account: string;
let statement: Uint8Array;
let legal: DeskVisitor;
let management: DeskVisitor;
let council: DeskVisitor;
const found: string[] = [];

beforeAll(async () => {
  [started, deployment] = await Promise.all([
    startBrowser(),
    Deployment.open({
      state: join(state, "state"),
      port: 0,
      kind: "house",
      deployment: "house.example",
      clock: { replayFrom: dayStart(DAY) },
      charterFrom: DAY,
      charterDays: 400,
      progress: silent,
    }),
  ]);
  const lines = ["Put it in two parts.", "Nobody reads this."].map((text, i) => {
    const time = unixSeconds(dayStart(DAY) + 36_000 + 3600 * i);
    return { at: formatInstant(time), time, from: i === 0 ? "brandt" : "jonas", text };
  });
  const replayed = await replayChat(
    {
      url: deployment.url,
      charter: deployment.charter,
      tick: async (at) => await deployment.tick(at),
      keysOf: async (period) => await deployment.keysOf(period),
    },
    [{ day: DAY, lines }],
    { seed: null, sampleDay: DAY, progress: silent },
  );
  await deployment.tick(unixSeconds(dayStart(dayNumber(DAY + 1)) + 3600));
  await deployment.ceremony(periodOf(dayNumber(DAY + 1)));
  conversation = replayed.conversation;
  account = replayed.accounts.get("brandt") ?? "";
  const server = deployment.layout.directory("server");
  await callAdmin(server, { command: "bind-person", account, person: `Brandt ${EVIL}` });
  const command = { command: "statement", charter: deployment.charter.id, accounts: [account] };
  statement = utf8(JSON.stringify(await callAdmin(server, command)));
  agency = await Agency.create(
    deployment.layout.directory("agency"),
    { name: "house-lawyers", url: deployment.url, charter: deployment.charter.id },
    { workFactor: 12 },
  );
  const doors = await deployment.openDoorways();
  const linkOf = (party: string): string => doors.find((one) => one.party === party)?.link ?? "";
  legal = await DeskVisitor.enter(started.browser, "Lena Legal", linkOf("legal"));
  management = await DeskVisitor.enter(started.browser, "Max Manager", linkOf("management"));
  council = await DeskVisitor.enter(started.browser, "Cora Council", linkOf("works-council"));
});

afterAll(async () => {
  await started?.stop();
  await deployment?.close();
  rmSync(state, { recursive: true, force: true });
});

afterEach(async ({ task }) => {
  if (task.result?.state !== "fail") return;
  for (const one of [legal, management, council])
    if (one !== undefined) await picture(one.page, `failed-house-${one.name}`);
});

/** Lena drafts and signs, Max signs second and hands it in; the order's file. */
async function ordered(reference: string): Promise<Uint8Array> {
  const { request } = await agency.request(deployment.charter.id, {
    reference,
    actHash: new Uint8Array(32),
  });
  await legal.go("/new");
  await legal.upload("The agency's application", "a.json", formatRequest(request));
  await legal.upload("The provider's statement", "s.json", statement);
  await legal.press("Begin the draft");
  await legal.page.getByLabel("Numbers of the conversations").fill(conversation);
  await legal.page.getByLabel("First day (UTC)").fill(formatDay(DAY));
  const { legalBases, offenceCategories } = deployment.charter;
  await legal.page.getByLabel("Legal basis").selectOption(legalBases[0] as string);
  await legal.page.getByLabel("Category").selectOption(offenceCategories[0] as string);
  await legal.page.getByLabel("Why it is necessary").fill(`Nothing else ${EVIL}`);
  await legal.page.getByLabel("Why it is proportionate").fill("One person, one day.");
  await legal.page.getByLabel("When secrecy ends").check();
  await legal.page.getByLabel("Secret until (UTC)").fill(formatDay(dayNumber(DAY + 30)));
  await legal.page.getByLabel("The ground of the secrecy").fill("It would be destroyed.");
  await legal.press("Show what will be signed");
  await legal.press("Sign it");
  await legal.page.getByText("A second person must sign it.").waitFor();
  const half = await legal.download("Download the order");
  await management.go("/orders");
  await management.upload("The order's file", "order.json", half);
  await management.press("Read it");
  await management.press("Add this desk's signature");
  await management.press("Sign it");
  await management.page.getByText("Signed by both.").waitFor();
  const whole = await management.download("Download the order");
  await management.press("Hand it in");
  await management.press("Hand it in");
  await management.page.getByText("Signed, in the log, and with every keyholder.").waitFor();
  await legal.go("/orders");
  await legal.upload("The order's file", "order.json", whole);
  await legal.press("Read it");
  await legal.page.getByText("in the log").first().waitFor();
  return whole;
}

let first: Uint8Array;

test("CHA-24, GATE-33: the works council sees that an order exists, reads it rule by rule, and stops it with a reason", {
  timeout: LONG,
}, async () => {
  first = await ordered("hold 1");
  found.push(...(await management.look("house-order")));
  await council.go("/orders");
  await council.page.getByText("1 hold order stands in the public log that nobody gave you.").waitFor();
  found.push(...(await council.look("inspector-unshown")));
  await council.upload("The hold order's file", "order.json", first);
  await council.press("Read it");
  await council.page.getByRole("heading", { name: "hold 1" }).waitFor();
  expect(await council.text()).toContain(EVIL);
  found.push(...(await council.look("inspector-order")));
  await council.press("Let it pass …");
  await council.press("Let it pass");
  await council.page.getByText("Noted: you do not object.").waitFor();
  const second = await ordered("hold 2");
  await council.go("/orders");
  await council.upload("The hold order's file", "order.json", second);
  await council.press("Read it");
  await council.press("Stop it …");
  await council.page.getByText("Say why, in words").waitFor();
  found.push(...(await council.look("inspector-no-reason")));
  await council.page.getByLabel("Why", { exact: true }).fill(`Too wide ${EVIL}`);
  await council.press("Stop it …");
  found.push(...(await council.look("inspector-confirm")));
  // Without the passkey nothing is stopped.
  const { session, authenticator: authenticatorId } = council;
  await session.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: false });
  await council.press("Stop it");
  await council.page.getByText("The passkey did not answer. Nothing was done.").waitFor();
  await session.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: true });
  await council.press("Stop it");
  await council.page.getByText("Your veto is entry").waitFor();
  found.push(...(await council.look("inspector-vetoed")));
  await council.go("/orders");
  found.push(...(await council.look("inspector-done")));
  await expect
    .poll(
      async () => {
        await management.go("/orders");
        return await management.text();
      },
      { timeout: 30_000, interval: 500 },
    )
    .toContain("revoked");
});

test("DIR-2: to keep a hold order secret for longer takes both: one file, two desks, and keyholders count it", {
  timeout: LONG,
}, async () => {
  await legal.go("/orders");
  await legal.follow("hold 1");
  await legal.page.locator("summary", { hasText: "Keep it secret for longer" }).click();
  await legal.page.getByLabel("Secret until (UTC)").fill(formatDay(dayNumber(DAY + 60)));
  await legal.page.locator("#ground-extend").fill(`A second person is involved ${EVIL}`);
  await legal.press("Keep it secret for longer …");
  found.push(...(await legal.look("house-extend")));
  await legal.press("Sign it");
  await legal.page.getByText("Signed by you.").waitFor();
  found.push(...(await legal.look("house-half")));
  const half = await legal.download("Download what you signed");
  await management.go("/orders");
  await management.follow("hold 1");
  await management.page.locator("summary", { hasText: "A decision that the other of you signed" }).click();
  await management.upload("The file that they signed", "half.json", utf8("{}"));
  await management.press("Read it");
  await management.page.getByText("This file is no signed decision").first().waitFor();
  await management.go("/orders");
  await management.follow("hold 1");
  await management.page.locator("summary", { hasText: "A decision that the other of you signed" }).click();
  await management.upload("The file that they signed", "half.json", half);
  await management.press("Read it");
  await management.page.getByText("It waits for your signature.").waitFor();
  found.push(...(await management.look("house-cosign")));
  await management.press("Add your signature …");
  expect(await management.text()).toContain("A second person is involved <img");
  expect(await management.text()).toContain(formatDay(dayNumber(DAY + 60)));
  await management.press("Extend the secrecy");
  await management.page.getByText(/Extended\. \d of 5 keyholders have counted it/).waitFor();
  await expect
    .poll(
      async () => {
        await legal.page.reload();
        return await legal.text();
      },
      { timeout: 30_000, interval: 500 },
    )
    .toContain("Secrecy extended");
  // What is done is not asked for any more.
  expect(await legal.text()).not.toContain("one signature of two");
  found.push(...(await legal.look("house-extended")));
});

test("PRES-2, PRES-6, PRES-13: an order to preserve, its extension and its lift take both, with what is left counted down", {
  timeout: LONG,
}, async () => {
  await legal.go("/preservations");
  found.push(...(await legal.look("preservations-empty")));
  await legal.follow("New order to preserve");
  await legal.press("Show what will be signed");
  await legal.page.getByText("Write the file reference in one line.").waitFor();
  found.push(...(await legal.look("preservation-problems")));
  await legal.page.getByLabel("File reference").fill("keep 1");
  await legal.upload("The original act (PDF, scan or form)", "act.pdf", utf8("%PDF-1.7 act"));
  await legal.page.getByLabel("Legal basis").selectOption(deployment.charter.legalBases[0] as string);
  await legal.page.getByLabel("Account").fill(account);
  await legal.page.getByLabel("First day (UTC)").fill(formatDay(DAY));
  await legal.page.getByLabel("Kept until the end of (UTC)").fill(formatDay(dayNumber(DAY + 62)));
  await legal.page.getByLabel("Why").fill(`Until it is decided ${EVIL}`);
  await legal.press("Show what will be signed");
  await legal.page.getByText("it can be extended once.").first().waitFor();
  await legal.page.getByLabel("Kept until the end of (UTC)").fill(formatDay(dayNumber(DAY + 61)));
  await legal.press("Show what will be signed");
  found.push(...(await legal.look("preservation-sign")));
  await legal.press("Sign it");
  await legal.page.getByText("The other person must sign it.").waitFor();
  found.push(...(await legal.look("preservation-half")));
  const signedSecond = async (file: Uint8Array): Promise<Uint8Array> => {
    await management.go("/preservations");
    await management.upload("The order's file", "keep.json", file);
    await management.press("Read it");
    await management.press("Add your signature …");
    await management.press("Sign it");
    await management.page.getByText("What is there now is kept until").waitFor();
    return await management.download("Download the order");
  };
  const whole = await signedSecond(await legal.download("Download the order"));
  expect(await management.text()).toContain("60 days");
  found.push(...(await management.look("preservation-kept")));
  await legal.go("/preservations");
  await legal.upload("The order's file", "keep.json", whole);
  await legal.press("Read it");
  await legal.page.getByText("in the log").first().waitFor();
  await legal.page.locator("summary", { hasText: "Extend it, once" }).click();
  await legal.page.getByLabel("Kept until the end of (UTC)").fill(formatDay(dayNumber(DAY + 91)));
  await legal.page.locator("#ground-extend").fill("It is not decided.");
  await legal.press("Extend it …");
  await legal.press("Sign it");
  await legal.page.getByText("The other person must sign it.").waitFor();
  await signedSecond(await legal.download("Download the order"));
  await management.go("/preservations");
  expect(await management.text()).toContain("kept, extended");
  found.push(...(await management.look("preservations")));

  await management.page.getByRole("link", { name: "keep 1" }).last().click();
  await management.page.locator("summary", { hasText: "Lift it" }).click();
  await management.page.locator("#ground-lift").fill("The matter is closed.");
  await management.press("Lift it …");
  await management.press("Sign it");
  await management.page.getByText("Signed by you.").waitFor();
  const lift = await management.download("Download what you signed");
  await legal.go("/preservations");
  await legal.page.getByRole("link", { name: "keep 1" }).last().click();
  await legal.page.locator("summary", { hasText: "A lift that the other of you signed" }).click();
  await legal.upload("The file that they signed", "lift.json", lift);
  await legal.press("Read it");
  await legal.press("Add your signature …");
  await legal.press("Lift it");
  await legal.page.getByText("it holds nothing any more").waitFor();
  found.push(...(await legal.look("preservation-lifted")));
  await expect
    .poll(
      async () => {
        await management.go("/preservations");
        return (await management.text()).match(/lifted/g)?.length ?? 0;
      },
      { timeout: 30_000, interval: 500 },
    )
    .toBe(2);
});

test("axe finds nothing, no page is wider than a phone, and no page did what its policy forbids", () => {
  expect(found).toEqual([]);
  expect([...legal.watch.problems, ...management.watch.problems, ...council.watch.problems]).toEqual([]);
});
