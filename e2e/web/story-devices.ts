// What becomes of an account when its only device is lost, and how a second one comes to it.
import { expect, test } from "vitest";
import { picture } from "./browser.ts";
import { expectCalm, type Stage } from "./stage.ts";
import type { Person } from "./town.ts";

/** Both talk in one conversation; `other`, at a phone with it open, has compared the keys of `owner`, who is called Ada. */
export type Owned = {
  readonly stage: Stage;
  readonly owner: Person;
  readonly other: Person;
  /** What was said in it before. */
  readonly said: string;
};

/** `owned`: asked for when the tests run. Afterwards the owner's first browser is closed. */
export function lostAndSecondDevice(owned: () => Owned): void {
  let found: Person;

  test("a lost device: the code on paper brings back account and history, and who compared keys is told loudly", async () => {
    const { stage, owner, other, said } = owned();
    await owner.home();
    await owner.settings("Recovery");
    await owner.press("Make a recovery code");
    const code = (await owner.page.locator(".code-large").first().textContent()) ?? "";
    await picture(owner.page, "story-ada-code");
    found = await stage.person("Ada again", owner.origin);
    await found.restore(code, "Found again");
    await found.readWho();
    await picture(found.page, "story-ada-restored-list");
    await found.page.getByRole("link", { name: /Ben/ }).first().click();
    await found.sees(said);
    await picture(found.page, "story-ada-restored");
    await other.sees("Ada has other keys than those you compared");
    const warning = other.page.getByText("Ask them before you write anything private");
    await warning.waitFor();
    await picture(other.page, "story-ben-loud");
    await other.says("Is that you?");
    await found.sees("Is that you?");
    // The sixty digits are what they were: she is asked for the key itself, and finds it where he is told.
    await found.home();
    await found.settings("Devices");
    const thisDevice = found.page.getByRole("listitem").filter({ hasText: "This device" });
    const key = await thisDevice.locator(".device-key").innerText();
    await other.follow("Compare keys");
    await other.press("Compare keys");
    const dialog = other.page.getByRole("dialog");
    await dialog.getByText("has a new device").waitFor();
    expect(await dialog.locator(".device-key").allInnerTexts()).toEqual([key]);
    await picture(other.page, "story-ben-new-device");
    await other.press("It is not theirs");
    await dialog.getByText("does not know this device").waitFor();
    await picture(other.page, "story-ben-foreign-device");
    await other.press("Close");
    await other.page.getByText("Keys changed since you compared").waitFor();
    await other.press("Compare keys");
    await other.press("It is theirs");
    await other.press("Close");
    await other.page.getByText("Keys compared on").waitFor();
    await other.follow("Close");
    // What happened stays where it happened; the warning above it is gone.
    await other.sees("Ada has other keys than those you compared");
    await warning.waitFor({ state: "detached" });
    // The lost one is out, and says so.
    await owner.home();
    await owner.page.getByText("This device was removed from your account").first().waitFor();
    await picture(owner.page, "story-ada-device-lost");
    expectCalm(other, found);
    await owner.context.close();
  });

  test("a second device: code, six digits on both, and it reads on with the history", async () => {
    const { stage, other, said } = owned();
    const tablet = await stage.person("Ada's tablet", found.origin, { phone: true });
    const code = await tablet.beginPairing("Kitchen tablet");
    await picture(tablet.page, "story-tablet-code");
    await found.home();
    await found.settings("Devices");
    await found.press("Add a device");
    await found.page.getByLabel("Code of the new device").fill(code);
    await found.press("Go on");
    const digits = await found.page.locator(".digits").innerText();
    await tablet.page.getByText("Compare these digits").waitFor();
    expect(await tablet.page.locator(".digits").innerText()).toBe(digits);
    await picture(found.page, "story-ada-digits");
    await picture(tablet.page, "story-tablet-digits");
    await found.press("They are the same: add it");
    await found.page.getByText("The device was added").waitFor();
    await found.page.getByText("Your whole history was sent").waitFor();
    await picture(found.page, "story-ada-added");
    await found.press("Close");
    await found.page.getByText("Kitchen tablet").waitFor();
    await tablet.readWho();
    await tablet.page.getByRole("link", { name: /Ben/ }).first().click();
    // From before it was there, by the other device.
    await tablet.sees(said);
    await other.says("Hello to both of you");
    await tablet.sees("Hello to both of you");
    await tablet.says("From the kitchen");
    await other.sees("From the kitchen");
    await tablet.sees("You have a new device");
    await picture(tablet.page, "story-tablet-talk");
    expectCalm(other, found, tablet);
  });
}
