// Opened messages as an agency reads them: many, hostile, and found again.
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { unixSeconds, utf8 } from "@porchlight/encoding";
import { makePackage, sealEvidence } from "@porchlight/evidence";
import { html } from "@porchlight/markup";
import { Agency, namesOf, type OrderFile } from "@porchlight/parties";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeCase } from "../../evidence/test/case.ts";
import { EvidenceShelf } from "../src/agency/evidence.ts";
import { pictureType } from "../src/agency/picture.ts";
import { find, searchOf, timeline } from "../src/agency/search.ts";
import { viewerPage } from "../src/agency/viewer-page.ts";
import type { Shown } from "../src/orders.ts";
import type { Visit } from "../src/shell/desk.ts";

/** The slow suite has the size that the page is made for. */
const COUNT = process.env["PORCHLIGHT_SLOW"] === "1" ? 100_000 : 10_000;
const PAGES = COUNT / 200;
/** The one message that is looked for. */
const NEEDLE = Math.floor((COUNT * 7) / 9);
const NEEDLE_PAGE = Math.floor(NEEDLE / 200) + 1;
const EVIL = `</div><script>alert(1)</script><img src=x onerror=alert(2)>\u202e`;
const FILE = { name: EVIL, type: "text/html", size: 9, digest: "ef".repeat(32) };
const directory = mkdtempSync(join(tmpdir(), "porchlight-viewer-"));
const order: OrderFile = { warrant: utf8("a warrant"), others: null, opening: new Uint8Array(32), index: 3 };
const shown = {
  name: namesOf(order).commitment.slice(0, 16),
  order,
  document: { reference: `case ${EVIL}` },
} as unknown as Shown;
let shelf: EvidenceShelf;
let recipients: readonly string[];

/** A package of one message, as far as the viewer reads it. */
function small(text: string): Map<string, Uint8Array> {
  const report = { messages: [{ conversation: "", day: "2026-05-01", account: "" }], failures: [], gaps: [] };
  return new Map([
    ["data/messages.jsonl", utf8(`${JSON.stringify({ at: "", from: "Ann", text })}\n`)],
    ["data/report.json", utf8(JSON.stringify(report))],
  ]);
}

/** A page of the viewer, with this query. */
async function pageWith(query = ""): Promise<string> {
  const visit: Visit = {
    person: { id: "x", name: "Ben" },
    now: unixSeconds(0),
    params: {},
    query: new URLSearchParams(query),
    csrf: html``,
  };
  return viewerPage(visit, shown, await shelf.read(order), {
    at: `/orders/${shown.name}/evidence`,
    checked: null,
    canStamp: true,
    packages: (await shelf.packages(order)).map(({ number }) => number),
    copies: [],
    isPrivileged: false,
  }).body.markup;
}

beforeAll(async () => {
  const agency = await Agency.create(directory, { name: "agency" }, { workFactor: 4 });
  recipients = agency.recipients;
  const texts: string[] = [];
  const about: object[] = [];
  for (let i = 0; i < COUNT; i++) {
    const day = `2026-05-${String(1 + Math.floor((i * 30) / COUNT)).padStart(2, "0")}`;
    const hour = String(i % 24).padStart(2, "0");
    const text =
      i === NEEDLE ? `the Needle ${EVIL}` : `message ${i} of an ordinary length, as people write them`;
    texts.push(
      JSON.stringify({ at: `${day}T${hour}:00:00Z`, from: i % 3 === 0 ? `Ann ${EVIL}` : "Bob", text }),
    );
    about.push({
      conversation: "ab".repeat(32),
      day,
      account: "cd".repeat(32),
      id: `m${i}`,
      ...(i === NEEDLE + 1 ? { about: `m${NEEDLE}` } : {}),
      ...(i === 5
        ? {
            attachments: [
              { ...FILE, state: "held", file: `data/attachments/${"0a".repeat(32)}` },
              { ...FILE, state: "gone" },
              FILE,
              { ...FILE, type: "image/svg+xml", state: "held", file: `data/attachments/${"0b".repeat(32)}` },
              { ...FILE, type: "image/png", state: "held", file: `data/attachments/${"0c".repeat(32)}` },
            ],
          }
        : {}),
    });
  }
  const report = { packagedAt: "2026-06-01T00:00:00Z", messages: about, failures: [], gaps: [] };
  const files = new Map([
    ["data/messages.jsonl", utf8(`${texts.join("\n")}\n`)],
    ["data/report.json", utf8(JSON.stringify(report))],
  ]);
  const folder = join(directory, "evidence", shown.name);
  mkdirSync(folder, { recursive: true });
  const sealed = await sealEvidence(files, agency.recipients, unixSeconds(1_780_000_000));
  writeFileSync(join(folder, "evidence.age"), sealed);
  shelf = new EvidenceShelf(await Agency.open(directory));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test("many messages are read page by page, and nothing that anyone wrote becomes markup", async () => {
  const whole = await pageWith();
  // Opened anew, as after a restart: from what was kept to be read.
  shelf = new EvidenceShelf(await Agency.open(directory));
  const [began, before] = [performance.now(), process.cpuUsage()];
  const first = await pageWith();
  const { user, system } = process.cpuUsage(before);
  console.log(
    `${COUNT} messages: first page after ${Math.round(performance.now() - began)} ms, ${Math.round((user + system) / 1000)} ms of processor time`,
  );
  expect(first).toBe(whole);
  expect(first.length).toBeLessThan(300_000);
  expect(first).toContain(`Page 1 of ${PAGES}.`);
  expect(first.match(/<li id="m/g)?.length).toBe(200);
  for (const page of [
    first,
    await pageWith(`page=${NEEDLE_PAGE}`),
    await pageWith(`words=${encodeURIComponent(EVIL)}`),
  ]) {
    expect(page).not.toContain("<script");
    expect(
      page.replaceAll(/<img src="\/orders\/[^"<>]*" alt="[^"<>]*" loading="lazy" decoding="async">/g, ""),
    ).not.toContain("<img");
    expect(page).toContain("U+202E");
  }
  // EVI-29: of a file a download, or why there is none.
  expect(first).toContain(`/evidence/files/${"0a".repeat(32)}" download>`);
  // A picture by its sender's word is offered to be looked at; a page or a drawing that is a document never is.
  expect(first.match(/<details class="picture">/g)?.length).toBe(1);
  expect(first).toContain(`loading="lazy"`);
  expect(first).toContain("Not in this package: the provider no longer had it");
  expect(first).toContain("Its bytes are not in this package");
  expect(first).toContain("No outside authority has stamped this package.");
  // What is no page number, or beyond the last, is a page all the same.
  for (const page of ["0", "-1", "x", "99999999", String(PAGES + 1)]) {
    expect(await pageWith(`page=${page}`)).toMatch(new RegExp(`Page (1|${PAGES}) of ${PAGES}\\.`));
  }
});

test("messages are counted; receipts and names are said in words, apart from them", async () => {
  const lines = [
    { text: "hello" },
    { text: "Ann", kind: "profile" },
    { text: "", kind: "receipt" },
    { text: "", kind: "receipt" },
    { text: "+1", kind: "reaction" },
  ];
  const evidence = {
    ...(await shelf.read(order)),
    lines: lines.map((line, i) => ({
      ...{ number: i + 1, at: "", from: "Ann", day: "2026-05-01", conversation: "", account: "" },
      ...{ attachments: [], ...line },
    })),
  };
  const query = new URLSearchParams("from=Ann");
  const visit = { person: { id: "x", name: "Ben" }, now: unixSeconds(0), params: {}, query, csrf: html`` };
  const about = {
    at: "/orders/x/evidence",
    checked: null,
    canStamp: true,
    packages: [evidence.number],
    copies: [],
    isPrivileged: false,
  };
  const { markup } = viewerPage(visit, shown, evidence, about).body;
  expect(markup).toContain("2 messages, and apart from them 2 receipts and 1 name of 2026-05-01");
  expect(markup).toContain("2 messages of 2 fit.");
  expect(markup).toContain("receipt: messages had arrived or were read");
  expect(markup).toContain("tells its own name</span> Ann");
});

test("a package that was collected again is read anew, and what is kept of it is sealed", async () => {
  const folder = join(directory, "evidence", shown.name);
  const path = join(folder, "evidence.age");
  const first = readFileSync(path);
  const before = await shelf.read(order);
  expect(await shelf.read(order)).toBe(before);
  expect(readFileSync(join(folder, "reading.age")).includes("needle")).toBe(false);
  // Of the same length, with the same times: only its bytes tell it from the first.
  const { atime, mtime } = statSync(path);
  const other = await sealEvidence(small("another"), recipients, unixSeconds(1_780_000_000));
  writeFileSync(path, other);
  utimesSync(path, atime, mtime);
  const after = await shelf.read(order);
  expect(after.mark).not.toBe(before.mark);
  expect(after.lines.map(({ text }) => text)).toEqual(["another"]);
  writeFileSync(path, first);
  expect((await shelf.read(order)).lines.length).toBe(COUNT);
});

test("EVI-43: every package of an order can be read, and a page says which one it is", async () => {
  const second = join(directory, "evidence", shown.name, "evidence-2.age");
  expect(await pageWith()).not.toContain("newest package");
  writeFileSync(second, await sealEvidence(small("all that was left"), recipients, unixSeconds(1)));
  const page = await pageWith();
  expect(page).toContain("all that was left");
  expect(page).toContain(`<a href="/orders/${shown.name}/packages/1">Package 1</a>`);
  expect((await shelf.read(order, 1)).lines.length).toBe(COUNT);
  await expect(shelf.read(order, 3)).rejects.toMatchObject({ code: "not-found" });
  // It is opened once for what is downloaded from it, also by several at once.
  const path = "data/messages.jsonl";
  const [one, again] = await Promise.all([shelf.file(order, path, 1), shelf.file(order, path, 1)]);
  expect(again).toBe(one);
  expect(await shelf.file(order, path)).not.toBe(one);
  rmSync(second);
});

test("what somebody else sealed to the agency to be read is not read: it is made anew from the package", async () => {
  const folder = join(directory, "evidence", shown.name);
  const [path, reading] = [join(folder, "evidence.age"), join(folder, "reading.age")];
  const [whole, kept] = [readFileSync(path), readFileSync(reading)];
  writeFileSync(path, await sealEvidence(small("true"), recipients, unixSeconds(1)));
  const { size, mtimeMs, ino } = statSync(path);
  const line = { number: 1, at: "", from: "Ann", text: "forged", day: "2026-05-01", attachments: [] };
  const mac = new Uint8Array(32);
  for (const mark of [
    createHash("sha256").update(readFileSync(path)).digest("hex"),
    `${ino}-${size}-${Math.trunc(mtimeMs)}`,
  ]) {
    const forged = { version: 2, mark, lines: [line], failures: [], gaps: 0 };
    const packed = new Uint8Array(gzipSync(JSON.stringify(forged)));
    for (const parts of [
      new Map([["reading.json.gz", packed]]),
      new Map([
        ["reading.json.gz", packed],
        ["reading.mac", mac],
      ]),
    ]) {
      writeFileSync(reading, await sealEvidence(parts, recipients, unixSeconds(0)));
      const anew = new EvidenceShelf(await Agency.open(directory));
      expect((await anew.read(order)).lines.map(({ text }) => text)).toEqual(["true"]);
    }
  }
  // Nor what the desk itself kept of another package.
  writeFileSync(reading, kept);
  const anew = new EvidenceShelf(await Agency.open(directory));
  expect((await anew.read(order)).lines.map(({ text }) => text)).toEqual(["true"]);
  writeFileSync(path, whole);
  writeFileSync(reading, kept);
});

test("what stands below a check is what was checked, and another order's package is none of this one", async () => {
  const made = await makeCase();
  const own: OrderFile = { warrant: made.warrant, others: null, opening: made.opening, index: 0 };
  const folder = join(directory, "evidence", namesOf(own).commitment.slice(0, 16));
  mkdirSync(folder, { recursive: true });
  const { files } = await makePackage(made);
  const path = join(folder, "evidence.age");
  const sealed = await sealEvidence(files, recipients, unixSeconds(1));
  writeFileSync(path, sealed);
  const evidence = await shelf.read(own);
  await shelf.check(own, evidence, made.charterId);
  expect(shelf.checked(own, evidence)?.kind).toBe("verified");
  // Made anew from the bytes that were compared.
  const after = await shelf.read(own);
  expect(after).not.toBe(evidence);
  expect(after).toEqual(evidence);
  // One that was put in its place is not checked, and reads as it is.
  writeFileSync(path, await sealEvidence(small("put there"), recipients, unixSeconds(1)));
  const later = await shelf.read(own);
  expect([later.lines[0]?.text, shelf.checked(own, later)]).toEqual(["put there", null]);
  // Nor does a check that was begun on the first say anything of the second.
  await shelf.check(own, evidence, made.charterId);
  expect(shelf.checked(own, evidence)).toBe(null);
  await shelf.check(own, later, made.charterId);
  expect(shelf.checked(own, later)?.kind).toBe("refused");

  const place = join(directory, "evidence", shown.name, "evidence.age");
  const whole = readFileSync(place);
  writeFileSync(place, sealed);
  const foreign = await shelf.read(order);
  await shelf.check(order, foreign, made.charterId);
  expect(shelf.checked(order, foreign)).toMatchObject({ findings: ["It is the package of another order."] });
  // A check that could not be made is not silent.
  const damaged = utf8("no package any more");
  writeFileSync(place, damaged);
  const lost = { ...foreign, mark: createHash("sha256").update(damaged).digest("hex") };
  await shelf.check(order, lost, made.charterId);
  expect(shelf.checked(order, lost)).toMatchObject({ kind: "failed", code: "cannot-decrypt" });
  const about = {
    at: "/x",
    checked: shelf.checked(order, lost),
    canStamp: true,
    packages: [1],
    copies: null,
    isPrivileged: true,
  };
  const visit = { query: new URLSearchParams(), csrf: html`` } as unknown as Visit;
  expect(viewerPage(visit, shown, lost, about).body.markup).toMatch(
    /box bad[^]*The check could not be made\.[^]*<code>cannot-decrypt/,
  );
  writeFileSync(place, whole);
});

test("words, person, day, hour and files narrow it, and the timeline counts what is left", async () => {
  const { lines } = await shelf.read(order);
  const found = (query: string) => find(lines, searchOf(new URLSearchParams(query)));
  const began = performance.now();
  expect(found("words=NEEDLE%20the").map(({ number }) => number)).toEqual([NEEDLE + 1]);
  console.log(`searched in ${Math.round(performance.now() - began)} ms`);
  expect(found("from=Bob").length).toBe(COUNT - Math.ceil(COUNT / 3));
  expect(found("day=2026-05-30&hour=07").every(({ at }) => at.startsWith("2026-05-30T07"))).toBe(true);
  expect(found("files=yes").map(({ number }) => number)).toEqual([6]);
  expect(found("day=2026-05-31")).toEqual([]);
  const { by, bars } = timeline(lines);
  expect([by, bars.length, bars.reduce((sum, { count }) => sum + count, 0)]).toEqual(["day", 30, COUNT]);
  expect(timeline(found("day=2026-05-02"))).toMatchObject({ by: "hour" });
  const page = await pageWith("words=needle");
  expect(page).toContain(`1 message of ${COUNT} fits`);
  expect(await pageWith(`page=${NEEDLE_PAGE}`)).toContain(`Answers no. ${NEEDLE + 1}`);
  expect(await pageWith("words=nothing+of+that")).toContain("No message fits.");
});

test("a file is a picture by its own first bytes, and by nothing else", () => {
  const png = "\x89PNG\r\n\x1a\n";
  const cases: readonly [string, string | null][] = [
    [png, "image/png"],
    ["\xff\xd8\xff\xe0", "image/jpeg"],
    ["GIF89a", "image/gif"],
    ["RIFF\0\0\0\0WEBPVP8 ", "image/webp"],
    ["<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", null],
    [`<!doctype html>${png}`, null],
    ["%PDF-1.7", null],
    ["\0\0\0\x20ftypheic", null],
    ["", null],
  ];
  for (const [text, type] of cases) {
    expect(pictureType(new Uint8Array(Buffer.from(text, "latin1")))).toBe(type);
  }
});
