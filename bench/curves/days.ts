// 1, 3 and 12 days of a chat through a whole deployment, as `porchlight demo` does it: CPU time of all processes.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { linesOf, realChats } from "../../e2e/chat.ts";
import type { Curve } from "./curve.ts";

const DAYS = [1, 3, 12];
const LINES_A_DAY = 1000;
const CLI = fileURLToPath(new URL("../../apps/cli/src/main.ts", import.meta.url));

type Line = { readonly at: string; readonly from: string; readonly text: string };

/** Days of about a thousand lines: of real chats where they lie beside the checkout, else of our own making. */
function chatDays(): Line[][] {
  if (realChats.length > 0) {
    const days = Map.groupBy(realChats.flatMap(linesOf), ({ at }) => at.slice(0, 10));
    return [...days.values()].filter(({ length }) => length > LINES_A_DAY / 2);
  }
  return Array.from({ length: 12 }, (_, day) =>
    Array.from({ length: LINES_A_DAY }, (_, i): Line => {
      const at = new Date(Date.UTC(2020, 1, 1 + day, 8, 0, i * 30)).toISOString().replace(".000Z", "Z");
      return { at, from: `person${(i * 7 + day) % 100}`, text: `Sentence ${i} of day ${day}.` };
    }),
  );
}

export function run(): Curve {
  const all = chatDays();
  const points = { cpu: [] as [number, number][], envelopes: [] as [number, number][] };
  for (const count of DAYS) {
    const days = all.slice(0, count);
    const last = days.at(-1) ?? [];
    const counts = Map.groupBy(last, ({ from }) => from);
    const [target] = [...counts].sort(([, a], [, b]) => b.length - a.length)[0] as [string, Line[]];
    const directory = mkdtempSync(join(tmpdir(), "porchlight-curve-"));
    const chat = join(directory, "chat.jsonl");
    writeFileSync(chat, days.flatMap((day) => day.map((line) => `${JSON.stringify(line)}\n`)).join(""));
    const command = [process.execPath, CLI, "demo", "--chat", chat, "--target", target];
    command.push("--day", last[0]?.at.slice(0, 10) ?? "", "--out", join(directory, "case"), "--json");
    command.push("--patience", "600");
    // The shell counts what all processes below it used, also those of other programs.
    const ran = spawnSync("bash", ["-c", 'TIMEFORMAT="%U %S"; time "$@"', "bash", ...command], {
      encoding: "utf8",
      maxBuffer: 2 ** 26,
    });
    if (ran.status !== 0) throw new Error(`demo of ${count} days: ${ran.stdout}${ran.stderr}`);
    const [user = 0, system = 0] = (ran.stderr.trim().split("\n").at(-1) ?? "").split(" ").map(Number);
    const report = JSON.parse(ran.stdout.trim().split("\n").at(-1) ?? "") as {
      messages: number;
      envelopes: number;
      envelopeBytes: number;
    };
    points.cpu.push([days.length, (user + system) * 1000]);
    points.envelopes.push([days.length, report.envelopeBytes]);
    console.error(`${days.length} days: ${report.messages} messages, ${report.envelopes} envelopes`);
    rmSync(directory, { recursive: true });
  }
  return {
    title: "Days of a chat",
    x: "days",
    series: [
      { what: "whole demonstration, all processes", unit: "CPU ms", points: points.cpu },
      { what: "envelopes of all days", unit: "bytes", points: points.envelopes },
    ],
  };
}
