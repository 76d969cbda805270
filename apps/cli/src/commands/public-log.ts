import { once } from "node:events";
import { fromUtf8, unixSeconds } from "@porchlight/encoding";
import { PublicLog, serveSite } from "@porchlight/public-log";
import { parsePolicy } from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import type { Command } from "commander";
import { logAt } from "../log-address.ts";
import { portUpTo, readInput } from "../options.ts";
import { action, type Streams } from "../terminal.ts";

const LOOK_MILLISECONDS = 20_000;

type Options = {
  readonly policy: string;
  readonly state: string;
  readonly port: number;
  readonly host: string;
};

/** `porchlight public-log`: the log's site for the public, until Ctrl-C. Anybody can run one, of any deployment. */
export function registerPublicLog(program: Command, streams: Streams): void {
  action(
    program
      .command("public-log")
      .argument("<url>", "a service, or the prefix of its log")
      .description("copy and check a public log, and serve it as pages that anyone can read, until Ctrl-C")
      .requiredOption("--policy <file>", "the tlog-policy that its checkpoints must satisfy")
      .option("--state <dir>", "where the copy is kept", "public-log")
      .option("--port <port>", "where it is served; 0 lets the system choose", portUpTo(65_535), 7420)
      .option("--host <address>", "address to listen on", "127.0.0.1"),
    streams,
    async (options: Options, context, url: string) => {
      const log = await PublicLog.open({
        source: await logAt(url),
        policy: parsePolicy(fromUtf8(await readInput(options.policy)), nodeSuite),
        directory: options.state,
        clock: { now: () => unixSeconds(Math.floor(Date.now() / 1000)) },
        suite: nodeSuite,
      });
      const site = await serveSite(log, options, (event) => streams.error(`${event}\n`));
      const look = (): void => void log.look().catch(() => streams.error("look-failed\n"));
      look();
      const timer = setInterval(look, LOOK_MILLISECONDS);
      const address = `http://${options.host === "127.0.0.1" ? "localhost" : options.host}:${site.port}`;
      streams.out(context.json ? `${JSON.stringify({ ready: true, url: address })}\n` : `${address}\n`);
      try {
        await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
      } finally {
        clearInterval(timer);
        await site.close();
      }
      return { text: "stopped", json: { stopped: true } };
    },
  );
}
