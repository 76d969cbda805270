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

test("two people sign up with their links, one with a passkey and one with a passphrase", async () => {
  const link = await town.deployment.invite();
  const { origin } = new URL(link);
  const ada = await Person.at(started.browser, "Ada", origin);
  const key = await ada.signUpWithPasskey(link);
  await picture(ada.page, "talk-ada-who");
  await ada.readWho();
  await picture(ada.page, "talk-ada-ready");
  const ben = await Person.at(started.browser, "Ben", origin, { phone: true });
  await ben.signUpWithPassphrase(await town.deployment.invite());
  await ben.readWho();
  await picture(ben.page, "talk-ben-ready");
  await key.remove();
  expect(ada.watch.problems).toEqual([]);
  expect(ben.watch.problems).toEqual([]);
});
