import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { unixSeconds, utf8 } from "@porchlight/encoding";
import { parseVkey, type TreeSize, treeSize, type VerifierKey, verifyNote } from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import { WitnessClient } from "@porchlight/wire";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../../../packages/runtime/test/free-port.ts";

// Debian's package torchwood (filippo.io/torchwood); it keeps its key in an ssh-agent.
const programs = ["litewitness", "witnessctl", "ssh-agent", "ssh-add", "ssh-keygen"];
const missing = programs.filter((name) => spawnSync("sh", ["-c", `command -v ${name}`]).status !== 0);
if (missing.length > 0) {
  console.log(
    `SKIPPED litewitness: needs ${missing.join(", ")} on the PATH (Debian: torchwood openssh-client)`,
  );
}

const vectors = JSON.parse(readFileSync(new URL("../../../vectors/tlog.json", import.meta.url), "utf8")) as {
  witness: {
    logs: string[];
    requests: { description: string; body: string; status: number; answer: string }[];
  };
};
const [logVkey = ""] = vectors.witness.logs;
const ORIGIN = logVkey.slice(0, logVkey.indexOf("+"));

/** Not sent, since it answers otherwise, and why; what it cosigned would no longer be the vectors' tree. */
const NOT_SENT = new Map([
  ["a tree of size zero with another root", "litewitness 0.9 is older than this rule of tlog-witness"],
  ["a proof where none is needed", "the same"],
  ["leading zero in the old size", "litewitness 0.9 reads over it; tlog-witness forbids it"],
  ["extension lines", "C2SP allows them, TLOG-6 does not"],
]);

describe.skipIf(missing.length > 0)("torchwood's litewitness", () => {
  const directory = mkdtempSync(join(tmpdir(), "porchlight-lite-"));
  const at = (name: string): string => join(directory, name);
  const children: ChildProcess[] = [];
  let url = "";
  let key: VerifierKey<"cosignature">;

  function must(program: string, ...parameters: string[]): string {
    const { status, stdout, stderr } = spawnSync(program, parameters, {
      encoding: "utf8",
      env: { ...process.env, SSH_AUTH_SOCK: at("agent") },
    });
    expect(status, stderr).toBe(0);
    return stdout;
  }

  function background(program: string, ...parameters: string[]): ChildProcess {
    const child = spawn(program, parameters, { stdio: ["ignore", "pipe", "pipe"] });
    children.push(child);
    return child;
  }

  beforeAll(async () => {
    must("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", at("key"), "-C", "test");
    background("ssh-agent", "-D", "-a", at("agent"));
    while (!existsSync(at("agent"))) await pause(20);
    must("ssh-add", at("key"));
    const fingerprint = must("ssh-keygen", "-lf", at("key.pub")).split(" ")[1] as string;
    must("witnessctl", "add-log", "-db", at("db"), "-origin", ORIGIN);
    must("witnessctl", "add-key", "-db", at("db"), "-origin", ORIGIN, "-key", logVkey);
    // litewitness does not tell which port it took of its own.
    const port = await freePort();
    const place = ["-db", at("db"), "-ssh-agent", at("agent"), "-listen", `127.0.0.1:${port}`];
    const lite = background("litewitness", ...place, "-key", fingerprint, "-name", "lite.example");
    let output = "";
    for (const stream of [lite.stdout, lite.stderr]) {
      stream?.on("data", (text: Buffer) => {
        output += text.toString("utf8");
      });
    }
    url = `http://127.0.0.1:${port}`;
    // It says "listening" before it does.
    while (!(await fetch(url).catch(() => null))?.ok) await pause(20);
    key = parseVkey(/vkey=(\S+)/.exec(output)?.[1] ?? "") as VerifierKey<"cosignature">;
  });

  afterAll(async () => {
    for (const child of children.toReversed()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill("SIGTERM");
      await once(child, "exit");
    }
    rmSync(directory, { recursive: true, force: true });
  });

  test("TLOG-18: it answers every request of our vectors with our own status", async () => {
    for (const { description, body, status, answer } of vectors.witness.requests) {
      if (NOT_SENT.has(description)) continue;
      const response = await fetch(`${url}/add-checkpoint`, { method: "POST", body });
      const text = await response.text();
      expect(response.status, `${description}: ${text}`).toBe(status);
      if (status === 409) {
        expect([response.headers.get("content-type"), text]).toEqual(["text/x.tlog.size", answer]);
      }
      if (status === 200) {
        const note = body.slice(body.indexOf("\n\n") + 2);
        expect(verifyNote(note + text, [key], nodeSuite).signatures).toHaveLength(1);
      }
    }
  });

  test("TLOG-18: our client gets its cosignature", async () => {
    const growth = vectors.witness.requests.find(({ description }) => description === "growth")?.body ?? "";
    const note = growth.slice(growth.indexOf("\n\n") + 2);
    const prove = async (oldSize: TreeSize): Promise<Uint8Array[]> => {
      expect(oldSize).toBe(300);
      return [];
    };
    const started = unixSeconds(Math.floor(Date.now() / 1000));
    const cosigned = await new WitnessClient(key, { url }).cosign(note, treeSize(300), prove);
    const [signature] = verifyNote(cosigned, [key], nodeSuite).signatures;
    expect(signature?.time).toBeGreaterThanOrEqual(started);
    expect(utf8(cosigned).length).toBeGreaterThan(note.length);
  });
});
