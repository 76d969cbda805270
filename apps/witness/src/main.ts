import { join } from "node:path";
import { lockDirectory, makeDirectory, readFileOrNull, writeFileDurable } from "@porchlight/durable";
import { listen, startProgram } from "@porchlight/runtime";
import { nodeSuite } from "@porchlight/tlog/node";
import { Cosigner, type StateStore } from "@porchlight/wire";
import { readConfig, type WitnessConfig } from "./config.ts";
import { loadSigner } from "./identity.ts";
import { witnessRoutes } from "./routes.ts";

function fileStore(path: string): StateStore {
  return { load: () => readFileOrNull(path), save: (state) => writeFileDurable(path, state) };
}

startProgram<WitnessConfig>({
  name: "witness",
  configure: readConfig,
  main: async ({ config, directory, clock, log }) => {
    // Two processes on one state would roll each other's trees back.
    const lock = lockDirectory(directory);
    const signer = await loadSigner(directory, `${config.name}.${config.deployment}`, config.workFactor);
    const trees = join(directory, "trees");
    await makeDirectory(trees);
    const cosigner = new Cosigner({
      signer,
      logs: config.logs,
      storeFor: (originHash) => fileStore(join(trees, originHash)),
      clock,
      suite: nodeSuite,
    });
    const app = witnessRoutes(cosigner, (event, error) => log.failure(event, error));
    const port = await listen(app, config.port, config.host);
    return {
      port,
      stop: async () => {
        await app.close();
        lock.release();
      },
    };
  },
});
