import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const BUILD = fileURLToPath(new URL("../../apps/web/build/main.ts", import.meta.url));

/** Builds the web app, or another thing that its build makes; the directory that it is in. */
export async function buildWeb(...options: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [BUILD, ...options]);
  return (JSON.parse(stdout.trim().split("\n").at(-1) as string) as { directory: string }).directory;
}
