import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { formatInstant, fromUtf8, unixSeconds } from "@porchlight/encoding";
import { csvFiles, readLog, reportPage } from "@porchlight/report";
import { parsePolicy } from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import type { Command } from "commander";
import { logAt } from "../log-address.ts";
import { readInput } from "../options.ts";
import { action, formatRows, type Streams } from "../terminal.ts";

export function registerReport(program: Command, streams: Streams): void {
  action(
    program
      .command("report")
      .argument("<url>", "a service, or the prefix of its log")
      .description("count what a deployment did, from its public log alone: a page and CSV files")
      .requiredOption("--policy <file>", "the tlog-policy that its checkpoint must satisfy")
      .requiredOption("--out <dir>", "where report.html and the CSV files go"),
    streams,
    async (options: { readonly policy: string; readonly out: string }, _context, url: string) => {
      const reported = await readLog({
        source: await logAt(url),
        policy: parsePolicy(fromUtf8(await readInput(options.policy)), nodeSuite),
        clock: { now: () => unixSeconds(Math.floor(Date.now() / 1000)) },
        suite: nodeSuite,
      });
      const files = new Map([["report.html", reportPage(reported)], ...csvFiles(reported.charters)]);
      await mkdir(options.out, { recursive: true });
      for (const [name, text] of files) await writeFile(join(options.out, name), text);
      const { checkpoint, unknown, charters } = reported;
      const orders = charters.flatMap((one) => one.orders).reduce((sum, { logged }) => sum + logged, 0);
      return {
        text: formatRows([
          { term: "Log", text: `${checkpoint.origin}, ${checkpoint.size} entries, all rehashed` },
          { term: "Witnessed", text: formatInstant(checkpoint.time) },
          {
            term: "Orders",
            text: `${orders} under ${charters.length} ${charters.length === 1 ? "charter" : "charters"}`,
          },
          { term: "Written", text: [...files.keys()].map((name) => join(options.out, name)).join("\n") },
        ]),
        json: {
          origin: checkpoint.origin,
          size: checkpoint.size,
          witnessedAt: checkpoint.time,
          unknown,
          charters: charters.map(({ charter, ...rest }) => ({
            charter: charter.id,
            ...structuredClone(rest),
          })),
          files: [...files.keys()],
        } as never,
      };
    },
  );
}
