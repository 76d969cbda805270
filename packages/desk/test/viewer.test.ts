// Opened messages as an agency reads them: many, hostile, and found again.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unixSeconds, utf8 } from "@porchlight/encoding";
import { sealEvidence } from "@porchlight/evidence";
import { html } from "@porchlight/markup";
import { Agency, namesOf, type OrderFile } from "@porchlight/parties";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EvidenceShelf } from "../src/agency/evidence.ts";
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

/** A page of the viewer, with this query. */
async function pageWith(query = ""): Promise<string> {
  const visit: Visit = {
    person: { id: "x", name: "Ben" },
    now: unixSeconds(0),
    params: {},
    query: new URLSearchParams(query),
    csrf: html``,
  };
  return viewerPage(visit, shown, await shelf.read(order), null).body.markup;
}

beforeAll(async () => {
  const agency = await Agency.create(directory, { name: "agency" }, { workFactor: 4 });
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
    expect(page).not.toContain("<img");
    expect(page).toContain("U+202E");
  }
  // EVI-29: of a file a download, or why there is none.
  expect(first).toContain(`/evidence/files/${"0a".repeat(32)}" download>`);
  expect(first).toContain("Not in this package: the provider no longer had it");
  expect(first).toContain("Its bytes are not in this package");
  // What is no page number, or beyond the last, is a page all the same.
  for (const page of ["0", "-1", "x", "99999999", String(PAGES + 1)]) {
    expect(await pageWith(`page=${page}`)).toMatch(new RegExp(`Page (1|${PAGES}) of ${PAGES}\\.`));
  }
});

test("a package that was collected again is read anew, and what is kept of it is sealed", async () => {
  const folder = join(directory, "evidence", shown.name);
  const before = await shelf.read(order);
  expect(await shelf.read(order)).toBe(before);
  expect(readFileSync(join(folder, "reading.age")).includes("needle")).toBe(false);
  utimesSync(join(folder, "evidence.age"), 1, 1);
  const after = await shelf.read(order);
  expect(after).not.toBe(before);
  expect(after.lines.length).toBe(COUNT);
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
