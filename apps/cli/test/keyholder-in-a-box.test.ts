// docs/keyholder-in-a-box.md, followed to the letter as far as an ordinary process can: same commands, other directories.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { formatVkey, makeSigner } from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import { afterEach, beforeEach, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const LOG = formatVkey(
  makeSigner("ed25519", "log.chat.example.org", new Uint8Array(32).fill(7), nodeSuite).key,
);

let directory: string;
let keyholder: ChildProcess | null = null;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "box-test-"));
});
afterEach(async () => {
  if (keyholder !== null && keyholder.exitCode === null) {
    keyholder.kill("SIGTERM");
    await once(keyholder, "exit");
  }
  rmSync(directory, { recursive: true, force: true });
});

/** Commands of a section of the page, one line each. */
function commandsOf(section: string): string[] {
  const page = readFileSync(join(ROOT, "docs/keyholder-in-a-box.md"), "utf8");
  const text = page.slice(page.indexOf(`## ${section}`)).split("\n## ")[0] ?? "";
  const code = text.split("\n").filter((line) => line.startsWith("    "));
  return code
    .join("\n")
    .replaceAll("\\\n", " ")
    .split("\n")
    .map((line) => line.trim());
}

/** What needs root or systemd; the rest is run as it stands. */
const NEEDS_ROOT = /^(?:useradd|chown|ln -s|systemctl|cp )|^install -d -o/;

function here(command: string, words: Readonly<Record<string, string>>): string {
  const moved = command
    .replaceAll("/var/lib/porchlight", `${directory}/var`)
    .replaceAll("/etc/porchlight", `${directory}/etc`);
  return Object.entries(words).reduce(
    (text, [word, value]) => text.replaceAll(` ${word}`, ` ${value}`),
    moved,
  );
}

function sh(command: string): { status: number | null; out: string } {
  const bin = join(directory, "bin");
  if (!existsSync(bin)) {
    mkdirSync(bin);
    const shim = join(bin, "porchlight");
    writeFileSync(shim, `#!/bin/sh\nexec ${process.execPath} ${ROOT}/apps/cli/src/main.ts "$@"\n`);
    chmodSync(shim, 0o755);
  }
  const path = `${bin}:${process.env["PATH"] ?? ""}`;
  // Not blocking: the provider's server is in this very process.
  const done = spawnSync("sh", ["-c", command], {
    encoding: "utf8",
    env: { NODE_COMPILE_CACHE: join(ROOT, "node_modules/.cache/compile"), ...process.env, PATH: path },
  });
  return { status: done.status, out: `${done.stdout}${done.stderr}` };
}

test("the page's commands set a keyholder up, and it says what the charter needs of it", async () => {
  // Something that listens and knows nothing, as a provider's server before its first start.
  const server = createServer((_request, response) => response.writeHead(404).end());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const words = {
    NAME: "ombudsman",
    DEPLOYMENT: "chat.example.org",
    SERVER: `http://127.0.0.1:${port}`,
    LOGKEY: `'${LOG}' --port 0`,
  };
  mkdirSync(join(directory, "var"));
  const first = commandsOf("1. Set up").filter((command) => !NEEDS_ROOT.test(command));
  expect(first.some((command) => command.includes("porchlight keyholder setup"))).toBe(true);
  for (const command of first) {
    const { status, out } = sh(here(command, words));
    expect({ command, status, out: status === 0 ? "" : out }).toEqual({ command, status: 0, out: "" });
  }
  const state = join(directory, "var", "keyholder");
  // The passphrase stays where root keeps it, and nobody else reads what was made.
  expect(readdirSync(state)).toEqual(["config.json"]);
  for (const path of [join(state, "config.json"), join(directory, "etc", "keyholder.passphrase")]) {
    expect(statSync(path).mode & 0o077).toBe(0);
  }
  const again = sh(here(first.at(-1) as string, words));
  expect(again.status).toBe(2);
  expect(again.out).toContain("is there already");

  // What the unit of section 2 starts, with what it gives to it.
  const unit = readFileSync(join(ROOT, "deploy/porchlight-keyholder.service"), "utf8");
  const exec = /^ExecStart=(.*)$/m.exec(unit)?.[1]?.split(" ") ?? [];
  expect(exec[2]).toBe("/var/lib/porchlight/keyholder/config.json");
  keyholder = spawn(process.execPath, [join(ROOT, exec[1] as string), join(state, "config.json")], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, PORCHLIGHT_PASSPHRASE_FILE: join(directory, "etc", "keyholder.passphrase") },
  });
  await expect
    .poll(() => existsSync(join(state, "public.json")) && existsSync(join(state, "port")))
    .toBe(true);
  const [publish] = commandsOf("2. Start").filter((command) => !NEEDS_ROOT.test(command));
  const { status, out } = sh(here(publish as string, {}));
  expect(status).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ name: "ombudsman.chat.example.org" });
  expect(sh(here("porchlight keyholder list --dir /var/lib/porchlight/keyholder", {})).out).toContain(
    "no orders",
  );
  server.close();
  server.closeAllConnections();
});

test("a wrong letter in the log's key, another deployment's key and a bare address are told, and nothing is made", () => {
  const run = (log: string, server: string) =>
    sh(
      `porchlight keyholder setup --dir ${directory}/k --name ombudsman --deployment chat.example.org --server ${server} --log '${log}'`,
    );
  const other = LOG.replace("chat.", "chat2.");
  const wrong = `${LOG.slice(0, -2)}${LOG.endsWith("A=") ? "B=" : "A="}`;
  for (const [log, server, words] of [
    [other, "https://chat.example.org", "Expected the log's key"],
    [wrong, "chat.example.org", "Expected the log's key|begins with https"],
    [LOG, "chat.example.org", "begins with https"],
  ] as const) {
    const { status, out } = run(log, server);
    expect(status).toBe(2);
    expect(out).toMatch(new RegExp(words));
  }
  expect(existsSync(join(directory, "k", "config.json"))).toBe(false);
});

const analyze = spawnSync("systemd-analyze", ["--version"]).status === 0;
if (!analyze) console.log("skipped: the units, since systemd-analyze is not installed");
test.skipIf(!analyze)("the units are understood by systemd, and are as closed as they say", () => {
  const units = readdirSync(join(ROOT, "deploy")).filter((name) => name.endsWith(".service"));
  expect(units).toHaveLength(4);
  const paths = units.map((name) => {
    // Its programs have to be there: they are, in this checkout.
    const text = readFileSync(join(ROOT, "deploy", name), "utf8").replaceAll(
      "/opt/porchlight",
      ROOT.replace(/\/$/, ""),
    );
    const path = join(directory, name.replace("@.", "@1."));
    writeFileSync(path, text);
    return path;
  });
  const verified = spawnSync("systemd-analyze", ["verify", "--man=no", ...paths], { encoding: "utf8" });
  expect({ status: verified.status, said: verified.stderr }).toEqual({ status: 0, said: "" });
  for (const path of paths) {
    const exposure = spawnSync("systemd-analyze", ["security", "--offline=true", "--threshold=20", path], {
      encoding: "utf8",
    });
    expect(exposure.status).toBe(0);
  }
});
