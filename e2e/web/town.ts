// A whole deployment of real programs that serves the web app, and people with a browser profile each.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, type BrowserContext, errors, type Locator, type Page } from "playwright-core";
import { Deployment } from "../../packages/deployment/src/deployment.ts";
import { dayNumber, dayOf, periodOf, unixSeconds } from "../../packages/encoding/src/index.ts";
import { addPasskeyDevice, openProfile, type Watch, watchContext } from "./browser.ts";
import { buildWeb } from "./build.ts";

const silent = { start: () => {}, step: () => {}, end: () => {}, note: () => {} };

/** On this computer's own clock, as browsers are. */
export async function startTown(): Promise<{
  readonly deployment: Deployment;
  /** Of the server. */
  readonly directory: string;
  readonly stop: () => Promise<void>;
}> {
  const state = mkdtempSync(join(tmpdir(), "porchlight-town-"));
  const web = await buildWeb();
  const today = dayOf(unixSeconds(Math.floor(Date.now() / 1000)));
  const deployment = await Deployment.open({
    state: join(state, "state"),
    port: 0,
    deployment: "town.example",
    clock: "system",
    charterFrom: dayNumber(today - 1),
    charterDays: 400,
    web,
    progress: silent,
  });
  await deployment.ceremony(periodOf(today));
  return {
    deployment,
    directory: join(state, "state", "server"),
    stop: async () => {
      await deployment.close();
      rmSync(state, { recursive: true, force: true });
    },
  };
}

/** One person in front of one browser: what they see and do goes through the page's accessible names. */
export class Person {
  readonly name: string;
  readonly origin: string;
  readonly context: BrowserContext;
  readonly watch: Watch;
  readonly page: Page;

  private constructor(name: string, origin: string, context: BrowserContext, watch: Watch, page: Page) {
    this.name = name;
    this.origin = origin;
    this.context = context;
    this.watch = watch;
    this.page = page;
  }

  static async at(
    browser: Browser,
    name: string,
    origin: string,
    options: { readonly phone?: boolean; readonly dark?: boolean } = {},
  ): Promise<Person> {
    const { context, watch } = await openProfile(browser, {
      origin,
      permissions: ["clipboard-read", "clipboard-write"],
      colorScheme: options.dark === true ? "dark" : "light",
      ...(options.phone === true
        ? { viewport: { width: 390, height: 780 }, isMobile: true, hasTouch: true }
        : { viewport: { width: 1280, height: 800 } }),
    });
    const page = await context.newPage();
    page.setDefaultTimeout(90_000);
    return new Person(name, origin, context, watch, page);
  }

  /** In front of the page that a browser shows already. */
  static async in(browser: Browser, name: string, origin: string): Promise<Person> {
    const [context] = browser.contexts();
    const page = context?.pages()[0];
    if (context === undefined || page === undefined) throw new Error("the browser shows no page");
    page.setDefaultTimeout(90_000);
    return new Person(name, origin, context, await watchContext(context, origin), page);
  }

  /** What this person reads in the conversation, in the words of the screen. */
  get thread(): Locator {
    return this.page.locator(".thread");
  }

  async signUpWithPasskey(link: string): Promise<void> {
    await addPasskeyDevice(this.page, { hasPrf: true });
    await this.page.goto(link);
    await this.page.getByLabel("Your name").fill(this.name);
    await this.press("Continue with a passkey");
  }

  /** First with a link that is no good, then in the same tab with one that is; the passkeys there are after each. */
  async signUpAtLast(bad: string, link: string): Promise<readonly [number, number]> {
    const { session, authenticator } = await addPasskeyDevice(this.page, { hasPrf: true });
    const passkeys = async (): Promise<number> => {
      const known = await session.send("WebAuthn.getCredentials", { authenticatorId: authenticator });
      return known.credentials.length;
    };
    // Where the worker does not come there is a way on.
    await this.page.route("**/assets/worker-*.js", (route) => route.abort());
    await this.page.goto(this.origin);
    await this.page.getByText("Porchlight could not be loaded").waitFor();
    await this.page.unroute("**/assets/worker-*.js");
    await this.press("Try again");
    await this.page.getByLabel("Your name").waitFor();
    await this.page.goto(bad);
    await this.page.getByLabel("Your name").fill(this.name);
    await this.press("Continue with a passkey");
    await this.page.getByRole("alert").getByText("This invitation is not valid any more").waitFor();
    await this.page.getByLabel("Invitation", { exact: true }).waitFor();
    const before = await passkeys();
    await this.page.goto(link);
    await this.page.getByText("Your invitation is here").waitFor();
    await this.press("Continue with a passkey");
    await this.page.getByText("Before your first message").waitFor();
    return [before, await passkeys()];
  }

  async signUpWithPassphrase(link: string): Promise<void> {
    await this.page.goto(link);
    await this.page.getByLabel("Your name").fill(this.name);
    await this.#usePassphrase("Continue");
  }

  async #usePassphrase(action: string): Promise<void> {
    await this.press("Use a passphrase instead");
    await this.choosePassphrase(action);
  }

  async choosePassphrase(action: string): Promise<void> {
    await this.page.getByLabel("Passphrase", { exact: true }).fill(PASSPHRASE);
    await this.page.getByLabel("The same again").fill(PASSPHRASE);
    await this.press(action);
  }

  /** Comes back on a device that knows nothing, with the code on paper. */
  async restore(recoveryCode: string, device: string): Promise<void> {
    await this.page.goto(this.origin);
    await this.press("I have a recovery code");
    await this.page.getByLabel("Recovery code").fill(recoveryCode);
    await this.page.getByLabel("Name of this device").fill(device);
    await this.#usePassphrase("Restore");
  }

  /** Asks to become a further device; the code that the device with the account wants. */
  async beginPairing(device: string): Promise<string> {
    await this.page.goto(this.origin);
    await this.press("I use Porchlight on another device");
    await this.page.getByLabel("Name of this device").fill(device);
    await this.#usePassphrase("Show the code");
    return (await this.page.locator(".code-large").textContent()) ?? "";
  }

  async unlock(): Promise<void> {
    await this.page.getByLabel("Passphrase").fill(PASSPHRASE);
    await this.press("Unlock");
  }

  /** `what`: a name in the label, which stands isolated there. */
  async press(name: string, what?: string): Promise<void> {
    const label = what === undefined ? name : `${name} \u2068${what}\u2069`;
    await this.page.getByRole("button", { name: label, exact: true }).first().click();
  }

  async follow(name: string): Promise<void> {
    await this.page.getByRole("link", { name, exact: true }).first().click();
  }

  /** The one service of a test has several addresses; a contact link is of the one at which its reader is. */
  async #fillContact(link: string): Promise<void> {
    await this.page.getByLabel("Contact link or code").fill(link.replace(new URL(link).origin, this.origin));
  }

  /** A conversation with the owner of this contact link. */
  async begins(contact: string): Promise<void> {
    await this.press("New conversation");
    await this.#fillContact(contact);
    await this.press("Add");
    await this.press("Start");
  }

  /** On the page of people: takes the owner of this contact link into the conversation. */
  async adds(contact: string): Promise<void> {
    await this.press("Add people");
    await this.#fillContact(contact);
    await this.press("Add");
    await this.page.getByRole("dialog").getByRole("button", { name: "Add people" }).click();
  }

  /** On the page of people. */
  async removes(name: string): Promise<void> {
    await this.press("Remove", name);
    await this.page.getByRole("alertdialog").getByRole("button", { name: "Remove" }).click();
  }

  async says(text: string): Promise<void> {
    await this.page.getByPlaceholder("Write a message").fill(text);
    await this.page.keyboard.press("Enter");
  }

  /** Waits until the conversation that is open shows these words. */
  async sees(text: string | RegExp): Promise<void> {
    await this.thread.getByText(text).last().waitFor();
  }

  async attach(file: {
    readonly name: string;
    readonly mimeType: string;
    readonly buffer: Buffer;
  }): Promise<void> {
    await this.page.locator("input[type=file]").setInputFiles(file);
  }

  /** What the browser saved, and the name that it proposes for it. */
  async downloads(name: string): Promise<{ readonly name: string; readonly bytes: Buffer }> {
    const [saved] = await Promise.all([this.page.waitForEvent("download"), this.press("Download", name)]);
    const chunks: Buffer[] = [];
    for await (const chunk of await saved.createReadStream()) chunks.push(chunk as Buffer);
    return { name: saved.suggestedFilename(), bytes: Buffer.concat(chunks) };
  }

  /** A link for somebody new, by the app's own links. */
  async invitation(): Promise<string> {
    await this.settings("You");
    await this.press("Make an invitation");
    const link = await this.page.locator(".contact-code").nth(1).textContent();
    await this.home();
    return link ?? "";
  }

  /** The same invitation at this person's way to the server. */
  joinLink(link: string): string {
    const { pathname, hash } = new URL(link);
    return `${this.origin}${pathname}${hash}`;
  }

  async settings(section: string): Promise<void> {
    await this.follow("Settings");
    await this.follow(section);
  }

  /** From wherever this person is, by the app's own links: to load the page anew would lock it. */
  async home(): Promise<void> {
    const back = this.page.getByRole("link", { name: /^(Back|Back to the list|Close)$/ });
    while (await back.first().isVisible()) {
      // It may go while it is about to be pressed: then there is none to wait for.
      await back
        .first()
        .click({ timeout: 5_000 })
        .catch((error: unknown) => {
          if (!(error instanceof errors.TimeoutError)) throw error;
        });
    }
  }

  /** "Who can open this" is read once; then the conversations are there. */
  async readWho(): Promise<void> {
    await this.press("I have read this");
  }

  /** By the app's own links: to load the page anew would lock it. */
  async contactLink(): Promise<string> {
    await this.settings("You");
    const link = await this.page.locator(".contact-code").first().textContent();
    await this.home();
    return link ?? "";
  }
}

export const PASSPHRASE = "several quite ordinary words";
