// A real Chromium for the web app's tests: the system's, else the one from npm. Every page is watched: a violation of
// its policy, an error, or a request to anybody else fails the test that opened it.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  type CDPSession,
  chromium,
  type Page,
} from "playwright-core";
import { chromiumProgram, FLAGS } from "../../tools/chromium.ts";

/** Pictures of every page and state, for looking at; git ignores them. */
const PICTURES: string = fileURLToPath(new URL("../../artifacts/web/", import.meta.url));

export type Started = { readonly browser: Browser; readonly stop: () => Promise<void> };

export async function startBrowser(flags: readonly string[] = []): Promise<Started> {
  mkdirSync(PICTURES, { recursive: true });
  const { path, env } = await chromiumProgram();
  const browser = await chromium.launch({
    executablePath: path,
    args: [...FLAGS, ...flags],
    headless: true,
    env: { ...(process.env as Record<string, string>), ...env },
  });
  return {
    browser,
    stop: async () => await browser.close(),
  };
}

/** Whether a page of this origin may notify; says why not. A Chromium that can have no window lets none. */
export async function mayNotify(page: Page, origin: string): Promise<boolean> {
  await page.context().grantPermissions(["clipboard-read", "clipboard-write", "notifications"], { origin });
  const may = await page.evaluate(() => Notification.permission === "granted");
  if (!may) console.log("skipped: what a notification says, for this Chromium can show none");
  return may;
}

/** What went wrong in a page, whoever looks: nothing of this is ever expected. */
export type Watch = { readonly problems: string[] };

const REPORT = "porchlight-policy-violation";

/** A browser profile of one person. */
export async function openProfile(
  browser: Browser,
  options: BrowserContextOptions & { readonly origin: string },
): Promise<{ readonly context: BrowserContext; readonly watch: Watch }> {
  const { origin, ...rest } = options;
  const context = await browser.newContext({ locale: "en-GB", timezoneId: "UTC", ...rest });
  return { context, watch: await watchContext(context, origin) };
}

/** Watches every page of it. */
export async function watchContext(context: BrowserContext, origin: string): Promise<Watch> {
  const problems: string[] = [];
  await context.addInitScript((report) => {
    addEventListener("securitypolicyviolation", (event) => {
      console.error(
        `${report} ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber} ${event.sample}`,
      );
    });
  }, REPORT);
  for (const page of context.pages()) watchPage(page, origin, problems);
  context.on("page", (page) => watchPage(page, origin, problems));
  return { problems };
}

function watchPage(page: Page, origin: string, problems: string[]): void {
  page.on("pageerror", (error) => problems.push(`page error: ${error.message}`));
  page.on("console", (message) => {
    const text = message.text();
    if (text.includes(REPORT) || /Content Security Policy|TrustedScript|TrustedHTML/.test(text))
      problems.push(text);
    // React says so where a component is misused.
    if (message.type() === "error" && /React|hydrat|unique "key"|Warning:/.test(text)) problems.push(text);
  });
  // The app never opens one: somebody's text did.
  page.on("dialog", (dialog) => {
    problems.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.origin !== origin && !["blob:", "data:", "about:"].includes(url.protocol)) {
      problems.push(`a request to somebody else: ${url.origin}`);
    }
  });
}

export async function picture(
  page: Page,
  name: string,
  options: { readonly fullPage?: boolean } = {},
): Promise<void> {
  await page.screenshot({ path: join(PICTURES, `${name}.png`), animations: "disabled", ...options });
}

/** A passkey device of this page, at which its person is always there. */
type PasskeyDevice = { readonly session: CDPSession; readonly authenticator: string };

/** A virtual one. `hasPrf`: it has the extension that gives out a secret. */
export async function addPasskeyDevice(
  page: Page,
  options: { readonly hasPrf?: boolean } = {},
): Promise<PasskeyDevice> {
  const session = await page.context().newCDPSession(page);
  await session.send("WebAuthn.enable");
  const { authenticatorId: authenticator } = await session.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
      hasPrf: options.hasPrf === true,
    },
  });
  return { session, authenticator };
}
