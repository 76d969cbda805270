import { run } from "../src/program.ts";

/** What the program says to a command line, in this process; nobody sits at its terminal. */
export async function typed(
  ...argv: readonly string[]
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  let out = "";
  let err = "";
  const streams = {
    out: (text: string): void => {
      out += text;
    },
    error: (text: string): void => {
      err += text;
    },
    interactive: false,
    confirm: () => Promise.resolve(false),
  };
  const code = await run(argv, streams);
  process.exitCode = 0;
  return { code, out, err };
}
