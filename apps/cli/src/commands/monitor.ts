import { setTimeout as wait } from "node:timers/promises";
import { fromUtf8, type JsonObject, parseDecimal, type UnixSeconds, unixSeconds } from "@porchlight/encoding";
import { type Finding, type Look, Monitor, sentence, stateLine } from "@porchlight/monitor";
import { parsePolicy } from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import type { Command } from "commander";
import { EXIT, type ExitCode } from "../exit-code.ts";
import { logAt } from "../log-address.ts";
import { parsed, readInput } from "../options.ts";
import { action, type Context, type Streams } from "../terminal.ts";

type Options = {
  readonly policy: string;
  readonly state: string;
  readonly once?: boolean;
  readonly interval: number;
  readonly staleAfter: number;
};

const seconds = parsed((text) => Math.max(1, parseDecimal(text, "seconds")), "a whole number of seconds");
const NOT_ITS_FAULT = new Set<Finding["code"]>(["unreachable", "policy-unsatisfied"]);

export function registerMonitor(program: Command, streams: Streams): void {
  action(
    program
      .command("monitor")
      .argument("<url>", "a service, or the prefix of any C2SP tlog-tiles log")
      .description(
        "follow a log and report forks, stale witnesses, overdue notices, orders beyond the caps, unknown entries",
      )
      .requiredOption("--policy <file>", "the tlog-policy that its checkpoints must satisfy")
      .option("--state <dir>", "what was seen so far: keep it, to forget it is to forgive a fork", ".monitor")
      .option("--once", "look once and end: status 0 says that nothing was found")
      .option("--interval <seconds>", "between two looks", seconds, 60)
      .option("--stale-after <seconds>", "how old a checkpoint or a cosignature may be", seconds, 86_400),
    streams,
    async (options: Options, context, url: string) => {
      const monitor = await Monitor.open({
        source: await logAt(url),
        policy: parsePolicy(fromUtf8(await readInput(options.policy)), nodeSuite),
        directory: options.state,
        clock: { now },
        maxAge: options.staleAfter,
        suite: nodeSuite,
      });
      try {
        const look = options.once === true ? await monitor.look() : await follow(monitor, options, context);
        return { text: options.once === true ? inWords(look) : "", json: inJson(look), exit: exitOf(look) };
      } finally {
        await monitor.close();
      }
    },
  );
}

function now(): UnixSeconds {
  return unixSeconds(Math.floor(Date.now() / 1000));
}

/** Looks again and again until Ctrl-C, and says a finding when it is new. Returns the last look. */
async function follow(monitor: Monitor, options: Options, { json, streams }: Context): Promise<Look> {
  const stop = new AbortController();
  const end = (): void => stop.abort();
  process.once("SIGINT", end).once("SIGTERM", end);
  let known = new Set<string>();
  try {
    for (;;) {
      const look = await monitor.look();
      if (json) streams.out(`${JSON.stringify(inJson(look))}\n`);
      else {
        const sentences = look.findings.map((finding) => `  ${finding.code}: ${sentence(finding)}`);
        const fresh = sentences.filter((text) => !known.has(text));
        streams.out(`${[stateLine(look), ...fresh].join("\n")}\n`);
        known = new Set(sentences);
      }
      const stopped = await wait(1000 * options.interval, false, { signal: stop.signal }).catch(() => true);
      if (stopped) return look;
    }
  } finally {
    process.removeListener("SIGINT", end).removeListener("SIGTERM", end);
  }
}

function inWords(look: Look): string {
  const findings = look.findings.map((finding) => `  ${finding.code}: ${sentence(finding)}`);
  return [stateLine(look), ...findings].join("\n");
}

function inJson(look: Look): JsonObject {
  const { at, checkpoint, entries, witnesses, charters, orders, findings } = look;
  const { preservations, lifted, registrations, providerAnswers } = look;
  return {
    at,
    origin: checkpoint?.origin ?? null,
    size: checkpoint?.size ?? null,
    witnessedAt: checkpoint?.time ?? null,
    entries,
    witnesses: { ...witnesses },
    charters,
    orders,
    preservations,
    lifted,
    registrations,
    providerAnswers,
    findings: findings.map((finding) => ({
      ...(JSON.parse(JSON.stringify(finding)) as JsonObject),
      message: sentence(finding),
    })),
  };
}

function exitOf({ findings }: Look): ExitCode {
  if (findings.length === 0) return EXIT.done;
  if (findings.some(({ code }) => !NOT_ITS_FAULT.has(code))) return EXIT.refused;
  return findings.some(({ code }) => code === "unreachable") ? EXIT.unavailable : EXIT.notYet;
}
