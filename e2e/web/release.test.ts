import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { en } from "../../apps/web/src/i18n/en.ts";
import { buildWeb } from "./build.ts";

/** Bytes of script, gzip, that a browser needs before the first screen is drawn. */
const FIRST_SCREEN = 250_000;

let elsewhere: string;
let release: string;

beforeAll(async () => {
  elsewhere = mkdtempSync(join(tmpdir(), "porchlight-release-"));
  release = await buildWeb();
  await buildWeb("--out", join(elsewhere, "again"));
});
afterAll(() => rmSync(elsewhere, { recursive: true, force: true }));

function files(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((path) => statSync(join(directory, path)).isFile())
    .sort();
}

test("the same sources, built again in another directory, are the same release, byte for byte", () => {
  const again = join(elsewhere, "again");
  expect(files(again)).toEqual(files(release));
  for (const path of files(release)) {
    expect([path, readFileSync(join(again, path)).equals(readFileSync(join(release, path)))]).toEqual([
      path,
      true,
    ]);
  }
});

test("the first screen's script is at most 250 kB, compressed with gzip", () => {
  const page = readFileSync(join(release, "index.html"), "utf8");
  const wanted = new Set<string>();
  const need = (path: string): void => {
    if (wanted.has(path)) return;
    wanted.add(path);
    // Only what is imported as the script is read; what is fetched later begins with "import(".
    const source = readFileSync(join(release, path), "utf8");
    for (const [, from] of source.matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g)) need(`assets/${from}`);
  };
  for (const [, path] of page.matchAll(/(?:src|href)="\/([^"]+\.js)"/g)) need(path as string);
  expect(wanted.size).toBeGreaterThan(0);
  const bytes = [...wanted].reduce((sum, path) => sum + statSync(join(release, `${path}.gz`)).size, 0);
  expect(bytes).toBeLessThanOrEqual(FIRST_SCREEN);
});

test("what is said beside the program, before it runs and while it is closed, comes from its catalogue too", () => {
  const source = (path: string): string =>
    readFileSync(new URL(`../../apps/web/${path}`, import.meta.url), "utf8");
  const built = (path: string): string => readFileSync(join(release, path), "utf8");
  for (const [key, from, to] of [
    ["page.description", "index.html", "index.html"],
    ["page.no-script", "index.html", "index.html"],
    ["notifications.new", "src/service-worker.ts", "sw.js"],
  ] as const) {
    expect([key, source(from).includes(en[key])]).toEqual([key, false]);
    expect([key, built(to).includes(en[key])]).toEqual([key, true]);
  }
  expect(built("index.html")).not.toMatch(/%[a-z]/);
});
