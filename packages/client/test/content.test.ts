import { readFileSync } from "node:fs";
import { accountId, base64, fromUtf8, hex, unixSeconds, utf8 } from "@porchlight/encoding";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_PREVIEW, nameIn } from "../src/content.ts";
import { type Content, formatContent, MAX_CONTENT, parseContent } from "../src/index.ts";

const VECTORS = JSON.parse(
  readFileSync(new URL("../../../vectors/content.json", import.meta.url), "utf8"),
) as {
  contents: { what: string; json: string }[];
  refused: { what: string; json: string }[];
  names: { text: string; name: string | null }[];
};

const content = fc.record(
  {
    id: fc.string({ minLength: 1, maxLength: 64, unit: "grapheme-ascii" }),
    at: fc.integer({ min: 0, max: 4_000_000_000 }).map(unixSeconds),
    text: fc.string({ unit: "grapheme" }),
    kind: fc.constantFrom("action", "poll", "a later kind"),
    replyTo: fc.string({ minLength: 1, maxLength: 64 }),
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
    const attachments = Array.from({ length: 17 }, () => ({
      id: "0".repeat(64),
      key: base64(new Uint8Array(32)),
      digest: "0".repeat(64),
      size: 1,
      type: "text/plain",
    }));
    const many = { id: "m1", at: unixSeconds(0), text: "", attachments };
    expect(() => formatContent(many)).toThrow(expect.objectContaining({ code: "content-malformed" }));
  });

  test.each(VECTORS.contents)("CON-3: $what has one form", ({ json }) => {
    expect(fromUtf8(formatContent(parseContent(utf8(json))))).toBe(json);
  });

  test.each(VECTORS.refused)("CON-3: $what is refused", ({ json }) => {
    expect(() => parseContent(utf8(json))).toThrow(expect.objectContaining({ code: "content-malformed" }));
  });

  test.each(VECTORS.names)("CON-7: the name $text", ({ text, name }) => {
    expect(nameIn(text)).toBe(name);
  });

  test("CON-10: a picture and its text fit into one message, a larger one does not", () => {
    const attachment = {
      id: "1".repeat(64),
      key: base64(new Uint8Array(32)),
      digest: "2".repeat(64),
      size: 400_000,
      type: "image/jpeg",
    };
    const preview = (size: number): Content => ({
      id: "m1",
      at: unixSeconds(0),
      text: "look",
      mentions: [{ account: accountId("a".repeat(64)), start: 0, length: 4 }],
      attachments: [attachment],
      previews: [
        { attachment: 0, type: "image/jpeg", width: 4000, height: 3000, data: new Uint8Array(size).fill(7) },
      ],
    });
    expect(parseContent(formatContent(preview(MAX_PREVIEW)))).toEqual(preview(MAX_PREVIEW));
    expect(() => formatContent(preview(MAX_PREVIEW + 3))).toThrow(
      expect.objectContaining({ code: "content-malformed" }),
    );
  });

  test("has a limit that says what to do", () => {
    const long = { id: "m1", at: unixSeconds(0), text: "x".repeat(MAX_CONTENT) };
    expect(() => formatContent(long)).toThrow("send it in several parts");
    expect(() => formatContent({ ...long, text: "", id: "" })).toThrow(
      expect.objectContaining({ code: "content-malformed" }),
    );
  });
});
