// The public log's site in Chromium: what it takes a reader's browser to verify that an entry stands in the log.
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { formatEntry, type LogEntry, signIntake } from "@porchlight/charter";
import { commitment, dayNumber, dayOf, hex, periodOf, utf8 } from "@porchlight/encoding";
import { PublicLog, serveSite } from "@porchlight/public-log";
import { nodeSuite } from "@porchlight/tlog/node";
import type { Page } from "playwright-core";
import { startBrowser } from "../e2e/web/browser.ts";
import { keyholders, policy, START, TestLog, witnesses } from "../packages/wire/test/test-log.ts";
import { charterDocument, charterOf, seedOf, signedCharter } from "../vectors/fixture/deployment.ts";
import type { Row } from "./run.ts";

export const name = "public log: an entry verified in Chromium";

const ENTRIES = Number(process.env["BENCH_ENTRIES"] ?? 100_000);
const ORDERS = 40;

/** Milliseconds of looking one entry up: of verifying its inclusion, as the page says, and of all that is done and shown. */
type Look = { readonly proof: number; readonly whole: number };

export async function run(): Promise<readonly Row[]> {
  const directory = mkdtempSync(join(tmpdir(), "porchlight-bench-public-log-"));
  const site = await PublicLog.open({
    ...{ source: await filled(), policy, directory },
    ...{ clock: { now: () => START }, suite: nodeSuite },
  });
  await site.look();
  const served = await serveSite(site, { port: 0 }, (event) => {
    throw new Error(event);
  });
  const started = await startBrowser();
  try {
    const load = loadavg()[0] as number;
    const page = await started.browser.newPage();
    await page.goto(`http://localhost:${served.port}/look-up`);
    const looks: Look[] = [];
    for (let order = 0; order < ORDERS; order++) looks.push(await look(page, placeOf(order)));
    const [first, ...rest] = looks as [Look, ...Look[]];
    const row = (what: string, of: keyof Look): Row => {
      const sorted = rest.map((one) => one[of]).sort((a, b) => a - b);
      return {
        what,
        value: sorted[Math.floor(sorted.length / 2)] as number,
        unit: "ms",
        ratio: `the longest of ${sorted.length} ${(sorted.at(-1) as number).toFixed(1)} ms, the page's first ${first[of].toFixed(1)} ms`,
      };
    };
    return [
      { what: "load of the machine", value: load, unit: "" },
      { what: "entries in the log", value: ENTRIES, unit: "" },
      row("an inclusion proof verified, median", "proof"),
      row(
        "pressed → tiles fetched, proof, witnesses, charter and entry's signatures checked, shown",
        "whole",
      ),
    ];
  } finally {
    await started.stop();
    await served.close();
    await site.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Entry 0 is the charter; the orders stand evenly among what means nothing. */
function placeOf(order: number): number {
  return 1 + Math.floor((order * (ENTRIES - 1)) / ORDERS);
}

async function filled(): Promise<TestLog> {
  const today = dayOf(START);
  const about = {
    clock: "system",
    validFrom: dayNumber(today - 100),
    validUntil: dayNumber(today + 300),
  } as const;
  const charter = await charterOf("court", about);
  const entries = Array.from({ length: ENTRIES }, (_, i) => utf8(`{"type":"bench","number":${i}}`));
  const document = await signedCharter(charterDocument("court", about));
  entries[0] = formatEntry({ type: "charter", document });
  for (let order = 0; order < ORDERS; order++) {
    const entry: LogEntry = signIntake(
      {
        ...{ type: "warrant", charter: charter.id, day: dayNumber(today - 2) },
        commitment: commitment(hex(seedOf(`order ${order}`))),
        public: hex(seedOf("public")),
        notices: "00".repeat(32),
        secretUntil: periodOf(dayNumber(today + 60)),
      },
      seedOf("Intake"),
    );
    entries[placeOf(order)] = formatEntry(entry);
  }
  const log = new TestLog();
  log.append(entries);
  log.note = log.sign(START, [...witnesses, ...keyholders]);
  return log;
}

async function look(page: Page, index: number): Promise<Look> {
  await page.getByLabel("Number of an entry").fill(String(index));
  const whole = await page.evaluate(async (title) => {
    const result = document.getElementById("result") as HTMLElement;
    const began = performance.now();
    const shown = new Promise<number>((resolve) => {
      const watch = new MutationObserver(() => {
        if (!(result.textContent ?? "").includes(title)) return;
        watch.disconnect();
        resolve(performance.now() - began);
      });
      watch.observe(result, { childList: true, subtree: true });
    });
    document.querySelector<HTMLButtonElement>("#look-up button")?.click();
    return await shown;
  }, `Entry ${index}: a warrant`);
  const said = await page.locator("#result").innerText();
  if (!said.includes("signed by the charter's intake")) throw new Error(said);
  return { whole, proof: Number(/took ([0-9.]+) thousandths/.exec(said)?.[1]) };
}
