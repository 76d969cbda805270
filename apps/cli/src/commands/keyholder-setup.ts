import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { createPassphrase, passphrasePath, readPassphrase, writeFileDurable } from "@porchlight/durable";
import type { JsonObject } from "@porchlight/encoding";
import { callAdmin } from "@porchlight/runtime";
import { parseVkey, TlogError } from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import { ServerClient } from "@porchlight/wire";
import { type Command, InvalidArgumentError } from "commander";
import { CommandError, EXIT } from "../exit-code.ts";
import { action, formatRows, type Outcome, type Streams } from "../terminal.ts";

type Options = {
  readonly dir: string;
  readonly name: string;
  readonly deployment: string;
  readonly server: string;
  readonly log: string;
  readonly port: string;
  readonly host: string;
};

function logKey(text: string): string {
  try {
    if (parseVkey(text, nodeSuite).type === "ed25519") return text;
  } catch (error) {
    if (!(error instanceof TlogError)) throw error;
  }
  throw new InvalidArgumentError("Expected the log's key, log.DEPLOYMENT+… as the provider printed it.");
}

function portNumber(text: string): string {
  if (/^[0-9]{1,5}$/.test(text) && Number(text) <= 65_535) return text;
  throw new InvalidArgumentError("Expected a port, 0 to 65535.");
}

/** The first hour of a keyholder: a directory, and what the provider needs of it. docs/keyholder-in-a-box.md */
export function registerKeyholderSetup(keyholder: Command, streams: Streams): void {
  action(
    keyholder
      .command("setup")
      .description("make a new keyholder's directory, with its configuration and its passphrase")
      .requiredOption(
        "--name <name>",
        "what the keyholder is called in this deployment, for instance ombudsman",
      )
      .requiredOption(
        "--deployment <name>",
        "the deployment, from the provider, for instance chat.example.org",
      )
      .requiredOption("--server <url>", "the provider's address, https://…")
      .requiredOption("--log <key>", "the key of the provider's log, on paper or by telephone", logKey)
      .option("--port <port>", "where this keyholder listens", portNumber, "7401")
      .option("--host <address>", "the address that it listens on; 0.0.0.0 for a container", "127.0.0.1")
      .requiredOption("--dir <dir>", "its directory, made by this command"),
    streams,
    setUp,
  );

  action(
    keyholder
      .command("public")
      .description("the public keys of the running keyholder, for the provider's draft of the charter")
      .requiredOption("--dir <dir>", "the directory of the running keyholder"),
    streams,
    async ({ dir }: { dir: string }) => {
      const answer = await callAdmin(dir, { command: "public" });
      return { text: JSON.stringify(answer, null, 2), json: { public: answer } };
    },
  );
}

async function setUp(options: Options): Promise<Outcome> {
  const { name, deployment, server, log } = options;
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(name)) {
    throw new CommandError(EXIT.usage, "usage", "--name has small letters, digits and hyphens");
  }
  if (!log.startsWith(`log.${deployment}+`)) {
    throw new CommandError(
      EXIT.usage,
      "usage",
      `--log is not the key of log.${deployment}: compare both again`,
    );
  }
  if (!/^https?:\/\/[\x21-\x7e]+$/.test(server)) {
    throw new CommandError(
      EXIT.usage,
      "usage",
      "--server is an address that begins with https:// (or http://)",
    );
  }
  const dir = resolve(options.dir);
  const path = join(dir, "config.json");
  if (existsSync(path)) {
    throw new CommandError(EXIT.usage, "exists", `${path} is there already: a keyholder is set up once`);
  }
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await createPassphrase(dir);
  await readPassphrase(dir);
  const config: JsonObject = {
    clock: "system",
    name,
    deployment,
    port: Number(options.port),
    ...(options.host === "127.0.0.1" ? {} : { host: options.host }),
    server: server.replace(/\/+$/, ""),
    log,
    batches: "daily",
  };
  await writeFileDurable(path, `${JSON.stringify(config, null, 2)}\n`);
  const reached = await reach(server, deployment);
  const rows = [
    { term: "Directory", text: dir },
    { term: "Passphrase", text: `${passphrasePath(dir)}: write it down on paper and lock that away` },
    { term: "Provider", text: reached },
    { term: "Next", text: `start it; then: porchlight keyholder public --dir ${options.dir}` },
  ];
  return { text: formatRows(rows), json: { dir, config, provider: reached } };
}

/** Whether the provider's server is there, and is of that deployment: it tells so to whoever would log in. */
async function reach(url: string, deployment: string): Promise<string> {
  try {
    const client = new ServerClient({ url, timeoutSeconds: 10 });
    await client.health();
    const note = await client.checkpoint().catch(() => null);
    if (note === null) return "answers; its log has no witnessed checkpoint yet";
    return note.startsWith(`log.${deployment}\n`)
      ? "answers, and its log is this deployment's"
      : "answers, but its log is another deployment's: compare --deployment and --server with the provider's letter";
  } catch {
    return "does not answer at the moment: check --server and this machine's network; the keyholder will keep trying";
  }
}
