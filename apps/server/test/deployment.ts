// A real server process with a database of its own and the keys of the paper deployment that the vectors use, and its
// seven cosigners in this process. For tests only.
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Charter, formatEntry } from "@porchlight/charter";
import { createPassphrase, readPassphrase, SecretStore } from "@porchlight/durable";
import {
  type DayNumber,
  hex,
  type Period,
  parseDay,
  periodOf,
  type UnixSeconds,
  unixSeconds,
  utf8,
} from "@porchlight/encoding";
import { callAdmin, Supervisor } from "@porchlight/runtime";
import {
  entriesPath,
  formatVkey,
  makeSigner,
  makeVerifierKey,
  parseEntries,
  parsePolicy,
} from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import { Cosigner, ServerClient } from "@porchlight/wire";
import { Client } from "pg";
import { freePort } from "../../../packages/runtime/test/free-port.ts";
import {
  charterDocument,
  charterOf,
  DEPLOYMENT,
  keysDocument,
  onDay,
  POLICY,
  seedOf,
  signedCharter,
  signedKeys,
} from "../../../vectors/fixture/deployment.ts";
import { newDatabase } from "./shared-postgres.ts";

export const ORIGIN = `log.${DEPLOYMENT}`;
export const DAY: DayNumber = parseDay("2026-09-01");
const ENTRY = fileURLToPath(new URL("../src/main.ts", import.meta.url));

/** Witnesses and keyholders as far as they cosign. Each can be taken down. */
export class Cosigners {
  readonly policy = parsePolicy(POLICY, nodeSuite);
  readonly down = new Set<string>();
  /** Cosigners that take the request and never answer. */
  readonly hanging = new Set<string>();
  /** Those that hang and on which whoever asked has given up. */
  readonly givenUp = new Set<string>();
  readonly #server: Server;
  readonly #now: () => UnixSeconds;

  private constructor(server: Server, now: () => UnixSeconds) {
    this.#server = server;
    this.#now = now;
  }

  static async start(now: () => UnixSeconds): Promise<Cosigners> {
    const server = createServer();
    const cosigners = new Cosigners(server, now);
    cosigners.#serve();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return cosigners;
  }

  #serve(): void {
    const log = makeVerifierKey(
      "ed25519",
      ORIGIN,
      nodeSuite.publicKeyOf(seedOf(`${ORIGIN} ed25519`)),
      nodeSuite,
    );
    const byPath = new Map(
      this.policy.witnesses.map(({ name, key }) => {
        let state: Uint8Array | null = null;
        const cosigner = new Cosigner({
          signer: makeSigner("cosignature", key.name, seedOf(`${key.name} cosignature`), nodeSuite),
          logs: [log],
          storeFor: () => ({
            load: () => Promise.resolve(state),
            save: (bytes) => {
              state = bytes;
              return Promise.resolve();
            },
          }),
          clock: { now: this.#now },
          suite: nodeSuite,
        });
        return [`/${name}/add-checkpoint`, { name, cosigner }] as [
          string,
          { name: string; cosigner: Cosigner },
        ];
      }),
    );
    this.#server.on("request", (request, response) => {
      const found = byPath.get(request.url ?? "");
      if (found === undefined || this.down.has(found.name)) return void response.destroy();
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        if (this.hanging.has(found.name)) {
          response.on("close", () => this.givenUp.add(found.name));
          return;
        }
        void found.cosigner.addCheckpoint(Buffer.concat(chunks)).then(({ status, contentType, body }) => {
          response.writeHead(status, { "content-type": contentType }).end(body);
        });
      });
    });
  }

  get addresses(): { vkey: string; url: string }[] {
    const { port } = this.#server.address() as AddressInfo;
    return this.policy.witnesses.map(({ name, key }) => ({
      vkey: formatVkey(key),
      url: `http://127.0.0.1:${port}/${name}`,
    }));
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

export class TestServer {
  readonly directory: string;
  readonly cosigners: Cosigners;
  readonly supervisor: Supervisor;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #ports = new Map<string, number>();

  private constructor(
    directory: string,
    cosigners: Cosigners,
    supervisor: Supervisor,
    environment: Readonly<Record<string, string>>,
  ) {
    this.directory = directory;
    this.cosigners = cosigners;
    this.supervisor = supervisor;
    this.#environment = environment;
  }

  /** On a replay clock that shows noon of {@link DAY}. `postgres` "own": one in the server's directory, run by the server. */
  static async start(
    environment: Readonly<Record<string, string>> = {},
    members: Readonly<Record<string, unknown>> = {},
    postgres: "shared" | "own" = "shared",
  ): Promise<TestServer> {
    const url = postgres === "own" || "DATABASE_URL" in environment ? null : await newDatabase();
    const directory = mkdtempSync(join(tmpdir(), "server-test-"));
    const supervisor = new Supervisor({ replayFrom: onDay(DAY, 12), tickMilliseconds: 120_000 });
    const cosigners = await Cosigners.start(() => supervisor.at as UnixSeconds);
    const server = new TestServer(
      directory,
      cosigners,
      supervisor,
      url === null ? environment : { ...environment, DATABASE_URL: url },
    );
    await server.#writeKeys();
    const config = {
      clock: "replay",
      deployment: DEPLOYMENT,
      port: await freePort(),
      workFactor: 4,
      registration: "open",
      policy: POLICY,
      cosigners: cosigners.addresses,
      ...members,
    };
    writeFileSync(join(directory, "config.json"), JSON.stringify(config));
    await server.run();
    return server;
  }

  /** The fixture's secrets where the server looks for its own, so that the fixture's charters are this server's. */
  async #writeKeys(): Promise<void> {
    await createPassphrase(this.directory);
    const passphrase = await readPassphrase(this.directory);
    const store = await SecretStore.open(join(this.directory, "secrets"), { passphrase, workFactor: 4 });
    const seeds = {
      version: 1,
      provider: hex(seedOf("Provider")),
      xwing: hex(seedOf("xwing Provider")),
      intake: hex(seedOf("Intake")),
      log: hex(seedOf(`${ORIGIN} ed25519`)),
    };
    await store.write("keys", utf8(JSON.stringify(seeds)));
  }

  async run(): Promise<void> {
    await this.supervisor.start({
      name: "server",
      entry: ENTRY,
      directory: this.directory,
      environment: this.#environment,
    });
  }

  /** Starts, or starts again, a process in front of this one, in a directory of its own below it. */
  async runFront(name: string): Promise<void> {
    const directory = join(this.directory, name);
    mkdirSync(directory, { recursive: true });
    // The port of its first start is kept, as clients know it.
    const port = this.#ports.get(name) ?? (await freePort());
    const config = {
      clock: "replay",
      name,
      deployment: DEPLOYMENT,
      port,
      registration: "open",
      role: "front",
      primary: this.url,
      streams: { sessionSeconds: 1 },
    };
    writeFileSync(join(directory, "config.json"), JSON.stringify(config));
    await this.supervisor.start({ name, entry: ENTRY, directory, environment: this.#environment });
    this.#ports.set(name, this.supervisor.port(name));
  }

  urlOf(name: string): string {
    return `http://127.0.0.1:${this.#ports.get(name) ?? this.supervisor.port(name)}`;
  }

  get url(): string {
    return `http://127.0.0.1:${this.supervisor.port("server")}`;
  }

  get now(): UnixSeconds {
    return this.supervisor.at as UnixSeconds;
  }

  client(url: string = this.url): ServerClient {
    return new ServerClient({ url });
  }

  /** Logs the fixture's charter, once. */
  async charter(kind: "court" | "house" = "court"): Promise<Charter> {
    const document = await signedCharter(charterDocument(kind));
    await this.client().appendEntry(formatEntry({ type: "charter", document }));
    return await charterOf(kind);
  }

  /** Logs the fixture's keys of a month, {@link DAY}'s if none is named. */
  async keys(charter: Charter, period: Period = periodOf(DAY)): Promise<void> {
    const document = await signedKeys(keysDocument(charter, period));
    await this.client().appendEntry(formatEntry({ type: "keys", document }));
  }

  /** Entries of the log from an index to before another, as its files have them. */
  async entries(from: number, to: number): Promise<Uint8Array[]> {
    const response = await fetch(`${this.url}/log/${entriesPath(0, to)}`);
    return parseEntries(new Uint8Array(await response.arrayBuffer()), to).slice(from);
  }

  async admin(command: string, members: Record<string, string | number | string[]> = {}): Promise<unknown> {
    return await callAdmin(this.directory, { command, ...members });
  }

  /** As a crash would: PostgreSQL is left to its own devices. */
  async kill(): Promise<void> {
    await this.supervisor.kill("server");
  }

  async tick(at: number): Promise<void> {
    await this.supervisor.tick(unixSeconds(at));
  }

  /** For what another version of the server left in its database, and what lies there. */
  async query(text: string, values: readonly unknown[]): Promise<readonly Record<string, unknown>[]> {
    const client = new Client({ connectionString: this.#environment["DATABASE_URL"] });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(text, [...values])).rows;
    } finally {
      await client.end();
    }
  }

  /** What the server tells its operator at this moment; for one that was started with `metrics` on port 0. */
  async figures(): Promise<string> {
    const ready = this.logText.split("\n").findLast((line) => line.includes('"metrics-ready"')) ?? "";
    const { port } = JSON.parse(ready) as { port: number };
    return await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  }

  get logText(): string {
    return readFileSync(join(this.directory, "server.log"), "utf8");
  }

  async stop(): Promise<void> {
    await this.supervisor.stopAll();
    this.cosigners.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
