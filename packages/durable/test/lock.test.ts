import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lastHolder, lockDirectory } from "../src/index.ts";

let directory = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "lock-"));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function holder(): Promise<{ child: ChildProcess; said: unknown }> {
  const child = fork(join(import.meta.dirname, "holder.ts"), [directory], { execArgv: [] });
  const [said] = (await once(child, "message")) as [unknown];
  return { child, said };
}

test("one process at a time: a second is refused, also inside one process", async () => {
  const lock = lockDirectory(directory);
  expect(() => lockDirectory(directory)).toThrow(expect.objectContaining({ code: "locked" }));
  const { said, child } = await holder();
  expect(said).toBe("locked");
  expect(lastHolder(directory)).toBe(process.pid);
  if (child.exitCode === null) await once(child, "exit");
  expect(child.exitCode).toBe(1);
  lock.release();
  lock.release();
  lockDirectory(directory).release();
});

test("kill -9 frees the lock at once; a stopped process keeps it", async () => {
  const { child, said } = await holder();
  expect(said).toBe("held");
  expect(lastHolder(directory)).toBe(child.pid);
  child.kill("SIGSTOP");
  expect(() => lockDirectory(directory)).toThrow(expect.objectContaining({ code: "locked" }));
  child.kill("SIGKILL");
  await once(child, "exit");
  lockDirectory(directory).release();
});
