import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root: string = join(dirname(fileURLToPath(import.meta.url)), "..");

export type Step = {
  readonly name: string;
  /** Relative to the root. */
  readonly script: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Its output comes in one piece when it ends, so that steps can run beside each other. */
  readonly together?: boolean;
};

/** Runs one command under the packaged Node; true where it ended with 0. */
export async function step({ name, script, args, env = {}, together = false }: Step): Promise<boolean> {
  const started = performance.now();
  const child = spawn(process.execPath, [join(root, script), ...args], {
    cwd: root,
    stdio: ["ignore", together ? "pipe" : "inherit", together ? "pipe" : "inherit"],
    env: { ...process.env, ...env },
  });
  const output: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (bytes: Buffer) => output.push(bytes));
  }
  const [status] = (await once(child, "close")) as [number | null];
  process.stdout.write(Buffer.concat(output));
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const passed = status === 0;
  console.log(`${passed ? "ok  " : "FAIL"} ${name} (${seconds} s)`);
  return passed;
}
