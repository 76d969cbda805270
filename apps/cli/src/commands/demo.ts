import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { type DemonstrationReport, DeploymentError, demonstrate } from "@porchlight/deployment";
import type { DayNumber, JsonObject } from "@porchlight/encoding";
import { type Command, Option } from "commander";
import { CommandError, EXIT } from "../exit-code.ts";
import { day, parsed } from "../options.ts";
import { phases } from "../phases.ts";
import { action, formatRows, type Streams } from "../terminal.ts";

type Options = {
  readonly chat: string[];
  readonly target: string;
  readonly day: DayNumber;
  readonly out: string;
  readonly state?: string;
  readonly hold?: "release";
  readonly holdSeconds: number;
  readonly patience: number;
  readonly seed?: string;
};

const seconds = parsed((text) => {
  const value = Number(text);
  if (!/^[0-9]{1,5}$/.test(text)) throw new CommandError(EXIT.usage, "usage", "whole seconds are needed");
  return value;
}, "whole seconds");

/** `porchlight demo`: the main job on real input. */
export function registerDemo(program: Command, streams: Streams): void {
  action(
    program
      .command("demo")
      .description(
        "replay real chats on a whole deployment, open one person's day by warrant, try what must fail",
      )
      .requiredOption(
        "--chat <file>",
        'chat, JSON lines of "at", "from", "text"; may be repeated',
        (file: string, all: string[] = []) => [...all, file],
      )
      .requiredOption("--target <handle>", "whose messages the warrant opens")
      .requiredOption("--day <YYYY-MM-DD>", "of which UTC day", day)
      .requiredOption("--out <dir>", "where the evidence goes: evidence.age, and evidence/ unpacked")
      .option("--state <dir>", "keep each party's directory here (an empty directory)")
      .addOption(
        new Option(
          "--hold <point>",
          "stop before any share leaves until a line comes in, or STATE/continue appears",
        ).choices(["release"]),
      )
      .option(
        "--hold-seconds <n>",
        "go on by itself after so long, where nobody can type a line",
        seconds,
        20,
      )
      .option("--patience <seconds>", "how long keyholders may take to release", seconds, 60)
      .option("--seed <n>", "derives the accounts' keys; the messages' own randomness stays random"),
    streams,
    async (options: Options, context) => {
      const stop = new AbortController();
      const onSignal = (): void => stop.abort();
      process.once("SIGINT", onSignal).once("SIGTERM", onSignal);
      const { progress, finish } = phases(context);
      try {
        const report = await demonstrate({
          chats: options.chat,
          target: options.target,
          day: options.day,
          out: resolve(options.out),
          state: options.state === undefined ? null : resolve(options.state),
          seed: options.seed ?? null,
          patience: options.patience,
          hold: options.hold === undefined ? null : async (pids) => await holdOn(pids, options, context),
          progress,
          signal: stop.signal,
        });
        return { text: inWords(report, options), json: report as unknown as JsonObject };
      } catch (error) {
        if (stop.signal.aborted)
          throw new CommandError(EXIT.notYet, "stopped", "stopped; nothing is left running");
        if (error instanceof DeploymentError) {
          const usage = [
            "chat-invalid",
            "chat-empty",
            "target-silent",
            "state-foreign",
            "state-mismatch",
          ].includes(error.code);
          const exit = usage ? EXIT.usage : error.code === "release-incomplete" ? EXIT.notYet : EXIT.refused;
          throw new CommandError(exit, error.code, error.message, { cause: error });
        }
        throw error;
      } finally {
        finish();
        process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
      }
    },
  ).addHelpText(
    "after",
    `
Example:
  porchlight demo --chat chat.jsonl --target merry-ram --day 2013-05-05 --out case

Every day of the chat the reader commits once: it removes who is silent that day, adds who speaks and renews the
keys. Each speaker holds its own state; one reader decrypts and verifies everything; ten members recompute all
envelopes of the warrant's day. All parties run on this computer, on a replayed clock: it shows the procedure and
protects nobody.`,
  );
}

async function holdOn(
  pids: Readonly<Record<string, number>>,
  options: Options,
  { json, streams }: { readonly json: boolean; readonly streams: Streams },
): Promise<void> {
  if (json) streams.out(`${JSON.stringify({ hold: "release", pids })}\n`);
  const list = Object.entries(pids).map(([name, pid]) => `${name} ${pid}`);
  streams.error(`holding: no share has left. Process ids: ${list.join(", ")}\nPress Enter to go on.\n`);
  const lines = createInterface({ input: process.stdin });
  const typed = new Promise<void>((go) => lines.once("line", () => go()));
  const closed = new Promise<void>((go) => lines.once("close", () => go())).then(
    async () => await sleep(1000 * options.holdSeconds),
  );
  const appeared = async (): Promise<void> => {
    if (options.state === undefined) return await new Promise(() => {});
    while (!existsSync(join(options.state, "continue"))) await sleep(200, undefined, { ref: false });
  };
  await Promise.race([typed, closed, appeared()]);
  lines.close();
}

function inWords(report: DemonstrationReport, options: Options): string {
  const {
    members,
    messages,
    envelopes,
    envelopeBytes,
    sampled,
    opened,
    refusals,
    seconds: phasesTook,
  } = report;
  return [
    formatRows([
      {
        term: "Conversation",
        text: `${members} people, ${messages} messages; the reader decrypted and verified ${report.read}`,
      },
      {
        term: "Envelopes",
        text: `${envelopes} of ${Math.round(envelopeBytes / Math.max(1, envelopes))} bytes; nothing is added to a message`,
      },
      {
        term: "Recomputed",
        text: `${sampled.members} sampled members checked ${sampled.envelopes} envelopes byte for byte`,
      },
      {
        term: "Opened by warrant",
        text: `${opened} messages, exactly what ${options.target} wrote that day`,
      },
      {
        term: "Evidence",
        text: `${join(options.out, "evidence.age")}\n${join(options.out, "evidence/data/index.html")}`,
      },
      {
        term: "Refused",
        text: refusals.map(({ name, by, code }) => `${name}: ${code}, by ${by}`).join("\n"),
      },
      {
        term: "Seconds",
        text: Object.entries(phasesTook)
          .map(([phase, took]) => `${phase} ${took.toFixed(1)}`)
          .join(", "),
      },
    ]),
    "",
    "Each day the reader commits once (removes who is silent, adds who speaks, renews its path), each speaker holds its",
    "own state, one reader decrypts and verifies everything. The clock was replayed; all parties ran on this computer.",
  ].join("\n");
}
