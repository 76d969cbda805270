// One person with a keyboard and nothing else, from the one-time link to a message that was sent and one that was heard.
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { picture } from "./browser.ts";
import { expectCalm, Stage } from "./stage.ts";
import { PASSPHRASE, type Person } from "./town.ts";

/** Presses of Tab after which a person would have given up. */
const PATIENCE = 40;

let stage: Stage;
let ada: Person;
let ben: Person;

beforeAll(async () => {
  stage = await Stage.open();
  ben = await stage.member("Ben", stage.origin);
  ada = await stage.person("Ada", stage.origin);
}, 600_000);
afterAll(async () => {
  await stage?.close();
});
afterEach(async ({ task }) => {
  if (task.result?.state === "fail") await stage.showFailure();
});

/** What has the focus, as it is called, and whether that can be seen. */
async function focused({ page }: Person): Promise<{ readonly name: string; readonly isSeen: boolean }> {
  return await page.evaluate(() => {
    const element = document.activeElement as HTMLElement;
    const labels = (element as HTMLInputElement).labels;
    const label = labels === null || labels === undefined ? undefined : labels[0]?.textContent;
    const style = getComputedStyle(element);
    const around = getComputedStyle(element.closest(".composer-line, .search, .field-input") ?? element);
    return {
      name: element.getAttribute("aria-label") ?? label ?? element.textContent ?? "",
      isSeen:
        element === document.body ||
        style.outlineStyle !== "none" ||
        style.boxShadow !== "none" ||
        around.boxShadow !== "none" ||
        around.outlineStyle !== "none",
    };
  });
}

/** By Tab alone; every place on the way shows that it has the focus. */
async function tabTo(person: Person, name: string | RegExp, key: "Tab" | "Shift+Tab" = "Tab"): Promise<void> {
  const passed: string[] = [];
  for (let i = 0; i < PATIENCE; i++) {
    const at = await focused(person);
    const plain = at.name.replace(/[\u2068\u2069]/g, "").trim();
    if (typeof name === "string" ? plain === name : name.test(plain)) return;
    if (passed.length > 0) expect([plain, at.isSeen]).toEqual([plain, true]);
    passed.push(plain);
    await person.page.keyboard.press(key);
  }
  throw new Error(`no way to ${String(name)} by ${key}: ${passed.join(" · ")}`);
}

test("from the link to the first message, without a pointer", async () => {
  const { keyboard } = ada.page;
  const contact = await ben.contactLink();
  await ada.page.goto(ada.joinLink(await stage.deployment.invite()));
  await ada.page.getByLabel("Your name").waitFor();
  await tabTo(ada, "Your name");
  await keyboard.type("Ada");
  await tabTo(ada, "Use a passphrase instead");
  await keyboard.press("Enter");
  await ada.page.getByLabel("The same again").waitFor();
  await tabTo(ada, "Passphrase");
  await keyboard.type(PASSPHRASE);
  await tabTo(ada, "The same again");
  await keyboard.type(PASSPHRASE);
  await keyboard.press("Enter");
  await ada.page.getByRole("button", { name: "I have read this" }).waitFor();
  await tabTo(ada, "I have read this");
  await keyboard.press("Enter");
  await ada.page.getByRole("button", { name: "New conversation" }).first().waitFor();
  await tabTo(ada, "New conversation");
  await keyboard.press("Enter");
  await ada.page.getByRole("dialog").waitFor();
  await tabTo(ada, "Contact link or code");
  await keyboard.type(contact);
  await tabTo(ada, "Add");
  await keyboard.press("Enter");
  await ada.page.getByRole("checkbox", { name: "Ben" }).waitFor();
  await tabTo(ada, "Start");
  await keyboard.press("Enter");
  await ada.page.getByPlaceholder("Write a message").waitFor();
  await tabTo(ada, /^Message to/);
  await keyboard.type("Written without a mouse");
  await picture(ada.page, "keyboard-composer");
  await keyboard.press("Enter");
  await ada.sees("Written without a mouse");
  expect((await focused(ada)).name).toMatch(/^Message to/);
  expectCalm(ada);
});

test("arrows walk through the thread from wherever Tab came into it, and what a message can do opens and closes there", async () => {
  const { keyboard } = ada.page;
  // Once it was sent.
  await ada.thread.getByRole("button", { name: "React" }).waitFor({ state: "attached" });
  // Past the link in it to the entry itself.
  await tabTo(ada, /^You started this conversation/, "Shift+Tab");
  await keyboard.press("End");
  await expect.poll(async () => (await focused(ada)).name).toMatch(/You/);
  await keyboard.press("Tab");
  expect((await focused(ada)).name).toBe("React");
  await keyboard.press("Tab");
  await keyboard.press("Enter");
  await ada.page.getByRole("menuitem", { name: "Reply" }).waitFor();
  await picture(ada.page, "keyboard-menu");
  await keyboard.press("Escape");
  await ada.page.getByRole("menu").waitFor({ state: "detached" });
  await expect.poll(async () => (await focused(ada)).name).toBe("What to do with this message");
  await keyboard.press("ArrowDown");
  await ada.page.getByRole("menuitem", { name: "Reply" }).waitFor();
  await keyboard.press("Enter");
  await ada.page.getByText("Reply to").waitFor();
  await keyboard.type("And answered");
  await keyboard.press("Enter");
  await ada.sees("And answered");
  expectCalm(ada);
});

test("who hears the page hears what comes in, and the list, the thread and each message have names", async () => {
  await ben.page.getByText("And answered").first().click();
  await ben.says("I hear you");
  await ada.page.locator("[aria-live=polite]").getByText("I hear you").waitFor({ state: "attached" });
  const { page } = ada;
  await page.getByRole("navigation", { name: "Conversations" }).waitFor();
  await page.getByRole("list", { name: /Ben/ }).waitFor();
  await page.getByRole("article", { name: /Ben.*/ }).last().waitFor();
  expect(await page.getByRole("listitem").last().getAttribute("aria-posinset")).not.toBeNull();
  expectCalm(ada, ben);
});
