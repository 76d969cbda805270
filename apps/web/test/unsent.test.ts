import { openAsBlob } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { message } from "../gallery/entries.ts";
import { ME, NOOR } from "../gallery/people.ts";
import { Unsent } from "../src/thread/unsent.ts";

const file = (name: string): File => new File([name], name);

/** A file that was changed after it was chosen: nothing of it can be read. */
async function changed(name: string): Promise<File> {
  const directory = await mkdtemp(join(tmpdir(), "unsent-"));
  const path = join(directory, name);
  await writeFile(path, "as it was");
  const blob = await openAsBlob(path);
  await writeFile(path, "as it is now");
  await rm(directory, { recursive: true });
  return Object.assign(blob, { name }) as File;
}

function writer(text: string): {
  readonly written: Parameters<Unsent["send"]>[0];
  readonly went: { readonly text: string; readonly files: readonly string[] }[];
} {
  const went: { text: string; files: readonly string[] }[] = [];
  const send = async ({
    text,
    attachments = [],
  }: {
    text: string;
    attachments?: readonly { name: string }[];
  }) => void went.push({ text, files: attachments.map(({ name }) => name) });
  return { written: { text, chosen: [], mentions: [], about: null, send }, went };
}

test("what was sent while its files are prepared goes once with all of them, whoever looks on", async () => {
  const unsent = new Unsent("Two drawings");
  const { written, went } = writer("Two drawings");
  const attached = [unsent.attach([file("one")], []), unsent.attach([file("two")], [])];
  await unsent.send(written);
  expect([unsent.now.due !== null, unsent.now.text, went]).toEqual([true, "Two drawings", []]);
  await Promise.all(attached);
  expect(went).toEqual([{ text: "Two drawings", files: ["one", "two"] }]);
  expect(unsent.now).toMatchObject({ text: "", files: [], reading: 0, due: null, sent: 1 });
});

test("files that were chosen and not sent are there when their writer comes back", async () => {
  const unsent = new Unsent("");
  await unsent.attach([file("one")], []);
  expect(unsent.now.files.map(({ name }) => name)).toEqual(["one"]);
});

test("a message does not go without a file that cannot be read, and nothing of it is lost", async () => {
  const unsent = new Unsent("See these");
  const { written, went } = writer("See these");
  const attached = unsent.attach([file("one"), await changed("two")], ["a folder"]);
  await unsent.send(written);
  await attached;
  expect(went).toEqual([]);
  expect(unsent.now).toMatchObject({
    text: "See these",
    due: null,
    sent: 0,
    unreadable: ["a folder", "two"],
  });
  expect(unsent.now.files.map(({ name }) => name)).toEqual(["one"]);
});

test("what was refused comes back in front of what was written since", async () => {
  const unsent = new Unsent("first");
  const { written } = writer("first");
  let refuse = (): void => {};
  const refused = new Promise<never>((_, reject) => {
    refuse = () => reject(Object.assign(new Error("no"), { code: "quota" }));
  });
  await unsent.attach([file("one")], []);
  const sending = unsent.send({ ...written, send: () => refused });
  expect(unsent.now).toMatchObject({ text: "", files: [] });
  unsent.change({ text: "second" });
  refuse();
  await sending;
  expect(unsent.now).toMatchObject({ text: "first\nsecond", sent: 0 });
  expect(unsent.now.files.map(({ name }) => name)).toEqual(["one"]);
});

test("an edit takes the field and gives it back, whoever looks on, and to nothing else that was begun meanwhile", () => {
  const unsent = new Unsent("my own draft");
  const [first, second] = [message(ME, "one"), message(ME, "two")];
  unsent.begin({ kind: "edit", message: first });
  unsent.write("one, put right");
  expect(unsent.now).toMatchObject({ text: "one, put right", aside: "my own draft" });
  unsent.end(first.id);
  expect(unsent.now).toMatchObject({ text: "my own draft", aside: null, about: null, chosen: [] });
  // Answered after another was begun.
  unsent.begin({ kind: "edit", message: first });
  unsent.begin({ kind: "edit", message: second });
  unsent.end(first.id);
  expect(unsent.now).toMatchObject({ text: "two", aside: "my own draft", about: { message: second } });
  // An answer is written in the draft's place.
  const answer = { kind: "reply", message: message(NOOR, "three") } as const;
  unsent.begin(answer);
  unsent.end(second.id);
  expect(unsent.now).toMatchObject({ text: "my own draft", aside: null, about: answer, turns: 4 });
  unsent.end();
  expect(unsent.now).toMatchObject({ text: "my own draft", about: null });
});

test("nothing is written into what waits for its files, as it goes as it was sent", async () => {
  const unsent = new Unsent("hello");
  const { written, went } = writer("hello");
  const attached = unsent.attach([file("one")], []);
  await unsent.send(written);
  unsent.write("hello🏠");
  expect(unsent.now.text).toBe("hello");
  await attached;
  expect(went).toEqual([{ text: "hello", files: ["one"] }]);
  unsent.write("🏠");
  expect(unsent.now.text).toBe("🏠");
});

test("locked, nothing that was begun goes on", async () => {
  const unsent = new Unsent("later");
  const { written, went } = writer("later");
  const attached = unsent.attach([file("one")], []);
  await unsent.send(written);
  unsent.forget();
  await attached;
  expect([went, unsent.now.files]).toEqual([[], []]);
});
