import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createProgram } from "../src/program.ts";
import { typed as cli } from "./typed.ts";

const directory = (): string => mkdtempSync(join(tmpdir(), "porchlight-cli-"));

type Named = {
  readonly name: () => string;
  readonly commands: readonly Named[];
  readonly options: readonly { long?: string | null }[];
};

function leaves(command: Named, path: readonly string[] = []): { path: string[]; command: Named }[] {
  if (command.commands.length === 0) return [{ path: [...path], command }];
  return command.commands.flatMap((one) => leaves(one, [...path, one.name()]));
}

const program = createProgram(
  { out: () => {}, error: () => {}, interactive: false, confirm: () => Promise.resolve(false) },
  [],
) as unknown as Named;
const commands = leaves(program);

describe("every command", () => {
  test("there are commands for every party", () => {
    const groups = new Set(commands.map(({ path }) => path[0]));
    for (const group of [
      "start",
      "demo",
      "member",
      "provider",
      "issuer",
      "requester",
      "keyholder",
      "evidence",
      "log",
    ]) {
      expect(groups).toContain(group);
    }
  });

  test.each(commands)("$path says what it does and takes --json", async ({ path, command }) => {
    const { code, out } = await cli(...path, "--help");
    expect(code).toBe(0);
    expect(out).toMatch(/^Usage: porchlight /);
    expect(out.split("\n")[2]?.length).toBeGreaterThan(10);
    expect(command.options.map(({ long }) => long)).toContain("--json");
  });

  test.each(commands)(
    "$path refuses an unknown flag with status 2, as JSON where that was asked for",
    async ({ path }) => {
      const text = await cli(...path, "--no-such-flag");
      expect(text.code).toBe(2);
      expect(text.err).toMatch(/error: (?:unknown|required) option/);
      const json = await cli(...path, "--no-such-flag", "--json");
      expect(json.code).toBe(2);
      expect(JSON.parse(json.out)).toMatchObject({ ok: false, code: "usage" });
      expect(json.err).toBe("");
    },
  );
});

test("the walk from an order to evidence and the exit codes stand in --help", async () => {
  const { code, out } = await cli("--help");
  expect(code).toBe(0);
  for (const word of [
    "requester request",
    "issuer issue",
    "issuer submit",
    "approve",
    "requester collect",
    "evidence verify",
    "69",
  ]) {
    expect(out).toContain(word);
  }
});

describe("mistakes are answered with what to do next", () => {
  test("a party's directory that is none", async () => {
    const { code, err } = await cli("issuer", "show", "--dir", directory());
    expect(code).not.toBe(0);
    expect(err).toContain("porchlight issuer init");
  });

  test("a service that does not answer: status 69", async () => {
    const agency = join(directory(), "agency");
    expect((await cli("requester", "init", "--dir", agency, "--name", "agency")).code).toBe(0);
    const { code, out } = await cli(
      ...["requester", "request", "--dir", agency, "--reference", "1", "--act-hash", "ab".repeat(32)],
      ...["--url", "http://127.0.0.1:9", "--json"],
    );
    expect(code).toBe(69);
    expect(JSON.parse(out)).toMatchObject({ ok: false, code: "unreachable" });
  });

  test("a key made twice", async () => {
    const court = join(directory(), "court");
    expect((await cli("issuer", "init", "--dir", court, "--name", "court", "--title", "A court")).code).toBe(
      0,
    );
    const before = readFileSync(join(court, "party.json"), "utf8");
    const { code, err } = await cli(
      "issuer",
      "init",
      "--dir",
      court,
      "--name",
      "court",
      "--title",
      "A court",
    );
    expect(code).not.toBe(0);
    expect(err).toContain("already");
    expect(readFileSync(join(court, "party.json"), "utf8")).toBe(before);
  });

  test("a package that is none", async () => {
    const { code, out } = await cli("evidence", "verify", directory(), "--json");
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ ok: false, verified: false });
  });

  test.each([
    ["no chat", "", "chat-empty"],
    ["a broken line", '{"at":"x"}\n', "chat-invalid"],
    ["nobody of that name", '{"at":"2020-01-01T00:00:00Z","from":"a","text":"x"}\n', "target-silent"],
  ])("demo: %s", async (_, text, expected) => {
    const chat = join(directory(), "chat.jsonl");
    writeFileSync(chat, text);
    const out = join(directory(), "out");
    const ended = await cli(
      "demo",
      "--chat",
      chat,
      "--target",
      "b",
      "--day",
      "2020-01-01",
      "--out",
      out,
      "--json",
    );
    expect(ended.code).toBe(2);
    expect(JSON.parse(ended.out)).toMatchObject({ ok: false, code: expected });
  });

  test("demo: a day that does not exist", async () => {
    const { code, err } = await cli(
      "demo",
      "--chat",
      "x",
      "--target",
      "b",
      "--day",
      "2023-02-29",
      "--out",
      "y",
    );
    expect(code).toBe(2);
    expect(err).toContain("YYYY-MM-DD");
  });
});
