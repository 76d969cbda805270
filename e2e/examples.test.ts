import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { dayOf, periodOf, unixSeconds } from "@porchlight/encoding";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Deployment } from "../packages/deployment/src/deployment.ts";
import { silent } from "../packages/deployment/src/progress.ts";

let directory: string;
let deployment: Deployment;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "examples-"));
  const today = dayOf(unixSeconds(Math.floor(Date.now() / 1000)));
  deployment = await Deployment.open({
    state: join(directory, "deployment"),
    port: 0,
    deployment: "examples.test",
    clock: "system",
    charterFrom: today,
    charterDays: 30,
    progress: silent,
  });
  await deployment.ceremony(periodOf(today));
  const { origin, policy } = deployment.charter.log;
  writeFileSync(join(directory, "deployment.json"), JSON.stringify({ url: deployment.url, origin, policy }));
});
afterAll(async () => {
  await deployment?.close();
  rmSync(directory, { recursive: true, force: true });
});

/** A running example, and its lines as they come. */
class Example {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #lines: string[] = [];
  #look: () => void = () => {};
  #errors = "";

  constructor(name: string, ...args: readonly string[]) {
    const path = fileURLToPath(new URL(`../examples/${name}.ts`, import.meta.url));
    this.#process = spawn(process.execPath, [path, join(directory, "deployment.json"), ...args], {
      env: { ...process.env, PASSPHRASE: "a phrase for examples" },
    });
    this.#process.stderr.on("data", (text: Buffer) => (this.#errors += text.toString()));
    createInterface({ input: this.#process.stdout }).on("line", (line) => {
      this.#lines.push(line);
      this.#look();
    });
    this.#process.on("exit", () => this.#look());
  }

  type(line: string): void {
    this.#process.stdin.write(`${line}\n`);
  }

  async line(test: (line: string) => boolean): Promise<string> {
    return await new Promise((resolve, reject) => {
      this.#look = () => {
        const found = this.#lines.find(test);
        if (found !== undefined) resolve(found);
        else if (this.#process.exitCode !== null) reject(new Error(`it ended: ${this.#errors}`));
      };
      this.#look();
    });
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.stdin.end();
    this.#process.kill("SIGTERM");
    await ended;
  }
}

test("the chat and the bot of examples/ talk, under a charter, and the bot goes on after a restart", async () => {
  const first = new Example("bot", join(directory, "bot"));
  const code = await first.line((line) => line.startsWith("plc1."));
  const chat = new Example("chat", join(directory, "chat"), "Ada");
  chat.type(`/talk ${code}`);
  expect(await chat.line((line) => line.includes("open this"))).toBe("3 keyholders can open this.");
  chat.type("is anybody in?");
  expect(await chat.line((line) => line.startsWith("Echo:"))).toBe("Echo: You said: is anybody in?");
  await first.stop();
  chat.type("and now?");
  const second = new Example("bot", join(directory, "bot"));
  await chat.line((line) => line === "Echo: You said: and now?");
  await chat.stop();
  await second.stop();
});

test("each example is about forty lines of code", () => {
  for (const name of ["bot", "chat"]) {
    const text = readFileSync(new URL(`../examples/${name}.ts`, import.meta.url), "utf8");
    const code = text.split("\n").filter((line) => !/^\s*(\/\/|$)/.test(line));
    expect(code.length).toBeLessThan(50);
  }
});
