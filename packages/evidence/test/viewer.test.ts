import { createHash } from "node:crypto";
import { formatDay } from "@porchlight/encoding";
import { beforeAll, expect, test } from "vitest";
import { makePackage } from "../src/package.ts";
import { DAY, makeCase, type Written } from "./case.ts";

const HOSTILE: readonly Written[] = [
  {
    at: `${formatDay(DAY)}T08:00:00Z`,
    text: "<script>document.title='owned'</script><img src=x onerror=alert(1)>",
  },
  {
    at: `${formatDay(DAY)}T08:00:01Z`,
    text: "</div></li></ol></section></main></body></html><style>*{display:none}</style>",
  },
  {
    at: `${formatDay(DAY)}T08:00:02Z`,
    text: "pay \u202eevil\u202c to \u200bme\u0000 \u{e0041} \ufeff \u2066x\u2069",
  },
  {
    at: '"><svg onload=alert(1)>',
    text: "'\"&amp;&lt;`${x}` {{x}} javascript:alert(1) <!-- ]]>",
    kind: "<i onclick=x>",
  },
  {
    at: `${formatDay(DAY)}T08:00:04Z`,
    text: "<meta http-equiv=refresh content='0;url=https://example.org'><a href=x>",
  },
];

let page: string;

beforeAll(async () => {
  const { files } = await makePackage(await makeCase({ written: [HOSTILE], person: "<b>Ölçün</b> & Søn" }));
  page = Buffer.from(files.get("data/index.html") as Uint8Array).toString();
});

test("EVI-51: the page's policy allows its one style sheet, by hash, and nothing else", () => {
  const style = /<style>([^<]*)<\/style>/.exec(page)?.[1] as string;
  const hash = createHash("sha256").update(style).digest("base64");
  const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1];
  expect(policy).toBe(`default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`);
  expect(style).not.toMatch(/url\(|@import|expression/);
  // The policy stands before anything that it is to govern.
  expect(page.indexOf("Content-Security-Policy")).toBeLessThan(page.indexOf("<style>"));
});

test("EVI-51: the page has no script, no handler, no link out and nothing that loads", () => {
  const tags = [...page.matchAll(/<([a-z][a-z0-9]*)([^>]*)>/g)].map(([, name, attributes]) => ({
    name,
    attributes,
  }));
  const names = new Set(tags.map(({ name }) => name));
  for (const name of [
    "script",
    "img",
    "iframe",
    "object",
    "embed",
    "link",
    "base",
    "form",
    "input",
    "svg",
    "audio",
    "video",
    "b",
    "i",
  ]) {
    expect(names.has(name), name).toBe(false);
  }
  expect([...names].filter((name) => name === "style")).toEqual(["style"]);
  for (const { attributes } of tags) {
    expect(attributes).not.toMatch(/\son[a-z]+=|\sstyle=|\ssrc=|javascript:/i);
    expect(attributes).not.toMatch(/href="(?!#)/);
  }
});

test("EVI-52: what a sender typed is there as typed, as text", () => {
  expect(page).toContain(
    "&lt;script&gt;document.title=&#39;owned&#39;&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;",
  );
  expect(page).toContain("&lt;/div&gt;&lt;/li&gt;&lt;/ol&gt;");
  expect(page).toContain("&lt;b&gt;Ölçün&lt;/b&gt; &amp; Søn");
  expect(page).toContain("&quot;&gt;&lt;svg onload=alert(1)&gt;");
  expect(page).toContain("&#39;&quot;&amp;amp;&amp;lt;`${x}`");
});

test("EVI-52: characters that hide or reorder text are shown by number", () => {
  for (const code of ["202E", "202C", "200B", "0000", "E0041", "FEFF", "2066", "2069"]) {
    expect(page).toContain(`<span class="hidden-char">U+${code}</span>`);
  }
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  expect(page).not.toMatch(/[\u0000-\u0008\u200b\u202a-\u202e\u2066-\u2069\ufeff]/);
});

test("EVI-50: an empty day and a day on which nothing opened each have words of their own", async () => {
  const empty = await makeCase({ written: [[]] });
  const none = Buffer.from((await makePackage(empty)).files.get("data/index.html") as Uint8Array).toString();
  expect(none).toContain("The provider holds no message of these accounts");
  const { labels } = await makeCase();
  const lost = labels.map((label) => ({ ...label, envelopes: [] }));
  const { files, opened } = await makePackage({ ...(await makeCase()), labels: lost });
  const all = Buffer.from(files.get("data/index.html") as Uint8Array).toString();
  expect(opened.messages).toEqual([]);
  expect(all).toContain("None of the stored messages opened.");
  expect(all).toContain("4 stored items did not open or verify");
});

test("a package of a service on a replayed clock says so, another one does not", async () => {
  expect(page).toContain("Replayed clock");
  const { files } = await makePackage(await makeCase({ charter: { clock: "system" } }));
  for (const path of ["data/index.html", "data/report.json"]) {
    expect(Buffer.from(files.get(path) as Uint8Array).toString()).not.toMatch(/replay/i);
  }
});
