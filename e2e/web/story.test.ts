// People with a browser profile each, against real programs: from a one-time link through what goes well to what must
// not. One deployment and one set of people for all of it: each part goes on where the one before ended.
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { formatContactCode } from "../../packages/client/src/messenger/safety-number.ts";
import { type AccountId, hex } from "../../packages/encoding/src/index.ts";
import { answer, type Ended, porchlight } from "../porchlight.ts";
import { mayNotify, picture } from "./browser.ts";
import { mostUnread } from "./react-queue.ts";
import { accountIn, expectCalm, PATIENT, Stage } from "./stage.ts";
import { lostAndSecondDevice } from "./story-devices.ts";
import { serverLies } from "./story-lies.ts";
import { wordsAndPlaces } from "./story-words.ts";
import type { Person } from "./town.ts";

let stage: Stage;
let ada: Person;
let ben: Person;
let cay: Person;
let adaAccount: string;

beforeAll(async () => {
  stage = await Stage.open();
});
afterAll(async () => {
  await stage?.close();
});
afterEach(async ({ task }) => {
  if (task.result?.state === "fail") await stage.showFailure();
});

test("ACC-12, ACC-13: one comes in by a link, and one by hers: with a passkey, with a passphrase; and they talk", async () => {
  const link = await stage.deployment.invite();
  const unknown = link.replace(/#.*/, `#${"A".repeat(43)}`);
  ada = await stage.person("Ada", new URL(link).origin);
  // A link that is no good leaves no passkey behind, and neither link stays in the address bar.
  expect(await ada.signUpAtLast(unknown, link)).toEqual([0, 1]);
  expect(new URL(ada.page.url()).hash).toBe("");
  await picture(ada.page, "story-ada-who");
  await ada.readWho();
  adaAccount = accountIn(await ada.contactLink());
  ben = await stage.person("Ben", stage.cable.origin, { phone: true });
  const invited = ben.joinLink(await ada.invitation());
  await ben.page.goto(invited);
  await ben.page.getByText("Ada invites you").waitFor();
  await picture(ben.page, "story-ben-invited");
  await ben.signUpWithPassphrase(invited);
  await ben.readWho();
  // Whom he knows by the link alone he can write to: no second link is needed.
  await picture(ben.page, "story-ben-first");
  await ben.press("Write to Ada");
  await picture(ben.page, "story-ben-new");
  await ben.press("Start");
  await ben.says("Is the porch light on?");
  await ada.page.getByText("Is the porch light on?").first().click();
  await ada.says("It is on.");
  await ben.says("It is.");
  await ada.sees("It is.");
  await picture(ben.page, "story-ben-talk");
  expectCalm(ada, ben);
});

test("a second passkey and a passphrase are added in the settings; the first can go, the last one stays", async () => {
  await ada.settings("Devices");
  await ada.press("Add a passkey");
  await ada.page.getByText("The passkey was added").first().waitFor();
  const added = ada.page
    .locator(".stack-tight")
    .filter({ has: ada.page.getByRole("heading", { name: "What unlocks this device" }) });
  const entries = added.getByRole("listitem");
  await expect.poll(() => entries.count(), PATIENT).toBe(2);
  // The one that she signed up with is there too, and each has a name of its own.
  const names = await entries.locator("bdi.block").allInnerTexts();
  expect(names[1]).toBe(`${names[0]} 2`);
  await ada.press("Add a passphrase");
  await ada.choosePassphrase("Save");
  await expect.poll(() => entries.count(), PATIENT).toBe(3);
  await added.scrollIntoViewIfNeeded();
  await picture(ada.page, "story-ada-passkey");
  const remove = entries.getByRole("button", { name: "Remove" });
  // It asks first, and takes nothing away before a way that stays was used.
  const using = (name: string | undefined) =>
    ada.page.getByRole("alertdialog").getByRole("button", { name: `Use “${name}”, and remove` });
  await remove.last().click();
  await using(names[1]).click();
  await expect.poll(() => entries.count(), PATIENT).toBe(2);
  await remove.first().click();
  expect(await using(names[0]).count()).toBe(0);
  await using(names[1]).click();
  await expect.poll(() => entries.count(), PATIENT).toBe(1);
  expect(await entries.locator("bdi.block").allInnerTexts()).toEqual([names[1]]);
  expect(await remove.isDisabled()).toBe(true);
  await ada.press("Rename");
  await ada.page.getByLabel("Name of this device").fill("Kitchen computer");
  await ada.press("Save");
  await ada.page.getByRole("listitem").getByText("Kitchen computer").waitFor();
  // The second one opens what the first one made.
  await ada.press("Lock now");
  await ada.press("Unlock with a passkey");
  await ada.page.getByRole("heading", { name: "What unlocks this device" }).waitFor();
  await ada.home();
  await ada.page.getByText("It is.").first().click();
  expectCalm(ada);
});

test("what is open in one tab can be used in another: the first one stops, and gets it back in the same way", async () => {
  const other = await ada.context.newPage();
  await other.goto(ada.origin);
  await other.getByText("Porchlight is open in another tab").waitFor();
  await other.getByRole("button", { name: "Use it here" }).click();
  await other.getByRole("heading", { name: "Locked" }).waitFor();
  await ada.page.getByText("Porchlight is open in another tab").waitFor();
  await ada.press("Use it here");
  await other.getByText("Porchlight is open in another tab").waitFor();
  await other.close();
  await ada.press("Unlock with a passkey");
  await ada.page.getByText("It is.").first().click();
  expectCalm(ada);
});

test("the settings say whether the browser keeps the key, and whether anybody is told while the app is closed", async () => {
  const may = await mayNotify(ada.page, ada.origin);
  await ada.settings("Notifications");
  // This deployment has no push service: the screen does not promise one. A Chromium without windows never lets anybody notify.
  await ada.page
    .getByText(
      may ? "This service sends no push messages" : "This browser does not let Porchlight notify you",
    )
    .waitFor();
  await ada.follow("Your data");
  const isKept = await ada.page.evaluate(async () => await navigator.storage.persisted());
  const words = isKept ? "This browser keeps what" : "This browser may delete what";
  await ada.page.getByText(words).waitFor();
  expect(await ada.page.getByRole("link", { name: "Recovery code" }).count()).toBe(isKept ? 0 : 1);
  await ada.home();
  await ada.page.getByText("It is.").first().click();
  expectCalm(ada);
});

test("a file goes over with its progress, can be stopped, and arrives byte for byte; a picture is shown", async () => {
  const bytes = randomBytes(300_000);
  stage.cable.hold();
  await ben.attach({ name: "stopped.bin", mimeType: "application/octet-stream", buffer: bytes });
  await ben.press("Send");
  await ben.page.getByRole("progressbar", { name: /^Sending / }).waitFor();
  await picture(ben.page, "story-ben-sending");
  await ben.press("Take this file out of the message");
  await ben.page.getByText("stopped.bin").waitFor({ state: "detached" });
  stage.cable.letGo();
  await ben.attach({ name: "plan.bin", mimeType: "application/octet-stream", buffer: bytes });
  await ben.press("Send");
  expect(digest((await ada.downloads("plan.bin")).bytes)).toBe(digest(bytes));
  await ben.attach({ name: "lamp.png", mimeType: "image/png", buffer: await drawing(ben) });
  await ben.press("Send");
  await ada.press("Open picture", "lamp.png");
  const shown = ada.page.getByRole("img", { name: /^Picture .lamp.png.$/ });
  await shown.waitFor();
  await expect
    .poll(() => shown.evaluate((image) => (image as HTMLImageElement).naturalWidth), PATIENT)
    .toBe(600);
  await picture(ada.page, "story-ada-picture");
  await ada.press("Close");
  expectCalm(ada, ben);
});

test("APP-8: anybody can compare what is served with the log, and sees where it is not what was released", async () => {
  const directory = mkdtempSync(join(tmpdir(), "porchlight-verify-app-"));
  const policy = join(directory, "policy");
  writeFileSync(policy, stage.deployment.charter.log.policy);
  const check = async (url: string): Promise<Ended> =>
    await porchlight("verify-app", url, "--policy", policy, "--json");
  const [honest, other] = await Promise.all([
    check(stage.deployment.url),
    (async () => {
      stage.liar.answer = (path, json) =>
        path === "/release.json" ? { ...(json as object), version: "9" } : json;
      const ended = await check(stage.liar.url);
      stage.liar.answer = (_, json) => json;
      return ended;
    })(),
  ]);
  expect([honest.code, honest.err]).toEqual([0, ""]);
  // Beside the provider the page may ask the keyholders, and nobody else.
  const connect = stage.deployment.charter.keyholders.map(({ url }) => new URL(url).origin);
  expect(answer(honest)).toMatchObject({ version: "0.1.0", findings: [], connect });
  expect(other.code).toBe(1);
  // That proxy writes every JSON anew, the manifest of the installable app too: of those bytes nothing is let pass.
  const found = answer<{ findings: { code: string; path: string }[] }>(other).findings;
  expect(found.map(({ code, path }) => `${code} ${path}`)).toEqual([
    "release-unlogged /release.json",
    "file-differs /app.webmanifest",
  ]);
  rmSync(directory, { recursive: true, force: true });
});

const HOSTILE: readonly [name: string, sent: string, shown: string][] = [
  ["html", "<img src=x onerror=alert(1)><script>alert(2)</script>", "<img src=x onerror=alert(1)>"],
  ["bidi", "pay \u202Efdp.exe", "pay \u27E8U+202E\u27E9fdp.exe"],
  ["zalgo", `zal${"\u0351\u0300\u0489".repeat(400)}go`, "zal"],
  ["line", `${"x".repeat(65_536)}`, "x".repeat(100)],
  ["scheme", "javascript:alert(3) data:text/html,<b>x</b>", "javascript:alert(3)"],
  ["lookalike", "see https://\u0430\u0440\u0440\u04CF\u0435.com/login", "see https://"],
];

test("hostile words and files are shown as what they are: nothing runs, nothing is lost, nothing leaves the screen", async () => {
  for (const [name, sent, shown] of HOSTILE) {
    await ada.says(sent);
    await ben.sees(shown);
    await picture(ben.page, `story-hostile-${name}`);
    const { tooWide, tallest } = await ben.page.evaluate(() => ({
      tooWide: document.documentElement.scrollWidth - innerWidth,
      tallest: Math.max(...[...document.querySelectorAll(".bubble")].map((one) => one.clientHeight)),
    }));
    expect([name, tooWide]).toEqual([name, 0]);
    // A long one is folded until it is asked for.
    expect([name, tallest < 2_500]).toEqual([name, true]);
  }
  expect(await ben.thread.locator("a[href^=javascript], a[href^=data], img[src=x], script").count()).toBe(0);
  await ben.page.locator(".lookalike").last().click();
  await ben.page.getByText("Is this the address you expect?").waitFor();
  await ben.page.getByText("xn--").first().waitFor();
  await picture(ben.page, "story-hostile-link");
  await ben.press("Stay here");
  const page = Buffer.from("GIF89a/*<html><script>alert(4)</script>*/=1");
  await ada.attach({ name: "..\u202Efig<b>.html", mimeType: "text/html", buffer: page });
  await ada.press("Send");
  const got = await ben.downloads("..fig<b>.html");
  expect(got.bytes.equals(page)).toBe(true);
  expect(got.name).not.toMatch(/[\u202E<>/\\]|^\./);
  expectCalm(ada, ben);
});

test("a hostile name is shown as what it is, or dropped", async () => {
  const name = `<img src=x onerror=alert(5)> ${"w\u0337".repeat(8)}WWWWWWWW`;
  for (const [place, shown] of [name, "eman\u202Ea live"].entries()) {
    // Somebody whom nobody here knows: a name in a contact code is its owner's word.
    const stranger = hex(new Uint8Array(32).fill(place + 1)) as AccountId;
    await ada.press("New conversation");
    await ada.page.getByLabel("Contact link or code").fill(formatContactCode(stranger, shown));
    await ada.press("Add");
    await picture(ada.page, `story-hostile-name-${shown.length}`);
    expect(await ada.page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBe(0);
    expect(await ada.page.locator("img[src=x]").count()).toBe(0);
    // Who turns the screen's writing around is nobody, as far as the name goes.
    await ada.page
      .getByText(place === 0 ? "<img src=x onerror=alert(5)>" : "Unknown (0202)")
      .first()
      .waitFor();
    await ada.press("Close");
  }
  expectCalm(ada);
});

test("they compare keys: the same digits on both screens", async () => {
  const digits = async (person: Person): Promise<string> => {
    await person.follow("People and devices");
    await person.press("Compare keys");
    return await person.page.getByLabel("Safety number", { exact: true }).innerText();
  };
  const [hers, his] = [await digits(ada), await digits(ben)];
  expect(his).toBe(hers);
  await ben.press("They are the same");
  await ben.page.getByText("Compared. You will be told").waitFor();
  await picture(ben.page, "story-ben-compared");
  await ben.press("Close");
  await ben.page.getByText("Keys compared on").waitFor();
  // Whoever sees other digits is warned, and what was compared before counts no longer.
  await ben.press("Compare keys");
  await ben.press("They differ");
  await ben.page.getByText("Somebody may be in between").waitFor();
  await ben.press("Close");
  await ben.page.getByText("Keys compared on").waitFor({ state: "detached" });
  // On a second look they are the same after all.
  await ben.press("Compare keys");
  await ben.press("They are the same");
  await ben.press("Close");
  await ben.follow("Close");
  await ada.press("Close");
  expectCalm(ada, ben);
});

test("more than a screen of unread messages opens at the first of them, and is read once its end was seen", async () => {
  await ben.home();
  const long = (n: number): string => `Letter ${n}: ${"and so on, and so forth, ".repeat(25)}`;
  for (let n = 1; n <= 6; n++) await ada.says(long(n));
  const unread = (count: number): Promise<unknown> =>
    ben.page.waitForFunction((n) => (/^\((\d+)\)/.exec(document.title)?.[1] ?? "0") === String(n), count);
  await unread(6);
  await ben.page.getByRole("link", { name: /Ada/ }).first().click();
  await ben.sees("New from here");
  // The button stands there because the end does not: nothing of it has been read.
  const toNew = ben.page.getByRole("button", { name: /6 new messages/ });
  await toNew.waitFor();
  await picture(ben.page, "story-ben-unread");
  // What comes now moves nothing under the reader's eyes.
  await ada.says("one more");
  await unread(7);
  expect(await ben.thread.getByText("Letter 1:").isVisible()).toBe(true);
  await ben.page.getByRole("button", { name: /7 new messages/ }).click();
  await unread(0);
  await ben.sees("one more");
  expectCalm(ada, ben);
});

test("a third is taken in: everybody sees it, and she sees who can open what from here on", async () => {
  cay = await stage.member("Cay", stage.lyingOrigin);
  const contact = await cay.contactLink();
  // CON-23: as it stands it is of another address.
  await ada.press("Add people");
  await ada.page.getByLabel("Contact link or code").fill(contact);
  await ada.press("Add");
  await ada.page.getByText("This link is not of this service").waitFor();
  await ada.page.keyboard.press("Escape");
  await ada.adds(contact);
  await ada.sees("You added Cay");
  await ben.sees("Ada added Cay");
  await picture(ada.page, "story-ada-added");
  await cay.page.getByRole("link", { name: /Ada/ }).first().click();
  await cay.sees("What was said before is not here");
  await ben.says("Welcome, Cay");
  await cay.sees("Welcome, Cay");
  expect(await cay.thread.getByText("Is the porch light on?").count()).toBe(0);
  await picture(cay.page, "story-cay-joined");
  await cay.follow("Court can open");
  await cay.page.getByText("3 of 5", { exact: true }).waitFor();
  await cay.home();
  await cay.page.getByRole("link", { name: /Ada/ }).first().click();
  expectCalm(ada, ben, cay);
});

serverLies(() => ({ stage, writer: ada, account: adaAccount, reader: cay }));

test("the third is removed: her screen and everybody else's say so", async () => {
  await ada.follow("People and devices");
  await ada.press("Remove", "Cay");
  await picture(ada.page, "story-ada-remove");
  await ada.page.getByRole("alertdialog").getByRole("button", { name: "Remove" }).click();
  await ada.sees("You removed Cay");
  await ben.sees("Ada removed Cay");
  await cay.page.getByText("You are not in this conversation any more").waitFor();
  await cay.sees("Ada removed you");
  expect(await cay.page.getByPlaceholder("Write a message").count()).toBe(0);
  await picture(cay.page, "story-cay-removed");
  expectCalm(ada, ben, cay);
});

test("offline: what is written waits, survives a locked reload from the app's own files, and goes out once", async () => {
  await ben.page.evaluate(async () => void (await navigator.serviceWorker.ready));
  stage.cable.cut();
  await ben.says("written without a net");
  await ben.page.getByText("Waiting to be sent").waitFor();
  await ben.page.getByText("No connection. You can go on writing").first().waitFor();
  await picture(ben.page, "story-ben-offline");
  await ben.page.reload();
  await ben.page.getByLabel("Passphrase").waitFor();
  await picture(ben.page, "story-ben-locked");
  await ben.unlock();
  await ben.sees("written without a net");
  await expect.poll(() => ben.page.getByText("Waiting to be sent").count()).toBe(1);
  stage.cable.mend();
  await ada.sees("written without a net");
  await ben.page.getByText("Waiting to be sent").waitFor({ state: "detached" });
  expect(await ben.thread.getByText("written without a net").count()).toBe(1);
  expectCalm(ada, ben);
});

wordsAndPlaces(() => ({ stage, ada, ben, cay, said: "written without a net" }));

test("after all of it no component of the page has changes of state piled up unread", async () => {
  for (let i = 0; i < 4; i++) {
    await ada.settings("You");
    await ada.home();
  }
  await expect.poll(() => mostUnread(ada.page)).toBeLessThan(4);
});

lostAndSecondDevice(() => ({ stage, owner: ada, other: ben, said: "written without a net" }));

function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** A picture that the browser itself encodes. */
async function drawing({ page }: Person): Promise<Buffer> {
  const base64 = await page.evaluate(() => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [600, 400];
    const context = canvas.getContext("2d") as CanvasRenderingContext2D;
    context.fillStyle = "#1b2a41";
    context.fillRect(0, 0, 600, 400);
    context.fillStyle = "#f2b134";
    context.arc(300, 200, 90, 0, 7);
    context.fill();
    return canvas.toDataURL("image/png").split(",")[1] ?? "";
  });
  return Buffer.from(base64, "base64");
}
