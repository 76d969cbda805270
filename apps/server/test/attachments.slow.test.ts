import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { ORIGIN, TestServer } from "./deployment.ts";

const SENDER = fileURLToPath(new URL("./send-file.ts", import.meta.url));

function peakMegabytes(pid: number): number {
  return Number(/VmHWM:\s+([0-9]+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
}

test("ATT-10: a gigabyte up and down; memory grows on neither side", { timeout: 600_000 }, async () => {
  const server = await TestServer.start();
  const folder = mkdtempSync(join(tmpdir(), "gigabyte-"));
  try {
    const send = async (size: number) => {
      const run = promisify(execFile);
      const { stdout } = await run(process.execPath, [
        SENDER,
        server.url,
        ORIGIN,
        String(server.now),
        String(size),
        folder,
      ]);
      return JSON.parse(stdout) as {
        same: boolean;
        upSeconds: number;
        downSeconds: number;
        peakMegabytes: number;
      };
    };
    const pid = Number(/"event":"ready".*"pid":([0-9]+)/.exec(server.logText)?.[1]);
    const small = await send(20_000_000);
    const before = peakMegabytes(pid);
    const large = await send(2 ** 30);
    const after = peakMegabytes(pid);
    console.log(
      `1 GiB: up ${large.upSeconds.toFixed(1)} s, down ${large.downSeconds.toFixed(1)} s; ` +
        `client ${small.peakMegabytes.toFixed(0)} → ${large.peakMegabytes.toFixed(0)} MB, ` +
        `server ${before.toFixed(0)} → ${after.toFixed(0)} MB`,
    );
    expect(small.same && large.same).toBe(true);
    expect(large.peakMegabytes - small.peakMegabytes).toBeLessThan(150);
    expect(after - before).toBeLessThan(150);
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true });
  }
});
