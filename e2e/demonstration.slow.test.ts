// What a demonstration says when too few keyholders answer to the end.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ownChat, temporary } from "./chat.ts";
import { held, LIMIT, type Subject } from "./held.ts";

test(
  "P1: with three of five keyholders stopped nothing is opened, and the exit says so",
  async () => {
    const own: Subject = { lines: ownChat, target: "bo", day: "2020-01-31" };
    const out = join(temporary("held"), "case");
    const { ended, three } = await held(own, out, 6);
    const { code, out: text } = await ended;
    expect(code).not.toBe(0);
    expect(JSON.parse(text.trimEnd().split("\n").at(-1) as string)).toMatchObject({
      ok: false,
      code: "release-incomplete",
    });
    expect(existsSync(join(out, "evidence.age"))).toBe(false);
    expect(existsSync(join(out, "evidence"))).toBe(false);
    for (const pid of three) expect(() => process.kill(pid, 0)).toThrow();
  },
  LIMIT,
);
