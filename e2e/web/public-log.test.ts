// The log's site for the public as a reader has it: pages in a real Chromium, entries that the browser itself verifies.
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { get, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatEntry, type LogEntry, signBatch, signIntake } from "@porchlight/charter";
import { commitment, dayNumber, dayOf, hex, keyholderIndex, periodOf, utf8 } from "@porchlight/encoding";
import { PublicLog, type Site, serveSite } from "@porchlight/public-log";
import { formatVkey, makeSigner } from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import { WireError } from "@porchlight/wire";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { axe } from "../../apps/web/test/axe.ts";
import { policy, START, TestLog, witnesses } from "../../packages/wire/test/test-log.ts";
import {
  charterDocument,
  charterOf,
  keyholderName,
  seedOf,
  signedCharter,
  signedSuccession,
  successionDocument,
} from "../../vectors/fixture/deployment.ts";
import { openProfile, picture, type Started, startBrowser } from "./browser.ts";

const TODAY = dayOf(START);
const HOSTILE =
  `<img src=x onerror="alert(1)"> Z${"\u0335\u0321\u0353".repeat(9)}algo ${"w".repeat(80)}`.normalize("NFC");
const COURT = {
  clock: "system",
  validFrom: dayNumber(TODAY - 100),
  validUntil: dayNumber(TODAY + 300),
  offenceCategories: [HOSTILE, "stalking"],
} as const;
const court = await charterOf("court", COURT);
const house = await charterOf("house", { validFrom: COURT.validFrom, validUntil: COURT.validUntil });
const order = commitment(hex(seedOf("an order")));

function orderUnder(charter: typeof court, type: "warrant" | "hold-order", number: typeof order): LogEntry {
  return signIntake(
    {
      type,
      charter: charter.id,
      day: dayNumber(TODAY - 2),
      commitment: number,
      public: hex(seedOf("public")),
      notices: "00".repeat(32),
      secretUntil: periodOf(dayNumber(TODAY + 60)),
    },
    seedOf("Intake"),
  );
}

const log = new TestLog();
let isAway = false;
let directory: string;
let site: PublicLog;
let served: Site;
let origin: string;
let started: Started;

beforeAll(async () => {
  const entries: LogEntry[] = [
    { type: "charter", document: await signedCharter(charterDocument("court", COURT)) },
    {
      type: "charter",
      document: await signedCharter(
        charterDocument("house", { validFrom: COURT.validFrom, validUntil: COURT.validUntil }),
      ),
    },
    orderUnder(court, "warrant", order),
    orderUnder(house, "hold-order", commitment(hex(seedOf("a house's order")))),
    signBatch(
      {
        type: "keyholder-batch",
        charter: court.id,
        keyholder: keyholderIndex(1),
        day: dayNumber(TODAY - 3),
        slots: Array.from({ length: 8 }, (_, i) => hex(seedOf(`slot ${i}`))),
      },
      seedOf(keyholderName(keyholderIndex(1))),
    ),
  ];
  const ofSecond = (signer: string): LogEntry =>
    signBatch(
      {
        type: "keyholder-batch",
        charter: court.id,
        keyholder: keyholderIndex(2),
        day: dayNumber(TODAY - 3),
        slots: Array.from({ length: 8 }, (_, i) => hex(seedOf(`${signer} ${i}`))),
      },
      seedOf(signer),
    );
  const [lost, successor] = [keyholderName(keyholderIndex(2)), "Keyholder 2, new"];
  const succession = { ...successionDocument(court, successor), ground: `It burnt down ${HOSTILE}` };
  const succeeded: LogEntry[] = [
    ofSecond(lost),
    { type: "succession", document: await signedSuccession(court, succession) },
    ofSecond(successor),
    ofSecond(lost),
  ];
  log.append([...entries.map(formatEntry), utf8("junk"), ...succeeded.map(formatEntry)]);
  log.publish(300);
  directory = mkdtempSync(join(tmpdir(), "porchlight-public-log-"));
  site = await PublicLog.open({
    source: {
      checkpoint: () => (isAway ? Promise.reject(new WireError("unreachable", "away")) : log.checkpoint()),
      file: log.file,
    },
    policy,
    directory,
    clock: { now: () => START },
    suite: nodeSuite,
  });
  served = await serveSite(site, { port: 0 }, (event) => expect.unreachable(event));
  origin = `http://localhost:${served.port}`;
  started = await startBrowser();
});

afterAll(async () => {
  await started?.stop();
  await served?.close();
  rmSync(directory, { recursive: true, force: true });
});

const text = async (path: string): Promise<string> => await (await fetch(origin + path)).text();

test("PUB-1, PUB-4: before the log was read once the pages say so and give nothing", async () => {
  isAway = true;
  await site.look();
  for (const path of ["/", "/openings", "/download"]) {
    expect(await text(path)).toContain("The log is being read");
    expect(await text(path)).toContain("cannot be reached");
  }
  expect((await fetch(`${origin}/checkpoint`)).status).toBe(503);
  isAway = false;
  await site.look();
  expect(site.standing.trouble).toBeNull();
  expect(await text("/")).not.toContain("The log is being read");
});

const SLOW = process.env["PORCHLIGHT_SLOW"] === "1";
const PATHS = ["/", "/openings", "/look-up", "/download", "/nothing-here"];

test("PUB-3: every page in light and dark, on a phone and a desktop; axe finds nothing, no text becomes markup", async () => {
  const forms = {
    "desktop-light": { viewport: { width: 1280, height: 800 }, colorScheme: "light" },
    "phone-dark": {
      viewport: { width: 360, height: 740 },
      colorScheme: "dark",
      isMobile: true,
      hasTouch: true,
    },
  } as const;
  for (const [form, options] of Object.entries(forms)) {
    const { context, watch } = await openProfile(started.browser, { origin, ...options });
    const page = await context.newPage();
    page.on("dialog", () => watch.problems.push("a dialog"));
    const found: string[] = [];
    for (const [place, path] of PATHS.entries()) {
      // The slow suite looks at each page in both forms, the fast one by turns.
      if (!SLOW && (place % 2 === 0) !== (form === "phone-dark")) continue;
      await page.goto(origin + path);
      await picture(page, `public-log${path.replace("/", "-")}-${form}`);
      found.push(...(await axe(page)).map((line) => `${path}: ${line}`));
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (overflow > 0) found.push(`${path}: ${overflow} pixels wider than the screen`);
    }
    expect(found).toEqual([]);
    expect(watch.problems).toEqual([]);
    await context.close();
  }
  const home = await text("/");
  expect(home).toContain("By order of a court");
  expect(home).toContain("not of a court");
  expect(home).toContain("&lt;img src=x");
  expect(await text("/openings")).toContain("mean nothing");
});

async function lookUp(page: Page, number: string): Promise<string> {
  await page.getByLabel("Number of an entry").fill(number);
  await page.getByRole("button", { name: "Look up and check" }).click();
  await page.locator("#result > *").first().waitFor();
  await page.getByRole("button", { name: "Look up and check" }).and(page.locator(":enabled")).waitFor();
  return await page.locator("#result").innerText();
}

test("PUB-5: the browser checks an entry itself, and refuses what does not hold", async () => {
  const { context, watch } = await openProfile(started.browser, { origin });
  const page = await context.newPage();
  await page.goto(`${origin}/look-up#2`);
  await page.getByRole("heading", { name: "Entry 2: a warrant" }).waitFor();
  const found = await page.locator("#result").innerText();
  expect(found).toContain("signed by the charter's intake");
  for (const { key } of witnesses) expect(found).toContain(key.name);
  await picture(page, "public-log-found");
  expect(await axe(page)).toEqual([]);

  const spaced = `${order.slice(0, 32).toUpperCase()} ${order.slice(32)}`;
  expect(await lookUp(page, spaced)).toContain("Entry 2: a warrant");
  expect(await lookUp(page, court.id)).toContain("all 5 keyholders signed it");
  expect(await lookUp(page, "4")).toContain("a keyholder's day");
  expect(await lookUp(page, "5")).toContain("nothing that anyone has to believe");
  expect(await lookUp(page, "310")).toContain("310 entries so far");
  expect(await lookUp(page, "f".repeat(64))).toContain("ask another copy");
  expect(await lookUp(page, "twelve")).toContain("neither the number of an entry");

  // CHA-21: who signs for a place is who had it then.
  expect(await lookUp(page, "6")).toContain("It is signed by Keyholder 2, under");
  const replaced = await lookUp(page, "7");
  expect(replaced).toContain("Entry 7: a keyholder was replaced");
  expect(replaced).toContain("from here on Keyholder 2, new is in the place of Keyholder 2");
  expect(replaced).toContain(`It burnt down ${HOSTILE}`);
  await page.setViewportSize({ width: 360, height: 740 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBe(0);
  expect(await axe(page)).toEqual([]);
  await picture(page, "public-log-succession");
  expect(await lookUp(page, "8")).toContain("Keyholder 2, new, who took the place of Keyholder 2");
  expect(await lookUp(page, "9")).toContain("Who has to sign it did not: it means nothing.");
  expect(await lookUp(page, court.id)).toContain("Entry 7: a keyholder was replaced");

  // Other witnesses than the reader trusts: the same checkpoint is worth nothing.
  await page.getByText("Whose confirmations count").click();
  const keys = page.getByLabel("Keys", { exact: true });
  const own = await keys.inputValue();
  const stranger = makeSigner(
    "cosignature",
    "witness-1.test.example",
    new Uint8Array(32).fill(99),
    nodeSuite,
  );
  const [first] = witnesses;
  await keys.fill(own.replace(formatVkey(first?.key as never), formatVkey(stranger.key)));
  expect(await lookUp(page, "2")).toContain("lacks confirmations");
  await picture(page, "public-log-refused");
  await keys.fill("nonsense");
  expect(await lookUp(page, "2")).toContain("not readable");
  await keys.fill(own);

  // A site that serves an entry that never was in the log.
  const bundle = join(directory, "log/tile/entries/000");
  const honest = readFileSync(bundle);
  const forged = Buffer.from(honest);
  const at = forged.indexOf(order);
  forged.write(order.startsWith("0") ? "1" : "0", at);
  writeFileSync(bundle, forged);
  const other = await openProfile(started.browser, { origin });
  const fresh = await other.context.newPage();
  await fresh.goto(`${origin}/look-up`);
  expect(await lookUp(fresh, "2")).toContain("does not hold together");
  writeFileSync(bundle, honest);
  expect([...watch.problems, ...other.watch.problems]).toEqual([]);
  await Promise.all([context.close(), other.context.close()]);
});

test("PUB-4, PUB-7: with the log away the copy is still read and verified, by any follower", async () => {
  isAway = true;
  await site.look();
  expect(await text("/")).toContain("cannot be reached");
  expect(await text("/")).toContain("Who can open this");
  const copy = await fetch(`${origin}/checkpoint`);
  expect(copy.headers.get("access-control-allow-origin")).toBe("*");
  expect(await copy.text()).toBe(log.note);
  expect((await fetch(`${origin}/tile/0/000`)).status).toBe(200);
  for (const path of [
    "/tile/0/%2e%2e/checkpoint",
    "/tile/..%2f..%2fpublic-log.lock",
    "/csv/..%2fx",
    "/find/1",
  ]) {
    const answer = await fetch(origin + path);
    expect([200, 404]).toContain(answer.status);
    if (path !== "/find/1") expect(answer.status).toBe(404);
  }
  const undecodable = await fetch(`${origin}/tile/%E0%A4%A<script>`);
  expect([undecodable.status, await undecodable.text()]).toEqual([400, "malformed request\n"]);
  isAway = false;
  await site.look();
  expect(await text("/")).not.toContain("cannot be reached");
});

test("the first view is small: page and script together under 150 kB compressed", async () => {
  const page = await text("/look-up");
  const script = /src="([^"]+)"/.exec(page)?.[1] ?? "";
  const [answer] = (await once(
    get(origin + script, { headers: { "accept-encoding": "gzip" } }),
    "response",
  )) as [IncomingMessage];
  expect(answer.headers["content-encoding"]).toBe("gzip");
  let response = 0;
  for await (const chunk of answer) response += (chunk as Buffer).length;
  expect(response).toBeGreaterThan(10_000);
  expect(response + Buffer.byteLength(page)).toBeLessThan(150_000);
});
