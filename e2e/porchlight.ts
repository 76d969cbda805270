import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const bin = fileURLToPath(new URL("../apps/cli/bin/porchlight.mjs", import.meta.url));

export type Ended = { readonly code: number | null; readonly out: string; readonly err: string };

/** The command line as a user starts it. */
export function start(args: readonly string[]): {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  readonly line: (fits: (line: string) => boolean) => Promise<string>;
} {
  const child = spawn(process.execPath, [bin, ...args], { stdio: ["pipe", "pipe", "pipe"] });
  let out = "";
  let err = "";
  const watchers = new Set<() => void>();
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
    for (const watch of watchers) watch();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    err += chunk.toString();
  });
  const ended = new Promise<Ended>((resolve) => child.on("close", (code) => resolve({ code, out, err })));
  const line = async (fits: (line: string) => boolean): Promise<string> =>
    await new Promise((resolve, reject) => {
      const look = (): void => {
        const found = out.split("\n").find(fits);
        if (found === undefined) return;
        watchers.delete(look);
        resolve(found);
      };
      watchers.add(look);
      look();
      void ended.then(({ code }) => reject(new Error(`ended with ${code} before the line came: ${err}`)));
    });
  return { child, ended, line };
}

export async function porchlight(...args: readonly string[]): Promise<Ended> {
  const { child, ended } = start(args);
  child.stdin?.end();
  return await ended;
}

/** The last line of `--json` output. */
export function answer<T>({ out }: Ended): T {
  return JSON.parse(out.trimEnd().split("\n").at(-1) ?? "") as T;
}
