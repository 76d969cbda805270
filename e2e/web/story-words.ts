// What three people do with words that stand already, with the name of a conversation and with their place in it, each
// with what everybody's screen says of it.
import type { Locator } from "playwright-core";
import { expect, test } from "vitest";
import { picture } from "./browser.ts";
import { expectCalm, PATIENT, type Stage } from "./stage.ts";
import type { Person } from "./town.ts";

/** `ada` knows both; `ben` is at a phone behind the stage's cable. */
export type Talking = {
  readonly stage: Stage;
  readonly ada: Person;
  readonly ben: Person;
  readonly cay: Person;
  /** What stands in the conversation that `ada` and `ben` have open, and have open again afterwards. */
  readonly said: string;
};

/** `talking`: asked for when the tests run. Afterwards nothing is left on the device of `cay`. */
export function wordsAndPlaces(talking: () => Talking): void {
  test("who is chosen after an @ is told in the list, and nobody else is", async () => {
    const { ada, ben, cay } = talking();
    await ben.home();
    await ada.press("New conversation");
    for (const name of ["Ben", "Cay"]) await ada.page.getByRole("checkbox", { name }).check({ force: true });
    await ada.page.getByLabel("Name of the conversation").fill("Porch");
    await ada.press("Start");
    await ada.page.getByRole("heading", { level: 1, name: "Porch" }).waitFor();
    const { keyboard } = ada.page;
    await ada.page.getByPlaceholder("Write a message").focus();
    await keyboard.type("Good evening, @c");
    const people = ada.page.getByRole("listbox", { name: "People to mention" });
    await people.getByRole("option", { name: "Cay", selected: true }).waitFor();
    expect(await people.getByRole("option").count()).toBe(1);
    await picture(ada.page, "story-ada-mention");
    await keyboard.press("Enter");
    await keyboard.type("and all");
    await keyboard.press("Enter");
    await row(cay, "Porch").getByText("mentions you").waitFor({ state: "attached" });
    await row(ben, "Porch").getByText("Good evening, @Cay and all").waitFor();
    expect(await row(ben, "Porch").getByText("mentions you").count()).toBe(0);
    await picture(cay.page, "story-cay-mentioned");
    for (const person of [ben, cay]) {
      await row(person, "Porch").click();
      await message(person, "Good evening").locator(".mention").getByText("@Cay", { exact: true }).waitFor();
    }
    await expect.poll(() => row(cay, "Porch").getByText("mentions you").count(), PATIENT).toBe(0);
    expectCalm(ada, ben, cay);
  });

  test("code, an address and an emoji are shown as what they are", async () => {
    const { ada, ben, cay } = talking();
    await ada.says(
      "Type `npm start`, or\n```\ngit pull\nnpm test\n```\nand read https://porch.example/a_(b)?c=d.",
    );
    await cay.press("Insert an emoji");
    await cay.page
      .getByRole("dialog", { name: "Choose an emoji" })
      .getByRole("button", { name: "🏠" })
      .click();
    await cay.press("Send");
    for (const person of [ada, ben, cay]) {
      const shown = message(person, "Type");
      await shown.getByText("npm start", { exact: true }).waitFor();
      expect(await shown.getByRole("code").allInnerTexts()).toEqual(["npm start", "git pull\nnpm test"]);
      const link = shown.getByRole("link", { name: "https://porch.example/a_(b)?c=d", exact: true });
      expect(await link.getAttribute("href")).toBe("https://porch.example/a_(b)?c=d");
      expect(await link.getAttribute("rel")).toContain("noopener");
      const emoji = person.thread.getByText("🏠", { exact: true });
      await emoji.waitFor();
      const size = (of: Locator): Promise<number> =>
        of.evaluate((element) => Number.parseFloat(getComputedStyle(element).fontSize));
      expect(await size(emoji)).toBeGreaterThan(1.5 * (await size(link)));
    }
    await picture(ben.page, "story-ben-code");
    expectCalm(ada, ben, cay);
  });

  test("a message is answered, and with an emoji: everybody sees to what and by whom, and it can be taken back", async () => {
    const { ada, ben, cay } = talking();
    await ada.says("Supper is at seven");
    await does(ben, "Supper is at seven", "Reply");
    await ben.page.getByText("Reply to").waitFor();
    await picture(ben.page, "story-ben-reply");
    await ben.says("I bring bread");
    for (const person of [ada, cay]) {
      await quoteIn(person, "I bring bread").getByText("Supper is at seven").waitFor();
    }
    await message(cay, "I bring bread").getByRole("button", { name: "React" }).click();
    await cay.page.getByRole("button", { name: "👍" }).click();
    await reaction(ada, "I bring bread", "👍").click();
    for (const person of [ada, ben, cay]) {
      await expect
        .poll(() => plain(reaction(person, "I bring bread", "👍")), PATIENT)
        .toMatch(/^👍 ?2 ?from (Cay|You), (Ada|You)$/);
    }
    await picture(ada.page, "story-ada-reaction");
    await reaction(ada, "I bring bread", "👍").click();
    for (const person of [ada, ben, cay]) {
      await expect
        .poll(() => plain(reaction(person, "I bring bread", "👍")), PATIENT)
        .toMatch(/^👍 ?1 ?from (Cay|You)$/);
    }
    // The quotation leads to what it is of.
    await quoteIn(ada, "I bring bread").click();
    await expect
      .poll(() => ada.page.evaluate(() => document.activeElement?.textContent ?? ""))
      .toContain("Supper is at seven");
    expectCalm(ada, ben, cay);
  });

  test("an edit is everybody's and is called one; what is deleted is gone from every screen, quotations too", async () => {
    const { ada, ben, cay } = talking();
    await does(ada, "Supper is at seven", "Edit");
    await ada.page.getByText("Edit your message").waitFor();
    await ada.page.getByPlaceholder("Write a message").fill("Supper is at eight");
    await picture(ada.page, "story-ada-edit");
    await ada.press("Save the change");
    for (const person of [ada, ben, cay]) {
      await message(person, "Supper is at eight").getByText("edited").first().waitFor();
      await quoteIn(person, "I bring bread").getByText("Supper is at eight").waitFor();
      expect(await person.thread.getByText("Supper is at seven").count()).toBe(0);
    }
    expect(await ada.page.getByPlaceholder("Write a message").inputValue()).toBe("");
    await does(ben, "Supper is at eight", "Reply");
    const answering = ben.page.locator(".composer-about");
    await answering.getByText("Supper is at eight").waitFor();
    await does(ada, "Supper is at eight", "Delete");
    const dialog = ada.page.getByRole("alertdialog", { name: "Delete for everybody?" });
    await dialog.getByText("Copies may stay").waitFor();
    await picture(ada.page, "story-ada-delete");
    await dialog.getByRole("button", { name: "Delete" }).click();
    await ada.sees("You deleted this message");
    for (const person of [ada, ben, cay]) {
      if (person !== ada) await person.sees("Ada deleted this message");
      await quoteIn(person, "I bring bread").getByText("Deleted message").waitFor();
      expect(await person.page.getByText("Supper is at").count()).toBe(0);
    }
    // Who was about to answer it is shown that too.
    await answering.getByText("Deleted message").waitFor();
    await picture(ben.page, "story-ben-deleted");
    await answering.getByRole("button", { name: "Cancel" }).click();
    // Nobody can do anything to another's words, and nothing to what is gone.
    await message(ada, "I bring bread").getByRole("button", { name: "What to do with this message" }).click();
    await ada.page.getByRole("menuitem", { name: "Reply" }).waitFor();
    expect(await ada.page.getByRole("menuitem", { name: /Edit|Delete/ }).count()).toBe(0);
    await ada.page.keyboard.press("Escape");
    expect(await message(ada, "You deleted").getByRole("button").count()).toBe(0);
    expectCalm(ada, ben, cay);
  });

  test("offline an edit, a deletion, a reaction and a name wait and say so; what is discarded never goes; the rest goes once", async () => {
    const { stage, ada, ben, cay } = talking();
    await ben.page.emulateMedia({ colorScheme: "dark" });
    await ben.says("I bring a lamp");
    for (const person of [ada, cay]) await person.sees("I bring a lamp");
    stage.cable.cut();
    await ben.page.getByText("No connection. You can go on writing").first().waitFor();
    await does(ben, "I bring bread", "Edit");
    await ben.page.getByPlaceholder("Write a message").fill("I bring bread and salt");
    await ben.press("Save the change");
    await message(ben, "I bring bread and salt").getByText("This edit waits to be sent").waitFor();
    await does(ben, "I bring a lamp", "Delete");
    await ben.page.getByRole("alertdialog").getByRole("button", { name: "Delete" }).click();
    await message(ben, "You deleted this message")
      .getByText("Waiting to be deleted for the others")
      .waitFor();
    await does(ben, "🏠", "React");
    await ben.page.getByRole("button", { name: "☀️" }).click();
    await message(ben, "🏠").getByText("Your reaction waits to be sent").waitFor();
    await chooses(ben, "Rename");
    await ben.page.getByLabel("Name of the conversation").fill("Summer porch");
    // On a phone it is drawn once the keyboard had its moment to come up.
    const dialog = ben.page.getByRole("dialog", { name: "Rename" });
    const isDrawn = (): Promise<boolean> =>
      dialog.evaluate((element) => element.checkVisibility({ opacityProperty: true }));
    await expect.poll(isDrawn, PATIENT).toBe(true);
    await picture(ben.page, "story-ben-rename");
    await dialog.getByRole("button", { name: "Save" }).click();
    await ben.page.getByRole("heading", { level: 1, name: "Summer porch" }).waitFor();
    await ben.page.getByText("New name waits to be sent").waitFor();
    await ben.says("never mind");
    await does(ben, "never mind", "Discard");
    await ben.page.getByText("never mind").waitFor({ state: "detached" });
    await picture(ben.page, "story-ben-changes-offline");
    // For the others nothing has happened.
    for (const person of [ada, cay]) {
      await person.page.getByRole("heading", { level: 1, name: "Porch", exact: true }).waitFor();
      await message(person, "I bring bread").waitFor();
      await message(person, "I bring a lamp").waitFor();
    }
    stage.cable.mend();
    for (const person of [ada, cay]) {
      await person.page.getByRole("heading", { level: 1, name: "Summer porch" }).waitFor();
      await person.sees("Ben named this conversation");
      await message(person, "I bring bread and salt").getByText("edited").waitFor();
      await person.sees("Ben deleted this message");
      expect(await plain(reaction(person, "🏠", "☀️"))).toMatch(/^☀️ ?1 ?from Ben$/);
      expect(await person.thread.getByText("I bring bread").count()).toBe(1);
      expect(await person.thread.getByText(/never mind|I bring a lamp/).count()).toBe(0);
    }
    await expect.poll(() => ben.page.getByText(/waits to be sent|Waiting to be/).count(), PATIENT).toBe(0);
    expect(await ben.thread.getByText("You named this conversation").count()).toBe(1);
    expectCalm(ada, ben, cay);
  });

  test("a change of who can open it is declined by one and accepted by one: each screen says what became of it", async () => {
    const { ada, ben, cay } = talking();
    await chooses(ada, "Change who can open this");
    await ada.page.getByRole("radio", { name: /No charter/ }).check({ force: true });
    await ada.press("Propose it");
    for (const person of [ben, cay]) {
      await person.page.getByText("proposes to change who can open this conversation").waitFor();
    }
    await picture(ben.page, "story-ben-proposed");
    await ben.press("Decline and leave");
    await ben.page.getByText("You are not in this conversation any more").waitFor();
    await ben.sees("You left");
    await picture(ben.page, "story-ben-declined");
    await ben.page.emulateMedia({ colorScheme: "light" });
    await cay.press("Accept");
    await cay.page.getByPlaceholder("Write a message").waitFor();
    for (const person of [ada, cay]) {
      await person.sees("From here on other rules hold");
      // Nobody reads that they themselves removed him; whose device it was that let him go, the other one reads.
      await person.sees(person === ada ? /Ben left|Cay removed Ben/ : /Ben left|Ada removed Ben/);
    }
    await cay.says("Just us, then");
    await ada.sees("Just us, then");
    for (const person of [ada, cay]) {
      expect(await person.thread.getByText("was refused").count()).toBe(0);
    }
    await picture(ada.page, "story-ada-declined");
    expect(await ben.thread.getByText("Just us, then").count()).toBe(0);
    expectCalm(ada, ben, cay);
  });

  test("who leaves keeps what they have, and the others see that they left", async () => {
    const { ada, cay } = talking();
    await chooses(cay, "Leave");
    const dialog = cay.page.getByRole("alertdialog", { name: "Leave this conversation?" });
    await dialog.getByText("You receive nothing more").waitFor();
    await picture(cay.page, "story-cay-leave");
    await dialog.getByRole("button", { name: "Leave" }).click();
    await cay.page.getByText("Choose a conversation, or start one.").waitFor();
    await ada.sees("Cay left");
    await ada.page.getByText("Nobody else is in this conversation").waitFor();
    await picture(ada.page, "story-ada-alone");
    await row(cay, "Summer porch").click();
    await cay.page.getByText("You are not in this conversation any more").waitFor();
    await cay.sees("Just us, then");
    expect(await cay.page.getByPlaceholder("Write a message").count()).toBe(0);
    expectCalm(ada, cay);
  });

  test("who cannot unlock any more is warned, can turn back, and starts over on an empty device", async () => {
    const { ada, ben, cay, said } = talking();
    await cay.settings("Devices");
    await cay.press("Lock now");
    await cay.press("I cannot unlock it any more");
    const dialog = cay.page.getByRole("alertdialog", { name: "Start over on this device?" });
    await dialog.getByText("Without either, nobody can bring it back").waitFor();
    await picture(cay.page, "story-cay-start-over");
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await cay.page.getByRole("heading", { name: "Locked" }).waitFor();
    await cay.press("I cannot unlock it any more");
    await cay.press("Delete and start over");
    await cay.page.getByRole("heading", { name: "Welcome" }).waitFor();
    await cay.page.reload();
    await cay.page.getByRole("heading", { name: "Welcome" }).waitFor();
    await cay.page.getByRole("button", { name: "I have a recovery code" }).waitFor();
    expect(await cay.page.getByText("Cay").count()).toBe(0);
    await picture(cay.page, "story-cay-started-over");
    for (const person of [ada, ben]) {
      await person.home();
      await person.page.getByRole("link", { name: new RegExp(said) }).click();
      await person.sees(said);
    }
    expectCalm(ada, ben, cay);
  });
}

function row({ page }: Person, title: string): Locator {
  return page.getByRole("link").filter({ has: page.locator(".list-row-title", { hasText: title }) });
}

/** What is said there comes before every answer that quotes it. */
function message({ thread }: Person, text: string): Locator {
  return thread.getByRole("article").filter({ hasText: text }).first();
}

function quoteIn(person: Person, text: string): Locator {
  return message(person, text).locator(".reply");
}

function reaction(person: Person, text: string, emoji: string): Locator {
  return message(person, text).getByRole("button", { name: emoji });
}

/** Without the isolates around names. */
async function plain(button: Locator): Promise<string> {
  return (await button.innerText()).replace(/[\u2068\u2069]/g, "").replace(/\s+/g, " ");
}

async function does(person: Person, text: string, action: string): Promise<void> {
  await message(person, text).getByRole("button", { name: "What to do with this message" }).click();
  await person.page.getByRole("menuitem", { name: action, exact: true }).click();
}

async function chooses(person: Person, action: string): Promise<void> {
  await person.press("More about this conversation");
  await person.page.getByRole("menuitem", { name: action, exact: true }).click();
}
