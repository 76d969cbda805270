import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Decrypter } from "age-encryption";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  createFileDurable,
  createPassphrase,
  makeDirectory,
  PASSPHRASE_VARIABLE,
  readFileOrNull,
  readPassphrase,
  removeFileDurable,
  SecretFile,
  SecretStore,
  writeFileDurable,
} from "../src/index.ts";

let directory = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "secret-"));
});
afterEach(async () => {
  delete process.env[PASSPHRASE_VARIABLE];
  await rm(directory, { recursive: true });
});

const QUICK = { passphrase: "correct horse", workFactor: 8 };
const secret = new TextEncoder().encode("the share itself, in clear");

async function everything(): Promise<string> {
  const names = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = names.filter((name) => name.isFile()).map((name) => join(name.parentPath, name.name));
  return (await Promise.all(files.map((file) => readFile(file, "latin1")))).join("\n");
}

test("a sealed file opens with its passphrase only, and is age's own format", async () => {
  const file = new SecretFile(join(directory, "share.age"), QUICK);
  expect(await file.read()).toBeNull();
  await file.write(secret);
  expect(await file.read()).toEqual(secret);
  const wrong = new SecretFile(file.path, { passphrase: "wrong horse" });
  await expect(wrong.read()).rejects.toMatchObject({ code: "secret-unreadable" });
  const decrypter = new Decrypter();
  decrypter.addPassphrase(QUICK.passphrase);
  expect(await decrypter.decrypt(new Uint8Array(await readFile(file.path)))).toEqual(secret);
  expect((await stat(file.path)).mode & 0o777).toBe(0o600);
  expect(await everything()).not.toContain("share itself");
});

test("altered bytes are refused", async () => {
  const store = await SecretStore.open(directory, QUICK);
  await store.write("share", secret);
  const path = join(directory, "share.age");
  const sealed = await readFile(path);
  sealed[sealed.length - 1] = (sealed[sealed.length - 1] as number) ^ 1;
  await writeFile(path, sealed);
  await expect(store.read("share")).rejects.toMatchObject({ code: "secret-unreadable" });
});

test("a store is opened again with the same passphrase, refused with another, and holds nothing in clear", async () => {
  const store = await SecretStore.open(directory, QUICK);
  await store.write("2026-11.1.access", secret);
  const sealed = await store.seal(secret);
  const again = await SecretStore.open(directory, QUICK);
  expect(await again.read("2026-11.1.access")).toEqual(secret);
  expect(await again.unseal(sealed)).toEqual(secret);
  expect(await again.names()).toEqual(["2026-11.1.access"]);
  const text = await everything();
  expect(text).not.toContain("share itself");
  expect(text).not.toContain("AGE-SECRET-KEY");
  await expect(SecretStore.open(directory, { passphrase: "wrong" })).rejects.toMatchObject({
    code: "secret-unreadable",
  });
  await again.remove("2026-11.1.access");
  expect(await again.read("2026-11.1.access")).toBeNull();
});

test("names that leave the directory or hit the identity are refused", async () => {
  const store = await SecretStore.open(directory, QUICK);
  for (const name of ["../x", "identity", "", ".hidden", "a/b", "A"]) {
    await expect(store.write(name, secret)).rejects.toMatchObject({ code: "name-invalid" });
  }
});

test("a passphrase that others can read is refused; a missing and an empty one too", async () => {
  await expect(readPassphrase(directory)).rejects.toMatchObject({ code: "passphrase-missing" });
  await createPassphrase(directory);
  const first = await readPassphrase(directory);
  expect(first.length).toBeGreaterThanOrEqual(26);
  await createPassphrase(directory);
  expect(await readPassphrase(directory)).toBe(first);
  await chmod(join(directory, "passphrase"), 0o640);
  await expect(readPassphrase(directory)).rejects.toMatchObject({ code: "passphrase-exposed" });
  const elsewhere = join(directory, "elsewhere");
  await writeFile(elsewhere, "\n", { mode: 0o400 });
  process.env[PASSPHRASE_VARIABLE] = elsewhere;
  await expect(readPassphrase(directory)).rejects.toMatchObject({ code: "passphrase-empty" });
});

test("a durable write replaces whole files, keeps the mode asked for and leaves no temporary file", async () => {
  const path = join(directory, "a");
  await writeFileDurable(path, "one");
  await writeFileDurable(path, "two", { mode: 0o644 });
  expect(await readFile(path, "utf8")).toBe("two");
  await Promise.all(Array.from({ length: 20 }, (_, i) => writeFileDurable(path, `${i}`.repeat(1000))));
  expect((await readFile(path)).length % 1000).toBe(0);
  expect(await readdir(directory)).toEqual(["a"]);
  await removeFileDurable(path);
  await removeFileDurable(path);
  expect(await readFileOrNull(path)).toBeNull();
});

test("of many who make one file at once one does, whole, and nothing takes its place", async () => {
  const path = join(directory, "a");
  const made = await Promise.all(
    Array.from({ length: 20 }, (_, i) => createFileDurable(path, new Uint8Array(1000).fill(i))),
  );
  expect(made.filter((one) => one).length).toBe(1);
  const winner = made.indexOf(true);
  expect(new Uint8Array(await readFile(path))).toEqual(new Uint8Array(1000).fill(winner));
  expect(await readdir(directory)).toEqual(["a"]);
});

test("a directory made for a party is its owner's alone", async () => {
  const path = join(directory, "keyholder-1", "secrets");
  await makeDirectory(path);
  await makeDirectory(path);
  expect((await stat(path)).mode & 0o777).toBe(0o700);
});
