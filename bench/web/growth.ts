// Whether the app grows while it is used: the same round again and again, first with nothing new in it, then with one message
// more each time. BENCH_HEAP_MINUTES: how long both together take, 1 where it is left out.
import { FreeBrowser, type PageLink } from "../../e2e/web/free-browser.ts";
import { PASSPHRASE, startTown } from "../../e2e/web/town.ts";
import type { Row } from "../run.ts";
import { Hand } from "./hand.ts";
import { Heap, type Held } from "./heap.ts";
import { fill } from "./histories.ts";

const MINUTES = Number(process.env["BENCH_HEAP_MINUTES"] ?? 1);
/** Of each of the two; the first half warms caches up, the second is what counts. */
const PARTS = 4;
/**
 * Kilobytes a round. Flat: what the program and the browser hold behind it grows by less, in the last half. A thousand rounds
 * a day are then less than a megabyte. What V8 makes of code is shown beside it: it is bounded by the program's own length.
 */
const FLAT = 1;

const link = (label: string): string => `document.querySelector('a[aria-label="${label}"]')`;
const BEN = `[...document.querySelectorAll(".list-row")].find((row) => row.querySelector(".list-row-title").textContent.includes("Ben"))`;
const SCROLLER = `document.querySelector(".thread-scroll")`;
const FIELD = `document.querySelector(".composer-text")`;
const DOOR = `document.querySelector("input[type=password]")`;
const THREAD = `document.querySelector(".thread [data-entry]")`;

/** Heaps of page and worker, of a device that was used for years, in a browser that nobody watches. */
export async function growth(): Promise<readonly Row[]> {
  const town = await startTown();
  const origin = town.deployment.url.replace("127.0.0.1", "localhost");
  let [ada, ben] = [null, null] as [FreeBrowser | null, FreeBrowser | null];
  try {
    ben = await FreeBrowser.start("Ben", origin);
    const invitations = [await town.deployment.invite(), await town.deployment.invite()] as const;
    const contact = await ben.byHand(async (person) => {
      await person.signUpWithPassphrase(person.joinLink(invitations[0]));
      await person.readWho();
      return await person.contactLink();
    });
    await ben.stop();
    ben = null;
    ada = await FreeBrowser.start("Ada", origin);
    await ada.byHand(async (person) => {
      await person.signUpWithPassphrase(person.joinLink(invitations[1]));
      await person.readWho();
      await person.begins(contact);
      await person.says("The first of many");
      await person.thread.getByText("Sent").waitFor();
      await fill(person);
    });
    const page = await ada.link();
    try {
      return await measured(page, origin);
    } finally {
      page.close();
    }
  } finally {
    await Promise.all([ada?.stop(), ben?.stop()]);
    await town.stop();
  }
}

async function measured(page: PageLink, origin: string): Promise<readonly Row[]> {
  const hand = new Hand(page);
  const worker = new Promise<string>((resolve) => {
    const stop = page.listen((method, { targetInfo, sessionId }) => {
      if (method !== "Target.attachedToTarget" || (targetInfo as { type: string }).type !== "worker") return;
      stop();
      resolve(String(sessionId));
    });
  });
  await page.send("Emulation.setDeviceMetricsOverride", {
    width: 1280,
    height: 800,
    deviceScaleFactor: 1,
    mobile: false,
  });
  await page.send("Page.navigate", { url: origin });
  await hand.until(DOOR);
  await page.send("Target.setAutoAttach", {
    autoAttach: true,
    waitForDebuggerOnStart: false,
    flatten: true,
  });
  const heaps = [new Heap("page", page), new Heap("worker", page, await worker)];
  await hand.write(DOOR, PASSPHRASE);
  await hand.press(BEN);
  await hand.until(THREAD);
  return [
    ...(await phase("nothing new", heaps, () => round(hand))),
    ...(await phase("a message each", heaps, async (i) => {
      await hand.write(FIELD, `minute by minute, ${i}`);
      await round(hand);
    })),
  ];
}

/** Reads, scrolls, looks at who is there and what was noticed, and comes back. */
async function round(hand: Hand): Promise<void> {
  await hand.wheel(SCROLLER, [...Array(15).fill(-900), ...Array(5).fill(3_000)]);
  await hand.press(link("People and devices"));
  await hand.press(link("Close"));
  await hand.press(link("Notices"));
  await hand.until(`document.querySelector("h1")?.textContent === "Notices"`);
  await hand.press(link("Back"));
  await hand.press(BEN);
  await hand.until(THREAD);
}

/** What was held at the end of each part, and after how many rounds. */
type Mark = { readonly rounds: number; readonly held: readonly Held[] };

/** Four parts of the same length, and what each heap holds before, between and after them. */
async function marks(heaps: readonly Heap[], act: (i: number) => Promise<void>): Promise<readonly Mark[]> {
  const held = async (): Promise<readonly Held[]> => {
    const all: Held[] = [];
    for (const heap of heaps) all.push(await heap.held());
    return all;
  };
  const part = (MINUTES * 60_000) / (2 * PARTS);
  const seen: Mark[] = [{ rounds: 0, held: await held() }];
  for (let rounds = 0; seen.length <= PARTS; ) {
    for (const began = performance.now(); performance.now() - began < part; rounds++) await act(rounds);
    seen.push({ rounds, held: await held() });
  }
  return seen;
}

/** One row for each kind of each heap: what a round of the last half adds, and of each quarter. */
async function phase(
  what: string,
  heaps: readonly Heap[],
  act: (i: number) => Promise<void>,
): Promise<Row[]> {
  const seen = await marks(heaps, act);
  const last = seen.at(-1) as Mark;
  return heaps.flatMap(({ name }, heap) =>
    (["objects", "browser", "engine"] as const).map((kind) => {
      const at = (part: number): Mark => seen[part] as Mark;
      const bytes = ({ held }: Mark): number => held[heap]?.[kind] ?? 0;
      const slope = (from: Mark, to: Mark): number =>
        (bytes(to) - bytes(from)) / 1000 / Math.max(1, to.rounds - from.rounds);
      const quarters = seen.slice(1).map((mark, part) => slope(at(part), mark).toFixed(2));
      const more = slope(at(PARTS / 2), last);
      const verdict = kind === "engine" ? "" : more < FLAT ? ", flat" : ", not flat";
      return {
        what: `${name}, ${what}: ${kind}, more a round`,
        value: more,
        unit: "kB",
        ratio: `${(bytes(last) / 1e6).toFixed(2)} MB after ${last.rounds} rounds; by quarter ${quarters.join(", ")}${verdict}`,
      };
    }),
  );
}
