import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { UnixSeconds } from "@porchlight/encoding";
import { RuntimeError } from "./error.ts";
import type { FromProgram, ToProgram } from "./messages.ts";

export type ProgramSpec = {
  /** Unique among the supervisor's programs; its log is `NAME.log` in its directory. */
  readonly name: string;
  /** The program's entry module. */
  readonly entry: string;
  /** The party's directory; the configuration file is in it. */
  readonly directory: string;
  /** Name of the configuration file; `config.json` where it is left out. */
  readonly config?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Flags for Node itself. */
  readonly nodeFlags?: readonly string[];
};

/** An end that nobody asked for. */
export type UnexpectedExit = {
  readonly name: string;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
};

/** Programs that did not acknowledge a tick in time (stopped, or busy for longer), and those that refused it. */
export type TickResult = { readonly late: readonly string[]; readonly refused: readonly string[] };

export type SupervisorOptions = {
  /** Time of the replay clock that the programs run on; left out, they use the system's. */
  readonly replayFrom?: UnixSeconds;
  readonly onUnexpectedExit?: (exit: UnexpectedExit) => void;
  /** How long a program may take until it is ready. Three minutes where it is left out. */
  readonly readyMilliseconds?: number;
  /** How long an acknowledgement of a tick is awaited. 10 s where it is left out. */
  readonly tickMilliseconds?: number;
};

// Saves a third of a second for each program that starts. Beside the code, not in a temporary directory: whoever can write
// there could change the code itself.
const COMPILE_CACHE = join(import.meta.dirname, "../../../node_modules/.cache/compile");

type Child = {
  readonly spec: ProgramSpec;
  readonly process: ChildProcess;
  readonly port: number | null;
  readonly acknowledgements: Map<number, (refused: string | null) => void>;
  paused: boolean;
  expected: boolean;
};

/**
 * Runs the programs of a deployment on one machine: each in a process group of its own (Ctrl-C reaches the supervisor
 * alone), with an IPC channel whose closing ends it, under the same Node as this process.
 */
export class Supervisor {
  readonly #children = new Map<string, Child>();
  readonly #options: SupervisorOptions;
  #at: UnixSeconds | null;
  #ticks = 0;

  constructor(options: SupervisorOptions = {}) {
    this.#options = options;
    this.#at = options.replayFrom ?? null;
  }

  /** Names of the programs that run. */
  get names(): string[] {
    return [...this.#children.keys()];
  }

  /** The replay clock's time, `null` on the system's clock. */
  get at(): UnixSeconds | null {
    return this.#at;
  }

  port(name: string): number {
    const port = this.#child(name).port;
    if (port === null) throw new RuntimeError("program-not-ready", name, { detail: "it listens on no port" });
    return port;
  }

  pid(name: string): number {
    return this.#child(name).process.pid as number;
  }

  /**
   * Starts a program and resolves with its port when it is ready. Throws RuntimeError "program-exited" (the message ends
   * with what it wrote to standard error last) or "program-not-ready" after the time limit, when it is killed.
   */
  async start(spec: ProgramSpec): Promise<number | null> {
    if (this.#children.has(spec.name)) throw new RuntimeError("program-running", spec.name);
    mkdirSync(spec.directory, { recursive: true, mode: 0o700 });
    const logPath = join(spec.directory, `${spec.name}.log`);
    const output = openSync(logPath, "a", 0o600);
    const config = join(spec.directory, spec.config ?? "config.json");
    const spawned = spawn(process.execPath, [...(spec.nodeFlags ?? []), spec.entry, config], {
      detached: true,
      stdio: ["ignore", output, output, "ipc"],
      env: { NODE_COMPILE_CACHE: COMPILE_CACHE, ...process.env, ...spec.environment },
    });
    closeSync(output);
    const acknowledgements: Child["acknowledgements"] = new Map();
    const port = await this.#handshake(spec, spawned, acknowledgements, logPath);
    const child: Child = { spec, process: spawned, port, acknowledgements, paused: false, expected: false };
    this.#children.set(spec.name, child);
    spawned.once("exit", (code, signal) => {
      this.#children.delete(spec.name);
      for (const acknowledge of acknowledgements.values()) acknowledge("gone");
      if (!child.expected) this.#options.onUnexpectedExit?.({ name: spec.name, code, signal });
    });
    // It may have ended between its message and this turn.
    if (spawned.exitCode !== null || spawned.signalCode !== null) {
      this.#children.delete(spec.name);
      throw new RuntimeError("program-exited", spec.name);
    }
    // The clock may have moved on while it started.
    if (this.#at !== null) await this.#tickOne(child, this.#at);
    return port;
  }

  #handshake(
    spec: ProgramSpec,
    program: ChildProcess,
    acknowledgements: Child["acknowledgements"],
    logPath: string,
  ): Promise<number | null> {
    return new Promise((resolve, reject) => {
      let ready = false;
      let late = false;
      const limit = setTimeout(() => {
        late = true;
        killGroup(program);
      }, this.#options.readyMilliseconds ?? 180_000);
      program.on("message", (message: FromProgram) => {
        if (message.kind === "hello") this.#send(program, { kind: "begin", at: this.#at });
        else if (message.kind === "ticked") {
          acknowledgements.get(message.id)?.(message.refused);
          acknowledgements.delete(message.id);
        } else {
          ready = true;
          clearTimeout(limit);
          resolve(message.port);
        }
      });
      program.once("error", (error) => {
        clearTimeout(limit);
        reject(new RuntimeError("program-exited", spec.name, { cause: error }));
      });
      program.once("exit", () => {
        clearTimeout(limit);
        if (ready) return;
        if (late) return reject(new RuntimeError("program-not-ready", spec.name));
        reject(new RuntimeError("program-exited", spec.name, { detail: lastWords(logPath) }));
      });
    });
  }

  #send(program: ChildProcess, message: ToProgram): void {
    // A program that is just ending has closed its end; its exit is reported on its own.
    if (program.connected) program.send(message, () => {});
  }

  #child(name: string): Child {
    const child = this.#children.get(name);
    if (child === undefined) throw new RuntimeError("program-unknown", name);
    return child;
  }

  async #tickOne(child: Child, at: UnixSeconds): Promise<"taken" | "late" | "refused"> {
    const id = ++this.#ticks;
    const answer = new Promise<string | null>((resolve) => child.acknowledgements.set(id, resolve));
    this.#send(child.process, { kind: "tick", id, at });
    // A stopped program finds the tick in its channel when it is continued.
    if (child.paused) return "late";
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<"late">((resolve) => {
      timer = setTimeout(() => resolve("late"), this.#options.tickMilliseconds ?? 10_000);
    });
    const result = await Promise.race([answer, late]);
    clearTimeout(timer);
    if (result === null) return "taken";
    return result === "clock-is-system" || result === "clock-backwards" ? "refused" : "late";
  }

  /**
   * Moves the replay clock of every program to `at` and waits for their acknowledgements. Throws RuntimeError
   * "clock-is-system" where the deployment uses the system's clock and "clock-backwards" for an earlier time.
   */
  async tick(at: UnixSeconds): Promise<TickResult> {
    if (this.#at === null) throw new RuntimeError("clock-is-system", "supervisor");
    if (at < this.#at) throw new RuntimeError("clock-backwards", "supervisor");
    this.#at = at;
    const children = [...this.#children.values()];
    const results = await Promise.all(children.map((child) => this.#tickOne(child, at)));
    const named = (wanted: string): string[] =>
      children.filter((_, index) => results[index] === wanted).map((child) => child.spec.name);
    return { late: named("late"), refused: named("refused") };
  }

  /** SIGSTOP. */
  pause(name: string): void {
    const child = this.#child(name);
    child.paused = true;
    child.process.kill("SIGSTOP");
  }

  /** SIGCONT. */
  resume(name: string): void {
    const child = this.#child(name);
    child.paused = false;
    child.process.kill("SIGCONT");
  }

  /** SIGTERM, and SIGKILL to the whole process group where that does not help within 20 s. */
  async stop(name: string): Promise<void> {
    const child = this.#child(name);
    child.expected = true;
    const ended = once(child.process, "exit");
    child.process.kill("SIGTERM");
    // Whoever is stopped, by us or by hand, cannot end before it goes on.
    child.process.kill("SIGCONT");
    const force = setTimeout(() => killGroup(child.process), 20_000);
    await ended;
    clearTimeout(force);
  }

  /** SIGKILL to the program alone, as a crash would be: what it started is left to its own devices. */
  async kill(name: string): Promise<void> {
    const child = this.#child(name);
    child.expected = true;
    const ended = once(child.process, "exit");
    child.process.kill("SIGKILL");
    await ended;
  }

  /** Stops every program: all others at once, then the one started first, which they may still need while they end. */
  async stopAll(): Promise<void> {
    const [first, ...others] = this.names;
    await Promise.all(others.map(async (name) => await this.#stopIfThere(name)));
    if (first !== undefined) await this.#stopIfThere(first);
  }

  async #stopIfThere(name: string): Promise<void> {
    if (this.#children.has(name)) await this.stop(name);
  }
}

function killGroup(child: ChildProcess): void {
  try {
    process.kill(-(child.pid as number), "SIGKILL");
  } catch {
    // It ended in the meantime.
  }
}

/** The last line of the log that is no JSON: what a failing program wrote for the person who started it. */
function lastWords(logPath: string): string {
  const lines = readFileSync(logPath, "utf8").trimEnd().split("\n");
  return (
    lines.findLast((line) => line !== "" && !line.startsWith("{"))?.slice(0, 300) ??
    "ended before it was ready"
  );
}
