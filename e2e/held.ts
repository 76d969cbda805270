import { type Line, writeChat } from "./chat.ts";
import { start } from "./porchlight.ts";

export type Subject = { readonly lines: readonly Line[]; readonly target: string; readonly day: string };

/** Generous: on a busy machine a deployment takes its time, and no test of it is about speed. */
export const LIMIT = 900_000;

/** A demonstration that waits before the release, and by now has three of its five keyholders stopped. */
export async function held(
  { lines, target, day }: Subject,
  out: string,
  patience: number,
  more: readonly string[] = [],
) {
  const running = start([
    ...["demo", "--chat", writeChat(lines), "--target", target, "--day", day, "--out", out],
    ...["--hold", "release", "--patience", String(patience), "--json", ...more],
  ]);
  const line = await running.line((text) => text.startsWith('{"hold"'));
  const { pids } = JSON.parse(line) as { pids: Record<string, number> };
  const three = ["keyholder-1", "keyholder-2", "keyholder-4"].map((name) => pids[name] as number);
  for (const pid of three) process.kill(pid, "SIGSTOP");
  running.child.stdin?.write("\n");
  return { ended: running.ended, three };
}
