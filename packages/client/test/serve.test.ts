import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { POLICY } from "../../../vectors/fixture/deployment.ts";
import { Messenger } from "../src/messenger/messenger.ts";
import { nodePlatform } from "../src/messenger/node.ts";
import { ClientError, MessengerPage } from "../src/messenger/page.ts";
import type { Platform, Wanted } from "../src/messenger/platform.ts";
import { serve } from "../src/messenger/serve.ts";

test.each([
  ["unreachable", new ClientError("offline", "no connection")],
  ["storage-refused", new DOMException("blocked", "SecurityError")],
  ["storage-refused", Object.assign(new Error("full"), { code: "ENOSPC" })],
  ["state-newer", new DOMException("a later one", "VersionError")],
  ["internal", new TypeError("the policy names no log")],
])("a messenger that cannot start says why: %s", async (code, error) => {
  const { port1, port2 } = new MessageChannel();
  serve(Promise.reject(error), port1);
  const page = new MessengerPage(port2);
  await page.until(({ kind }) => kind !== "starting");
  expect(page.state).toEqual({ kind: "failed", code });
  await expect(page.perform("lock")).rejects.toMatchObject({ code: "not-now" });
  page.close();
});

test("a messenger that never came is said not to be loaded, and nothing waits for it", async () => {
  const { port2 } = new MessageChannel();
  const page = new MessengerPage(port2);
  const asked = page.perform("passkeys");
  page.broke();
  expect(page.state).toEqual({ kind: "failed", code: "not-loaded" });
  await expect(asked).rejects.toMatchObject({ code: "not-now" });
  page.close();
});

test("who wants to use a device that is open elsewhere gets it once the other has let go, and never both", async () => {
  const directory = mkdtempSync(join(tmpdir(), "take-over-"));
  let ask: Wanted | null = null;
  let answers = true;
  let isPairing = false;
  let free = (): void => {};
  const platform = async (): Promise<Platform> => {
    const plain = await nodePlatform(directory);
    const lock: Platform["lock"] = async (wanted) => {
      const release = await plain.lock(wanted);
      if (release === null) return null;
      ask = wanted;
      return () => {
        release();
        free();
      };
    };
    const takeOver: Platform["takeOver"] = async (wanted) => {
      if (!answers) return null;
      if (isPairing) return "pairing";
      const freed = new Promise<void>((resolve) => {
        free = resolve;
      });
      expect(ask?.()).toBe(null);
      await freed;
      return await lock(wanted);
    };
    return { ...plain, lock, takeOver };
  };
  const config = { url: "http://127.0.0.1:9", origin: "log.example", policy: POLICY };
  const first = await Messenger.start(await platform(), config);
  const second = await Messenger.start(await platform(), config);
  expect([first.state.kind, second.state.kind]).toEqual(["signed-out", "elsewhere"]);
  answers = false;
  await expect(second.perform("takeOver")).rejects.toMatchObject({ code: "held-elsewhere" });
  expect([first.state.kind, second.state.kind]).toEqual(["signed-out", "elsewhere"]);
  answers = true;
  isPairing = true;
  await expect(second.perform("takeOver")).rejects.toMatchObject({ code: "pairing-elsewhere" });
  isPairing = false;
  await second.perform("takeOver");
  expect([first.state.kind, second.state.kind]).toEqual(["elsewhere", "signed-out"]);
  await expect(second.perform("takeOver")).rejects.toMatchObject({ code: "not-now" });
  await first.perform("takeOver");
  expect([first.state.kind, second.state.kind]).toEqual(["signed-out", "elsewhere"]);
  await first.close();
  await second.close();
  rmSync(directory, { recursive: true, force: true });
});
