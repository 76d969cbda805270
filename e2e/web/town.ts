// A whole deployment of real programs that serves the web app, and people with a browser profile each.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContext, CDPSession, Page } from "playwright-core";
import { Deployment } from "../../packages/deployment/src/deployment.ts";
import { dayNumber, dayOf, periodOf, unixSeconds } from "../../packages/encoding/src/index.ts";
import { openProfile, type Watch } from "./browser.ts";
import { buildWeb } from "./build.ts";

const silent = { start: () => {}, step: () => {}, end: () => {}, note: () => {} };

/** On this computer's own clock, as browsers are. */
export async function startTown(): Promise<{
  readonly deployment: Deployment;
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
    options: { readonly phone?: boolean } = {},
  ): Promise<Person> {
    const { context, watch } = await openProfile(browser, {
      origin,
      permissions: ["clipboard-read", "clipboard-write"],
      ...(options.phone === true
        ? { viewport: { width: 390, height: 780 }, isMobile: true, hasTouch: true }
        : { viewport: { width: 1280, height: 800 } }),
    });
    const page = await context.newPage();
    return new Person(name, origin, context, watch, page);
  }

  /** With a virtual passkey that has the PRF extension; the authenticator is there until it is removed. */
  async signUpWithPasskey(link: string): Promise<{ readonly remove: () => Promise<void> }> {
    const session: CDPSession = await this.context.newCDPSession(this.page);
    await session.send("WebAuthn.enable");
    const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
      options: {
        protocol: "ctap2",
        transport: "internal",
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
        hasPrf: true,
      },
    } as never);
    await this.page.goto(link);
    await this.page.getByLabel("Your name").fill(this.name);
    await this.page.getByRole("button", { name: "Continue with a passkey" }).click();
    return {
      remove: async () => {
        await session.send("WebAuthn.removeVirtualAuthenticator", { authenticatorId });
      },
    };
  }

  async signUpWithPassphrase(link: string): Promise<void> {
    await this.page.goto(link);
    await this.page.getByLabel("Your name").fill(this.name);
    await this.page.getByRole("button", { name: "Use a passphrase instead" }).click();
    await this.page.getByLabel("Passphrase").fill(PASSPHRASE);
    await this.page.getByLabel("The same again").fill(PASSPHRASE);
    await this.page.getByRole("button", { name: "Continue with a passkey" }).click();
  }

  /** "Who can open this" is read once; then the conversations are there. */
  async readWho(): Promise<void> {
    await this.page.getByRole("button", { name: "I have read this" }).click();
  }

  /** By the app's own links: to load the page anew would lock it. */
  async contactLink(): Promise<string> {
    await this.page.getByRole("link", { name: "Settings", exact: true }).first().click();
    const you = this.page.getByRole("link", { name: "You", exact: true });
    if (await you.count()) await you.first().click();
    const link = await this.page.locator(".contact-code").first().textContent();
    await this.page.goBack();
    return link ?? "";
  }
}

const PASSPHRASE = "several quite ordinary words";
