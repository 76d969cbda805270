import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { pictureType, safeFileName } from "../src/files/picture.ts";
import { linksIn } from "../src/text/links.ts";
import { shownName, shownText } from "../src/text/marks.ts";
import { folded, partsOf } from "../src/text/message.ts";
import { mentionAt, mentionsIn } from "../src/thread/mention.ts";

describe("hostile text", () => {
  test("overrides of direction are seen and do nothing", () => {
    expect(shownText("invoice\u202egnp.exe")).toBe("invoice⟨U+202E⟩gnp.exe");
    expect(shownName("\u202eevil\u202c\u200b \u2066x")).toBe("evil x");
  });

  test("towers of marks are cut, letters with marks are not", () => {
    const tower = `Z${"\u0301".repeat(50)}`;
    expect([...shownText(tower)].length).toBeLessThanOrEqual(5);
    expect(shownText("e\u0301 ệ नि")).toBe("é ệ नि".normalize("NFC"));
  });

  test("two names that differ in invisible characters only are shown alike, and one of nothing but them is empty", () => {
    expect(shownName("No\u200bor\u{e0041}")).toBe(shownName("Noor"));
    expect(shownName("\u200b\u2060\u0000")).toBe("");
  });

  test("names are one line and bounded", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 0x10ffff }), { maxLength: 400 }), (points) => {
        const name = String.fromCodePoint(...points);
        const shown = shownName(name);
        expect(shown.length).toBeLessThanOrEqual(200);
        expect(shown).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
      }),
    );
  });
});

describe("links", () => {
  const links = (text: string) => linksIn(text).filter((part) => part.kind === "link");

  test("only web addresses are links; code, data and addresses with a name before the host are text", () => {
    expect(
      links("javascript:alert(1) data:text/html,x file:///etc https://paypal.com@evil.example/"),
    ).toEqual([]);
    expect(links("(see https://en.example.org/wiki/Key_(lock))").map(({ href }) => href)).toEqual([
      "https://en.example.org/wiki/Key_(lock)",
    ]);
    expect(links("see https://example.org/a?b=c.").map(({ href }) => href)).toEqual([
      "https://example.org/a?b=c",
    ]);
  });

  test("an address with letters that look like others says where it leads", () => {
    expect(links("https://www.\u0430pple.com/")[0]).toMatchObject({ lookalike: "www.xn--pple-43d.com" });
    expect(links("https://xn--pple-43d.com/")[0]).toMatchObject({ lookalike: "xn--pple-43d.com" });
    expect(links("https://example.org/")[0]).toMatchObject({ lookalike: null });
  });

  test("nothing of a text is lost in its parts", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 500 }), (text) => {
        expect(
          linksIn(text)
            .map((part) => part.text)
            .join(""),
        ).toBe(text);
      }),
    );
  });
});

describe("messages", () => {
  test("code and mentions are parts, and HTML is text", () => {
    expect(partsOf("`a` <b>x</b>", [])).toEqual([
      { kind: "code", text: "a" },
      { kind: "text", text: " <b>x</b>" },
    ]);
    expect(partsOf("hi @Noor!", [{ start: 3, length: 5 }])).toEqual([
      { kind: "text", text: "hi " },
      { kind: "mention", text: "@Noor" },
      { kind: "text", text: "!" },
    ]);
  });

  test("mentions that overlap or lie outside of the text change nothing", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("a", "b", " ", "@"), maxLength: 60 }),
        fc.array(
          fc.record({ start: fc.integer({ min: -5, max: 80 }), length: fc.integer({ min: -5, max: 80 }) }),
        ),
        (text, mentions) => {
          expect(
            partsOf(text, mentions)
              .map((part) => part.text)
              .join(""),
          ).toBe(text);
        },
      ),
    );
  });

  test("a line of 64 kB and five hundred lines are folded", () => {
    expect(folded("A".repeat(65_536))?.length).toBe(2000);
    expect(folded("\n".repeat(500))?.split("\n").length).toBe(20);
    expect(folded("short")).toBeNull();
  });

  test("who is mentioned is who was named, the longest name first", () => {
    const people = [
      { account: "1" as never, name: "Ann" },
      { account: "2" as never, name: "Ann Lee" },
    ];
    expect(mentionsIn("@Ann Lee and @Ann", people)).toEqual([
      { account: "2", start: 0, length: 8 },
      { account: "1", start: 13, length: 4 },
    ]);
    expect(mentionAt("hello @An", 9, people)?.found.length).toBe(2);
    expect(mentionAt("mail@An", 7, people)).toBeNull();
  });
});

describe("files", () => {
  test("a picture is what its first bytes say, and a document never is one", () => {
    expect(pictureType(new TextEncoder().encode("<svg xmlns='x' onload='alert(1)'/>"))).toBeNull();
    expect(pictureType(new TextEncoder().encode("GIF89a/*<script>*/"))).toBe("image/gif");
    expect(pictureType(Uint8Array.of(0xff, 0xd8, 0xff, 0xe0))).toBe("image/jpeg");
    expect(pictureType(new Uint8Array())).toBeNull();
  });

  test("a file name is saved without places and hidden beginnings", () => {
    expect(safeFileName("../../etc/passwd")).toBe("__.._etc_passwd");
    expect(safeFileName("a<b>:c")).toBe("a_b__c");
    expect(safeFileName("")).toBe("file");
  });
});
