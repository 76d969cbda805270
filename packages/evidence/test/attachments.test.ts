import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { AttachmentReference } from "@porchlight/attachment";
import { base64 } from "@porchlight/encoding";
import { Ajv } from "ajv";
import { unzipSync } from "fflate";
import { beforeAll, describe, expect, test } from "vitest";
import { type CollectedAttachment, referenceName } from "../src/attachments.ts";
import { makeBag } from "../src/bag.ts";
import { EvidenceError } from "../src/error.ts";
import type { Files } from "../src/files.ts";
import { makePackage } from "../src/package.ts";
import { verifyFiles } from "../src/verify.ts";
import { type SealedFile, sealFile } from "./attached.ts";
import { type CaseMade, makeCase } from "./case.ts";

const SCHEMA = join(
  import.meta.dirname,
  "../../../../shared/standards/rsmf/RSMFManifestSchema_rsmf_schema_2_0_0.json",
);
const HOSTILE = "../<script>alert(1)</script>\u202Egnp.exe";

let held: SealedFile;
let page: SealedFile;
let gone: SealedFile;
let input: CaseMade;
let files: Files;

const collected = (
  { reference, content }: SealedFile,
  state: CollectedAttachment["state"] = "held",
): CollectedAttachment => {
  const { id, digest, size } = reference;
  const facts = { ref: referenceName(reference), id, digest, size };
  return state === "held" ? { ...facts, state, content } : { ...facts, state };
};
const sorted = (...all: CollectedAttachment[]): CollectedAttachment[] =>
  all.sort((a, b) => (a.ref < b.ref ? -1 : 1));
const textOf = (path: string): string => Buffer.from(files.get(path) as Uint8Array).toString();
const say = (second: number, text: string, ...attachments: AttachmentReference[]) => ({
  at: `2026-09-14T08:00:0${second}Z`,
  text,
  attachments,
});

beforeAll(async () => {
  held = await sealFile("plan.png", new Uint8Array(1_200_000).fill(7), "image/png");
  page = await sealFile(HOSTILE, "<script>alert(1)</script>", "text/html");
  gone = await sealFile("old.pdf", "no longer there");
  const made = await makeCase({
    written: [
      [
        say(0, "look", held.reference, gone.reference),
        say(1, "and here", page.reference),
        say(2, "again", held.reference),
      ],
    ],
  });
  input = { ...made, attachments: sorted(collected(held), collected(page), collected(gone, "gone")) };
  ({ files } = await makePackage(input));
});

/** What verification says of the package with one file changed and all manifests made again. */
async function verified(change: (payload: Map<string, Uint8Array>) => void): Promise<string[]> {
  const payload = new Map([...files].filter(([path]) => path.startsWith("data/")));
  change(payload);
  const report = await verifyFiles(makeBag(payload, files.get("bag-info.txt") as Uint8Array));
  return report.kind === "verified" ? [] : report.findings.map(({ rule, file }) => `${rule} ${file}`);
}

const fileOf = ({ reference }: SealedFile): string => `data/attachments/${referenceName(reference)}`;

describe("EVI-29", () => {
  test("the package holds each file that messages name once, and verifies", async () => {
    expect(files.get(fileOf(held))).toEqual(held.content);
    expect(files.get(fileOf(page))).toEqual(page.content);
    expect(files.has(fileOf(gone))).toBe(false);
    expect([...files.keys()].filter((path) => path.startsWith("data/attachments/"))).toHaveLength(2);
    expect(await verifyFiles(files)).toMatchObject({ kind: "verified" });
    const { messages } = JSON.parse(textOf("data/report.json")) as {
      messages: { attachments: { state: string; file?: string }[] }[];
    };
    expect(messages.map(({ attachments }) => attachments.map(({ state, file }) => [state, file]))).toEqual([
      [
        ["held", fileOf(held)],
        ["gone", undefined],
      ],
      [["held", fileOf(page)]],
      [["held", fileOf(held)]],
    ]);
  });

  test("its page says where a file is or why it is not, links to none, and runs nothing of them", () => {
    const html = textOf("data/index.html");
    expect(html).toContain(fileOf(held));
    expect(html).toContain("not in this package: the provider no longer had it");
    expect(html).not.toContain("<script");
    expect(html).not.toMatch(/(href|src)="[^#"]/);
    expect(textOf("data/certificate.txt")).toContain(
      "Messages name 3 files; 2 of them are in data/attachments",
    );
  });

  test("without anything asked for, a package says that the files are not in it, and verifies", async () => {
    const { attachments: _, ...rest } = input;
    const plain = (await makePackage(rest)).files;
    expect([...plain.keys()].some((path) => path.includes("attachments"))).toBe(false);
    expect(Buffer.from(plain.get("data/index.html") as Uint8Array).toString()).toContain(
      "not in this package.",
    );
    expect(await verifyFiles(plain)).toMatchObject({ kind: "verified" });
  });
});

describe("EVI-73", () => {
  test("a file that is not the one named is refused by name, also where all manifests were made again", async () => {
    const flipped = held.content.slice();
    flipped[1_100_000] = 8;
    expect(await verified((payload) => payload.set(fileOf(held), flipped))).toEqual([
      `EVI-73 ${fileOf(held)}`,
    ]);
    const shorter = held.content.slice(0, -1);
    expect(await verified((payload) => payload.set(fileOf(held), shorter))).toEqual([
      `EVI-73 ${fileOf(held)}`,
    ]);
    expect(await verified((payload) => payload.delete(fileOf(page)))).toEqual([`EVI-1 ${fileOf(page)}`]);
    expect(await verified((payload) => payload.set("data/attachments/extra", flipped))).toEqual([
      "EVI-1 data/attachments/extra",
    ]);
    const listed = (from: string, to: string): Promise<string[]> =>
      verified((payload) =>
        payload.set("data/attachments.json", Buffer.from(textOf("data/attachments.json").replace(from, to))),
      );
    expect(await listed('"gone"', '"lost"')).toEqual(["EVI-1 data/attachments.json"]);
    // What another reason says is derived, and so found out there.
    expect((await listed('"gone"', '"too-large"'))[0]).toMatch(/^EVI-18 /);
    expect(await listed(gone.reference.digest, "00".repeat(32))).toEqual(["EVI-73 data/attachments.json"]);
  });

  test("a list without one that is named, or with one that is not, is refused", async () => {
    const stranger = await sealFile("stranger", "not named by anyone");
    for (const attachments of [
      sorted(collected(held), collected(page)),
      sorted(collected(held), collected(page), collected(gone, "gone"), collected(stranger)),
      [collected(held), collected(held), collected(page), collected(gone, "gone")],
      [...(input.attachments ?? [])].reverse(),
    ]) {
      await expect(makePackage({ ...input, attachments })).rejects.toThrow(EvidenceError);
    }
  });

  test("one ciphertext that two messages give two sizes is two files, and each is held to its own", async () => {
    const zeros = await sealFile("zeros", Uint8Array.of(1, 2, 0, 0));
    const short = { ...zeros, reference: { ...zeros.reference, size: 2 }, content: Uint8Array.of(1, 2) };
    const made = await makeCase({
      written: [[say(0, "one", zeros.reference), say(1, "two", short.reference)]],
    });
    const attachments = sorted(collected(zeros), collected(short));
    const both = (await makePackage({ ...made, attachments })).files;
    expect(await verifyFiles(both)).toMatchObject({ kind: "verified" });
    const swapped = sorted(collected({ ...zeros, content: short.content }), collected(short));
    await expect(makePackage({ ...made, attachments: swapped })).rejects.toThrow(EvidenceError);
  });
});

test("EVI-28: review programs get the files beside the events, under names that no sender chose", () => {
  const part = textOf("data/messages.rsmf").split('filename="rsmf.zip"')[1] ?? "";
  const zip = unzipSync(Buffer.from(part.split("\r\n\r\n")[1]?.split("\r\n--")[0] ?? "", "base64"));
  expect(Object.keys(zip).sort()).toEqual(["A1.png", "A2.exe", "rsmf_manifest.json"]);
  expect(base64(zip["A1.png"] as Uint8Array)).toBe(base64(held.content));
  const manifest = JSON.parse(Buffer.from(zip["rsmf_manifest.json"] as Uint8Array).toString()) as {
    events: { attachments?: unknown }[];
  };
  expect(manifest.events.map(({ attachments }) => attachments)).toEqual([
    [{ id: "A1.png", display: "plan.png", size: 1_200_000 }],
    [{ id: "A2.exe", display: HOSTILE, size: 25 }],
    [{ id: "A1.png", display: "plan.png", size: 1_200_000 }],
  ]);
  const longest = textOf("data/messages.rsmf")
    .split("\r\n")
    .reduce((most, { length }) => Math.max(most, length), 0);
  expect(longest).toBeLessThanOrEqual(200);
  if (existsSync(SCHEMA)) {
    const schema = JSON.parse(readFileSync(SCHEMA, "utf8")) as object;
    const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema);
    expect(validate(manifest), JSON.stringify(validate.errors)).toBe(true);
  } else console.log("RSMF's schema is not beside the checkout: the manifest is not validated");
});
