// A file as large as files may be, from one browser to another through a real server, and one that is larger.
import { createHash } from "node:crypto";
import { createReadStream, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Deployment } from "../../packages/deployment/src/deployment.ts";
import { picture } from "./browser.ts";
import { FreeBrowser, type PageLink } from "./free-browser.ts";
import { expectCalm } from "./stage.ts";
import { startTown } from "./town.ts";

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
/** A quarter of the file: whoever held it in memory, even once, would need four times as much. */
const MORE = 256 * MIB;
/** Of /proc, a second. */
const TICKS = 100;
const HOUR = { timeout: 3_600_000 };

let deployment: Deployment;
let serverDirectory: string;
let stopTown: () => Promise<void>;
let ada: FreeBrowser;
let ben: FreeBrowser;
let directory: string;

beforeAll(async () => {
  const town = await startTown();
  ({ deployment, directory: serverDirectory, stop: stopTown } = town);
  const origin = deployment.url.replace("127.0.0.1", "localhost");
  [ada, ben] = await Promise.all([FreeBrowser.start("Ada", origin), FreeBrowser.start("Ben", origin)]);
  directory = mkdtempSync(join(tmpdir(), "porchlight-large-file-"));
  for (const browser of [ada, ben]) {
    const invitation = await deployment.invite();
    await browser.byHand(async (person) => {
      await person.signUpWithPassphrase(person.joinLink(invitation));
      await person.readWho();
    });
  }
  const contact = await ben.byHand((person) => person.contactLink());
  await ada.byHand(async (person) => {
    await person.begins(contact);
    await person.says("The recordings follow");
  });
  await ben.byHand((person) => person.page.getByText("The recordings follow").first().click());
}, 600_000);
afterAll(async () => {
  await Promise.all([ada?.stop(), ben?.stop()]);
  await stopTown?.();
  rmSync(directory, { recursive: true, force: true });
});

/** A file of this many bytes of which every mebibyte is another. */
async function fileOf(name: string, size: number): Promise<string> {
  const path = join(directory, name);
  const file = await open(path, "w");
  const block = Buffer.alloc(MIB);
  for (let at = 0; at < size; at += MIB) {
    block.writeUInt32LE(at / MIB);
    await file.write(block, 0, Math.min(MIB, size - at));
  }
  await file.close();
  return path;
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

/** Names of the encrypted files that the server has. */
function filesAtServer(): string[] {
  const files = join(serverDirectory, "files");
  return readdirSync(files).flatMap((folder) => readdirSync(join(files, folder)));
}

/** Of all kinds of process together: CPU time in seconds. Wall time says little while others use the machine. */
type Use = Readonly<Record<"server" | "page" | "browser" | "cpu", number>>;

/**
 * Anonymous bytes of the server, of what the pages run in, and of the browsers' own processes. What a browser has in blobs
 * lies with the last, which puts it on the disk when it has too much of it.
 */
function use(): Use {
  const processes = new Map<
    number,
    { readonly parent: number; readonly own: number; readonly cpu: number }
  >();
  for (const pid of readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name))) {
    try {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      const number = (name: string): number =>
        Number(new RegExp(`^${name}:\\s+([0-9]+)`, "m").exec(status)?.[1] ?? 0);
      const [user, system] =
        readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ").slice(11) ?? [];
      const cpu = (Number(user) + Number(system)) / TICKS;
      processes.set(Number(pid), { parent: number("PPid"), own: number("RssAnon") * 1024, cpu });
    } catch {
      // It ended in the meantime.
    }
  }
  const isUnder = (pid: number, above: ReadonlySet<number>): boolean => {
    for (let at = pid; at > 1; at = processes.get(at)?.parent ?? 0) if (above.has(at)) return true;
    return false;
  };
  const runsPages = (pid: number): boolean =>
    readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("--type=renderer");
  const browsers = new Set([ada.pid, ben.pid]);
  const server = processes.get(deployment.supervisor.pid("server"));
  const sums = { server: server?.own ?? 0, page: 0, browser: 0, cpu: server?.cpu ?? 0 };
  for (const [pid, { own, cpu }] of processes) {
    try {
      if (!isUnder(pid, browsers)) continue;
      sums[runsPages(pid) ? "page" : "browser"] += own;
      sums.cpu += cpu;
    } catch {
      // It ended in the meantime.
    }
  }
  return sums;
}

/** What is done, how long it took, and the most that each needed beyond what it had before. */
async function measured<T>(
  act: () => Promise<T>,
): Promise<{ readonly seconds: number; readonly grown: Use; readonly result: T }> {
  const before = use();
  const most = { ...before };
  const look = (): void => {
    const now = use();
    for (const of of ["server", "page", "browser", "cpu"] as const) most[of] = Math.max(most[of], now[of]);
  };
  const looking = setInterval(look, 500);
  const began = performance.now();
  try {
    const result = await act();
    const seconds = (performance.now() - began) / 1000;
    look();
    const grown = {
      server: most.server - before.server,
      page: most.page - before.page,
      browser: most.browser - before.browser,
      cpu: most.cpu - before.cpu,
    };
    return { result, seconds, grown };
  } finally {
    clearInterval(looking);
  }
}

/** How far the bar is, and the words beside it; `null` where there is none. */
async function progress(link: PageLink): Promise<{ readonly done: number; readonly words: string } | null> {
  return await link.evaluate(
    `(() => { const bar = document.querySelector("[role=progressbar]"); return bar === null ? null :
      { done: Number(bar.getAttribute("aria-valuenow")), words: bar.textContent }; })()`,
  );
}

async function press(link: PageLink, name: string): Promise<void> {
  await link.evaluate(`[...document.querySelectorAll("button")]
    .find((one) => (one.getAttribute("aria-label") ?? one.textContent).replace(/[\\u2066-\\u2069]/g, "") === ${JSON.stringify(name)}).click()`);
}

/** Looks until it is so, as a person would; everything that was seen on the way. */
async function looks<T>(look: () => Promise<T>, until: (seen: T) => boolean): Promise<T[]> {
  const all: T[] = [];
  for (;;) {
    const seen = await look();
    all.push(seen);
    if (until(seen)) return all;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

async function choose(browser: FreeBrowser, path: string): Promise<void> {
  const link = await browser.link();
  await link.choose("input[type=file]", [path]);
  link.close();
}

test("a file of more than 1 GiB is refused when it is chosen, by name, and nothing of it is read", async () => {
  const path = join(directory, "too large.bin");
  const sparse = await open(path, "w");
  await sparse.truncate(GIB + 1);
  await sparse.close();
  await choose(ada, path);
  await ada.byHand(async (person) => {
    await person.page.getByText("1 file is too large to be sent here").waitFor();
    await person.page.getByText("too large.bin").waitFor();
    await person.page.getByText("Nothing of it was read or sent").waitFor();
    await picture(person.page, "large-file-refused");
    const send = person.page.getByRole("button", { name: "Send", exact: true });
    expect(await send.isDisabled()).toBe(true);
    await person.press("Understood");
    await person.page.getByText("too large.bin").waitFor({ state: "detached" });
    expectCalm(person);
  });
});

/** Sends and fetches a file of this size; prints how fast. */
async function overAndBack(name: string, size: number): Promise<void> {
  const path = await fileOf(name, size);
  await choose(ada, path);
  await ada.byHand(async ({ page }) => {
    await page.getByText("At most 10 files a message, each of at most 1 GB.").waitFor();
    await picture(page, "large-file-chosen");
  });
  const [adas, bens] = [await ada.link(), await ben.link()];
  const label = `Download ${name}`;
  const isThere = `[...document.querySelectorAll("button")].some((one) =>
    one.getAttribute("aria-label")?.replace(/[\\u2066-\\u2069]/g, "") === ${JSON.stringify(label)})`;
  const sent = await measured(async () => {
    await press(adas, "Send");
    const seen = await looks(
      () => progress(adas),
      (bar) => bar !== null,
    );
    seen.push(
      ...(await looks(
        () => progress(adas),
        (bar) => bar === null,
      )),
    );
    await looks(() => bens.evaluate<boolean>(isThere), Boolean);
    return seen;
  });
  const done = sent.result.flatMap((bar) => (bar === null ? [] : [bar.done]));
  expect(done).toEqual(done.toSorted((a, b) => a - b));
  const saved = await measured(() => bens.download(directory, () => press(bens, label)));
  for (const [what, { seconds, grown }] of Object.entries({ sent, saved })) {
    const megabytes = size / 1e6;
    const more = (["server", "page", "browser"] as const).map((of) => `${of} ${Math.round(grown[of] / 1e6)}`);
    console.log(
      `${name}: ${megabytes.toFixed(0)} MB ${what} in ${seconds.toFixed(1)} s, ${(megabytes / seconds).toFixed(1)} MB/s;`,
      `CPU ${grown.cpu.toFixed(1)} s, ${(megabytes / grown.cpu).toFixed(1)} MB a second of it;`,
      `more memory in MB: ${more.join(", ")}`,
    );
  }
  adas.close();
  bens.close();
  expect(await digestOf(saved.result)).toBe(await digestOf(path));
  for (const { grown } of [sent, saved]) {
    expect(grown.server).toBeLessThan(MORE);
    expect(grown.page).toBeLessThan(MORE);
  }
  for (const browser of [ada, ben]) await browser.byHand(async (person) => expectCalm(person));
  rmSync(path);
  rmSync(saved.result);
}

test("a file of 100 MiB, sent and fetched", HOUR, async () => {
  await overAndBack("minutes.bin", 100 * MIB);
});

test("an upload of 1 GiB that is stopped half-way is gone everywhere", HOUR, async () => {
  const path = await fileOf("stopped.bin", GIB);
  const before = filesAtServer();
  await choose(ada, path);
  const link = await ada.link();
  await looks(
    () => link.evaluate<string>("document.body.innerText"),
    (text) => text.includes("stopped.bin"),
  );
  await press(link, "Send");
  await looks(
    () => progress(link),
    (bar) => (bar?.done ?? 0) > GIB / 8,
  );
  await ada.byHand(({ page }) => picture(page, "large-file-sending"));
  await press(link, "Take this file out of the message");
  await looks(
    () => link.evaluate<string>("document.body.innerText"),
    (text) => !text.includes("stopped.bin"),
  );
  await looks(
    async () => filesAtServer(),
    (now) => now.length === before.length,
  );
  expect(await progress(link)).toBeNull();
  link.close();
  rmSync(path);
});

test(
  "a file of 1 GiB goes over and comes back byte for byte, and no page holds it in memory",
  HOUR,
  async () => {
    await overAndBack("recordings.bin", GIB);
  },
);
