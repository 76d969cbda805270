import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { fileStorage } from "../../../packages/client/src/file-storage.ts";
import { runChurn } from "../../../packages/client/test/churn.ts";
import { nodeMlsSuite } from "../../../packages/mls/src/node-provider.ts";
import { ORIGIN, TestServer } from "./deployment.ts";

const seed = Number(process.env["CHURN_SEED"] ?? 7);

test(`DEL-13, DEL-29, DEL-33: 500 random steps on a real server: nobody lost, nobody extra reads, seed ${seed}`, async () => {
  const directory = mkdtempSync(join(tmpdir(), "churn-"));
  const server = await TestServer.start();
  const suite = await nodeMlsSuite();
  const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
  try {
    const report = await runChurn(
      {
        audience: ORIGIN,
        now: () => server.now,
        setNow: (now) => server.tick(now),
        context: async (storage) => ({
          server: server.client(),
          storage,
          clock: { now: () => server.now },
          random,
          suite,
          charters: null,
        }),
        storage: (device) => fileStorage({ directory: join(directory, device), key: random(32) }),
      },
      { seed, steps: 500 },
    );
    console.log(`churn on a real server: ${JSON.stringify(report)}`);
    expect(report.read).toBeGreaterThan(report.sent);
  } finally {
    await server.stop();
    rmSync(directory, { recursive: true });
  }
}, 3_600_000);
