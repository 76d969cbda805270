import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HOLDER, hold, pathOf, postmaster } from "./holder.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "pg-test-"));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

const root = process.getuid?.() === 0;
if (!root) console.log("skipped: running PostgreSQL as nobody, since this is not run as root");
test.skipIf(!root)(
  "DEL-6: root without user namespaces runs a copy as nobody, or is told what to do",
  async () => {
    chmodSync(directory, 0o711);
    const state = join(directory, "state");
    const path = pathOf(directory, "test", "chown", "id");
    const holder = await hold(state, path);
    const status = readFileSync(`/proc/${postmaster(state)}/status`, "utf8");
    expect(/^Uid:\s+65534\s/m.test(status)).toBe(true);
    holder.kill("SIGKILL");
    await once(holder, "exit");
    chmodSync(directory, 0o700);
    const refused = spawnSync(process.execPath, [HOLDER, join(directory, "state")], {
      env: { ...process.env, PATH: path },
      encoding: "utf8",
      timeout: 60_000,
    });
    expect(refused.status).not.toBe(0);
    expect(refused.stderr).toContain("DATABASE_URL");
  },
);
