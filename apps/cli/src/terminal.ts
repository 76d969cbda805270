import { createInterface } from "node:readline/promises";
import type { JsonObject } from "@porchlight/encoding";
import type { Words } from "@porchlight/evidence";
import { Presets, SingleBar } from "cli-progress";
import type { Command } from "commander";
import { EXIT, type ExitCode, explain } from "./exit-code.ts";

/** What a command comes to: text for a person, an object for a program. */
export type Outcome = { readonly text: string; readonly json: JsonObject; readonly exit?: ExitCode };

/** Where a command's words go; a test gives its own. */
export type Streams = {
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
  /** Whether a person sits at standard error. */
  readonly interactive: boolean;
  /** Asks whoever sits there; a no where nobody answers. */
  readonly confirm: (question: string) => Promise<boolean>;
};

export const PROCESS_STREAMS: Streams = {
  out: (text) => process.stdout.write(text),
  error: (text) => process.stderr.write(text),
  interactive: process.stderr.isTTY,
  confirm: async (question) => {
    const lines = createInterface({ input: process.stdin, output: process.stderr });
    try {
      // Standard input that ends is a no.
      const end = new Promise<string>((resolve) => lines.once("close", () => resolve("")));
      const answer = await Promise.race([lines.question(`${question} [y/N] `), end]);
      return /^y(es)?$/i.test(answer.trim());
    } finally {
      lines.close();
    }
  },
};

/** A bar on standard error for who watches; nothing where the output goes to a file or a program. */
type Progress = (phase: string, done: number, total: number) => void;

function progressBar(shown: boolean): { readonly progress: Progress; readonly stop: () => void } {
  if (!shown) return { progress: () => {}, stop: () => {} };
  let bar: SingleBar | null = null;
  let current = "";
  const stop = (): void => {
    bar?.stop();
    bar = null;
    current = "";
  };
  return {
    progress: (phase, done, total) => {
      if (phase !== current) {
        stop();
        current = phase;
        bar = new SingleBar(
          { format: "{phase} {bar} {value}/{total}", stream: process.stderr, hideCursor: true },
          Presets.shades_classic,
        );
        bar.start(Math.max(1, total), done, { phase: phase.padEnd(10) });
      } else bar?.update(done);
    },
    stop,
  };
}

/** Runs a command's work, prints what came of it in the form that was asked for, and sets the exit status. */
async function conclude(json: boolean, streams: Streams, work: () => Promise<Outcome>): Promise<ExitCode> {
  try {
    const { text, json: object, exit = EXIT.done } = await work();
    if (json) streams.out(`${JSON.stringify({ ok: exit === EXIT.done, ...object })}\n`);
    else streams.out(text.endsWith("\n") || text === "" ? text : `${text}\n`);
    return exit;
  } catch (error) {
    const { exit, code, message } = explain(error);
    if (json) streams.out(`${JSON.stringify({ ok: false, code, message })}\n`);
    else streams.error(`porchlight: ${message} (${code})\n`);
    if (exit === EXIT.internal && error instanceof Error && process.env["PORCHLIGHT_DEBUG"] === "1") {
      streams.error(`${error.stack ?? ""}\n`);
    }
    return exit;
  }
}

/** What every command's work gets beside its own options. */
export type Context = { readonly json: boolean; readonly progress: Progress; readonly streams: Streams };

/** A command with `--json`, whose action returns an {@link Outcome}. */
// oxlint-disable-next-line no-unnecessary-type-parameters -- each command names its own options and arguments
export function action<Options extends object, Args extends readonly unknown[]>(
  command: Command,
  streams: Streams,
  work: (options: Options, context: Context, ...args: Args) => Promise<Outcome>,
): Command {
  return command
    .option("--json", "print one JSON object instead of text")
    .action(async (...given: unknown[]) => {
      // commander passes the arguments, then the options, then the command.
      const options = given.at(-2) as Options & { json?: boolean };
      const json = options.json === true;
      const { progress, stop } = progressBar(streams.interactive && !json);
      const args = given.slice(0, -2) as unknown as Args;
      process.exitCode = await conclude(json, streams, async () => {
        try {
          return await work(options, { json, progress, streams }, ...args);
        } finally {
          stop();
        }
      });
    });
}

const TERM_WIDTH = 26;
const TEXT_WIDTH = 94;

/** Lines of at most `width` characters, broken at spaces; a longer word stays whole, so that it can be copied. */
function wrapped(line: string, width: number): string[] {
  const lines: string[] = [];
  let current = "";
  for (const word of line.split(" ")) {
    if (current !== "" && current.length + 1 + word.length > width) {
      lines.push(current);
      current = word;
    } else current = lines.length === 0 && current === "" ? word : `${current} ${word}`;
  }
  return [...lines, current];
}

/** Rows of terms and texts, the texts indented under one another. */
export function formatRows(rows: readonly Words[]): string {
  const indent = " ".repeat(TERM_WIDTH);
  return rows
    .map(({ term, text }) => {
      const [first = "", ...rest] = text.split("\n").flatMap((line) => wrapped(line, TEXT_WIDTH));
      return [`${term.padEnd(TERM_WIDTH - 1)} ${first}`, ...rest.map((line) => `${indent}${line}`)].join(
        "\n",
      );
    })
    .join("\n");
}

/** `1 message`, `2 messages`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/**
 * What others wrote, for a terminal: control characters (which could move the cursor, set its colours or its title) and
 * those that hide or reorder text are shown by number.
 */
export function printable(text: string): string {
  return text.replace(
    // oxlint-disable-next-line no-control-regex -- they are what is looked for
    /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (char) => `<U+${(char.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, "0")}>`,
  );
}

/** Columns as wide as their widest cell. */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? "").length)),
  );
  return [header, ...rows]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
