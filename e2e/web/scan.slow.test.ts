// Codes are read with a camera: Chromium's, which sees what another person's screen shows.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { picture } from "./browser.ts";
import { Film, shownCode } from "./film.ts";
import { expectCalm, PATIENT, Stage } from "./stage.ts";
import type { Person } from "./town.ts";

const GIVEN = ["clipboard-read", "clipboard-write"];

let film: Film;
let stage: Stage;
let ada: Person;
let ben: Person;
let cay: Person;
let hasCamera = false;
/** Codes as Ben's screen shows them. */
let link: Awaited<ReturnType<typeof shownCode>>;

beforeAll(async () => {
  film = new Film();
  stage = await Stage.open(film.flags);
  ben = await stage.member("Ben", stage.origin, { phone: true });
  cay = await stage.member("Cay", stage.origin);
  ada = await stage.person("Ada", stage.origin);
  await ada.context.grantPermissions(["camera"], { origin: ada.origin });
  await ada.page.goto(ada.origin);
  hasCamera = await ada.page.evaluate(async () => {
    const stream = await navigator.mediaDevices.getUserMedia({ video: true }).catch(() => null);
    for (const track of stream?.getTracks() ?? []) track.stop();
    return stream !== null;
  });
  await ada.context.clearPermissions();
  await ada.context.grantPermissions(GIVEN);
  // What the page was given by the browser, kept where the test sees whether it is still on.
  await ada.context.addInitScript(() => {
    const tracks: MediaStreamTrack[] = [];
    const devices = navigator.mediaDevices;
    const ask = devices.getUserMedia.bind(devices);
    devices.getUserMedia = async (wanted) => {
      const stream = await ask(wanted);
      tracks.push(...stream.getTracks());
      return stream;
    };
    Object.assign(globalThis, { tracks });
  });
  await ada.signUpWithPassphrase(ada.joinLink(await stage.deployment.invite()));
  await ada.readWho();
  if (!hasCamera) console.log("skipped: scanning, for this Chromium has no camera, not even a film");
}, 600_000);
beforeEach(({ skip }) => skip(!hasCamera));
afterAll(async () => {
  await stage?.close();
  film?.close();
});
afterEach(async ({ task }) => {
  if (task.result?.state === "fail") await stage.showFailure();
});

/** "live" or "ended" of every camera that Ada's page ever had. */
const cameras = async (): Promise<readonly string[]> =>
  await ada.page.evaluate(() =>
    (globalThis as unknown as { tracks: MediaStreamTrack[] }).tracks.map(({ readyState }) => readyState),
  );
const scanner = (title: string) => ada.page.getByRole("dialog", { name: title });
const isOff = async (times: number): Promise<void> =>
  await expect.poll(cameras, PATIENT).toEqual(Array.from({ length: times }, () => "ended"));

test("a camera that the person does not give is said; given after all, it finds a contact link, and is off again", async () => {
  await ben.settings("You");
  link = await shownCode(ben.page);
  await ben.home();
  await ada.press("New conversation");
  expect(await cameras()).toEqual([]);
  await ada.press("Scan");
  await ada.page.getByRole("alert").getByText("This page may not use the camera").waitFor();
  await picture(ada.page, "scan-refused-by-browser");
  expect(await cameras()).toEqual([]);
  await ada.context.grantPermissions([...GIVEN, "camera"]);
  await ada.press("Try again");
  await scanner("Scan a contact link").getByText("Hold the camera on").waitFor();
  await expect.poll(cameras, PATIENT).toEqual(["live"]);
  film.show(link);
  await ada.page.getByRole("checkbox", { name: "Ben" }).waitFor();
  await isOff(1);
  expect(await scanner("Scan a contact link").count()).toBe(0);
  // Back to where it was asked for.
  await expect
    .poll(async () => await ada.page.evaluate(() => document.activeElement?.textContent))
    .toBe("Scan");
  await ada.press("Start");
  await ada.says("Found you");
  await ben.page.getByRole("link", { name: /Ada/ }).first().click();
  await ben.sees("Found you");
  expectCalm(ada, ben);
});

test("CON-21: another kind of code is said and the camera goes on; theirs then matches", async () => {
  await ben.follow("People and devices");
  await ben.press("Compare keys");
  await ben.page.getByRole("dialog", { name: "Compare keys" }).waitFor();
  const shown = await shownCode(ben.page);
  await ada.follow("People and devices");
  await ada.press("Compare keys");
  await ada.press("Scan their code");
  // The contact link is still there.
  await ada.page.getByRole("status").getByText("That is a contact link.").waitFor();
  await picture(ada.page, "scan-wrong-kind");
  expect((await cameras()).at(-1)).toBe("live");
  film.show(shown);
  await ada.page.getByText(/^Compared\. You will be told/).waitFor();
  await isOff(2);
  expect(await scanner("Scan their safety number").count()).toBe(0);
  await picture(ada.page, "scan-matches");
  expectCalm(ada, ben);
});

test("CON-21: the code of another person is loud", async () => {
  await ada.press("Close");
  // Cay's screen says who she is to Ada, where Ada wants to know it of Ben.
  await cay.begins(await ada.contactLink());
  await cay.follow("People and devices");
  await cay.press("Compare keys");
  await cay.page.getByRole("dialog", { name: "Compare keys" }).waitFor();
  film.show(await shownCode(cay.page));
  await ada.page.getByRole("link", { name: /Ben/ }).first().click();
  await ada.follow("People and devices");
  await ada.press("Compare keys");
  await ada.press("Scan their code");
  await ada.page.getByRole("alert").getByText("are not the same on both screens").waitFor();
  await picture(ada.page, "scan-differs");
  await isOff(3);
  await ada.press("Close");
  expectCalm(ada, ben, cay);
});

test("closed, left by Escape, or out of sight, the camera is off, and comes back only when the person says so", async () => {
  film.show([]);
  const begin = async (times: number): Promise<void> => {
    await ada.press("Scan their code");
    await expect.poll(async () => (await cameras()).length, PATIENT).toBe(times);
    await scanner("Scan their safety number").getByText("Hold the camera on").waitFor();
    expect((await cameras()).at(-1)).toBe("live");
  };
  await ada.press("Compare keys");
  await begin(4);
  await scanner("Scan their safety number").getByRole("button", { name: "Close" }).click();
  await isOff(4);
  await begin(5);
  await ada.page.keyboard.press("Escape");
  await isOff(5);
  // The dialog below is still there, and has the focus.
  await expect
    .poll(async () => await ada.page.evaluate(() => document.activeElement?.textContent))
    .toBe("Scan their code");
  await begin(6);
  const isHidden = async (hidden: boolean): Promise<void> =>
    await ada.page.evaluate((now) => {
      Object.defineProperty(document, "visibilityState", {
        configurable: true,
        value: now ? "hidden" : "visible",
      });
      document.dispatchEvent(new Event("visibilitychange"));
    }, hidden);
  await isHidden(true);
  await isOff(6);
  await isHidden(false);
  await ada.page.getByText("The camera is off").waitFor();
  await isOff(6);
  await ada.press("Turn it on again");
  await scanner("Scan their safety number").getByText("Hold the camera on").waitFor();
  expect((await cameras()).at(-1)).toBe("live");
  await ada.page.keyboard.press("Escape");
  await isOff(7);
  await ada.page.keyboard.press("Escape");
  expectCalm(ada);
});

test("ACC-31: the code of a new device is scanned, and the digits are on both", async () => {
  await ada.home();
  const tablet = await stage.person("Ada's tablet", stage.origin, { phone: true });
  await tablet.beginPairing("Kitchen tablet");
  const shown = await shownCode(tablet.page);
  await ada.settings("Devices");
  await ada.press("Add a device");
  await ada.press("Scan it");
  film.show(shown);
  await ada.page.getByRole("alertdialog").locator(".digits").waitFor();
  await tablet.page.locator(".digits").waitFor();
  expect(await ada.page.locator(".digits").innerText()).toBe(
    await tablet.page.locator(".digits").innerText(),
  );
  await isOff(8);
  await ada.press("They are the same: add it");
  await tablet.readWho();
  expectCalm(ada, tablet);
});
