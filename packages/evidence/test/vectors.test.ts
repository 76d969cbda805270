import { readFileSync } from "node:fs";
import { fromBase64, unixSeconds, utf8 } from "@porchlight/encoding";
import { expect, test } from "vitest";
import { makeBag } from "../src/bag.ts";
import { type Content, formatLine } from "../src/content.ts";
import { type CustodyStep, formatCustody, parseCustody } from "../src/custody.ts";
import { sha256 } from "../src/files.ts";
import { writeTar } from "../src/tar.ts";
import { verifyFiles } from "../src/verify.ts";

const vectors = JSON.parse(
  readFileSync(new URL("../../../vectors/evidence.json", import.meta.url), "utf8"),
) as {
  readonly charter: string;
  readonly package: Readonly<Record<string, string>>;
  readonly replaced: { readonly files: Readonly<Record<string, string>>; readonly gone: readonly string[] };
  readonly attached: { readonly files: Readonly<Record<string, string>>; readonly gone: readonly string[] };
  readonly lines: readonly { readonly message: Content & { readonly from: string }; readonly line: string }[];
  readonly custody: { readonly steps: readonly CustodyStep[]; readonly text: string };
  readonly archive: {
    readonly top: string;
    readonly time: number;
    readonly files: Readonly<Record<string, string>>;
    readonly sha256: string;
  };
  readonly refused: readonly {
    readonly file: string;
    readonly replace: string;
    readonly with: string;
    readonly names: string;
  }[];
};
const read = (files: Readonly<Record<string, string>>) =>
  new Map(Object.entries(files).map(([path, text]) => [path, fromBase64(text)]));
const files = read(vectors.package);

test("EVI-70: the package of the vectors verifies under its charter", async () => {
  expect(await verifyFiles(files, { charter: vectors.charter })).toMatchObject({ kind: "verified" });
});

test("EVI-16: the package with a successor's release verifies with the succession, and not without it", async () => {
  const replaced = new Map([...files, ...read(vectors.replaced.files)]);
  for (const path of vectors.replaced.gone) replaced.delete(path);
  expect(await verifyFiles(replaced, { charter: vectors.charter })).toMatchObject({ kind: "verified" });
  const payload = new Map([...replaced].filter(([path]) => /^data\/(?!.*succession)/.test(path)));
  const report = await verifyFiles(makeBag(payload, replaced.get("bag-info.txt") as Uint8Array));
  expect(report).toMatchObject({ kind: "refused", findings: [{ rule: "EVI-66" }] });
});

test("EVI-29, EVI-73: the package with a file that a message names verifies, and with another file not", async () => {
  const attached = new Map([...files, ...read(vectors.attached.files)]);
  for (const path of vectors.attached.gone) attached.delete(path);
  expect(await verifyFiles(attached, { charter: vectors.charter })).toMatchObject({ kind: "verified" });
  const payload = new Map([...attached].filter(([path]) => path.startsWith("data/")));
  const [file = ""] = [...payload.keys()].filter((path) => path.startsWith("data/attachments/"));
  payload.set(file, utf8("the plot"));
  const report = await verifyFiles(makeBag(payload, attached.get("bag-info.txt") as Uint8Array));
  expect(report).toMatchObject({ kind: "refused", findings: [{ rule: "EVI-73", file }] });
});

test("EVI-21: lines of messages.jsonl", () => {
  for (const { message, line } of vectors.lines) expect(formatLine(message)).toBe(line);
});

test("EVI-30: the custody record's chain", () => {
  expect(Buffer.from(formatCustody(vectors.custody.steps)).toString()).toBe(vectors.custody.text);
  expect(parseCustody(utf8(vectors.custody.text))).toEqual(vectors.custody.steps);
});

test("EVI-40: the archive's bytes", () => {
  const { top, time, files: content } = vectors.archive;
  expect(sha256(writeTar(read(content), top, unixSeconds(time)))).toBe(vectors.archive.sha256);
});

test.each(vectors.refused)("EVI-18, EVI-60 to EVI-69: a change of $file is refused", async (change) => {
  const payload = new Map([...files].filter(([path]) => path.startsWith("data/")));
  const before = Buffer.from(payload.get(change.file) as Uint8Array).toString();
  expect(before).toContain(change.replace);
  payload.set(change.file, utf8(before.replace(change.replace, change.with)));
  const report = await verifyFiles(makeBag(payload, files.get("bag-info.txt") as Uint8Array));
  expect(report.kind === "refused" && report.findings.map(({ file }) => file)).toContain(change.names);
});
