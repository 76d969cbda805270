import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unixSeconds } from "@porchlight/encoding";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Supervisor, type UnexpectedExit } from "../src/index.ts";

const entry = join(import.meta.dirname, "sample.ts");
const START = unixSeconds(1_700_000_000);

let directory = "";
let supervisor = new Supervisor();
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "supervisor-"));
});
afterEach(async () => {
  await supervisor.stopAll();
  await rm(directory, { recursive: true });
});

async function configured(
  name: string,
  config: object,
): Promise<{ name: string; entry: string; directory: string }> {
  const home = join(directory, name);
  await mkdir(home, { recursive: true });
  await writeFile(join(home, "config.json"), JSON.stringify(config));
  return { name, entry, directory: home };
}

async function state(port: number | null): Promise<{ now: number; notices: number }> {
  return (await (await fetch(`http://127.0.0.1:${port}/`)).json()) as { now: number; notices: number };
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function until(condition: () => boolean): Promise<void> {
  await expect.poll(condition, { interval: 20 }).toBe(true);
}

test("a program starts on the replayed time, moves forward with every tick, and never back", async () => {
  supervisor = new Supervisor({ replayFrom: START });
  const port = await supervisor.start(await configured("a", { clock: "replay", behaviour: "serve" }));
  expect(await state(port)).toMatchObject({ now: START });
  expect(await supervisor.tick(unixSeconds(START + 5))).toEqual({ late: [], refused: [] });
  expect((await state(port)).now).toBe(START + 5);
  await expect(supervisor.tick(unixSeconds(START + 4))).rejects.toMatchObject({ code: "clock-backwards" });
  await supervisor.stop("a");
  const again = await supervisor.start(await configured("a", { clock: "replay", behaviour: "serve" }));
  expect((await state(again)).now).toBe(START + 5);
});

test("a program refuses an earlier tick itself, whatever its supervisor says", async () => {
  const spec = await configured("a", { clock: "replay", behaviour: "serve" });
  const child = fork(entry, [join(spec.directory, "config.json")], {
    execArgv: [],
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  const said: { kind: string }[] = [];
  child.on("message", (message) => said.push(message as { kind: string }));
  await until(() => said.length > 0);
  child.send({ kind: "begin", at: START });
  await until(() => said.some((message) => message.kind === "ready"));
  child.send({ kind: "tick", id: 1, at: START + 9 });
  child.send({ kind: "tick", id: 2, at: START + 8 });
  await until(() => said.length >= 4);
  expect(said.slice(2)).toEqual([
    { kind: "ticked", id: 1, refused: null },
    { kind: "ticked", id: 2, refused: "clock-backwards" },
  ]);
  child.disconnect();
  await once(child, "exit");
});

test("a program on the system's clock refuses ticks and a supervisor that replays", async () => {
  const spec = await configured("a", { clock: "system", behaviour: "serve" });
  const child = fork(entry, [join(spec.directory, "config.json")], {
    execArgv: [],
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  const said: { kind: string }[] = [];
  child.on("message", (message) => said.push(message as { kind: string }));
  await until(() => said.length > 0);
  child.send({ kind: "begin", at: null });
  await until(() => said.some((message) => message.kind === "ready"));
  child.send({ kind: "tick", id: 7, at: START });
  await until(() => said.length >= 3);
  expect(said[2]).toEqual({ kind: "ticked", id: 7, refused: "clock-is-system" });
  child.disconnect();
  await once(child, "exit");

  supervisor = new Supervisor({ replayFrom: START });
  await expect(supervisor.start(spec)).rejects.toMatchObject({
    code: "program-exited",
    message: expect.stringContaining("this configuration says system") as string,
  });
  supervisor = new Supervisor();
  const replayed = await configured("b", { clock: "replay", behaviour: "serve" });
  await expect(supervisor.start(replayed)).rejects.toMatchObject({
    message: expect.stringContaining("needs a supervisor that ticks it") as string,
  });
  await supervisor.start(spec);
  await expect(supervisor.tick(START)).rejects.toMatchObject({ code: "clock-is-system" });
});

test("a stopped program is late and finds the time when it is continued", async () => {
  supervisor = new Supervisor({ replayFrom: START, tickMilliseconds: 200 });
  const a = await supervisor.start(await configured("a", { clock: "replay", behaviour: "serve" }));
  const b = await supervisor.start(await configured("b", { clock: "replay", behaviour: "serve" }));
  supervisor.pause("a");
  process.kill(supervisor.pid("b"), "SIGSTOP");
  expect(await supervisor.tick(unixSeconds(START + 60))).toEqual({ late: ["a", "b"], refused: [] });
  supervisor.resume("a");
  process.kill(supervisor.pid("b"), "SIGCONT");
  expect((await state(a)).now).toBe(START + 60);
  expect((await state(b)).now).toBe(START + 60);
});

test("an end that nobody asked for is reported; stop and kill are not", async () => {
  const exits: UnexpectedExit[] = [];
  supervisor = new Supervisor({ onUnexpectedExit: (exit) => exits.push(exit) });
  const spec = await configured("a", { clock: "system", behaviour: "serve" });
  await supervisor.start(spec);
  process.kill(supervisor.pid("a"), "SIGKILL");
  await until(() => exits.length === 1);
  expect(exits).toEqual([{ name: "a", code: null, signal: "SIGKILL" }]);
  expect(supervisor.names).toEqual([]);
  await supervisor.start(spec);
  expect(readFileSync(join(spec.directory, "port"), "utf8")).toBe(`${supervisor.port("a")}\n`);
  await supervisor.kill("a");
  await supervisor.start(spec);
  await supervisor.stop("a");
  expect(exits.length).toBe(1);
  expect(existsSync(join(spec.directory, "port"))).toBe(false);
  expect(readFileSync(join(spec.directory, "a.log"), "utf8")).toContain('"event":"stopped-gracefully"');
});

test("a program that somebody stopped by hand ends all the same, and holds nobody up", async () => {
  supervisor = new Supervisor();
  for (const name of ["a", "b", "c"]) {
    await supervisor.start(await configured(name, { clock: "system", behaviour: "serve" }));
  }
  process.kill(supervisor.pid("b"), "SIGSTOP");
  supervisor.pause("c");
  await supervisor.stopAll();
  expect(supervisor.names).toEqual([]);
});

test("a program that fails to start says why; one that is never ready is ended", async () => {
  supervisor = new Supervisor();
  const failing = await configured("a", { clock: "system", behaviour: "throw" });
  await expect(supervisor.start(failing)).rejects.toMatchObject({
    code: "program-exited",
    message: "a: sample: the sample cannot start",
  });
  const unknown = await configured("b", { clock: "system", behaviour: "serve", colour: "red" });
  await expect(supervisor.start(unknown)).rejects.toMatchObject({
    message: expect.stringContaining("config.colour: unknown-field") as string,
  });
  const hanging = await configured("c", { clock: "system", behaviour: "hang" });
  supervisor = new Supervisor({ readyMilliseconds: 1500 });
  await expect(supervisor.start(hanging)).rejects.toMatchObject({ code: "program-not-ready" });
});

test("Ctrl-C does not end a supervised program; kill -9 of its supervisor does", async () => {
  const spec = await configured("a", { clock: "system", behaviour: "serve" });
  const boss = fork(join(import.meta.dirname, "boss.ts"), [entry, spec.directory], { execArgv: [] });
  const [pid] = (await once(boss, "message")) as [number];
  process.kill(pid, "SIGINT");
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(alive(pid)).toBe(true);
  boss.kill("SIGKILL");
  await until(() => !alive(pid));
});

test("without a supervisor it runs until SIGTERM", async () => {
  const spec = await configured("a", { clock: "system", behaviour: "serve" });
  const child = spawn(process.execPath, [entry, join(spec.directory, "config.json")], { stdio: "ignore" });
  await until(() => existsSync(join(spec.directory, "port")));
  child.kill("SIGTERM");
  const [code] = (await once(child, "exit")) as [number | null];
  expect(code).toBe(0);
});
