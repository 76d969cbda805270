// A file that is larger than files may be: refused by the person's own page, before anything of it is read.
import { mkdtempSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { picture } from "./browser.ts";
import { expectCalm, Stage } from "./stage.ts";
import type { Person } from "./town.ts";

const GIB = 1024 ** 3;

let stage: Stage;
let ada: Person;
let directory: string;

beforeAll(async () => {
  stage = await Stage.open();
  ada = await stage.member("Ada", stage.origin);
  const ben = await stage.member("Ben", stage.origin);
  await ada.begins(await ben.contactLink());
  directory = mkdtempSync(join(tmpdir(), "porchlight-large-file-"));
}, 600_000);
afterAll(async () => {
  await stage?.close();
  rmSync(directory, { recursive: true, force: true });
});
afterEach(async ({ task }) => {
  if (task.result?.state === "fail") await stage.showFailure();
});

test("a file of more than 1 GiB is refused when it is chosen, by name, and nothing of it is read", async () => {
  const path = join(directory, "too large.bin");
  const sparse = await open(path, "w");
  await sparse.truncate(GIB + 1);
  await sparse.close();
  await ada.page.locator("input[type=file]").setInputFiles(path);
  await ada.page.getByText("1 file is too large to be sent here").waitFor();
  await ada.page.getByText("too large.bin").waitFor();
  await ada.page.getByText("Nothing of it was read or sent").waitFor();
  await picture(ada.page, "large-file-refused");
  expect(await ada.page.getByRole("button", { name: "Send", exact: true }).isDisabled()).toBe(true);
  await ada.press("Understood");
  await ada.page.getByText("too large.bin").waitFor({ state: "detached" });
  expectCalm(ada);
});
