import { PublicLog, serveSite } from "@porchlight/public-log";
import { startProgram } from "@porchlight/runtime";
import { nodeSuite } from "@porchlight/tlog/node";
import { httpLogSource } from "@porchlight/wire";
import { type PublicLogConfig, readConfig } from "./config.ts";

startProgram<PublicLogConfig>({
  name: "public-log",
  configure: readConfig,
  main: async ({ config, directory, clock, log, onTime }) => {
    const site = await PublicLog.open({
      source: httpLogSource({ url: config.log.replace(/\/+$/, "") }),
      policy: config.policy,
      directory,
      clock,
      suite: nodeSuite,
    });
    const served = await serveSite(site, config, (event, error) => log.failure(event, error));
    const look = (): void => void site.look().catch((error: unknown) => log.failure("look-failed", error));
    // The first look may take long; until then the pages say that it is under way.
    look();
    onTime(look);
    return { port: served.port, stop: served.close };
  },
});
