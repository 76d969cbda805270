// What an opening is played on: a whole deployment, a browser, and everybody who works in it at a desk of their own.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import type { CharterKind } from "../../packages/charter/src/index.ts";
import { Deployment } from "../../packages/deployment/src/deployment.ts";
import type { DeskKind } from "../../packages/deployment/src/layout.ts";
import { silent } from "../../packages/deployment/src/progress.ts";
import {
  type AccountId,
  type DayNumber,
  dayNumber,
  dayOf,
  dayStart,
  formatDay,
  periodOf,
  type UnixSeconds,
  unixSeconds,
  utf8,
} from "../../packages/encoding/src/index.ts";
import { Agency } from "../../packages/parties/src/index.ts";
import { callAdmin } from "../../packages/runtime/src/index.ts";
import { picture, type Started, startBrowser } from "./browser.ts";
import { DeskVisitor } from "./desk-visitor.ts";
import { accountIn } from "./stage.ts";
import { Person } from "./town.ts";

const LATE = 3 * 3600;

/** What the court writes into its draft, beside what every order here has. */
type Draft = {
  readonly days: readonly [first: DayNumber, last?: DayNumber];
  /** A conversation, or "all". */
  readonly conversations: string;
  /** Left out: the person is told first. */
  readonly secretUntil?: DayNumber;
  readonly necessity?: string;
  readonly proportionality?: string;
  readonly ground?: string;
};

export class Opening {
  readonly #home: string;
  readonly #started: Started;
  readonly deployment: Deployment;
  /** The first day. */
  readonly day: DayNumber;
  readonly #desks: DeskVisitor[] = [];
  readonly #people: Person[] = [];
  /** What axe and the edges of the pages that were looked at say. */
  readonly found: string[] = [];

  private constructor(home: string, started: Started, deployment: Deployment, day: DayNumber) {
    this.#home = home;
    this.#started = started;
    this.deployment = deployment;
    this.day = day;
  }

  /** Its clock is set by the test, and starts at `from`. `web`: directory of the web app. */
  static async open(about: {
    readonly name: string;
    readonly from: UnixSeconds;
    readonly kind?: CharterKind;
    readonly web?: string;
  }) {
    const { name, from, kind = "court", web } = about;
    const day = dayOf(from);
    const home = mkdtempSync(join(tmpdir(), "porchlight-opening-"));
    const [started, deployment] = await Promise.all([
      startBrowser(),
      Deployment.open({
        state: join(home, "state"),
        port: 0,
        deployment: name,
        kind,
        clock: { replayFrom: from },
        charterFrom: dayNumber(day - 1),
        charterDays: 400,
        progress: silent,
        ...(web === undefined ? {} : { web }),
      }),
    ]);
    await deployment.ceremony(periodOf(day));
    return new Opening(home, started, deployment, day);
  }

  async close(): Promise<void> {
    await this.#started.stop();
    await this.deployment.close();
    rmSync(this.#home, { recursive: true, force: true });
  }

  get browser() {
    return this.#started.browser;
  }

  get today(): DayNumber {
    return dayOf(this.deployment.service.now());
  }

  directory(party: string): string {
    return this.deployment.layout.directory(party);
  }

  async admin(party: string, command: string, members: object = {}) {
    return await callAdmin(this.directory(party), { command, ...members });
  }

  /** To the morning of a later day, with keys for its month. */
  async until(day: DayNumber): Promise<void> {
    await this.deployment.tick(unixSeconds(dayStart(day) + LATE));
    await this.deployment.ceremony(periodOf(day));
  }

  async agencyOf(directory: string): Promise<Agency> {
    const { url, charter } = this.deployment;
    return await Agency.create(
      this.directory(directory),
      { name: directory, url, charter: charter.id },
      { workFactor: 12 },
    );
  }

  /** A person with an account and a passkey, who has read who can open what they write. */
  async member(name: string, options: { readonly phone?: boolean } = {}): Promise<Person> {
    const origin = this.deployment.url.replace("127.0.0.1", "localhost");
    const person = await Person.at(this.browser, name, origin, options);
    this.#people.push(person);
    await person.signUpWithPasskey(person.joinLink(await this.deployment.invite()));
    await person.readWho();
    return person;
  }

  /** `second` asks, in a conversation with `first` that both then have open; the account of `first`. */
  async asks(second: Person, first: Person, question: string): Promise<AccountId> {
    const contact = await first.contactLink();
    await second.begins(contact);
    await second.says(question);
    await first.page.getByText(question).first().click();
    return accountIn(contact);
  }

  /** Somebody at a desk of their own. */
  async at(kind: DeskKind, name: string, party: string = kind): Promise<DeskVisitor> {
    const { link } = await this.deployment.openDesk(kind, party);
    const visitor = await DeskVisitor.enter(this.browser, name, link ?? "");
    this.#desks.push(visitor);
    return visitor;
  }

  async look(visitor: DeskVisitor, name: string): Promise<void> {
    this.found.push(...(await visitor.look(name)));
  }

  /** The provider says, signed, whose accounts these are. */
  async statement(persons: Readonly<Record<string, string>>): Promise<Uint8Array> {
    const accounts = Object.keys(persons);
    for (const account of accounts)
      await this.admin("server", "bind-person", { account, person: persons[account] });
    const signed = await this.admin("server", "statement", { charter: this.deployment.charter.id, accounts });
    return utf8(JSON.stringify(signed));
  }

  /** The agency's application, by its pages. */
  async apply(agency: DeskVisitor, reference: string, act = "act.pdf"): Promise<Uint8Array> {
    await agency.go("/new");
    await agency.page.getByLabel("File reference").fill(reference);
    await agency.upload("The original act (PDF, scan or form)", act, utf8(`%PDF-1.7 ${reference}`));
    await agency.press("Show what will be made");
    await agency.press("Make it");
    await agency.page.getByRole("heading", { name: `Application ${reference}` }).waitFor();
    return await agency.download("Download the application");
  }

  /** Begins a draft and writes it; it is not asked for yet. */
  async draft(
    court: DeskVisitor,
    application: Uint8Array,
    statement: Uint8Array,
    about: Draft,
  ): Promise<void> {
    const { legalBases, offenceCategories } = this.deployment.charter;
    const { page } = court;
    await court.go("/new");
    await court.upload("The agency's application", "application.json", application);
    await court.upload("The provider's statement", "statement.json", statement);
    await court.press("Begin the draft");
    await page.getByRole("heading", { name: /^Draft: / }).waitFor();
    if (about.conversations === "all") await page.getByLabel("All of theirs").check();
    else await page.getByLabel("Numbers of the conversations").fill(about.conversations);
    const [first, last] = about.days;
    await page.getByLabel("First day (UTC)").fill(formatDay(first));
    if (last !== undefined) await page.getByLabel("Last day, included").fill(formatDay(last));
    await page.getByLabel("Legal basis").selectOption(legalBases[0] as string);
    await page.getByLabel(/^Category/).selectOption(offenceCategories[0] as string);
    await page.getByLabel("Why it is necessary").fill(about.necessity ?? "There is no other record of it.");
    await page
      .getByLabel("Why it is proportionate")
      .fill(about.proportionality ?? "One person, and no day more than is needed.");
    if (about.secretUntil === undefined) return;
    await page.getByLabel("When secrecy ends").check();
    await page.getByLabel("Secret until (UTC)").fill(formatDay(about.secretUntil));
    await page.getByLabel("The ground of the secrecy").fill(about.ground ?? "Others would burn the books.");
  }

  /** What is drafted is shown, signed and handed in; the order's file. */
  async sign(court: DeskVisitor): Promise<Uint8Array> {
    await court.press("Show what will be signed");
    await court.press("Sign it");
    await court.page.getByRole("heading", { name: "Keyholders" }).waitFor();
    return await court.download("Download the order");
  }

  /** The whole of it, by pages: the agency asks, the court signs, the agency has the order. */
  async ordered(
    { agency, court }: { readonly agency: DeskVisitor; readonly court: DeskVisitor },
    reference: string,
    statement: Uint8Array,
    about: Draft,
  ): Promise<Uint8Array> {
    await this.draft(court, await this.apply(agency, reference), statement, about);
    const order = await this.sign(court);
    await this.bring(agency, order);
    return order;
  }

  async bring(agency: DeskVisitor, order: Uint8Array): Promise<void> {
    await agency.go("/orders");
    await agency.upload("The order's file", "order.json", order);
    await agency.press("Put it in");
    await agency.page.getByText("The order is verified and kept.").waitFor();
  }

  /** Of the order with this reference, once it waits for the keyholder's person. */
  async open(keyholder: DeskVisitor, reference: string): Promise<void> {
    await this.reads(
      keyholder,
      "/orders",
      new RegExp(`Waiting for you[^]*${reference.replaceAll(/[$()*+.?[\\\]^{|}]/g, "\\$&")}[^]*Decided`),
    );
    await keyholder.follow(reference);
    await keyholder.page.getByRole("heading", { name: "Decide" }).waitFor();
  }

  /** What was released, on the order's page; as soon as it can be read. */
  async collect(agency: DeskVisitor): Promise<void> {
    await agency.press("Collect and open");
    await agency.press("Open it");
    await agency.page.getByRole("link", { name: "Read the evidence" }).waitFor({ timeout: 300_000 });
  }

  /** On the order's page. */
  async revoke(court: DeskVisitor, ground: string): Promise<void> {
    await court.page.locator("summary", { hasText: "Revoke it" }).click();
    await court.page.locator("#ground-revoke").fill(ground);
    await court.press("Revoke it …");
    await court.page.getByRole("heading", { name: "Revoke this order" }).waitFor();
    await court.press("Revoke it");
    await court.page.getByText("Revoked.").first().waitFor();
  }

  async approve(keyholder: DeskVisitor): Promise<void> {
    await keyholder.press("Approve …");
    await keyholder.press("Approve");
    await keyholder.page.getByText("Approved. The intent goes").waitFor();
  }

  /** Loads a page until it says so. */
  async reads(visitor: DeskVisitor, path: string, words: string | RegExp): Promise<void> {
    const said = async (): Promise<string> => {
      await visitor.go(path);
      return await visitor.text();
    };
    const wanted = expect.poll(said, { timeout: 60_000, interval: 500 });
    await (typeof words === "string" ? wanted.toContain(words) : wanted.toMatch(words));
  }

  /** What no page may ever do. */
  get problems(): string[] {
    return this.#desks.flatMap(({ name, watch }) => watch.problems.map((text) => `${name}: ${text}`));
  }

  /** Whoever looks into a failure wants to see what the people saw. */
  async showFailure(): Promise<void> {
    for (const { name, page } of [...this.#desks, ...this.#people].filter(({ page }) => !page.isClosed()))
      await picture(page, `failed-opening-${name.replaceAll(/\W+/g, "-").slice(0, 20)}`);
  }
}
