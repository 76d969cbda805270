import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { Fields, parseJson, unixSeconds } from "@porchlight/encoding";
import { type Clock, type ClockKind, ReplayClock, systemClock } from "./clock.ts";
import { RuntimeError } from "./error.ts";
import { createLogger, type Logger } from "./logger.ts";
import type { FromProgram, ToProgram } from "./messages.ts";

const STOP_LIMIT_MILLISECONDS = 15_000;
const DEFAULT_BEAT_SECONDS = 20;

export type ProgramContext<Config> = {
  readonly config: Config;
  /** The party's directory: the one that holds the configuration file. */
  readonly directory: string;
  readonly clockKind: ClockKind;
  readonly clock: Clock;
  readonly log: Logger;
  /** Calls after every tick of a replay clock, and every 20 seconds (config member `beatSeconds`) on the system's. */
  onTime(listener: () => void): void;
  /** Aborted when the program is asked to end. */
  readonly signal: AbortSignal;
};

export type Running = {
  /** The port that it listens on, where it does. */
  readonly port?: number;
  /** Finishes what is under way. Given 15 seconds. */
  stop(): Promise<void>;
};

export type Program<Config> = {
  readonly name: string;
  /** Reads the program's own members of the configuration; unknown members are refused afterwards. */
  readonly configure: (fields: Fields, directory: string) => Config;
  readonly main: (context: ProgramContext<Config>) => Promise<Running>;
};

/**
 * Runs a program as `node main.ts CONFIG.json`. The file is strict JSON; beside the program's own members it has
 * optionally `clock` ("system" or "replay"), `name` and `beatSeconds`.
 *
 * Under a supervisor (an IPC channel) it begins when told to, takes ticks only where its configuration says "replay",
 * ignores SIGINT (Ctrl-C is the supervisor's to handle) and ends when the channel closes, so that no program outlives
 * its supervisor. Without one it runs on the system's clock until SIGTERM or SIGINT.
 */
export function startProgram<Config>(program: Program<Config>): void {
  const stopping = new AbortController();
  const listeners: (() => void)[] = [];
  const supervised = process.send !== undefined;
  let running: Running | null = null;
  let log: Logger = createLogger(program.name, systemClock());
  let replay: ReplayClock | null = null;
  let began = false;
  let portFile: string | null = null;

  const say = (message: FromProgram): void => {
    // The channel may close at any time; "disconnect" then ends the program.
    if (process.connected) process.send?.(message, undefined, undefined, () => {});
  };
  const fail = (event: string, error: unknown): never => {
    log.failure(event, error);
    // For the person who started it; configuration and port errors name what to change.
    process.stderr.write(`${program.name}: ${error instanceof Error ? error.message : "failed"}\n`);
    process.exit(1);
  };
  const stop = (reason: string): void => {
    if (stopping.signal.aborted) return;
    stopping.abort();
    log.event("stopping", { reason });
    if (running === null) process.exit(0);
    setTimeout(() => process.exit(2), STOP_LIMIT_MILLISECONDS).unref();
    running.stop().then(
      () => {
        if (portFile !== null) rmSync(portFile, { force: true });
        process.exit(0);
      },
      (error: unknown) => fail("stop-failed", error),
    );
  };
  const notify = (): void => {
    for (const listener of listeners) {
      try {
        listener();
      } catch (error) {
        log.failure("time-listener-failed", error);
      }
    }
  };

  process.on("uncaughtException", (error) => fail("uncaught", error));
  process.on("unhandledRejection", (error) => fail("unhandled", error));

  const begin = (at: number | null): void => {
    const path = process.argv[2];
    if (path === undefined) {
      process.stderr.write(`usage: node ${process.argv[1] ?? "main.ts"} CONFIG.json\n`);
      process.exit(64);
    }
    const directory = dirname(resolve(path));
    let clockKind: ClockKind;
    let name: string;
    let beatSeconds: number;
    let config: Config;
    try {
      const fields = new Fields(parseJson(new Uint8Array(readFileSync(path)), "config"), "config");
      clockKind =
        fields.optional("clock") === undefined ? "system" : fields.literal("clock", "system", "replay");
      name = fields.optional("name") === undefined ? program.name : fields.string("name", 100);
      beatSeconds =
        fields.optional("beatSeconds") === undefined
          ? DEFAULT_BEAT_SECONDS
          : fields.integer("beatSeconds", 1, 3600);
      config = program.configure(fields, directory);
      fields.end();
    } catch (error) {
      return fail(
        "config-refused",
        new RuntimeError("config-unreadable", path, { cause: error, detail: (error as Error).message }),
      );
    }
    let clock: Clock;
    if (clockKind === "replay") {
      if (at === null) {
        return fail(
          "config-refused",
          new RuntimeError("clock-is-replay", path, {
            detail: "a replay clock needs a supervisor that ticks it",
          }),
        );
      }
      replay = new ReplayClock(unixSeconds(at));
      clock = replay;
    } else {
      if (at !== null) {
        return fail(
          "config-refused",
          new RuntimeError("clock-is-system", path, {
            detail: "the supervisor replays a clock, this configuration says system",
          }),
        );
      }
      clock = systemClock();
      setInterval(notify, beatSeconds * 1000).unref();
    }
    log = createLogger(name, clock);
    const context: ProgramContext<Config> = {
      config,
      directory,
      clockKind,
      clock,
      log,
      onTime: (listener) => void listeners.push(listener),
      signal: stopping.signal,
    };
    program.main(context).then(
      (started) => {
        running = started;
        const port = started.port ?? null;
        if (port !== null) {
          portFile = join(directory, "port");
          writeFileSync(portFile, `${port}\n`, { mode: 0o644 });
        }
        log.event("ready", { ...(port === null ? {} : { port }), pid: process.pid });
        say({ kind: "ready", port });
      },
      (error: unknown) => fail("start-failed", error),
    );
  };

  const tick = (id: number, at: number): void => {
    if (replay === null) return say({ kind: "ticked", id, refused: "clock-is-system" });
    try {
      replay.advance(unixSeconds(at));
    } catch {
      return say({ kind: "ticked", id, refused: "clock-backwards" });
    }
    say({ kind: "ticked", id, refused: null });
    notify();
  };

  process.on("SIGTERM", () => stop("SIGTERM"));
  if (!supervised) {
    process.on("SIGINT", () => stop("SIGINT"));
    // Keeps the process alive where main() holds nothing open itself.
    setInterval(() => {}, 2 ** 30);
    return begin(null);
  }
  process.on("SIGINT", () => {});
  process.on("disconnect", () => stop("supervisor-gone"));
  process.on("message", (message: ToProgram) => {
    if (message.kind === "tick") tick(message.id, message.at);
    else if (!began) {
      began = true;
      begin(message.at);
    }
  });
  say({ kind: "hello" });
}
