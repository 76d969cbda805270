// Somebody who works at a desk, in front of a browser with a virtual passkey.
import type { Browser, BrowserContext, BrowserContextOptions, CDPSession, Page } from "playwright-core";
import { axe } from "../../apps/web/test/axe.ts";
import { addPasskeyDevice, openProfile, picture, type Watch } from "./browser.ts";

const SLOW = process.env["PORCHLIGHT_SLOW"] === "1";
const FORMS = [
  ["phone-dark", { width: 360, height: 740 }, "dark"],
  ["desktop-light", { width: 1280, height: 900 }, "light"],
] as const;

export class DeskVisitor {
  readonly name: string;
  readonly origin: string;
  readonly context: BrowserContext;
  readonly watch: Watch;
  readonly page: Page;
  /** Of the passkey: it is there until it is taken away. */
  readonly session: CDPSession;
  readonly authenticator: string;
  #looks = 0;

  private constructor(
    parts: Pick<DeskVisitor, "name" | "origin" | "context" | "watch" | "page" | "session" | "authenticator">,
  ) {
    this.name = parts.name;
    this.origin = parts.origin;
    this.context = parts.context;
    this.watch = parts.watch;
    this.page = parts.page;
    this.session = parts.session;
    this.authenticator = parts.authenticator;
  }

  /** Opens the one-time link and makes a passkey. */
  static async enter(
    browser: Browser,
    name: string,
    link: string,
    options: BrowserContextOptions = { viewport: { width: 1280, height: 900 } },
  ): Promise<DeskVisitor> {
    const { origin } = new URL(link);
    const { context, watch } = await openProfile(browser, { origin, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(90_000);
    const { session, authenticator } = await addPasskeyDevice(page);
    await page.goto(link);
    await page.getByLabel("Your name").fill(name);
    await page.getByRole("button", { name: "Make the passkey" }).click();
    await page.getByRole("button", { name: "Sign out" }).waitFor();
    return new DeskVisitor({ name, origin, context, watch, page, session, authenticator });
  }

  async go(path: string): Promise<void> {
    await this.page.goto(this.origin + path);
  }

  async press(name: string): Promise<void> {
    await this.page.getByRole("button", { name, exact: true }).click();
  }

  async follow(name: string | RegExp): Promise<void> {
    await this.page
      .getByRole("link", { name, ...(typeof name === "string" ? { exact: true } : {}) })
      .first()
      .click();
  }

  /** What the page says. */
  async text(): Promise<string> {
    return await this.page.locator("main").innerText();
  }

  async upload(label: string, name: string, bytes: Uint8Array): Promise<void> {
    await this.page.getByLabel(label, { exact: true }).setInputFiles({
      name,
      mimeType: "application/octet-stream",
      buffer: Buffer.from(bytes),
    });
  }

  async download(name: string | RegExp): Promise<Uint8Array> {
    const [saved] = await Promise.all([this.page.waitForEvent("download"), this.follow(name)]);
    const chunks: Buffer[] = [];
    for await (const chunk of await saved.createReadStream()) chunks.push(chunk as Buffer);
    return new Uint8Array(Buffer.concat(chunks));
  }

  /** A page that is loaded again by itself stays as it is, while it is looked at. */
  async #standStill(): Promise<void> {
    const { page } = this;
    const stop = async (): Promise<void> =>
      await page.evaluate(() => {
        const newest = Number(setTimeout(() => {}, 0));
        for (let timer = 0; timer <= newest; timer++) clearTimeout(timer);
      });
    // Once more where it was just being loaded.
    await stop().catch(async () => {
      await page.waitForLoadState();
      await stop();
    });
  }

  /** A picture of the page as it is, on a desktop and a phone, light and dark, and what axe and the edges say. */
  async look(name: string): Promise<string[]> {
    const { page } = this;
    const before = page.viewportSize();
    const found: string[] = [];
    this.#looks++;
    await this.#standStill();
    // The slow suite looks at each page in both forms, the fast one by turns.
    for (const [form, size, colorScheme] of SLOW ? FORMS : [FORMS[this.#looks % 2] ?? FORMS[0]]) {
      await page.setViewportSize(size);
      await page.emulateMedia({ colorScheme });
      await picture(page, `desk-${name}-${form}`, { fullPage: true });
      found.push(...(await axe(page)).map((line) => `${name} ${form}: ${line}`));
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (overflow > 0) found.push(`${name} ${form}: ${overflow} pixels wider than the screen`);
    }
    if (before !== null) await page.setViewportSize(before);
    return found;
  }
}
