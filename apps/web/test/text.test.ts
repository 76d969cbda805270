import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { safeFileName } from "../src/files/picture.ts";
import { pictureType } from "../src/files/picture-size.ts";
import { linksIn } from "../src/text/links.ts";
import { shownName, shownText } from "../src/text/marks.ts";
import { folded, partsOf } from "../src/text/message.ts";
import { mentionAt, mentionsIn, movedChosen, type Person } from "../src/thread/mention.ts";

const person = (account: string, name: string, isAmbiguous = false): Person => ({
  account: account as Person["account"],
  name,
  isAmbiguous,
});

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

  test("a bracket that the address opened belongs to it, one that closes the sentence does not", () => {
    const lamp = "https://en.wikipedia.org/wiki/Lamp_(light)";
    for (const text of [lamp, `see ${lamp}.`, `(see ${lamp})`, `(${lamp}).`, `“${lamp}”,`]) {
      expect(links(text).map((link) => link.text)).toEqual([lamp]);
    }
    expect(links("(https://example.org/a)").map((link) => link.text)).toEqual(["https://example.org/a"]);
    expect(links("[https://[::1]/]").map((link) => link.text)).toEqual(["https://[::1]/"]);
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
    const people = [person("1", "Ann"), person("2", "Ann Lee")];
    expect(mentionsIn("@Ann Lee and @Ann", people)).toEqual([
      { account: "2", start: 0, length: 8 },
      { account: "1", start: 13, length: 4 },
    ]);
    expect(mentionAt("hello @An", 9, people)?.found.length).toBe(2);
    expect(mentionAt("mail@An", 7, people)).toBeNull();
  });

  test("a longer word or an address mentions nobody", () => {
    const people = [person("1", "Ben"), person("2", "José")];
    for (const text of ["@Benjamin", "info@Ben.org", "x@Ben", "@Ben.org", "@Ben_", "@Bené", "@Ben@home"]) {
      expect(mentionsIn(text, people)).toEqual([]);
    }
    for (const text of ["@Ben", "(@Ben)", "@Ben, come", "@Ben's", "“@Ben”", "@Ben.", "@Ben…"]) {
      expect(mentionsIn(text, people).map(({ account }) => account)).toEqual(["1"]);
    }
    expect(mentionAt("@jose", 5, people)?.found.map(({ account }) => account)).toEqual(["2"]);
  });

  test("of two who have one name the one who was chosen is mentioned, and without a choice nobody", () => {
    const people = [person("1", "Ben", true), person("2", "Ben", true)];
    expect(mentionAt("@Ben", 4, people)?.found.length).toBe(2);
    expect(mentionsIn("@Ben", people)).toEqual([]);
    const chosen = [{ account: "2" as never, start: 0, length: 4 }];
    const mention = { account: "2", start: 0, length: 4 };
    expect(mentionsIn("@Ben hello", people, chosen)).toEqual([mention]);
    const moved = movedChosen(chosen, "@Ben hello", "So, @Ben hello");
    expect(mentionsIn("So, @Ben hello", people, moved)).toEqual([{ ...mention, start: 4 }]);
    expect(movedChosen(chosen, "@Ben hello", "@Ben hello you")).toEqual(chosen);
    expect(movedChosen(chosen, "@Ben hello", "@Bn hello")).toEqual([]);
    expect(movedChosen(chosen, "@Ben", "")).toEqual([]);
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
