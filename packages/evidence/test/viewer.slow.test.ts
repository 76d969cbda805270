// The page in a real browser: what a sender typed must not run, load or move anything.
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makePackage } from "../src/package.ts";
import { makeCase } from "./case.ts";

const BROWSERS = ["chromium", "chromium-browser", "google-chrome"];

test("EVI-51: in a browser, nothing that a sender typed runs, and the page is whole", async (context) => {
  const browser = BROWSERS.find((name) => spawnSync(name, ["--version"]).error === undefined);
  if (browser === undefined) {
    console.log("skipped: no Chromium on this machine");
    context.skip();
    return;
  }
  const text =
    "</style></title><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">";
  const { files } = await makePackage(await makeCase({ written: [[{ at: "2026-09-14T08:00:00Z", text }]] }));
  const directory = await mkdtemp(join(tmpdir(), "viewer-"));
  try {
    const path = join(directory, "index.html");
    // A script of the page's own, which its policy must stop: shows that the policy is in force, not only that text is escaped.
    const page = Buffer.from(files.get("data/index.html") as Uint8Array).toString();
    await writeFile(path, page.replace("<footer>", "<script>document.title='owned'</script><footer>"));
    const run = spawnSync(browser, [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      `--user-data-dir=${directory}/profile`,
      "--dump-dom",
      `file://${path}`,
    ]);
    const dom = run.stdout.toString();
    expect(dom).toContain("<title>Messages disclosed under warrant 4 Gs 123/26</title>");
    expect(dom).toContain("&lt;script&gt;document.title='owned'&lt;/script&gt;");
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
