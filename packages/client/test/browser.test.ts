import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Browser } from "./chromium.ts";

describe("in Chromium", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await Browser.start("browser-page.ts");
  });
  afterAll(async () => {
    await browser.stop();
  });

  test("storage in IndexedDB keeps the contract of all storages", async () => {
    const page = await browser.page();
    expect(await page.evaluate("porchlight.contract()")).toEqual([]);
    await page.close();
  });

  test("records are there after a new start of the browser, open with their key only, and are not on the disk in clear", async () => {
    const page = await browser.page();
    await page.evaluate('porchlight.save("device", "a very private sentence")');
    await browser.close();
    const files = readdirSync(browser.profile, { recursive: true })
      .map((name) => join(browser.profile, String(name)))
      .filter((path) => statSync(path).isFile());
    expect(files.some((path) => path.includes("IndexedDB"))).toBe(true);
    for (const path of files) expect(readFileSync(path).includes("a very private sentence")).toBe(false);
    await browser.open();
    const again = await browser.page();
    expect(await again.evaluate('porchlight.load("device")')).toBe("a very private sentence");
    expect(await again.evaluate('porchlight.load("device", 6)')).toBe("state-corrupt");
    expect(await again.evaluate('porchlight.load("other")')).toBe("nothing");
  });
});
