// What a person does with conversations, codes and data of their own: put in order, found again, printed, taken along.
import { readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { axe } from "../../apps/web/test/axe.ts";
import { mayNotify, picture } from "./browser.ts";
import { expectCalm, PATIENT, Stage } from "./stage.ts";
import type { Person } from "./town.ts";

let stage: Stage;
let ada: Person;
let ben: Person;
let zoe: Person;

const ZOE = "Zoë Łuk-Åström";

beforeAll(async () => {
  stage = await Stage.open();
  ada = await stage.member("Ada", stage.origin);
  ben = await stage.member("Ben", stage.origin);
  zoe = await stage.member(ZOE, stage.origin, { phone: true });
  for (const person of [ben, zoe]) {
    await ada.begins(await person.contactLink());
    await ada.says(`Good morning, ${person.name}`);
    await person.page.getByText(`Good morning, ${person.name}`).first().click();
    await person.sees(`Good morning, ${person.name}`);
  }
  // Who it is with has said who they are.
  await row(ada, ZOE).waitFor();
  await row(ada, "Ben").waitFor();
}, 600_000);
afterAll(async () => {
  await stage?.close();
});
afterEach(async ({ task }) => {
  if (task.result?.state === "fail") await stage.showFailure();
});

const rows = ({ page }: Person) => page.locator(".list-row");

/** Names in the list, from the top. */
async function listed(person: Person): Promise<readonly string[]> {
  return await person.page.locator(".list-row-title").allInnerTexts();
}

async function chooses(person: Person, action: string): Promise<void> {
  await person.press("More about this conversation");
  await person.page.getByRole("menuitem", { name: action, exact: true }).click();
}

function row({ page }: Person, name: string) {
  return page.locator(".list-row").filter({ has: page.locator(".list-row-title", { hasText: name }) });
}

async function opens(person: Person, name: string): Promise<void> {
  await row(person, name).click();
  await person.page.getByRole("heading", { level: 1, name }).waitFor();
}

test("a pinned conversation stands above newer ones, also after a reload, until it is unpinned", async () => {
  expect(await listed(ada)).toEqual([ZOE, "Ben"]);
  await opens(ada, "Ben");
  await chooses(ada, "Pin");
  await expect.poll(() => listed(ada), PATIENT).toEqual(["Ben", ZOE]);
  await rows(ada).first().getByText("Pinned").waitFor();
  await zoe.says("Newer than anything of Ben’s");
  await rows(ada).filter({ hasText: "Newer than anything" }).waitFor();
  expect(await listed(ada)).toEqual(["Ben", ZOE]);
  await picture(ada.page, "keeping-pinned");
  await ada.page.reload();
  await ada.unlock();
  await expect.poll(() => listed(ada), PATIENT).toEqual(["Ben", ZOE]);
  await chooses(ada, "Unpin");
  await expect.poll(() => listed(ada), PATIENT).toEqual([ZOE, "Ben"]);
  expect(await rows(ada).getByText("Pinned").count()).toBe(0);
});

test("a muted conversation still counts what is unread, and calls nobody", async () => {
  const title = (): Promise<string> => ada.page.title();
  await opens(ada, ZOE);
  await chooses(ada, "Mute");
  await row(ada, ZOE).getByText("Muted").waitFor();
  await opens(ada, "Ben");
  await zoe.says("Quietly");
  const quiet = row(ada, ZOE).locator(".badge-quiet");
  await quiet.getByText("1").waitFor();
  expect(await title()).not.toMatch(/^\(/);
  await picture(ada.page, "keeping-muted");
  await opens(ada, ZOE);
  await chooses(ada, "Unmute");
  await opens(ada, "Ben");
  await zoe.says("Aloud");
  await expect.poll(title, PATIENT).toMatch(/^\(1\)/);
  expect(await quiet.count()).toBe(0);
});

test("an archived conversation is out of the list, found in the archive, and comes back with a new message or by hand", async () => {
  await opens(ada, "Ben");
  await chooses(ada, "Archive");
  await expect.poll(() => listed(ada), PATIENT).toEqual([ZOE]);
  await ada.press("Archive (1)");
  expect(await listed(ada)).toEqual(["Ben"]);
  await picture(ada.page, "keeping-archive");
  await chooses(ada, "Take out of the archive");
  await ada.page.getByText("The archive is empty.").waitFor();
  await ada.press("All conversations");
  expect([...(await listed(ada))].sort()).toEqual(["Ben", ZOE].sort());
  await chooses(ada, "Archive");
  await expect.poll(() => listed(ada), PATIENT).toEqual([ZOE]);
  await ben.says("I am still here");
  await expect.poll(() => listed(ada), PATIENT).toEqual(["Ben", ZOE]);
});

test("a conversation is found by its name however it is typed; what was said is not searched", async () => {
  const field = ada.page.getByRole("searchbox", { name: "Search by name" });
  for (const [typed, names] of [
    ["zoe", [ZOE]],
    ["LUK", [ZOE]],
    ["astrom", [ZOE]],
    ["Вen", ["Ben"]], // Its first letter is Cyrillic.
    ["morning", []],
  ] as const) {
    await field.fill(typed);
    await expect.poll(() => listed(ada), PATIENT).toEqual(names);
  }
  await ada.page.getByText("No conversation has this name.").waitFor();
  await picture(ada.page, "keeping-none-found");
  await field.press("Escape");
  await expect.poll(async () => (await listed(ada)).length, PATIENT).toBe(2);
});

test("what was typed and not sent is there again, however soon its writer turned away, and what is unread stays so", async () => {
  await opens(ada, "Ben");
  await ada.page.getByPlaceholder("Write a message").fill("I meant to say");
  // At once, before anything that waits.
  await opens(ada, ZOE);
  await rows(ada).filter({ hasText: "Draft: I meant to say" }).waitFor();
  await ben.says("Are you there?");
  await row(ada, "Ben").locator(".badge").getByText("1").waitFor();
  await ada.page.reload();
  await ada.unlock();
  await rows(ada).filter({ hasText: "Draft: I meant to say" }).locator(".badge").getByText("1").waitFor();
  await opens(ada, "Ben");
  expect(await ada.page.getByPlaceholder("Write a message").inputValue()).toBe("I meant to say");
  await ada.page.keyboard.press("Enter");
  await ben.sees("I meant to say");
  await expect.poll(() => rows(ada).getByText("Draft:").count(), PATIENT).toBe(0);
});

test("under a finger a message can be answered with an emoji too", async () => {
  const message = zoe.thread.getByRole("article").filter({ hasText: `Good morning, ${ZOE}` });
  await message.getByRole("button", { name: "What to do with this message" }).tap();
  await zoe.page.getByRole("menuitem", { name: "React" }).tap();
  await zoe.page.getByRole("dialog", { name: "React" }).waitFor();
  await picture(zoe.page, "keeping-react");
  await zoe.page.getByRole("button", { name: "🎉" }).tap();
  await opens(ada, ZOE);
  await ada.thread.locator(".reaction").getByText("🎉").waitFor();
  await opens(ada, "Ben");
});

test("who says that the keys differ is told what that means, and the comparison of before is gone", async () => {
  await ada.follow("People and devices");
  await ada.press("Compare keys");
  await ada.press("They are the same");
  await ada.press("Close");
  await ada.page.getByText("Keys compared on").waitFor();
  await ada.press("Compare keys");
  await ada.press("They differ");
  await ada.page.getByText("Somebody may be in between").waitFor();
  await picture(ada.page, "keeping-differ");
  await ada.press("Close");
  await ada.page.getByText("Keys not compared yet").waitFor();
  await ada.follow("Close");
});

async function saved(
  person: Person,
  button: string,
): Promise<{ readonly name: string; readonly text: string }> {
  const [download] = await Promise.all([person.page.waitForEvent("download"), person.press(button)]);
  return { name: download.suggestedFilename(), text: readFileSync(await download.path(), "utf8") };
}

test("an export has everything, as data and as a page that anybody can read without the app or a network", async () => {
  const hostile = "<script>document.title = 'run'</script>";
  await ben.says(hostile);
  await ada.sees(hostile);
  await ada.settings("Your data");
  const records = await saved(ada, "Export data for programs");
  expect(records.name).toBe("porchlight-export.jsonl");
  const lines = records.text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { kind: string; [member: string]: unknown });
  expect(lines[0]).toMatchObject({ kind: "account", me: { name: "Ada" }, notices: [] });
  expect(Object.keys(lines[0]?.["contacts"] as object).length).toBe(2);
  expect(lines.filter(({ kind }) => kind === "charter").length).toBeGreaterThan(0);
  const said = lines.flatMap(
    ({ entry }) => (entry as { body?: { text?: string } } | undefined)?.body?.text ?? [],
  );
  for (const text of ["Good morning, Ben", `Good morning, ${ZOE}`, "Quietly", "I meant to say", hostile]) {
    expect(said).toContain(text);
  }
  const page = await saved(ada, "Export a page to read");
  expect(page.name).toBe("porchlight-export.html");
  const reader = await ada.context.newPage();
  await reader.setContent(page.text);
  for (const text of ["What Ada had on Porchlight", ZOE, "I meant to say", hostile]) {
    expect((await reader.locator("body").innerText()).replace(/[\u2068\u2069]/g, "")).toContain(text);
  }
  expect(await reader.title()).not.toBe("run");
  expect(await axe(reader)).toEqual([]);
  await picture(reader, "keeping-export");
  await reader.close();
  await ada.home();
  expectCalm(ada);
});

/** What would be on paper, and on how many sheets. */
async function onPaper(person: Person): Promise<{ readonly text: string; readonly sheets: number }> {
  const { page } = person;
  await page.emulateMedia({ media: "print" });
  const text = await page.locator("body").innerText();
  const { ink, ground } = await page.evaluate(() => {
    const first = document.querySelector(".paper") ?? document.querySelector("main");
    const style = getComputedStyle(first ?? document.body);
    return { ink: style.color, ground: getComputedStyle(document.body).backgroundColor };
  });
  await picture(page, `keeping-paper-${text.slice(0, 40).replace(/\W+/g, "-")}`);
  await page.emulateMedia({ media: null });
  // Last: with it the printing is over, and the page knows.
  const pdf = (await page.pdf({ format: "A4" })).toString("latin1");
  // Dark on nothing, though the screen is dark.
  expect([ink, ground]).toEqual(["rgb(27, 29, 31)", "rgba(0, 0, 0, 0)"]);
  return { text, sheets: pdf.match(/\/Type \/Page\b/g)?.length ?? 0 };
}

test("each code is printed alone, on one sheet that says what it is and where it is good, dark on white from a dark screen", async () => {
  await ada.page.emulateMedia({ colorScheme: "dark" });
  await ada.settings("Recovery");
  await ada.press("Make a recovery code");
  await ada.press("Show the notice code");
  const code = ada.page.locator("main .code-large");
  await code.nth(1).waitFor();
  const [recovery, notice] = (await code.allInnerTexts()) as [string, string];
  // The browser's own dialog is nobody's to press here: what it prints is what counts.
  await ada.page.evaluate(() => {
    globalThis.print = () => {};
  });
  const print = ada.page.getByRole("button", { name: "Print" });
  await print.nth(0).click();
  const first = await onPaper(ada);
  expect(first.sheets).toBe(1);
  expect(first.text).toContain(recovery);
  expect(first.text).toContain(stage.origin);
  expect(first.text).not.toContain(notice);
  expect(first.text).not.toMatch(/Settings|Make another code|Devices/);
  await print.nth(1).click();
  const second = await onPaper(ada);
  expect(second.sheets).toBe(1);
  expect(second.text).toContain(notice);
  expect(second.text).toContain(`${stage.origin}/notices/code`);
  expect(second.text).not.toContain(recovery);
  await ada.home();
});

test("who can open this is printed whole, without anything to press", async () => {
  await opens(ada, "Ben");
  await ada.follow("Court can open");
  await ada.page.getByText("Every signature was checked on this device").waitFor();
  const { text, sheets } = await onPaper(ada);
  for (const words of ["3 of 5", "What this does not protect from", "Every signature was checked"]) {
    expect(text).toContain(words);
  }
  expect(text).not.toMatch(/Search by name|Good morning/);
  expect(sheets).toBeGreaterThan(0);
  expect(sheets).toBeLessThan(5);
  await ada.page.emulateMedia({ colorScheme: "light" });
  await ada.home();
});

test("who looks elsewhere while the app is open is told once that something came, and of nothing that is muted", async ({
  skip,
}) => {
  skip(!(await mayNotify(ada.page, stage.origin)));
  await opens(ada, "Ben");
  const shown = () =>
    ada.page.evaluate(async () => {
      const registration = await navigator.serviceWorker.ready;
      return (await registration.getNotifications()).map(({ title, body }) => [title, body]);
    });
  // A browser that a program drives always says that its page is looked at.
  const looks = (state: "hidden" | "visible") =>
    ada.page.evaluate((value) => {
      Object.defineProperty(document, "visibilityState", { configurable: true, get: () => value });
    }, state);
  await zoe.says("While she looks");
  await row(ada, ZOE).getByText("While she looks").waitFor();
  expect(await shown()).toEqual([]);
  await looks("hidden");
  await zoe.says("Psst");
  await row(ada, ZOE).getByText("Psst").waitFor();
  await expect.poll(shown, PATIENT).toEqual([["New message", ""]]);
  await looks("visible");
  await opens(ada, ZOE);
});

test("whoever is in a conversation proposes who can open it, everybody is asked, and from then on it is so", async () => {
  await opens(ada, "Ben");
  await chooses(ada, "Change who can open this");
  await ada.page.getByRole("radio", { name: /No charter/ }).check({ force: true });
  await picture(ada.page, "keeping-change-charter");
  expect(await axe(ada.page)).toEqual([]);
  await ada.press("Propose it");
  await opens(ben, "Ada");
  await ben.page.getByText("proposes to change who can open this conversation").waitFor();
  await ben.press("Accept");
  await ada.sees("From here on other rules hold");
  await ada.says("Nobody but us");
  await ben.sees("Nobody but us");
});

test("the app can be installed: the browser finds nothing that is against it", async () => {
  await ada.page.evaluate(async () => void (await navigator.serviceWorker.ready));
  const session = await ada.context.newCDPSession(ada.page);
  const manifest = await session.send("Page.getAppManifest");
  expect(manifest.errors).toEqual([]);
  expect(JSON.parse(manifest.data ?? "")).toMatchObject({ name: "Porchlight", display: "standalone" });
  const { installabilityErrors } = await session.send("Page.getInstallabilityErrors");
  // A test's profile is one that keeps nothing, in which nothing is installed.
  expect(installabilityErrors.filter(({ errorId }) => errorId !== "in-incognito")).toEqual([]);
  expectCalm(ada, ben, zoe);
});
