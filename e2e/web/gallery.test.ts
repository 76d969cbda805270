import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { serveFiles } from "../../apps/server/test/web-server.ts";
import type { Act } from "../../apps/web/gallery/port.ts";
import { SCENES } from "../../apps/web/gallery/scenes.ts";
import { axe } from "../../apps/web/test/axe.ts";
import { openProfile, picture, type Started, startBrowser } from "./browser.ts";
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

let started: Started;
let served: Awaited<ReturnType<typeof serveFiles>>;

beforeAll(async () => {
  [started, served] = await Promise.all([startBrowser(), buildWeb("--gallery").then(serveFiles)]);
});
afterAll(async () => {
  await started?.stop();
  await served?.stop();
});

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
    // What only comes after something is done takes longer, and is slow too.
    const scenes = Object.entries(SCENES).filter(([, { does }]) => isSlow || does === undefined);
    for (const [scene, { does = [] }] of scenes) {
      await page.evaluate((name) => {
        // What the last scene told stays until somebody closes it.
        for (const close of document.querySelectorAll<HTMLElement>(".toasts button")) close.click();
        (globalThis as unknown as { showScene: (name: string) => void }).showScene(name);
        // Two frames: the second draws what the answers of the first brought.
        return new Promise((resolve) =>
          requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(resolve))),
        );
      }, scene);
      await page.locator("#main").waitFor({ state: "attached" });
      for (const act of does) await perform(page, act);
      // For people to look at; a test that only asks does not wait for them.
      if (isSlow) await picture(page, `${scene}-${form}`);
      found.push(...(await axe(page)).map((line) => `${scene}: ${line}`));
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (overflow > 0) found.push(`${scene}: ${overflow} pixels wider than the screen`);
    }
    expect(found).toEqual([]);
    expect(watch.problems).toEqual([]);
    await context.close();
    await own?.stop();
  },
  isSlow ? 900_000 : 120_000,
);
