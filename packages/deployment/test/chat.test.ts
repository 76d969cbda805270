import { existsSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatDay } from "@porchlight/encoding";
import { expect, test } from "vitest";
import { readChats, speakersOf } from "../src/chat.ts";

const corpus = join(import.meta.dirname, "../../../../shared/data/support-chat");

function file(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), "porchlight-chat-")), "chat.jsonl");
  writeFileSync(path, text);
  return path;
}

test("a chat is split into its UTC days, in order", () => {
  const days = readChats([
    file(
      '{"at":"2020-01-01T23:59:59Z","from":"a","text":"x"}\n{"at":"2020-01-02T00:00:00Z","from":"b","text":"","kind":"action"}',
    ),
  ]);
  expect(days.map(({ day, lines }) => [formatDay(day), lines.length])).toEqual([
    ["2020-01-01", 1],
    ["2020-01-02", 1],
  ]);
  expect(speakersOf(days)).toEqual(["a", "b"]);
});

test.each([
  ["not JSON", "hello\n"],
  ["a local time", '{"at":"2020-01-01T00:00:00+01:00","from":"a","text":"x"}\n'],
  ["a date that does not exist", '{"at":"2020-02-30T00:00:00Z","from":"a","text":"x"}\n'],
  ["no sender", '{"at":"2020-01-01T00:00:00Z","from":"","text":"x"}\n'],
  ["a field twice", '{"at":"2020-01-01T00:00:00Z","from":"a","text":"x","text":"y"}\n'],
  ["an unknown field", '{"at":"2020-01-01T00:00:00Z","from":"a","text":"x","to":"y"}\n'],
])("%s is refused with file and line", (_, text) => {
  const path = file(`{"at":"2020-01-01T00:00:00Z","from":"a","text":"x"}\n${text}`);
  expect(() => readChats([path])).toThrow(`${path}, line 2`);
});

test("an empty file is refused", () => {
  expect(() => readChats([file("\n\n")])).toThrow("no message");
});

test("the real chats have 15 UTC days, 1,153 people and 14,261 messages", (context) => {
  if (!existsSync(corpus)) context.skip("the support-chat corpus is not beside this checkout");
  const days = readChats(
    readdirSync(corpus)
      .sort()
      .map((name) => join(corpus, name)),
  );
  expect(days.length).toBe(15);
  expect(speakersOf(days).length).toBe(1153);
  expect(days.reduce((sum, day) => sum + day.lines.length, 0)).toBe(14_261);
});
