import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unixSeconds } from "@porchlight/encoding";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Pause } from "../src/pause.ts";

let directory: string;
let pause: Pause;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "keyholder-pause-"));
  pause = await Pause.open(directory);
});
afterEach(() => rmSync(directory, { recursive: true }));

const AT = unixSeconds(1_500_000_000);
const DRILL = { by: "A", at: AT, reason: "A drill." };
const EMERGENCY = { by: "B", at: AT, reason: "EMERGENCY" };
const onDisk = () => JSON.parse(readFileSync(join(directory, "paused.json"), "utf8")) as unknown;

test("KEY-34: an emergency pause while an older one is being ended stays, in memory and on the disk", async () => {
  const { id } = await pause.pause(DRILL);
  const resumed = pause.resume(id).catch((error: unknown) => error);
  // The unlink is under way.
  await Promise.resolve();
  const paused = await pause.pause(EMERGENCY);
  expect(await resumed).toMatchObject({ code: "pause-differs" });
  expect(paused.reasons).toEqual([DRILL, EMERGENCY]);
  expect(pause.paused).toEqual(paused);
  expect(onDisk()).toEqual(paused);
  expect((await Pause.open(directory)).paused).toEqual(paused);
});

test("KEY-34: ended while it is being written, memory and disk say the same", async () => {
  const writing = pause.pause(EMERGENCY);
  await pause.resume(pause.paused?.id ?? "");
  await writing;
  expect(pause.paused).toBeNull();
  expect(existsSync(join(directory, "paused.json"))).toBe(false);
});

test("KEY-34: resume ends the pause that it names and no other, not one with a reason more", async () => {
  const first = await pause.pause(DRILL);
  const second = await pause.pause(EMERGENCY);
  expect(second.id).not.toBe(first.id);
  await expect(pause.resume(first.id)).rejects.toMatchObject({ code: "pause-differs" });
  expect(pause.paused?.reasons).toEqual([DRILL, EMERGENCY]);
  await pause.resume(second.id);
  expect([pause.paused, existsSync(join(directory, "paused.json"))]).toEqual([null, false]);
  await expect(pause.resume(second.id)).rejects.toMatchObject({ code: "pause-differs" });
});
