import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Line, linesOf, realChats, temporary } from "./chat.ts";
import { answer, porchlight } from "./porchlight.ts";

type Report = {
  readonly members: number;
  readonly messages: number;
  readonly read: number;
  readonly opened: number;
};

async function replay(
  files: readonly string[],
  target: string,
  day: string,
  seed = "1",
): Promise<{ report: Report; messages: Line[]; wire: string }> {
  const out = join(temporary("real"), "case");
  const ended = await porchlight(
    "demo",
    ...files.flatMap((file) => ["--chat", file]),
    ...["--target", target, "--day", day, "--out", out, "--seed", seed, "--json"],
  );
  expect(ended.code, ended.err + ended.out).toBe(0);
  const evidence = join(out, "evidence/data");
  return {
    report: answer<Report>(ended),
    messages: linesOf(join(evidence, "messages.jsonl")),
    wire: readFileSync(join(evidence, "wire/001.jsonl"), "utf8"),
  };
}

/** Who says most on a file's last day. */
function busiest(file: string): { target: string; day: string; expected: Line[] } {
  const lines = linesOf(file);
  const day = lines.at(-1)?.at.slice(0, 10) as string;
  const today = lines.filter(({ at }) => at.startsWith(day));
  const counts = Map.groupBy(today, ({ from }) => from);
  const [target] = [...counts].sort(([, a], [, b]) => b.length - a.length)[0] as [string, Line[]];
  return { target, day, expected: today.filter(({ from }) => from === target) };
}

describe("whole files of real chats", () => {
  test.each(realChats.map((file, i) => [i + 1, file] as const))(
    "file %i: its busiest person's last day",
    async (_, file) => {
      const { target, day, expected } = busiest(file);
      const { report, messages } = await replay([file], target, day);
      expect(messages).toEqual(expected);
      expect(report.read).toBe(linesOf(file).length);
    },
    600_000,
  );

  test("another seed gives other ciphertext and the same messages", async (context) => {
    const [file] = realChats;
    if (file === undefined) return context.skip("no real chats beside this checkout");
    const { target, day } = busiest(file);
    const [one, other] = [await replay([file], target, day), await replay([file], target, day, "2")];
    expect(other.messages).toEqual(one.messages);
    expect(other.wire).not.toBe(one.wire);
  }, 600_000);

  test("all files as one conversation over five months", async (context) => {
    if (realChats.length === 0) context.skip("no real chats beside this checkout");
    const { target, day, expected } = busiest(realChats[5] as string);
    const { report, messages } = await replay(realChats, target, day);
    expect(messages).toEqual(expected);
    expect(report.read).toBe(realChats.reduce((sum, file) => sum + linesOf(file).length, 0));
  }, 1_500_000);
});
