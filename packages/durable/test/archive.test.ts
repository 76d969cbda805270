import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Decrypter } from "age-encryption";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type ArchiveFile, readArchive, writeArchive } from "../src/index.ts";

const SEALING = { passphrase: "correct horse", workFactor: 2 };

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "archive-test-"));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

const FILES: readonly (readonly [path: string, contents: Buffer])[] = [
  ["manifest.json", Buffer.from("{}")],
  ["log/entries", Buffer.alloc(200_000, "abc")],
  ["empty", Buffer.alloc(0)],
  ["one-block", Buffer.alloc(512, 7)],
];

async function* filesOf(list = FILES): AsyncGenerator<ArchiveFile> {
  for (const [path, bytes] of list) {
    // In pieces that are no whole blocks.
    yield {
      path,
      size: bytes.length,
      contents: (async function* () {
        for (let at = 0; at < bytes.length; at += 777) yield bytes.subarray(at, at + 777);
      })(),
    };
  }
}

async function read(path: string, passphrase = SEALING.passphrase): Promise<[string, Buffer][]> {
  const files: [string, Buffer][] = [];
  for await (const file of readArchive(path, passphrase)) {
    const parts: Uint8Array[] = [];
    for await (const part of file.contents) parts.push(part);
    files.push([file.path, Buffer.concat(parts)]);
  }
  return files;
}

test("what is written is read, and is an age file with a tar in it that others open too", async () => {
  const path = join(directory, "backup.age");
  await writeArchive(path, SEALING, filesOf());
  expect(readdirSync(directory)).toEqual(["backup.age"]);
  expect(await read(path)).toEqual(FILES);

  const decrypter = new Decrypter();
  decrypter.addPassphrase(SEALING.passphrase);
  const plain = await decrypter.decrypt(new Uint8Array(readFileSync(path)));
  const listed = spawnSync("tar", ["-tvf", "-"], { input: plain, encoding: "utf8" });
  expect(listed.status).toBe(0);
  expect(listed.stdout.split("\n").map((line) => line.split(/ +/).at(-1))).toEqual([
    ...FILES.map(([name]) => name),
    "",
  ]);
});

test("a wrong passphrase, a flipped bit and a missing end are refused", async () => {
  const path = join(directory, "backup.age");
  await writeArchive(path, SEALING, filesOf());
  await expect(read(path, "wrong")).rejects.toMatchObject({ code: "secret-unreadable" });
  const whole = readFileSync(path);
  for (const at of [whole.length - 1, whole.length >> 1]) {
    const altered = Buffer.from(whole);
    altered[at] = (altered[at] as number) ^ 1;
    writeFileSync(path, altered);
    await expect(read(path)).rejects.toMatchObject({ code: "secret-unreadable" });
  }
  writeFileSync(path, whole);
  truncateSync(path, whole.length - 100_000);
  await expect(read(path)).rejects.toMatchObject({ code: "secret-unreadable" });
});

test("what fails half-way leaves no file, and a path that leaves the directory is not read", async () => {
  const path = join(directory, "backup.age");
  async function* short(): AsyncGenerator<ArchiveFile> {
    yield { path: "a", size: 10, contents: (async function* () {})() };
  }
  await expect(writeArchive(path, SEALING, short())).rejects.toMatchObject({ code: "archive-malformed" });
  expect(readdirSync(directory)).toEqual([]);
  for (const name of ["../passwd", "/etc/passwd", "a/../../b", "a//b", ".hidden"]) {
    await writeArchive(path, SEALING, filesOf([[name, Buffer.from("x")]]));
    await expect(read(path)).rejects.toMatchObject({ code: "archive-malformed" });
  }
});
