import { mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { utf8 } from "@porchlight/encoding";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fileStorage } from "../src/file-storage.ts";
import { memoryStorage, type Storage } from "../src/index.ts";

const key = new Uint8Array(32).fill(5);
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "porchlight-storage-"));
});

afterAll(async () => {
  await rm(directory, { recursive: true });
});

const implementations: readonly (readonly [string, () => Promise<Storage>])[] = [
  ["memory", async () => memoryStorage()],
  ["files", () => fileStorage({ directory: join(directory, "contract"), key })],
];

describe.each(implementations)("storage in %s", (_name, make) => {
  test("gives back what was last saved, and nothing where nothing was", async () => {
    const storage = await make();
    expect(await storage.load("device")).toBeNull();
    await storage.save("device", utf8("one"));
    await storage.save("device", utf8("two"));
    await storage.save("conversation-a", new Uint8Array(0));
    expect(await storage.load("device")).toEqual(utf8("two"));
    expect(await storage.load("conversation-a")).toEqual(new Uint8Array(0));
    expect(await storage.list()).toEqual(["conversation-a", "device"]);
  });

  test("forgets what is removed, and what was never there", async () => {
    const storage = await make();
    await storage.save("gone", utf8("x"));
    await storage.remove("gone");
    await storage.remove("gone");
    expect(await storage.load("gone")).toBeNull();
    expect(await storage.list()).not.toContain("gone");
  });

  test("keeps its own copy", async () => {
    const storage = await make();
    const record = utf8("mine");
    await storage.save("copy", record);
    record.fill(0);
    const loaded = await storage.load("copy");
    expect(loaded).toEqual(utf8("mine"));
    loaded?.fill(0);
    expect(await storage.load("copy")).toEqual(utf8("mine"));
  });
});

describe("files", () => {
  const path = () => join(directory, "sealed");

  test("hold no plaintext and open only with the key, under their own name, unaltered", async () => {
    const storage = await fileStorage({ directory: path(), key });
    await storage.save("device", utf8("a very private key"));
    await storage.save("other", utf8("another"));
    for (const file of await readdir(path())) {
      expect((await readFile(join(path(), file))).includes("private")).toBe(false);
    }
    const stranger = await fileStorage({ directory: path(), key: new Uint8Array(32) });
    await expect(stranger.load("device")).rejects.toMatchObject({ code: "state-corrupt" });
    const sealed = await readFile(join(path(), "device.sealed"));
    sealed[20] = (sealed[20] as number) ^ 1;
    await writeFile(join(path(), "device.sealed"), sealed);
    await expect(storage.load("device")).rejects.toMatchObject({ code: "state-corrupt" });
    await rename(join(path(), "other.sealed"), join(path(), "device.sealed"));
    await expect(storage.load("device")).rejects.toMatchObject({ code: "state-corrupt" });
    await expect(storage.load("../device")).rejects.toMatchObject({ code: "state-corrupt" });
  });
});
