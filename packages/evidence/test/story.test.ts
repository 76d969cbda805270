import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv } from "ajv";
import { strFromU8, unzipSync } from "fflate";
import { beforeAll, describe, expect, test } from "vitest";
import type { Files } from "../src/files.ts";
import { makePackage } from "../src/package.ts";
import { verifyFiles } from "../src/verify.ts";
import { makeCase, type Written } from "./case.ts";

const at = (second: number): string => `2026-09-14T08:00:${String(second).padStart(2, "0")}Z`;
const DIGEST = "ab".repeat(32);
const TALK: readonly Written[] = [
  { id: "a", at: at(0), text: "Meet me at nine" },
  { id: "b", at: at(1), text: "Meet me at ten", kind: "edit", target: "a" },
  { id: "c", at: at(2), text: "as I said", replyTo: "a" },
  { id: "d", at: at(3), text: "👍", kind: "reaction", target: "c" },
  { id: "e", at: at(4), text: "", kind: "deletion", target: "c" },
  { id: "f", at: at(5), text: "too late", kind: "edit", target: "c" },
  { id: "g", at: at(6), text: "answering you", replyTo: "somebody else's" },
  {
    id: "h",
    at: at(7),
    text: "see here",
    attachments: [
      {
        id: DIGEST,
        key: Buffer.alloc(32).toString("base64"),
        digest: DIGEST,
        size: 7,
        type: "image/png",
        name: "<i>.png",
      },
      { id: "broken" },
    ],
  },
  { id: 7, at: at(8), text: "odd members", replyTo: ["a"], target: null },
];

let files: Files;
let page: string;
let manifest: { events: Record<string, unknown>[]; conversations: object[]; participants: object[] };

const textOf = (path: string): string => Buffer.from(files.get(path) as Uint8Array).toString();

function manifestOf(rsmf: string): string {
  const part = rsmf.split('filename="rsmf.zip"')[1] ?? "";
  const zip = Buffer.from(part.split("\r\n\r\n")[1]?.split("\r\n--")[0] ?? "", "base64");
  return strFromU8(unzipSync(zip)["rsmf_manifest.json"] as Uint8Array);
}

beforeAll(async () => {
  ({ files } = await makePackage(
    await makeCase({
      written: [TALK],
      person: "Ölçün Bcc: x <x@example.org>, Çağrı Ölçünoğlu-Şahinbaş of the third floor",
    }),
  ));
  page = textOf("data/index.html");
  manifest = JSON.parse(manifestOf(textOf("data/messages.rsmf"))) as typeof manifest;
});

describe("EVI-27", () => {
  const item = (number: number): string =>
    new RegExp(`<li id="m${number}">.*</li>`).exec(page)?.[0].replace(/<[^>]*>/g, " ") ?? "";

  test("every line stays, and says what it is about and what came later", () => {
    expect(page.match(/<li id="m/g)).toHaveLength(TALK.length);
    expect(item(1)).toMatch(/Meet me at nine.*Changed by its sender later:\s+no\. 2/);
    expect(item(2)).toMatch(/Changes\s+no\. 1/);
    expect(item(3)).toMatch(
      /Answers\s+no\. 1.*Taken back by its sender later:\s+no\. 5.*Reactions:\s+no\. 4/,
    );
    expect(item(7)).toContain("Answers a message that is not in this package");
  });

  test("after a deletion an edit changes nothing, and members out of form are no story", () => {
    expect(item(3)).not.toContain("Changed");
    expect(item(9)).toMatch(/odd members\s*$/);
  });

  test("of an attachment its name is text, and its key is nowhere in what is derived", () => {
    expect(page).toContain("&lt;i&gt;.png");
    expect(item(8)).toContain(DIGEST);
    for (const path of ["data/report.json", "data/index.html", "data/messages.jsonl"]) {
      expect(textOf(path)).not.toContain(Buffer.alloc(32).toString("base64"));
    }
  });

  test("EVI-70: the package verifies", async () => {
    expect(await verifyFiles(files)).toMatchObject({ kind: "verified" });
  });
});

describe("EVI-28", () => {
  test("events in the order of delivery, with edits, reactions, answers and deletions", () => {
    expect(manifest.events.map(({ body }) => body)).toEqual(TALK.map(({ text }) => text));
    expect(manifest.events[0]).toMatchObject({
      type: "message",
      timestamp: at(0),
      edits: [{ previous: "Meet me at nine", new: "Meet me at ten", participant: "P1" }],
    });
    expect(manifest.events[2]).toMatchObject({
      parent: "M1",
      deleted: true,
      body: "as I said",
      reactions: [{ value: "👍", count: 1, participants: ["P1"] }],
    });
    expect(manifest.events[1]).toMatchObject({ type: "unknown" });
    expect(manifest.events[6]).not.toHaveProperty("parent");
  });

  test("no name begins a header of its own, and no line is too long for mail", () => {
    const rsmf = textOf("data/messages.rsmf");
    expect(rsmf).not.toMatch(/^Bcc:/m);
    for (const line of rsmf.split("\r\n")) expect(line.length).toBeLessThanOrEqual(200);
    expect(rsmf).toContain("X-RSMF-EventCount: 9\r\n");
  });

  const schemaFile = join(
    import.meta.dirname,
    "../../../../shared/standards/rsmf/RSMFManifestSchema_rsmf_schema_2_0_0.json",
  );
  test.skipIf(!existsSync(schemaFile))(
    "valid under RSMF's schema (skips where it is not beside the checkout)",
    () => {
      const schema = JSON.parse(readFileSync(schemaFile, "utf8")) as object;
      const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
      const validate = ajv.compile(schema);
      expect(validate(manifest), JSON.stringify(validate.errors)).toBe(true);
    },
  );
});
