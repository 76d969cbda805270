// Processes that hold a PostgreSQL, to be killed. For tests only.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const HOLDER = fileURLToPath(new URL("./hold-postgres.ts", import.meta.url));

/** A directory of these programs only, to stand for a machine that has no others. */
export function pathOf(directory: string, ...programs: string[]): string {
  const bin = join(directory, "bin");
  mkdirSync(bin);
  for (const program of programs) {
    const found = spawnSync("which", [program], { encoding: "utf8" }).stdout.trim();
    if (found !== "") symlinkSync(found, join(bin, program));
  }
  return bin;
}

export async function hold(state: string, path: string): Promise<ChildProcess> {
  mkdirSync(state, { recursive: true, mode: 0o711 });
  const holder = spawn(process.execPath, [HOLDER, state], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, PATH: path },
  });
  await Promise.race([once(holder.stdout as NodeJS.ReadableStream, "data"), once(holder, "exit")]);
  if (holder.exitCode !== null) throw new Error("it ended before it was up");
  return holder;
}

export function postmaster(state: string): number {
  return Number(readFileSync(join(state, "postgres", "postmaster.pid"), "utf8").split("\n")[0]);
}
