import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { serveFiles } from "../../apps/server/test/web-server.ts";
import { event, message, refused } from "../../apps/web/gallery/entries.ts";
import { HOUSE, INES, ME, NOOR, TOMAS } from "../../apps/web/gallery/people.ts";
import type { Act, scenePort } from "../../apps/web/gallery/port.ts";
import { SCENES } from "../../apps/web/gallery/scenes.ts";
import { axe } from "../../apps/web/test/axe.ts";
import { flatWebp } from "../../apps/web/test/flat-pictures.ts";
import type { EntryView } from "../../packages/client/src/messenger/page.ts";
import { addPasskeyDevice, openProfile, picture, type Started, startBrowser } from "./browser.ts";
import { buildWeb } from "./build.ts";

const FORMS = {
  "desktop-light": { viewport: { width: 1280, height: 800 }, colorScheme: "light" },
  "phone-dark": {
    viewport: { width: 390, height: 780 },
    colorScheme: "dark",
    hasTouch: true,
    isMobile: true,
  },
  "desktop-dark": { viewport: { width: 1280, height: 800 }, colorScheme: "dark" },
  "phone-light": {
    viewport: { width: 390, height: 780 },
    colorScheme: "light",
    hasTouch: true,
    isMobile: true,
  },
  // As a browser's zoom of 400 % makes an ordinary screen.
  narrow: { viewport: { width: 320, height: 640 }, colorScheme: "light" },
  "large-text": { viewport: { width: 1280, height: 800 }, colorScheme: "light" },
  "large-text-phone": { viewport: { width: 390, height: 780 }, colorScheme: "dark" },
  "high-contrast": { viewport: { width: 1280, height: 800 }, colorScheme: "light", contrast: "more" },
  "forced-colors": { viewport: { width: 1280, height: 800 }, colorScheme: "dark", forcedColors: "active" },
} as const;

/** The others look alike in the tree that axe reads, and are drawn in the slow suite. */
const QUICK = ["desktop-light", "phone-dark"];
const isSlow = process.env["PORCHLIGHT_SLOW"] === "1";

/** What the gallery's page has for tests. */
type Shown = {
  readonly showScene: (name: string) => void;
  readonly scene: () => ReturnType<typeof scenePort>;
};

let started: Started;
let served: Awaited<ReturnType<typeof serveFiles>>;

beforeAll(async () => {
  [started, served] = await Promise.all([startBrowser(), buildWeb("--gallery").then(serveFiles)]);
});
afterAll(async () => {
  await started?.stop();
  await served?.stop();
});

async function show(page: Page, scene: string): Promise<void> {
  await page.evaluate((name) => {
    // What the last scene told stays until somebody closes it.
    for (const close of document.querySelectorAll<HTMLElement>(".toasts button")) close.click();
    (globalThis as unknown as Shown).showScene(name);
    // Two frames: the second draws what the answers of the first brought.
    return new Promise((resolve) =>
      requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(resolve))),
    );
  }, scene);
}

async function perform(page: Page, act: Act): Promise<void> {
  if ("press" in act) {
    // In a menu, or a button; names of people stand isolated in a label.
    const name = new RegExp(`^${act.press.replaceAll(" ", "[ \u2068\u2069]+")}\u2069?$`);
    const shown = page
      .getByRole("button", { name })
      .or(page.getByRole("menuitem", { name }))
      .or(page.locator("summary", { hasText: name }));
    await shown.last().click();
  } else if ("fill" in act) await page.getByLabel(act.fill, { exact: true }).last().fill(act.with);
  else if ("sees" in act) await page.getByText(act.sees).last().waitFor();
  else
    await page.locator(".thread-scroll").evaluate((thread) => {
      thread.scrollTop = 0;
      return new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    });
}

test.each(Object.entries(FORMS).filter(([form]) => isSlow || QUICK.includes(form)))(
  "%s: every state of every page is drawn, keeps the policy, and axe finds nothing",
  async (form, options) => {
    // Twice the letters, as a person sets them in the browser: media queries follow them.
    const own = form.startsWith("large-text")
      ? await startBrowser(["--blink-settings=defaultFontSize=32"])
      : null;
    const { browser } = own ?? started;
    const { context, watch } = await openProfile(browser, { origin: served.origin, ...options });
    const page = await context.newPage();
    const found: string[] = [];
    await page.goto(served.origin);
    // The picture of one colour in the hostile scene is one that this browser would decode.
    const flat = await page.evaluate(
      async (bytes) => (await createImageBitmap(new Blob([Uint8Array.from(bytes)]))).width,
      [...flatWebp(3000, 2)],
    );
    expect(flat).toBe(3000);
    // What only comes after something is done takes longer, and is slow too.
    const scenes = Object.entries(SCENES).filter(([, { does }]) => isSlow || does === undefined);
    for (const [scene, { does = [] }] of scenes) {
      await show(page, scene);
      await page.locator("#main").waitFor({ state: "attached" });
      for (const act of does) await perform(page, act);
      // A dialog that is still on its way covers nothing yet.
      await page.evaluate(async () => {
        const ending = document
          .getAnimations()
          .filter(({ effect }) => effect?.getComputedTiming().iterations !== Number.POSITIVE_INFINITY);
        await Promise.allSettled(ending.map(({ finished }) => finished));
      });
      // For people to look at; a test that only asks does not wait for them.
      if (isSlow) await picture(page, `${scene}-${form}`);
      found.push(...(await axe(page)).map((line) => `${scene}: ${line}`));
      const widest = await page.evaluate(() =>
        Math.max(0, ...[...document.images].map((one) => one.naturalWidth)),
      );
      if (widest > 2048) found.push(`${scene}: a picture of ${widest} pixels is decoded`);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (overflow > 0) found.push(`${scene}: ${overflow} pixels wider than the screen`);
    }
    expect(found).toEqual([]);
    expect(watch.problems).toEqual([]);
    await context.close();
    await own?.stop();
  },
  isSlow ? 1_800_000 : 600_000,
);

test("who hears the page is told of everything that comes into a thread, by whom, and of the same words twice", async () => {
  const { context, watch } = await openProfile(started.browser, { origin: served.origin });
  const page = await context.newPage();
  await page.goto(served.origin);
  await show(page, "thread");
  const takes = async (...entries: readonly object[]): Promise<void> =>
    await page.evaluate(
      (more) => (globalThis as unknown as Shown).scene().takes(more as readonly EntryView[]),
      entries,
    );
  // Isolates are for the eye.
  const heard = async (urgency: "polite" | "assertive"): Promise<readonly string[]> =>
    (await page.locator(`#main [aria-live=${urgency}] p`).allTextContents()).map((one) =>
      one
        .replace(/[\u2066-\u2069]/g, "")
        .replace(/ +/g, " ")
        .trim(),
    );
  await page.getByRole("article").last().waitFor();
  // What stood there before is not news.
  expect(await heard("polite")).toEqual([]);
  await takes(message(NOOR, "ok"));
  await expect.poll(() => heard("polite")).toEqual(["Noor Haddad: ok"]);
  const mine = message(ME, "mine");
  await takes(message(NOOR, "ok"), mine);
  await expect.poll(() => heard("polite")).toEqual(["Noor Haddad: ok", "Noor Haddad: ok"]);
  const file = { name: "plan.pdf", type: "application/pdf", size: 9, preview: null };
  await takes(
    message(TOMAS, "", {}, { attachments: [file] }),
    event(NOOR, { kind: "safety-number-changed", account: NOOR }),
    event(INES, { kind: "charter-proposed", charter: HOUSE }),
  );
  await expect
    .poll(async () => (await heard("polite")).slice(2))
    .toEqual([
      "Tomás Rivera sent a file: plan.pdf",
      "Noor Haddad has other keys than those you compared",
      "Inês Carvalho proposed a change: House charter: who can open this",
    ]);
  expect(await page.locator("#main [aria-live] a").count()).toBe(0);
  // What was refused interrupts; of a flood in one place each doubling is told.
  const flood = refused("message", "replayed");
  const alarms = [
    "A message was refused. It was shown before. Somebody delivered it a second time.",
    "2 messages were refused. It was shown before. Somebody delivered it a second time.",
  ];
  for (const times of [1, 2]) {
    await takes({ ...flood, times });
    await expect.poll(() => heard("assertive")).toEqual(alarms.slice(0, times));
  }
  await takes({ ...flood, times: 3 });
  // What becomes of one's own is told where it has to be known.
  await takes({ ...mine, delivery: { kind: "refused", code: "quota" } });
  alarms.push("Not sent. Your storage at the provider is full. mine");
  await expect.poll(async () => (await heard("assertive")).slice(2)).toEqual(alarms.slice(2));
  // Of many at once the newest, and how many there were.
  await takes(...Array.from({ length: 90 }, (_, i) => message(NOOR, `late ${i}`)));
  await expect
    .poll(async () => (await heard("polite")).slice(5))
    .toEqual(["87 entries came before these.", ...[87, 88, 89].map((i) => `Noor Haddad: late ${i}`)]);
  // What is edited or deleted afterwards does not stay in the page as it was said, nor is it said again.
  const changing = message(NOOR, "as first written");
  await takes(changing);
  await expect.poll(async () => (await heard("polite")).at(-1)).toBe("Noor Haddad: as first written");
  // Whoever began to answer it and is elsewhere by now stays there.
  const search = page.getByRole("searchbox");
  const answered = page.locator(".composer-about");
  const isInField = (): Promise<boolean> =>
    page.evaluate(() => document.activeElement?.matches(".composer-text") === true);
  await perform(page, { press: "What to do with this message" });
  await perform(page, { press: "Reply" });
  await answered.getByText("as first written").waitFor();
  await expect.poll(isInField).toBe(true);
  await search.focus();
  await takes({ ...changing, body: { ...changing.body, text: "as edited" } });
  await expect.poll(async () => (await heard("polite")).at(-1)).toBe("Noor Haddad: as edited");
  await answered.getByText("as edited").waitFor();
  await takes({ ...changing, body: { kind: "deleted" } });
  await expect.poll(async () => (await heard("polite")).at(-1)).toBe("");
  await answered.getByText("Deleted message").waitFor();
  expect(await search.evaluate((one) => one === document.activeElement)).toBe(true);
  expect(await heard("assertive")).toEqual(alarms);
  expect(watch.problems).toEqual([]);
  await context.close();
});

test("who goes somewhere is brought to its heading, and nobody out of the field they write in", async () => {
  const { context, watch } = await openProfile(started.browser, { origin: served.origin });
  const page = await context.newPage();
  await page.goto(`${served.origin}?scene=list`);
  const focused = (): Promise<string> =>
    page.evaluate(() => {
      const { localName, textContent } = document.activeElement as HTMLElement;
      return localName === "body" ? localName : `${localName} ${textContent ?? ""}`.trim();
    });
  const isAt = (what: string): Promise<void> => expect.poll(focused).toBe(what);
  const goes = (name: string | RegExp): Promise<void> =>
    page.getByRole("link", { name }).first().dispatchEvent("click");
  const skip = page.locator(".skip");
  await page.getByRole("link", { name: "Settings" }).waitFor();
  // Nobody went anywhere yet.
  expect([await focused(), await skip.innerText()]).toEqual(["body", "Skip the list of conversations"]);
  await page.getByRole("searchbox").fill("garden");
  await page.getByRole("status").filter({ hasText: "1 conversation found" }).waitFor();
  await page.getByRole("searchbox").fill("");
  await goes("Settings");
  await isAt("h1 Settings");
  expect(await skip.innerText()).toBe("Skip to the settings");
  await goes("Devices");
  await isAt("h2 Devices");
  await goes("Back");
  await isAt("h1 Nothing opens in the dark");
  await goes("Notices");
  await isAt("h1 Notices");
  await goes("Back");
  await goes(/Garden club/);
  await isAt("textarea");
  await goes("Court can open");
  await isAt("h1 Who can open this");
  expect(await skip.innerText()).toBe("Skip to who can open this");
  await goes(/Allotment committee/);
  // Here is nothing to write in.
  await isAt("h1 Allotment committee");
  await goes("People and devices");
  await isAt("h2 People and devices");
  await goes("Close");
  await isAt("h1 Allotment committee");
  await skip.focus();
  expect(await skip.innerText()).toBe("Skip to the conversation");
  await page.keyboard.press("Enter");
  await isAt("h1 Allotment committee");
  // A button that is at it keeps the focus, so that what comes of it does not begin at the top of the page.
  await show(page, "locked-busy");
  for (const act of SCENES["locked-busy"]?.does ?? []) await perform(page, act);
  await isAt("button One moment…");
  expect(await page.getByRole("button", { name: "One moment…" }).isDisabled()).toBe(true);
  expect(watch.problems).toEqual([]);
  await context.close();
});

test("who is asked before something ends reads what ends, and no more than that", async () => {
  const { context, watch } = await openProfile(started.browser, { origin: served.origin });
  const page = await context.newPage();
  await page.goto(served.origin);
  const at = async (scene: string): Promise<void> => {
    await show(page, scene);
    for (const act of SCENES[scene]?.does ?? []) await perform(page, act);
    await picture(page, `asked-${scene}`);
  };
  const dialog = page.getByRole("alertdialog");
  await at("message-delete");
  expect(await dialog.innerText()).toContain("An order can still open it until then.");
  await at("message-delete-no-charter");
  expect(await dialog.innerText()).toContain("No order can open it, unless it was written before");
  await at("signed-out-restore");
  await page.getByText("All your other devices are removed from the account").waitFor();
  // Nothing stands in for a code that is not there yet; one that is may be on paper.
  const code = page.locator("main .code-large");
  const asked = (): Promise<number> =>
    page.evaluate(() => (globalThis as unknown as Shown).scene().asked("makeRecoveryCode").length);
  await at("settings-recovery-code");
  await code.waitFor();
  expect(await asked()).toBe(1);
  await perform(page, { press: "Make another code" });
  await dialog.getByText("stops working at once").waitFor();
  await perform(page, { press: "Cancel" });
  await page.evaluate(() => (globalThis as unknown as Shown).scene().refuses("makeRecoveryCode", "offline"));
  expect(await asked()).toBe(1);
  const shown = await code.innerText();
  await perform(page, { press: "Make another code" });
  await perform(page, { press: "Make it, and end the one before" });
  await page.getByText("There is no connection. Try again when you are online.").waitFor();
  expect(await asked()).toBe(2);
  // What was refused ended nothing: it is the only code that there is.
  expect(await code.innerText()).toBe(shown);
  await at("settings-recovery-replace");
  await dialog.waitFor();
  expect(await asked()).toBe(0);
  expect(watch.problems).toEqual([]);
  await context.close();
});

test("what is being prepared or saved when its writer turns away is not lost, and what was sent with it goes", async () => {
  const { context, watch } = await openProfile(started.browser, { origin: served.origin });
  const page = await context.newPage();
  await page.goto(served.origin);
  await show(page, "thread");
  // A picture takes as long as the test says.
  await page.evaluate(() => {
    const decode = createImageBitmap.bind(globalThis);
    let held: Promise<void> | null = null;
    Object.assign(globalThis, {
      createImageBitmap: async (picture: Blob) => {
        await held;
        return await decode(picture);
      },
      hold: () => {
        const { promise, resolve } = Promise.withResolvers<void>();
        held = promise;
        Object.assign(globalThis, { letGo: resolve });
      },
    });
  });
  const call = (name: "hold" | "letGo"): Promise<void> =>
    page.evaluate((one) => (globalThis as unknown as Record<string, () => void>)[one]?.(), name);
  const sent = (): Promise<string[]> =>
    page.evaluate(() =>
      (globalThis as unknown as Shown)
        .scene()
        .asked("send")
        .map((input) => {
          const { text, attachments } = input as { text: string; attachments: { name: string }[] };
          return `${text}: ${attachments.map(({ name }) => name).join()}`;
        }),
    );
  const attach = async (name: string): Promise<void> => {
    await call("hold");
    const picture = { name, mimeType: "image/webp", buffer: Buffer.from(flatWebp(32, 32)) };
    await page.locator("input[type=file]").setInputFiles(picture);
    await page.getByText("Preparing the files…").waitFor();
  };
  const goes = (name: RegExp): Promise<void> =>
    page.locator(".list").getByRole("link", { name }).first().click();
  const field = page.getByRole("textbox", { name: /^Message to/ });
  await attach("porch.webp");
  await field.fill("The porch");
  const emoji = page.getByRole("button", { name: "Insert an emoji" });
  expect(await emoji.isDisabled()).toBe(false);
  await field.press("Enter");
  // What waits to go is not written any more, with a key or with the palette.
  await expect.poll(() => emoji.isDisabled()).toBe(true);
  await goes(/Choir/);
  await page.getByRole("heading", { name: "Choir" }).waitFor();
  expect(await sent()).toEqual([]);
  await call("letGo");
  await expect.poll(sent).toEqual(["The porch: porch.webp"]);
  await goes(/Garden club/);
  await page.getByRole("heading", { name: "Garden club" }).waitFor();
  expect(await field.inputValue()).toBe("");
  // Whoever only chose them finds them, whether they come back before or after.
  await attach("lamp.webp");
  await goes(/Choir/);
  await goes(/Garden club/);
  await page.getByText("Preparing the files…").waitFor();
  await goes(/Choir/);
  await call("letGo");
  await goes(/Garden club/);
  await page.getByText("lamp.webp").waitFor();
  await field.press("Enter");
  await expect.poll(sent).toEqual(["The porch: porch.webp", ": lamp.webp"]);
  // An edit that is answered when nobody looks gives the field back to the draft.
  await field.fill("Still to say");
  await perform(page, { press: "What to do with this message" });
  await perform(page, { press: "Edit" });
  await expect.poll(() => field.inputValue()).toBe("On its way to the printer.");
  await page.evaluate(() => (globalThis as unknown as Shown).scene().holds("edit"));
  await field.fill("At the printer.");
  await field.press("Enter");
  await goes(/Choir/);
  await page.getByRole("heading", { name: "Choir" }).waitFor();
  await page.evaluate(() => (globalThis as unknown as Shown).scene().letsGo("edit"));
  await goes(/Garden club/);
  await page.getByRole("heading", { name: "Garden club" }).waitFor();
  expect(await field.inputValue()).toBe("Still to say");
  expect(await page.locator(".composer-about").count()).toBe(0);
  expect(watch.problems).toEqual([]);
  await context.close();
});

test("what was done once cannot be done twice, and what was done in part is shown as it is", async () => {
  const { context, watch } = await openProfile(started.browser, { origin: served.origin });
  await context.addInitScript(() => Reflect.deleteProperty(globalThis, "Notification"));
  const page = await context.newPage();
  await page.goto(served.origin);
  const asked = (name: string): Promise<readonly unknown[]> =>
    page.evaluate((one) => (globalThis as unknown as Shown).scene().asked(one), name);
  const focused = (): Promise<string> =>
    page.evaluate(() => {
      const { textContent, labels } = document.activeElement as HTMLInputElement;
      return labels?.[0]?.textContent ?? textContent ?? "";
    });
  // A message that was lost goes again once, as the answer that it was.
  await show(page, "trouble");
  await perform(page, { press: "Send it again" });
  await page.getByText("You sent it again.").waitFor();
  // Its button went with it; the focus did not.
  expect(await focused()).toBe("You sent it again.");
  expect(await asked("send")).toMatchObject([{ text: "The key is under the mat.", replyTo: "asked" }]);
  expect(await page.getByRole("button", { name: "Send it again" }).count()).toBe(0);
  await page.locator(".event-more").getByText("Ask them for its key").waitFor();
  await picture(page, "done-lost-again");
  await show(page, "settings-notifications");
  await page.getByText("This browser has no notifications on this page.").waitFor();
  await picture(page, "done-no-notifications");
  // The provider refuses what this device has done already.
  await show(page, "settings-devices");
  await page.evaluate(() => {
    const scene = (globalThis as unknown as Shown).scene();
    scene.refuses("removePasskey", "offline");
    scene.answers("unlockWays", [{ kind: "passphrase" }]);
  });
  const ways = page.getByRole("listitem").filter({ has: page.locator("bdi", { hasText: "Blue key" }) });
  await ways.getByText(/Unlocks this device\.$/).waitFor();
  await ways.getByRole("button", { name: "Remove" }).click();
  const dialog = page.getByRole("alertdialog");
  await dialog.getByLabel("Passphrase").fill("a rather long passphrase");
  await dialog.getByRole("button", { name: "Use the passphrase, and remove" }).click();
  await dialog.getByText("There is no connection.").waitFor();
  await dialog.getByText("It does not unlock this device.").waitFor();
  await picture(page, "done-removed-here");
  await perform(page, { press: "Cancel" });
  await ways.getByText("Known to the provider. It does not unlock this device.").waitFor();
  // Nobody changes the passphrase of a device that was left open.
  await show(page, "settings-passphrase");
  await perform(page, { press: "Change" });
  const save = page.getByRole("button", { name: "Save" });
  await page.getByLabel("The new passphrase").fill("several quite ordinary words");
  await page.getByLabel("The same again").fill("several quite ordinary words");
  expect(await save.isDisabled()).toBe(true);
  await picture(page, "done-passphrase");
  await page.getByLabel("The passphrase until now").fill("a rather long passphrase");
  await save.click();
  await page.getByText("The new passphrase unlocks this device").waitFor();
  expect(await asked("addUnlockWay")).toEqual([
    {
      kind: "passphrase",
      passphrase: "several quite ordinary words",
      proof: { kind: "passphrase", passphrase: "a rather long passphrase" },
    },
  ]);
  // Whoever shows a passkey instead goes on with the new passphrase.
  await addPasskeyDevice(page, { hasPrf: true });
  await page.evaluate(async () => {
    const made = (await navigator.credentials.create({
      publicKey: {
        rp: { name: "Porchlight" },
        user: { id: new Uint8Array(16), name: "Ada", displayName: "Ada" },
        challenge: new Uint8Array(32),
        pubKeyCredParams: [{ type: "public-key", alg: -7 }],
        authenticatorSelection: { residentKey: "required", userVerification: "required" },
        extensions: { prf: {} },
      },
    })) as PublicKeyCredential;
    const way = { kind: "passkey", credential: made.id, prfInput: "AAAA", label: "Desk key", made: null };
    (globalThis as unknown as Shown).scene().answers("unlockWays", [way, { kind: "passphrase" }]);
  });
  await page.getByRole("link", { name: "Notifications" }).click();
  await page.getByRole("link", { name: "Devices" }).click();
  await page.locator("bdi", { hasText: "Desk key" }).waitFor();
  await perform(page, { press: "Change" });
  await page.getByRole("button", { name: /^Use “.?Desk key.?” instead$/ }).click();
  await page.getByText("unlocks this device. Choose the new passphrase.").waitFor();
  expect(await focused()).toBe("The new passphrase");
  expect(watch.problems).toEqual([]);
  await context.close();
});
