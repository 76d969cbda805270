import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "../apps/cli/src/program.ts";
import { TestServer } from "../apps/server/test/deployment.ts";
import { newcomer, publishKeys } from "../apps/server/test/homes.ts";
import { parseInvitation } from "../packages/client/src/index.ts";

let server: TestServer;
let directory: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "invitation-"));
  server = await TestServer.start({}, { registration: "invitation" });
  await publishKeys(server, await server.charter());
});
afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** The command line in this process: what it wrote, once it ended well. */
async function porchlight(...argv: string[]): Promise<string> {
  let out = "";
  let error = "";
  const code = await run(argv, {
    interactive: false,
    confirm: () => Promise.resolve(false),
    out: (text) => {
      out += text;
    },
    error: (text) => {
      error += text;
    },
  });
  process.exitCode = 0;
  expect(code, error).toBe(0);
  return out;
}

test("ACC-10, ACC-12, ACC-81: porchlight invite makes a link and a QR code, member init comes in with it, once", async () => {
  const dir = ["--dir", server.directory];
  const shown = await porchlight("invite", ...dir, "--url", "https://chat.example.org");
  const link = /https:\/\/chat\.example\.org\/join#\S+/.exec(shown)?.[0] ?? "";
  const secret = parseInvitation(link);
  // The QR code: lines of half blocks, as wide as each other.
  const blocks = shown.split("\n").filter((line) => /^[ ▀▄█]+$/.test(line) && line.trim() !== "");
  expect(blocks.length).toBeGreaterThan(15);
  expect(new Set(blocks.map((line) => line.length)).size).toBe(1);

  const place = ["--url", server.url, "--dir", join(directory, "ada")];
  const made = await porchlight("member", "init", "--json", ...place, "--invitation", link);
  const { account } = JSON.parse(made) as { account: string };
  await expect(newcomer(server, { invitation: secret })).rejects.toMatchObject({
    refusal: "invitation-refused",
  });
  expect(server.logText).not.toContain(link.replace(/^.*#/, ""));

  await porchlight("role", "set", "--account", account, "--role", "moderator", ...dir);
  expect(await porchlight("role", "audit", ...dir)).toMatch(/member to moderator\s+\(operator\)/);
});
