// What a story is played on: real programs, a browser, and the wires between them.
import type { Browser } from "playwright-core";
import { expect } from "vitest";
import { parseContactCode } from "../../packages/client/src/messenger/safety-number.ts";
import type { Deployment } from "../../packages/deployment/src/deployment.ts";
import type { AccountId } from "../../packages/encoding/src/index.ts";
import { LyingProxy, type WireItem } from "../lying-proxy.ts";
import { picture, type Started, startBrowser } from "./browser.ts";
import { Cable } from "./cable.ts";
import { Person, startTown } from "./town.ts";

export const PATIENT = { timeout: 90_000 };

export class Stage {
  readonly #started: Started;
  readonly #town: Awaited<ReturnType<typeof startTown>>;
  /** Ben's wire to the server. */
  readonly cable: Cable;
  /** The server as Cay sees it. */
  readonly liar: LyingProxy;
  readonly #people: Person[] = [];

  private constructor(
    started: Started,
    town: Awaited<ReturnType<typeof startTown>>,
    cable: Cable,
    liar: LyingProxy,
  ) {
    this.#started = started;
    this.#town = town;
    this.cable = cable;
    this.liar = liar;
  }

  static async open(flags: readonly string[] = []): Promise<Stage> {
    const [started, town] = await Promise.all([startBrowser(flags), startTown()]);
    const cable = await Cable.to(town.deployment.supervisor.port("server"));
    return new Stage(started, town, cable, await LyingProxy.start(() => town.deployment.url));
  }

  async close(): Promise<void> {
    await this.#started.stop();
    this.cable.stop();
    this.liar.stop();
    await this.#town.stop();
  }

  get browser(): Browser {
    return this.#started.browser;
  }

  get deployment(): Deployment {
    return this.#town.deployment;
  }

  /** Straight to the server, under the name that passkeys want. */
  get origin(): string {
    return this.deployment.url.replace("127.0.0.1", "localhost");
  }

  get lyingOrigin(): string {
    return this.liar.url.replace("127.0.0.1", "localhost");
  }

  async person(
    name: string,
    origin: string,
    options: { readonly phone?: boolean; readonly dark?: boolean } = {},
  ): Promise<Person> {
    const person = await Person.at(this.browser, name, origin, options);
    this.#people.push(person);
    return person;
  }

  /** A person with an account, behind "Who can open this". */
  async member(name: string, origin: string, options: { readonly phone?: boolean } = {}): Promise<Person> {
    const person = await this.person(name, origin, options);
    await person.signUpWithPassphrase(person.joinLink(await this.deployment.invite()));
    await person.readWho();
    return person;
  }

  /** Whoever looks into a failure wants to see what the people saw. */
  async showFailure(): Promise<void> {
    for (const person of this.#people.filter(({ page }) => !page.isClosed())) {
      await picture(person.page, `failed-${person.name}`);
    }
  }
}

/** Nothing that any page may not do was done, up to here. */
export function expectCalm(...people: readonly Person[]): void {
  for (const { name, watch } of people) expect([name, ...watch.problems]).toEqual([name]);
}

/** The account that a contact link names. */
export function accountIn(link: string): AccountId {
  return parseContactCode(decodeURIComponent(link.split("#contact=")[1] ?? "")).account;
}

/** The server has this message, and the sender's screen says so. */
export async function sent(by: Person, text: string): Promise<void> {
  const message = by.thread.getByRole("article").filter({ hasText: text }).last();
  await message.locator(".delivery-sent, .delivery-delivered, .delivery-read").waitFor();
}

export type Lie = {
  readonly name: string;
  /** What is written while the server keeps the other waiting. */
  readonly texts: readonly string[];
  /** `theirs`: the writer's own messages among the items. */
  readonly change: (items: WireItem[], theirs: WireItem[]) => WireItem[];
  /** What the other's screen then says. */
  readonly words: readonly string[];
  /** What it never shows. */
  readonly hidden: readonly string[];
};

/** Lies once to `reader` about what `writer` writes; afterwards everything goes on as if nothing had been. */
export async function lie(
  { liar }: Stage,
  { name, texts, change, words, hidden }: Lie,
  { writer, account, reader }: { readonly writer: Person; readonly account: string; readonly reader: Person },
): Promise<void> {
  liar.holds = true;
  for (const text of texts) await writer.says(text);
  await sent(writer, texts.at(-1) as string);
  await liar.release((items) =>
    change(
      items,
      items.filter(({ kind, submitter }) => kind === "message" && submitter === account),
    ),
  );
  for (const text of words) await reader.sees(text);
  await writer.says(`and on after: ${name}`);
  await reader.sees(`and on after: ${name}`);
  await picture(reader.page, `story-lie-${name}`);
  for (const text of hidden) {
    expect([text, await reader.thread.getByText(text, { exact: true }).count()]).toEqual([text, 0]);
  }
  expectCalm(writer, reader);
}
