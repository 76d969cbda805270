import { execFileSync } from "node:child_process";
import { cpSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { unixSeconds } from "@porchlight/encoding";
import { Agency, readOrderFile } from "@porchlight/parties";
import { createLogger, systemClock } from "@porchlight/runtime";
import { beforeAll, describe, expect, test } from "vitest";
import { startPostgres } from "../apps/server/src/postgres.ts";
import { Deployment } from "../packages/deployment/src/deployment.ts";
import { silent } from "../packages/deployment/src/progress.ts";
import { HOSTILE, type Line, linesOf, ownChat, realChats, temporary } from "./chat.ts";
import { held, LIMIT, type Subject } from "./held.ts";
import { answer, type Ended, porchlight } from "./porchlight.ts";

type Report = {
  readonly ok: boolean;
  readonly members: number;
  readonly messages: number;
  readonly read: number;
  readonly envelopes: number;
  readonly envelopeBytes: number;
  readonly opened: number;
  readonly refusals: readonly {
    readonly name: string;
    readonly by: string;
    readonly code: string;
    readonly reason: string;
  }[];
  readonly seconds: Readonly<Record<string, number>>;
};

const REFUSALS = [
  ["two-keyholders", ["short"]],
  ["other-day", ["out-of-scope"]],
  ["other-person", ["out-of-scope"]],
  ["unlogged-warrant", ["not-logged"]],
  ["strangers-warrant", ["signature-invalid", "wrong-issuer"]],
  ["revoked-warrant", ["revoked"]],
  ["suspended-warrant", ["suspended"]],
  ["overlong-secrecy", ["extension-too-long"]],
  ["reused-requester-key", ["requester-reused"]],
  ["unproven-requester-key", ["requester-unproven"]],
  ["replayed-release", ["refused"]],
  ["split-view", ["policy-unsatisfied"]],
] as const;

/** The beginning of a real chat, with one hostile sentence, where one lies beside this checkout; our own otherwise. */
function subject(): Subject {
  const [file] = realChats;
  if (file === undefined) {
    console.log(
      "SKIPPED real input: no real chats beside this checkout; a chat of our own takes their place",
    );
    return { lines: ownChat, target: "cem", day: "2020-02-01" };
  }
  const [target, day] = ["merry-ram", "2013-05-05"];
  const lines = linesOf(file).slice(0, 100);
  const last = lines.findLastIndex(({ from, at }) => from === target && at.startsWith(day));
  const { at } = lines[last] as Line;
  return { lines: lines.toSpliced(last + 1, 0, { at, from: target, text: HOSTILE }), target, day };
}

const wanted = ({ lines, target, day }: Subject): Line[] =>
  lines.filter(({ from, at }) => from === target && at.startsWith(day));

function messagesIn(out: string): Line[] {
  return linesOf(join(out, "evidence/data/messages.jsonl"));
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** The order of the case: the agency keeps those of the attempts as well, but only the first was ever released. */
function firstOrder(state: string): string {
  const folder = join(state, "agency/orders");
  const files = readdirSync(folder).map((name) => join(folder, name));
  return files.sort((a, b) => statSync(a).mtimeMs - statSync(b).mtimeMs)[0] as string;
}

describe("the demonstration", () => {
  const real = subject();
  const state = join(temporary("state"), "deployment");
  const out = join(temporary("out"), "case");
  let ended: Ended;
  let report: Report;
  let openedByTwo: boolean;

  beforeAll(async () => {
    const running = await held(real, out, 300, ["--state", state, "--seed", "1"]);
    await new Promise((resolve) => setTimeout(resolve, 3000));
    openedByTwo = existsSync(join(out, "evidence.age"));
    for (const pid of running.three) process.kill(pid, "SIGCONT");
    ended = await running.ended;
    report = answer<Report>(ended);
  }, LIMIT);

  test("P1: with three of five keyholders stopped nothing is opened; resumed, they complete it", () => {
    expect(openedByTwo).toBe(false);
    expect(existsSync(join(out, "evidence.age"))).toBe(true);
  });

  test("opens exactly what that person wrote that day, in order, and nothing else", () => {
    expect(ended.code, ended.err + ended.out).toBe(0);
    expect(messagesIn(out)).toEqual(wanted(real));
    expect(report).toMatchObject({
      ok: true,
      messages: real.lines.length,
      read: real.lines.length,
      opened: wanted(real).length,
    });
    expect(report.members).toBe(new Set(real.lines.map(({ from }) => from)).size);
  });

  test("P9: one envelope a sender and epoch, at most 2.2 kB", () => {
    expect(report.envelopes).toBe(new Set(real.lines.map(({ from, at }) => from + at.slice(0, 10))).size);
    expect(report.envelopeBytes / report.envelopes).toBeLessThanOrEqual(2200);
  });

  test.each(REFUSALS)("P1, P2, P3: %s is refused, with its reason", (name, codes) => {
    const refusal = report.refusals.find((one) => one.name === name);
    expect(codes).toContain(refusal?.code);
    expect(refusal?.reason).toMatch(/\.$/);
  });

  test("nothing else was attempted, and nothing is left untried", () => {
    expect(report.refusals.map(({ name }) => name)).toEqual(REFUSALS.map(([name]) => name));
  });

  test("no party but the agency holds a message in the clear", () => {
    const texts = [...new Set(real.lines.map(({ text }) => text).filter((text) => text.length >= 20))].slice(
      0,
      60,
    );
    expect(texts.length).toBeGreaterThanOrEqual(30);
    const files = filesBelow(state).filter((file) => !file.startsWith(join(state, "agency")));
    expect(files.length).toBeGreaterThan(50);
    for (const file of files) {
      const bytes = readFileSync(file);
      for (const text of texts) expect(bytes.includes(text), `${file} holds a message`).toBe(false);
    }
  });

  test("no log line names a person of the conversation", () => {
    const logs = filesBelow(state).filter((file) => file.endsWith(".log"));
    expect(logs.length).toBeGreaterThanOrEqual(9);
    for (const file of logs) expect(readFileSync(file, "utf8").includes(real.target), file).toBe(false);
  });

  test("every key at rest is sealed", () => {
    const sealed = filesBelow(state).filter((file) => file.endsWith(".age"));
    expect(sealed.length).toBeGreaterThanOrEqual(8);
    for (const file of sealed)
      expect(readFileSync(file).subarray(0, 21).toString()).toBe("age-encryption.org/v1");
  });

  test("EVI-70: the package verifies offline, and a changed byte names its file", async () => {
    const sound = await porchlight("evidence", "verify", join(out, "evidence"));
    expect(sound.code, sound.err).toBe(0);
    const copy = join(temporary("changed"), "evidence");
    cpSync(join(out, "evidence"), copy, { recursive: true });
    const changed = join(copy, "data/wire/001.jsonl");
    const bytes = readFileSync(changed);
    bytes[200] = (bytes[200] as number) ^ 1;
    writeFileSync(changed, bytes);
    const refused = await porchlight("evidence", "verify", copy);
    expect(refused.code).toBe(1);
    expect(refused.out).toContain("data/wire/001.jsonl");
  });

  test("one flipped byte of a stored ciphertext costs that message alone; MON-1: to a monitor the log is sound", async () => {
    const copy = join(temporary("flipped"), "deployment");
    // PostgreSQL refuses a data directory whose mode was lost on the way.
    execFileSync("cp", ["-a", state, copy]);
    const order = readOrderFile(readFileSync(firstOrder(copy)));
    const seq = JSON.parse(
      readFileSync(join(out, "evidence/data/wire/001.jsonl"), "utf8").split("\n")[3] as string,
    ) as { seq: number };
    const postgres = await startPostgres(join(copy, "server"), createLogger("test", systemClock()));
    try {
      const { Client } = await import("pg");
      const client = new Client(postgres.connection);
      await client.connect();
      const { rowCount } = await client.query(
        "update items set bytes = set_byte(bytes, length(bytes) - 30, get_byte(bytes, length(bytes) - 30) # 1) where seq = $1",
        [seq.seq],
      );
      await client.end();
      expect(rowCount).toBe(1);
    } finally {
      await postgres.stop();
    }
    const saved = JSON.parse(readFileSync(join(copy, "deployment.json"), "utf8")) as { deployment: string };
    const lastDay = Date.parse(`${real.lines.at(-1)?.at.slice(0, 10)}T00:00:00Z`) / 1000;
    const deployment = await Deployment.open({
      state: copy,
      port: 0,
      deployment: saved.deployment,
      clock: { replayFrom: unixSeconds(lastDay + 2 * 86_400) },
      charterFrom: 0 as never,
      charterDays: 1,
      progress: silent,
    });
    try {
      const agency = await Agency.open(deployment.layout.directory("agency"));
      const collected = await agency.collect(deployment.service, order);
      if (collected.kind !== "opened") throw new Error("the releases are still there");
      const policy = join(copy, "policy");
      writeFileSync(policy, deployment.service.charter.log.policy);
      const monitor = await porchlight(
        ...[
          "monitor",
          deployment.url,
          "--policy",
          policy,
          "--state",
          join(copy, "monitor"),
          "--once",
          "--json",
        ],
      );
      expect(answer(monitor), monitor.err).toMatchObject({ ok: true, charters: 1, findings: [] });
      expect(answer<{ size: number; orders: number }>(monitor).orders).toBeGreaterThanOrEqual(1);
      expect(monitor.code).toBe(0);
      const { messages, failures } = collected.opened;
      expect(failures.map((failure) => failure.seq)).toEqual([seq.seq]);
      expect(messages.map(({ text }) => text)).toEqual(
        wanted(real).flatMap(({ text }, i) => (i === 3 ? [] : [text])),
      );
    } finally {
      await deployment.close();
    }
  });
});
