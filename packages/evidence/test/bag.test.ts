import { utf8 } from "@porchlight/encoding";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { checkBag, makeBag, payloadOxum } from "../src/bag.ts";
import type { Files } from "../src/files.ts";

const payload: Files = new Map([
  ["data/messages.jsonl", utf8('{"at":"2013-05-05T13:45:00Z","from":"merry-ram","text":"hi"}\n')],
  ["data/wire/a.jsonl", utf8("1\n")],
  ["data/empty", new Uint8Array()],
]);
const info = utf8("Bagging-Date: 2013-05-06\nPayload-Oxum: 63.3\n");
const bag = makeBag(payload, info);

const files = (report: readonly { file: string }[]): string[] => [...new Set(report.map(({ file }) => file))];

test("EVI-10: a bag as written is in order, and its counts are those of RFC 8493", () => {
  expect(checkBag(bag)).toEqual([]);
  expect(payloadOxum(bag)).toBe("63.3");
  expect([...bag.keys()].sort()).toEqual([
    "bag-info.txt",
    "bagit.txt",
    "data/empty",
    "data/messages.jsonl",
    "data/wire/a.jsonl",
    "manifest-sha256.txt",
    "tagmanifest-sha256.txt",
  ]);
});

test("EVI-10: any changed byte of any file names that file", () => {
  for (const [path, bytes] of bag) {
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.slice();
      changed[at] = (changed[at] as number) ^ (1 + (at % 127));
      const named = files(checkBag(new Map(bag).set(path, changed)));
      expect(named, `${path} byte ${at}`).toContain(path);
      // Nothing innocent is accused, but for the pair of which one cannot be told from the other.
      const suspects = path === "tagmanifest-sha256.txt" || path === "bag-info.txt" ? 2 : 1;
      expect(named.length, `${path} byte ${at}: ${named.join()}`).toBeLessThanOrEqual(suspects);
    }
  }
});

test("EVI-10: a shortened or lengthened file names that file", () => {
  for (const [path, bytes] of bag) {
    expect(files(checkBag(new Map(bag).set(path, new Uint8Array([...bytes, 10]))))).toContain(path);
    if (bytes.length > 0) expect(files(checkBag(new Map(bag).set(path, bytes.slice(0, -1))))).toContain(path);
  }
});

test("EVI-12: a missing file is named", () => {
  for (const path of bag.keys()) {
    const rest = new Map(bag);
    rest.delete(path);
    expect(files(checkBag(rest))).toContain(path);
  }
});

test("EVI-13: an extra file is named, in the payload and beside it", () => {
  for (const path of ["data/extra", "notes.txt", "data/wire/b.jsonl", "manifest-md5.txt", "fetch.txt"]) {
    expect(files(checkBag(new Map(bag).set(path, utf8("x"))))).toEqual([path]);
  }
});

test("EVI-10: a manifest in another order or with another line ending is refused, though its digests are right", () => {
  for (const edit of [
    (text: string) => text.trimEnd().split("\n").toReversed().join("\n").concat("\n"),
    (text: string) => text.replaceAll("\n", "\r\n"),
    (text: string) => text.replaceAll("  ", " "),
    (text: string) => `${text}${text.split("\n")[0]}\n`,
  ]) {
    const text = Buffer.from(bag.get("manifest-sha256.txt") as Uint8Array).toString();
    expect(files(checkBag(new Map(bag).set("manifest-sha256.txt", utf8(edit(text)))))).toContain(
      "manifest-sha256.txt",
    );
  }
});

test("EVI-2: names that mean something to a file system never get into a bag", () => {
  for (const name of [
    "data/../x",
    "data//x",
    "/data/x",
    "data/.x",
    "data/a b",
    "data/é",
    "data/a\nb",
    "data/",
    "data\\x",
  ]) {
    expect(() => makeBag(new Map([[name, new Uint8Array()]]), info)).toThrow(/file-name/);
  }
});

test("EVI-10: whatever the payload, the bag is in order and one flipped bit is named", () => {
  const path = fc.stringMatching(/^[a-z0-9]{1,12}(\/[a-z0-9]{1,12}){0,2}$/).map((name) => `data/${name}.x`);
  fc.assert(
    fc.property(
      fc.dictionary(path, fc.uint8Array({ minLength: 1, maxLength: 40 }), { minKeys: 1, maxKeys: 6 }),
      fc.nat(),
      (content, at) => {
        const whole = makeBag(new Map(Object.entries(content)), info);
        expect(checkBag(whole)).toEqual([]);
        const [name, bytes] = [...whole][at % whole.size] as [string, Uint8Array];
        const changed = bytes.slice();
        changed[at % changed.length] = (changed[at % changed.length] as number) ^ (1 << (at % 7));
        expect(files(checkBag(new Map(whole).set(name, changed)))).toContain(name);
      },
    ),
    { numRuns: 60 },
  );
});
