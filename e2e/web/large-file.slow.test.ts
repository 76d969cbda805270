// A file as large as files may be, from one browser to another through a real server, and one that is larger.
import { createHash } from "node:crypto";
import { createReadStream, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { picture } from "./browser.ts";
import { expectCalm, Stage } from "./stage.ts";
import type { Person } from "./town.ts";

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
/** A quarter of the file: whoever held it in memory, even once, would need four times as much. */
const MORE = 256 * MIB;
const PATIENT = { timeout: 900_000 };

let stage: Stage;
let ada: Person;
let ben: Person;
let directory: string;

beforeAll(async () => {
  stage = await Stage.open();
  ada = await stage.member("Ada", stage.origin);
  ben = await stage.member("Ben", stage.origin);
  await ada.begins(await ben.contactLink());
  await ada.says("The recordings follow");
  await ben.page.getByText("The recordings follow").first().click();
  directory = mkdtempSync(join(tmpdir(), "porchlight-large-file-"));
}, 600_000);
afterAll(async () => {
  await stage?.close();
  rmSync(directory, { recursive: true, force: true });
});
afterEach(async ({ task }) => {
  if (task.result?.state === "fail") await stage.showFailure();
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

/** Resident bytes of the server and of everything that the browser runs, by what they are. */
function memory(): Readonly<Record<"server" | "browser", number>> {
  const processes = new Map<number, { readonly parent: number; readonly rss: number }>();
  for (const pid of readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name))) {
    try {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      const number = (name: string): number =>
        Number(new RegExp(`^${name}:\\s+([0-9]+)`, "m").exec(status)?.[1]);
      // Without shared memory and mapped files, which the system may take back.
      processes.set(Number(pid), { parent: number("PPid"), rss: number("RssAnon") * 1024 });
    } catch {
      // It ended in the meantime.
    }
  }
  const isChrome = (pid: string): boolean => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("--type=renderer");
    } catch {
      return false;
    }
  };
  const under = (pid: number): boolean => {
    for (let at = pid; at > 1; at = processes.get(at)?.parent ?? 0) if (at === process.pid) return true;
    return false;
  };
  const renderers = [...processes].filter(([pid]) => under(pid) && isChrome(String(pid)));
  return {
    server: processes.get(stage.deployment.supervisor.pid("server"))?.rss ?? 0,
    browser: renderers.reduce((sum, [, { rss }]) => sum + rss, 0),
  };
}

/** The most that each needed beyond what it had before, while something is done. */
async function growth(act: () => Promise<void>): Promise<Readonly<Record<"server" | "browser", number>>> {
  const before = memory();
  const most = { ...before };
  const look = setInterval(() => {
    const now = memory();
    most.server = Math.max(most.server, now.server);
    most.browser = Math.max(most.browser, now.browser);
  }, 200);
  try {
    await act();
  } finally {
    clearInterval(look);
  }
  return { server: most.server - before.server, browser: most.browser - before.browser };
}

test("a file of more than 1 GiB is refused when it is chosen, by name, and nothing of it is read", async () => {
  const path = join(directory, "too large.bin");
  const sparse = await open(path, "w");
  await sparse.truncate(GIB + 1);
  await sparse.close();
  await ada.page.locator("input[type=file]").setInputFiles(path);
  await ada.page.getByText("1 file is too large to be sent here").waitFor();
  await ada.page.getByText("too large.bin").waitFor();
  await ada.page.getByText("Nothing of it was read or sent").waitFor();
  await picture(ada.page, "large-file-refused");
  expect(await ada.page.getByRole("button", { name: "Send", exact: true }).isDisabled()).toBe(true);
  await ada.press("Understood");
  await ada.page.getByText("too large.bin").waitFor({ state: "detached" });
  expectCalm(ada);
});

test(
  "a file of 1 GiB goes over and comes back byte for byte, and nobody holds it in memory",
  PATIENT,
  async () => {
    const path = await fileOf("recordings.bin", GIB);
    await ada.page.locator("input[type=file]").setInputFiles(path);
    await ada.page.getByText("At most 10 files a message, each of at most 1 GB.").waitFor();
    await picture(ada.page, "large-file-chosen");
    const sending = await growth(async () => {
      await ada.press("Send");
      await ada.page.getByRole("progressbar", { name: "Sending the file" }).waitFor();
      await picture(ada.page, "large-file-sending");
      await ben.page.getByRole("button", { name: /^Download .*recordings\.bin/ }).waitFor(PATIENT);
    });
    const saved = join(directory, "saved.bin");
    const receiving = await growth(async () => {
      const [download] = await Promise.all([
        ben.page.waitForEvent("download", PATIENT),
        ben.press("Download", "recordings.bin"),
      ]);
      await download.saveAs(saved);
    });
    console.log({
      sending: { server: sending.server / MIB, browser: sending.browser / MIB },
      receiving: { server: receiving.server / MIB, browser: receiving.browser / MIB },
    });
    expect(await digestOf(saved)).toBe(await digestOf(path));
    for (const { server, browser } of [sending, receiving]) {
      expect(server).toBeLessThan(MORE);
      expect(browser).toBeLessThan(MORE);
    }
    expectCalm(ada, ben);
  },
);
