import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { AttachmentFiles } from "../src/attachment-files.ts";

const directory = mkdtempSync(join(tmpdir(), "attachment-files-"));
const ID = "ab".repeat(32);

afterAll(() => rmSync(directory, { recursive: true }));

test("PRES-10: files that are held keep their bytes, whatever comes under their id later", async () => {
  const files = await AttachmentFiles.open(directory);
  const first = { id: ID, created: 100 };
  const second = { id: ID, created: 200 };
  const bytes = async (file: Parameters<AttachmentFiles["read"]>[0]) =>
    Buffer.from((await files.read(file, 0, 9)) ?? []).toString();
  await files.write(ID, 0, Buffer.from("the first"));
  await files.hold([first]);
  await files.remove(ID);
  await files.write(ID, 0, Buffer.from("a second!"));
  await files.hold([first]);
  expect(await bytes(first)).toBe("the first");
  await files.hold([second]);
  await files.remove(ID);
  expect(await bytes(second)).toBe("a second!");
  expect(await bytes(first)).toBe("the first");
  expect(new Set(await files.held())).toEqual(new Set([first, second]));
  // Where the disk has no file there is nothing to hold, and nothing that looks as if.
  await files.hold([{ id: "cd".repeat(32), created: 300 }]);
  expect(await files.held()).toHaveLength(2);
  await files.removeHeld(first);
  await files.removeHeld(first);
  // What a crash left of a copy, on a disk without links, is found and goes.
  writeFileSync(join(directory, "held", `${ID}-400.part`), "half");
  expect(await files.held()).toContainEqual({ id: ID, created: 400 });
  await files.removeHeld({ id: ID, created: 400 });
  expect(readdirSync(join(directory, "held"))).toEqual([`${ID}-200`]);
});
