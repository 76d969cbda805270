import { base64, hex, unixSeconds, utf8 } from "@porchlight/encoding";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Content, formatContent, MAX_CONTENT, parseContent } from "../src/index.ts";

const content = fc.record(
  {
    id: fc.string({ minLength: 1, maxLength: 64, unit: "grapheme-ascii" }),
    at: fc.integer({ min: 0, max: 4_000_000_000 }).map(unixSeconds),
    text: fc.string({ unit: "grapheme" }),
    kind: fc.string({ maxLength: 100, unit: "grapheme-ascii" }),
    replyTo: fc.string({ minLength: 1, maxLength: 64 }),
    read: fc.array(fc.string({ minLength: 1, maxLength: 64 }), { maxLength: 5 }),
    attachments: fc.array(
      fc.record(
        {
          id: fc.uint8Array({ minLength: 32, maxLength: 32 }).map(hex),
          key: fc.uint8Array({ minLength: 32, maxLength: 32 }).map(base64),
          digest: fc.uint8Array({ minLength: 32, maxLength: 32 }).map(hex),
          size: fc.nat({ max: 2 ** 30 }),
          type: fc.constantFrom("image/png", "application/vnd.example+json"),
          name: fc.string({ maxLength: 255 }),
        },
        { requiredKeys: ["id", "key", "digest", "size", "type"] },
      ),
      { maxLength: 16 },
    ),
  },
  { requiredKeys: ["id", "at", "text"] },
);

describe("a message's content", () => {
  test("CON-1: comes back as it was written", () => {
    fc.assert(
      fc.property(content, (value) => {
        expect(parseContent(formatContent(value as Content))).toEqual(value);
      }),
      { numRuns: 60 },
    );
  });

  test("is JSON with the time as an instant", () => {
    const bytes = formatContent({ id: "m1", at: unixSeconds(1_795_305_600), text: "“Yes.”", kind: "action" });
    expect(new TextDecoder().decode(bytes)).toBe(
      '{"id":"m1","at":"2026-11-22T00:00:00Z","text":"“Yes.”","kind":"action"}',
    );
  });

  test("stays readable with members that a later client adds", () => {
    const later = '{"id":"m1","at":"2026-11-22T00:00:00Z","text":"hi","edits":{"of":"m0"}}';
    expect(parseContent(utf8(later)).text).toBe("hi");
  });

  test.each(["", "hello", "[]", '{"text":"no id"}', '{"id":"","at":"2026-11-22T00:00:00Z","text":""}', "{"])(
    "is refused where it is %s",
    (text) => {
      expect(() => parseContent(utf8(text))).toThrow(expect.objectContaining({ code: "content-malformed" }));
    },
  );

  test("CON-1: names attachments in one form only", () => {
    const bytes = utf8('{"id":"m1","at":"2026-11-22T00:00:00Z","text":"","attachments":[{"id":"00"}]}');
    expect(() => parseContent(bytes)).toThrow(expect.objectContaining({ code: "content-malformed" }));
    const many = { id: "m1", at: unixSeconds(0), text: "", read: Array.from({ length: 257 }, String) };
    expect(() => formatContent(many)).toThrow(expect.objectContaining({ code: "content-malformed" }));
  });

  test("has a limit that says what to do", () => {
    const long = { id: "m1", at: unixSeconds(0), text: "x".repeat(MAX_CONTENT) };
    expect(() => formatContent(long)).toThrow("send it in several parts");
    expect(() => formatContent({ ...long, text: "", id: "" })).toThrow(
      expect.objectContaining({ code: "content-malformed" }),
    );
  });
});
