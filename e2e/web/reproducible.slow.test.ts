// Two checkouts in two places, each with its own packages, make the same release.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

const workspace = fileURLToPath(new URL("../..", import.meta.url));
const NOT_SOURCES = new Set(["node_modules", "dist", "dist-gallery", ".git", "artifacts", "test"]);

let elsewhere: string;

beforeAll(() => {
  elsewhere = mkdtempSync(join(tmpdir(), "porchlight-checkouts-"));
});
afterAll(() => rmSync(elsewhere, { recursive: true, force: true }));

/** The sources and the installed packages, copied; what npm links within the workspace leads into the copy. */
function checkout(...place: readonly string[]): string {
  const directory = join(elsewhere, ...place);
  mkdirSync(directory, { recursive: true });
  for (const part of ["package.json", "package-lock.json", "tsconfig.json", "packages", "apps"]) {
    cpSync(join(workspace, part), join(directory, part), {
      recursive: true,
      filter: (path) => !NOT_SOURCES.has(basename(path)),
    });
  }
  const packages = [join(workspace, "node_modules"), join(directory, "node_modules")];
  try {
    execFileSync("cp", ["-al", ...packages], { stdio: "ignore" });
  } catch {
    // No hard links here: a gigabyte, copied.
    execFileSync("cp", ["-a", ...packages]);
  }
  return directory;
}

function release(directory: string, environment: Readonly<Record<string, string>>): Buffer {
  execFileSync(process.execPath, [join(directory, "apps/web/build/main.ts")], {
    cwd: directory,
    env: { PATH: process.env["PATH"] ?? "", ...environment },
  });
  return readFileSync(join(directory, "apps/web/dist/release.json"));
}

test("APP-8: the build is reproducible: from two checkouts, at other times, under other names and locales", () => {
  const one = release(checkout("one"), { TZ: "UTC", LANG: "C", HOME: "/nowhere" });
  const other = release(checkout("other", "much", "deeper"), { TZ: "Asia/Tokyo", LANG: "de_DE.UTF-8" });
  expect(one.length).toBeGreaterThan(1_000);
  expect(other.toString()).toBe(one.toString());
  // And the one that this checkout makes.
  execFileSync(process.execPath, [join(workspace, "apps/web/build/main.ts")]);
  expect(readFileSync(join(workspace, "apps/web/dist/release.json"), "utf8")).toBe(one.toString());
});
