import { spawnSync } from "node:child_process";
import { type UnixSeconds, utf8 } from "@porchlight/encoding";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { readTar, writeTar } from "../src/tar.ts";

const AT = 1_367_761_500 as UnixSeconds;
const long = `data/wire/${"a".repeat(64)}/2013-05-05.jsonl`;
const files = new Map([
  ["bagit.txt", utf8("BagIt-Version: 1.0\n")],
  ["data/block", new Uint8Array(512).fill(7)],
  ["data/empty", new Uint8Array()],
  [long, utf8("{}\n")],
]);

test("EVI-40: files come back as they went in, and the same files give the same bytes", () => {
  const archive = writeTar(files, "evidence", AT);
  expect(readTar(archive, "evidence")).toEqual(files);
  expect(writeTar(new Map([...files].toReversed()), "evidence", AT)).toEqual(archive);
});

test("EVI-40: tar reads it", (context) => {
  const archive = writeTar(files, "evidence", AT);
  const run = spawnSync("tar", ["-tvf", "-"], { input: archive, env: { ...process.env, TZ: "UTC" } });
  if (run.error !== undefined) {
    console.log("skipped: no tar program on this machine");
    context.skip();
    return;
  }
  expect(run.stderr.toString()).toBe("");
  expect(run.stdout.toString()).toContain(`evidence/${long}`);
  expect(run.stdout.toString()).toContain("512 2013-05-05 13:45 evidence/data/block");
});

test("EVI-41: an archive with any byte of its structure changed is refused", () => {
  const archive = writeTar(files, "evidence", AT);
  const same = (bytes: Uint8Array): boolean => {
    try {
      const read = readTar(bytes, "evidence");
      return JSON.stringify([...read.keys()]) === JSON.stringify([...files.keys()].sort());
    } catch {
      return false;
    }
  };
  const headers: number[] = [];
  for (let at = 0; at < archive.length; at += 512) {
    if (Buffer.from(archive.subarray(at + 257, at + 262)).toString() === "ustar") headers.push(at);
  }
  expect(headers.length).toBe(files.size);
  for (const header of headers) {
    for (let at = header; at < header + 512; at++) {
      const changed = archive.slice();
      changed[at] = (changed[at] as number) ^ 1;
      expect(same(changed), `byte ${at}`).toBe(false);
    }
  }
  expect(same(archive.slice(0, -512))).toBe(false);
  expect(same(new Uint8Array([...archive, ...new Uint8Array(512)]))).toBe(false);
  expect(same(new Uint8Array())).toBe(false);
});

test("EVI-41: links, foreign paths and doubled names of other archives are refused", (context) => {
  if (spawnSync("tar", ["--version"]).error !== undefined) {
    console.log("skipped: no tar program on this machine");
    context.skip();
    return;
  }
  const made = spawnSync("sh", [
    "-c",
    "d=$(mktemp -d) && cd $d && mkdir evidence && ln -s /etc/passwd evidence/x && tar --format=ustar -cf - evidence/x; rm -rf $d",
  ]);
  expect(() => readTar(new Uint8Array(made.stdout), "evidence")).toThrow(/archive-malformed/);
  const one = writeTar(new Map([["a", utf8("1")]]), "evidence", AT);
  const two = writeTar(new Map([["a", utf8("2")]]), "evidence", AT);
  const doubled = new Uint8Array([...one.slice(0, 1024), ...two]);
  expect(() => readTar(doubled, "evidence")).toThrow(/archive-malformed/);
  expect(() => readTar(one, "elsewhere")).toThrow(/file-name/);
});

test("EVI-40: round trip of whatever files", () => {
  const path = fc.stringMatching(/^[a-zA-Z0-9_-]{1,40}(\/[a-z0-9._-]{0,40}[a-z0-9]){0,2}$/);
  fc.assert(
    fc.property(fc.dictionary(path, fc.uint8Array({ maxLength: 1100 }), { maxKeys: 5 }), (content) => {
      const map = new Map(Object.entries(content).filter(([name]) => !/(^|\/)\./.test(name)));
      expect(new Map(readTar(writeTar(map, "e", AT), "e"))).toEqual(
        new Map([...map].sort(([a], [b]) => (a < b ? -1 : 1))),
      );
    }),
    { numRuns: 60 },
  );
});
