import { appendFile, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DurableError, Journal } from "../src/index.ts";

let directory = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "journal-"));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

async function contents(path: string): Promise<string[]> {
  const journal = await Journal.open(path);
  const records: string[] = [];
  for await (const record of journal) records.push(new TextDecoder().decode(record));
  await journal.close();
  return records;
}

async function made(records: readonly string[]): Promise<string> {
  const path = join(directory, `j${Math.random()}`);
  const journal = await Journal.open(path);
  for (const record of records) await journal.append(bytes(record));
  await journal.close();
  return path;
}

test("records come back in order, empty ones included", async () => {
  const path = await made(["one", "", "three"]);
  expect(await contents(path)).toEqual(["one", "", "three"]);
  expect(await contents(path)).toEqual(["one", "", "three"]);
});

test("appends made at once share frames and keep their order", async () => {
  const path = join(directory, "group");
  const journal = await Journal.open(path);
  await Promise.all(Array.from({ length: 1000 }, (_, i) => journal.append(bytes(String(i)))));
  await journal.close();
  expect(await contents(path)).toEqual(Array.from({ length: 1000 }, (_, i) => String(i)));
  // One header and far fewer frames than records.
  expect((await readFile(path)).length).toBeLessThan(16 + 1000 * (4 + 3) + 20 * 14);
});

test("a buffer that the caller wipes after append() is journalled as it was", async () => {
  const path = join(directory, "wiped");
  const journal = await Journal.open(path);
  const record = bytes("kept");
  const done = journal.append(record);
  record.fill(0);
  await done;
  await journal.close();
  expect(await contents(path)).toEqual(["kept"]);
});

test("a tail torn at any byte is cut off: what was acknowledged before it stays, and appending goes on", async () => {
  const whole = await made(["first", "second"]);
  const full = await readFile(whole);
  const afterFirst = 16 + 14 + 4 + "first".length;
  for (let length = 0; length < full.length; length++) {
    const path = join(directory, "torn");
    await writeFile(path, full.subarray(0, length));
    const expected = length < afterFirst ? [] : ["first"];
    expect(await contents(path)).toEqual(expected);
    const journal = await Journal.open(path);
    await journal.append(bytes("after"));
    await journal.close();
    expect(await contents(path)).toEqual([...expected, "after"]);
    await rm(path);
  }
});

test("damage in front of an acknowledged record is refused, not repaired", async () => {
  const path = await made(["first", "second", "third"]);
  const whole = await readFile(path);
  const lastFrame = whole.length - (14 + 4 + "third".length);
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 16, max: lastFrame - 1 }),
      fc.integer({ min: 0, max: 7 }),
      async (at, bit) => {
        const damaged = Uint8Array.from(whole);
        damaged[at] = (damaged[at] as number) ^ (1 << bit);
        await writeFile(path, damaged);
        await expect(Journal.open(path)).rejects.toMatchObject({ code: "journal-corrupt" });
      },
    ),
    { numRuns: 60 },
  );
});

test("frames of another journal inside a torn record are not taken for this one's", async () => {
  const inner = await readFile(await made(["a", "b", "c"]));
  const path = await made(["first"]);
  const journal = await Journal.open(path);
  await journal.append(inner);
  await journal.close();
  await truncate(path, (await readFile(path)).length - 1);
  expect(await contents(path)).toEqual(["first"]);
});

test("zeroes after the last frame, as a power cut leaves them, are cut off", async () => {
  const path = await made(["first"]);
  await appendFile(path, new Uint8Array(4096));
  expect(await contents(path)).toEqual(["first"]);
});

test("appendAll survives whole or not at all", async () => {
  const path = join(directory, "all");
  const journal = await Journal.open(path);
  await journal.appendAll([bytes("a"), bytes("b")]);
  await journal.close();
  await truncate(path, (await readFile(path)).length - 1);
  expect(await contents(path)).toEqual([]);
});

test("a file that is no journal is refused and left alone", async () => {
  const path = join(directory, "letter");
  await writeFile(path, "Dear keyholder, this is a letter and no journal.");
  await expect(Journal.open(path)).rejects.toMatchObject({ code: "not-a-journal" });
  expect(await readFile(path, "utf8")).toMatch(/^Dear/);
  await writeFile(path, "short");
  await expect(Journal.open(path)).rejects.toMatchObject({ code: "not-a-journal" });
});

test("a closed journal refuses appends", async () => {
  const journal = await Journal.open(join(directory, "closed"));
  await journal.close();
  await expect(journal.append(bytes("x"))).rejects.toThrow(DurableError);
});
