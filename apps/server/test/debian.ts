// PostgreSQL and NATS as Debian packages them, each in a directory of its own, to be killed. For tests only.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { freePort } from "../../../packages/runtime/test/free-port.ts";

/** `bin` of Debian's newest PostgreSQL, `null` where none is installed. */
export function debianPostgres(): string | null {
  const home = "/usr/lib/postgresql";
  if (!existsSync(home)) return null;
  const [newest] = readdirSync(home)
    .filter((name) => existsSync(join(home, name, "bin", "initdb")))
    .sort((a, b) => Number(b) - Number(a));
  return newest === undefined ? null : join(home, newest, "bin");
}

export function hasNats(): boolean {
  return spawnSync("nats-server", ["--version"], { stdio: "ignore" }).status === 0;
}

/** An unprivileged user: PostgreSQL refuses root. */
const OTHER = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

export class DebianPostgres {
  readonly #bin: string;
  readonly #directory: string;
  readonly port: number;
  #process: ChildProcess | null = null;

  private constructor(bin: string, directory: string, port: number) {
    this.#bin = bin;
    this.#directory = directory;
    this.port = port;
  }

  static async start(bin: string): Promise<DebianPostgres> {
    const directory = mkdtempSync(join(tmpdir(), "debian-pg-"));
    chmodSync(directory, 0o711);
    const data = join(directory, "data");
    mkdirSync(data, { mode: 0o700 });
    if (OTHER.uid !== undefined) chownSync(data, OTHER.uid, OTHER.gid);
    const made = spawnSync(
      join(bin, "initdb"),
      ["-D", data, "-U", "porchlight", "--auth=trust", "--encoding=UTF8", "--locale=C"],
      { ...OTHER, cwd: "/", encoding: "utf8" },
    );
    if (made.status !== 0) throw new Error(made.stderr);
    const postgres = new DebianPostgres(bin, directory, await freePort());
    await postgres.run();
    return postgres;
  }

  get url(): string {
    return `postgresql://porchlight@127.0.0.1:${this.port}/postgres`;
  }

  async run(): Promise<void> {
    const data = join(this.#directory, "data");
    const settings = ["unix_socket_directories=", "max_connections=60", "shared_buffers=32MB"];
    this.#process = spawn(
      join(this.#bin, "postgres"),
      ["-D", data, "-p", String(this.port), "-h", "127.0.0.1", ...settings.flatMap((one) => ["-c", one])],
      { ...OTHER, cwd: "/", stdio: "ignore" },
    );
    for (;;) {
      const client = new Client({ connectionString: this.url });
      client.on("error", () => {});
      try {
        await client.connect();
        return;
      } catch {
        if (this.#process.exitCode !== null) throw new Error("PostgreSQL did not start");
        await sleep(30);
      } finally {
        await client.end().catch(() => {});
      }
    }
  }

  async query(text: string): Promise<void> {
    const client = new Client({ connectionString: this.url });
    await client.connect();
    await client.query(text);
    await client.end();
  }

  /** SIGKILL to the postmaster; its children end by themselves, and only then can it be started again. */
  async kill(): Promise<void> {
    const one = this.#process;
    if (one === null) return;
    const ended = once(one, "exit");
    one.kill("SIGKILL");
    await ended;
    while (this.#clusterLives()) await sleep(30);
    rmSync(join(this.#directory, "data", "postmaster.pid"), { force: true });
  }

  #clusterLives(): boolean {
    const data = join(this.#directory, "data");
    return readdirSync("/proc")
      .filter((name) => /^[0-9]+$/.test(name))
      .some((pid) => {
        try {
          return readlinkSync(`/proc/${pid}/cwd`) === data;
        } catch {
          return false;
        }
      });
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

export class Nats {
  readonly port: number;
  #process: ChildProcess | null = null;

  private constructor(port: number) {
    this.port = port;
  }

  static async start(): Promise<Nats> {
    const nats = new Nats(await freePort());
    await nats.run();
    return nats;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  async run(): Promise<void> {
    this.#process = spawn("nats-server", ["-a", "127.0.0.1", "-p", String(this.port)], { stdio: "ignore" });
    await once(this.#process, "spawn");
  }

  async kill(): Promise<void> {
    const one = this.#process;
    if (one === null || one.exitCode !== null || one.signalCode !== null) return;
    const ended = once(one, "exit");
    one.kill("SIGKILL");
    await ended;
  }
}
