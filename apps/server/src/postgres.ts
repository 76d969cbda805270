import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { syncDirectory } from "@porchlight/durable";
import type { Logger } from "@porchlight/runtime";
import { Client, type ClientConfig } from "pg";
import { ServerError } from "./error.ts";
import { findPostgres, type PostgresProgram } from "./postgres-program.ts";

/** How to reach a running PostgreSQL. */
export type Postgres = {
  readonly connection: ClientConfig;
  /** Rejects when PostgreSQL is gone for good; never resolves. */
  readonly failed: Promise<never>;
  stop(): Promise<void>;
};

const USER = "porchlight";
const SOCKET_PREFIX = "plpg-";
/** In the server's directory: where its socket directory is. */
const SOCKETS_FILE = "postgres.sockets";
const START_LIMIT = 60_000;
const STOP_LIMIT = 20_000;
/** Restarts within a minute before the server gives up. */
const MAX_RESTARTS = 5;

// Statements carry ciphertext and account ids: PostgreSQL's own log must never show them.
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: "",
  unix_socket_permissions: "0700",
  max_connections: "40",
  shared_buffers: "64MB",
  wal_level: "minimal",
  max_wal_senders: "0",
  max_wal_size: "512MB",
  fsync: "on",
  synchronous_commit: "on",
  full_page_writes: "on",
  jit: "off",
  log_statement: "none",
  log_min_error_statement: "panic",
  log_error_verbosity: "terse",
  log_parameter_max_length: "0",
  log_parameter_max_length_on_error: "0",
};

/**
 * Runs PostgreSQL for one server: `DIRECTORY/postgres` holds its data, `DIRECTORY/postgres.log` what it says, its unix
 * socket is in a private directory with a short path. One that an earlier, killed server left over is stopped first.
 * The caller holds the directory's lock. With `url` another PostgreSQL is used and nothing is started.
 */
export async function startPostgres(directory: string, log: Logger, url?: string): Promise<Postgres> {
  if (url !== undefined) {
    const connection = { connectionString: url };
    await reachable(connection, () => null);
    return { connection, failed: new Promise(() => {}), stop: () => Promise.resolve() };
  }
  const program = findPostgres();
  const data = join(directory, "postgres");
  await stopLeftOver(data, log);
  removeSockets(directory);
  if (!existsSync(data)) await initialize(program, directory, data);
  return await Supervised.start(program, directory, data, log);
}

async function initialize(program: PostgresProgram, directory: string, data: string): Promise<void> {
  // A crash half-way leaves this directory and never one that looks finished.
  const unfinished = `${data}.new`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { mode: 0o700 });
  program.own(unfinished);
  const output = openSync(join(directory, "postgres.log"), "a", 0o600);
  const child = program.spawn(
    "initdb",
    ["-D", unfinished, "-U", USER, "--auth=trust", "--encoding=UTF8", "--locale=C"],
    { cwd: directory, stdio: ["ignore", output, output], env: environment() },
  );
  const [code] = (await once(child, "exit")) as [number | null];
  closeSync(output);
  if (code !== 0) {
    throw new ServerError("postgres-failed", `initdb failed: see ${join(directory, "postgres.log")}`);
  }
  renameSync(unfinished, data);
  await syncDirectory(directory);
}

function environment(): NodeJS.ProcessEnv {
  // PostgreSQL reads PG* variables and the operator's may point elsewhere.
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith("PG"));
  return { ...Object.fromEntries(kept), LC_ALL: "C" };
}

class Supervised implements Postgres {
  readonly connection: ClientConfig;
  readonly failed: Promise<never>;
  readonly #program: PostgresProgram;
  readonly #directory: string;
  readonly #data: string;
  readonly #sockets: string;
  readonly #log: Logger;
  #fail: (error: Error) => void = () => {};
  #child: ChildProcess | null = null;
  #stopping = false;
  #restarts: number[] = [];

  private constructor(
    program: PostgresProgram,
    directory: string,
    data: string,
    sockets: string,
    log: Logger,
  ) {
    this.#program = program;
    this.#directory = directory;
    this.#data = data;
    this.#sockets = sockets;
    this.#log = log;
    this.connection = { host: sockets, user: USER, database: "postgres" };
    this.failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.failed.catch(() => {});
  }

  static async start(
    program: PostgresProgram,
    directory: string,
    data: string,
    log: Logger,
  ): Promise<Supervised> {
    // Not in the state directory: a socket's path may have 107 bytes at most.
    const sockets = mkdtempSync(join(tmpdir(), SOCKET_PREFIX));
    writeFileSync(join(directory, SOCKETS_FILE), sockets, { mode: 0o600 });
    program.own(sockets);
    const supervised = new Supervised(program, directory, data, sockets, log);
    try {
      await supervised.#launch();
    } catch (error) {
      await supervised.stop();
      throw error;
    }
    return supervised;
  }

  async #launch(): Promise<void> {
    const output = openSync(join(this.#directory, "postgres.log"), "a", 0o600);
    const settings = Object.entries({ ...SETTINGS, unix_socket_directories: this.#sockets });
    const child = this.#program.spawn(
      "postgres",
      ["-D", this.#data, ...settings.flatMap(([name, value]) => ["-c", `${name}=${value}`])],
      // Its own process group: Ctrl-C in a terminal is for the supervisor to handle.
      { cwd: this.#directory, stdio: ["ignore", output, output], detached: true, env: environment() },
    );
    closeSync(output);
    this.#child = child;
    let exited = false;
    child.on("error", () => {
      exited = true;
    });
    child.on("exit", () => {
      exited = true;
      if (this.#child === child) this.#child = null;
    });
    await reachable(this.connection, () =>
      exited ? `PostgreSQL ended: see ${join(this.#directory, "postgres.log")}` : null,
    );
    child.on("exit", () => this.#ended());
    if (exited) this.#ended();
  }

  #ended(): void {
    if (this.#stopping) return;
    const now = performance.now();
    this.#restarts = [...this.#restarts.filter((at) => now - at < 60_000), now];
    this.#log.event("postgres-ended", { restarts: this.#restarts.length });
    const giveUp = (cause?: unknown): void =>
      this.#fail(
        new ServerError(
          "postgres-failed",
          `PostgreSQL ends again and again: see ${join(this.#directory, "postgres.log")}`,
          { cause },
        ),
      );
    if (this.#restarts.length > MAX_RESTARTS) return giveUp();
    stopLeftOver(this.#data, this.#log)
      .then(() => (this.#stopping ? undefined : this.#launch()))
      .catch(giveUp);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (child !== null) {
      const ended = once(child, "exit");
      // SIGINT: "fast" shutdown, open transactions are rolled back and a checkpoint is written.
      child.kill("SIGINT");
      const late = setTimeout(() => child.kill("SIGQUIT"), STOP_LIMIT / 2);
      await ended;
      clearTimeout(late);
    }
    removeSockets(this.#directory);
  }
}

/** Removes the socket directory that this or an earlier, killed server made. */
function removeSockets(directory: string): void {
  const note = join(directory, SOCKETS_FILE);
  if (!existsSync(note)) return;
  const sockets = readFileSync(note, "utf8");
  if (basename(sockets).startsWith(SOCKET_PREFIX)) rmSync(sockets, { recursive: true, force: true });
  rmSync(note);
}

async function reachable(connection: ClientConfig, ended: () => string | null): Promise<void> {
  const until = performance.now() + START_LIMIT;
  for (;;) {
    const client = new Client({ ...connection, connectionTimeoutMillis: 5000 });
    client.on("error", () => {});
    try {
      await client.connect();
      await client.query("select 1");
      return;
    } catch (cause) {
      const reason = ended();
      if (reason !== null) throw new ServerError("postgres-failed", reason, { cause });
      if (performance.now() > until) {
        throw new ServerError(
          "postgres-failed",
          "PostgreSQL does not answer: check DATABASE_URL or postgres.log",
          {
            cause,
          },
        );
      }
    } finally {
      await client.end().catch(() => {});
    }
    await sleep(25);
  }
}

/**
 * Ends what an earlier server left running in `data`. A postmaster that was killed may stay behind as a zombie that
 * nobody reaps: its process id still answers and PostgreSQL would refuse to start, so its pid file is removed here,
 * once no process of that cluster is left.
 */
async function stopLeftOver(data: string, log: Logger): Promise<void> {
  const pidFile = join(data, "postmaster.pid");
  if (!existsSync(pidFile)) return;
  const pid = Number(readFileSync(pidFile, "utf8").split("\n")[0]);
  const until = performance.now() + STOP_LIMIT;
  let signal: NodeJS.Signals = "SIGINT";
  for (;;) {
    const left = clusterProcesses(data, pid);
    if (left.length === 0) break;
    if (performance.now() > until) {
      throw new ServerError(
        "postgres-stuck",
        `a PostgreSQL (process ${pid}) still runs in ${data} and does not end: stop it and start again`,
      );
    }
    log.event("postgres-left-over", { processes: left.length, signal });
    // The postmaster ends its children; alone they end by themselves when they notice.
    if (left.includes(pid)) kill(pid, signal);
    if (performance.now() > until - STOP_LIMIT / 2) {
      signal = "SIGQUIT";
      if (!left.includes(pid)) for (const process of left) kill(process, signal);
    }
    await sleep(100);
  }
  rmSync(pidFile, { force: true });
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone meanwhile.
  }
}

/** Live processes of the cluster: every PostgreSQL process works in its data directory. */
function clusterProcesses(data: string, postmaster: number): number[] {
  if (!existsSync("/proc/self/cwd")) return alive(postmaster) ? [postmaster] : [];
  return readdirSync("/proc")
    .filter((name) => /^[0-9]+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`) === data && !isZombie(pid);
      } catch {
        return false;
      }
    });
}

function isZombie(pid: number): boolean {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).startsWith("Z");
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
