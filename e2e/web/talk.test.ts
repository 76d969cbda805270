// Two people, a browser profile each, against real programs: from a one-time link to a conversation.
import { afterAll, beforeAll, expect, test } from "vitest";
import { picture, type Started, startBrowser } from "./browser.ts";
import { Person, startTown } from "./town.ts";

let started: Started;
let town: Awaited<ReturnType<typeof startTown>>;

beforeAll(async () => {
  [started, town] = await Promise.all([startBrowser(), startTown()]);
});
afterAll(async () => {
  await started?.stop();
  await town?.stop();
});

test("two people come in by their links, one with a passkey and one with a passphrase, and talk", async () => {
  const link = await town.deployment.invite();
  const { origin } = new URL(link);
  const ada = await Person.at(started.browser, "Ada", origin);
  const key = await ada.signUpWithPasskey(link);
  await picture(ada.page, "talk-ada-who");
  await ada.readWho();
  await picture(ada.page, "talk-ada-ready");
  const ben = await Person.at(started.browser, "Ben", origin, { phone: true });
  ben.page.setDefaultTimeout(15_000);
  ada.page.setDefaultTimeout(15_000);
  await ben.signUpWithPassphrase(await town.deployment.invite());
  await ben.readWho();
  await picture(ben.page, "talk-ben-ready");
  const contact = await ben.contactLink();
  await ada.page.getByRole("button", { name: "New conversation" }).first().click();
  await ada.page.getByLabel("Contact link or code").fill(contact);
  await ada.page.getByRole("button", { name: "Add", exact: true }).click();
  await picture(ada.page, "talk-ada-new");
  await ada.page.getByRole("button", { name: "Start", exact: true }).click();
  await ada.page.getByPlaceholder("Write a message").fill("Is the porch light on?");
  await ada.page.keyboard.press("Enter");
  await picture(ada.page, "talk-ada-sent");
  await ben.page.getByText("Is the porch light on?").first().click();
  await picture(ben.page, "talk-ben-read");
  await key.remove();
  expect(ada.watch.problems).toEqual([]);
  expect(ben.watch.problems).toEqual([]);
});
