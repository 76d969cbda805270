import { mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { utf8 } from "@porchlight/encoding";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fileStorage } from "../src/file-storage.ts";
import { memoryStorage, type Storage } from "../src/index.ts";
import { CONTRACT } from "./storage-contract.ts";

const key = new Uint8Array(32).fill(5);
let directory: string;
let made = 0;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "porchlight-storage-"));
});

afterAll(async () => {
  await rm(directory, { recursive: true });
});

const implementations: readonly (readonly [string, () => Promise<Storage>])[] = [
  ["memory", async () => memoryStorage()],
  ["files", () => fileStorage({ directory: join(directory, `contract-${++made}`), key })],
];

describe.each(implementations)("storage in %s", (_name, make) => {
  test.each(CONTRACT)("%s", async (_title, run) => {
    await run(make);
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
